"""Torch modules that know nothing of files, labels or scikit-learn.

Networks that answer map z-scored positions (n, d, T) to outputs (n, n_outputs) and have
``features`` (the vector a head reads), ``head``, and ``n_features``. Autoencoders map positions
with displacements of unit variance, (n, d, T), to the same shape, and have ``encode`` and
``decode``.
"""

from skandi.networks.autoencoder import LargeAutoencoder, SmallAutoencoder
from skandi.networks.base import TrajectoryNetwork
from skandi.networks.ensemble import NetworkEnsemble
from skandi.networks.multiscale import MultiScaleNet
from skandi.networks.wadnet import WADNet

__all__ = [
    "LargeAutoencoder",
    "MultiScaleNet",
    "NetworkEnsemble",
    "SmallAutoencoder",
    "TrajectoryNetwork",
    "WADNet",
]
