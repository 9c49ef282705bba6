"""Estimators that answer at once, in place of networks."""

import numpy as np

from skandi.diffusion import MODELS


class LengthAsAlpha:
    """Predicts the number of points over 1000, and remembers how many tracks each call had."""

    min_points_ = 10

    def __init__(self):
        self.asked = []

    def predict(self, X):
        self.asked.append(len(X))
        return np.array([len(x) / 1000 for x in X], dtype=np.float32)


class ConstantAlpha:
    """Predicts one value for every track."""

    min_points_ = 10

    def __init__(self, alpha):
        self.alpha = alpha

    def predict(self, X):
        return np.full(len(X), self.alpha, dtype=np.float32)


class LengthAsModel:
    """Is sure that a track of T points is the model T modulo the number of models."""

    min_points_ = 10

    def __init__(self, classes=MODELS):
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        n = len(self.classes_)
        return np.eye(n, dtype=np.float32)[[len(x) % n for x in X]]
