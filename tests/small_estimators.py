"""Estimators that train in a moment, and tracks for them."""

import numpy as np

from skandi import AlphaRegressor, ModelClassifier
from skandi.training.stream import StreamTrainer, StreamTraining, export

TINY_WADNET = {"n_layers": 2, "n_filters": 4, "hidden_size": 4, "n_recurrent": 1}
SMALL_MULTISCALE = {
    "channels": [16, 16],
    "recurrent_block": 1,
    "recurrent_size": 8,
    "hidden_size": 16,
}
LABELS = np.array(["ctrw", "fbm", "lw"])


def small(kind, **changes):
    """An unfitted estimator; `kind` is "alpha" or "model", then its network."""
    target, network = kind.split()
    params = TINY_WADNET if network == "wadnet" else SMALL_MULTISCALE
    estimator = AlphaRegressor if target == "alpha" else ModelClassifier
    settings = {"network_params": params, "max_epochs": 2, "random_state": 0, **changes}
    return estimator(network, **settings)


KINDS = ["alpha wadnet", "alpha multiscale", "model wadnet", "model multiscale"]


def ragged(n=24, low=6, high=14, d=2, seed=0):
    """Brownian tracks of four lengths from `low` to `high`: a batch has one length."""
    rng = np.random.default_rng(seed)
    lengths = rng.permutation(np.resize(np.linspace(low, high, 4).astype(int), n))
    return [rng.normal(size=(T, d)).cumsum(axis=0) * 3 + 7 for T in lengths]


def alphas(n=24):
    return np.linspace(0.1, 1.9, n)


def labels(n=24):
    return LABELS[np.arange(n) % 3]


def targets(kind, n=24):
    return alphas(n) if kind.startswith("alpha") else labels(n)


def answers(estimator, X):
    """All the numbers an estimator gives for X, as one array."""
    last = [estimator.transform(X)]
    if hasattr(estimator, "predict_proba"):
        last += [estimator.predict_proba(X)]
    else:
        last += [estimator.predict(X)[:, np.newaxis]]
    return np.hstack(last)


def two_motions(n=120, seed=0):
    """Straight lines in noise and noise alone: a child tells them apart, after some training."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for i in range(n):
        T = (10, 14, 20)[i % 3]
        t = rng.normal(size=(T, 2))
        if i % 2:
            t += 3 * np.outer(np.arange(T), rng.choice([-1, 1], size=2))
        X.append(t)
        y.append("lw" if i % 2 else "fbm")
    return X, np.array(y)


TINY_STREAM = {"channels": (16,) * 5, "recurrent_size": 4, "hidden_size": 16}


def trained(folder, name="tiny", **settings):
    """Weights of two dimensions as `skandi train` writes them, after two steps."""
    common = {"steps": 2, "cooldown": 1, "batch_points": 1_000, "precision": "float32"}
    config = StreamTraining(**{"n_dims": 2, "network": TINY_STREAM, **common, **settings})
    trainer = StreamTrainer(config, folder / name, validation_size=10)
    trainer.run()
    export(trainer, folder / f"{name}.safetensors", test_size=20)
    return folder / f"{name}.safetensors"
