"""Simulated trajectories: the five models, the named recipes, a stream for training."""

from skandi.simulate.heldout import (
    HELDOUT,
    directed,
    ornstein_uhlenbeck,
    run_and_tumble,
    switching_diffusivity,
    switching_models,
)
from skandi.simulate.mixture import mixture
from skandi.simulate.models import simulate
from skandi.simulate.noise import with_noise
from skandi.simulate.randomness import as_generator
from skandi.simulate.recipes import RECIPES, andi_tracks, make_andi
from skandi.simulate.stream import StreamBatch, TrajectoryStream

__all__ = [
    "HELDOUT",
    "RECIPES",
    "StreamBatch",
    "TrajectoryStream",
    "andi_tracks",
    "as_generator",
    "directed",
    "make_andi",
    "mixture",
    "ornstein_uhlenbeck",
    "run_and_tumble",
    "simulate",
    "switching_diffusivity",
    "switching_models",
    "with_noise",
]
