"""Torch modules: z-scored positions (n, d, T) in, outputs (n, n_outputs) out.

They know nothing of files, lengths, labels or scikit-learn. Every network has ``features`` (the
vector a head reads), ``head``, and ``n_features``.
"""

from skandi.networks.multiscale import MultiScaleNet
from skandi.networks.wadnet import WADNet

__all__ = ["MultiScaleNet", "WADNet"]
