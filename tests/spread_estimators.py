"""Foreign members of ensembles, which answer from the spread of a crop, and tracks for them."""

import threading

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from small_estimators import TINY_WADNET

from skandi import AlphaRegressor
from skandi.simulate import make_andi


class SpreadRegressor(RegressorMixin, BaseEstimator):
    """α is its slope times the spread of the crop it is given."""

    fits = 0
    lock = threading.Lock()

    def __init__(self, power=1.0, random_state=None, fail_at=None):
        self.power = power
        self.random_state = random_state
        self.fail_at = fail_at

    def fit(self, X, y):
        with SpreadRegressor.lock:
            SpreadRegressor.fits += 1
        if self.fail_at is not None and len(X[0]) == self.fail_at:
            raise RuntimeError("no convergence")
        self.n_seen_ = len(X)
        self.slope_ = float(np.mean(y) / np.mean(spread(X) ** self.power))
        return self

    def predict(self, X):
        return self.slope_ * spread(X) ** self.power


class SpreadClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities from the spread alone."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        weights = spread(X)[:, None] ** np.arange(len(self.classes_))
        return weights / weights.sum(axis=1, keepdims=True)


def spread(X):
    return np.array([np.std(np.asarray(t)) for t in X])


def tracks(n, low=10, high=40, seed=0):
    return make_andi(n, length=(low, high), random_state=seed)


def tiny_alpha(**params):
    return AlphaRegressor(**{"network_params": TINY_WADNET, "max_epochs": 1, **params})
