"""Held-out motions: each against the law that defines it."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skandi.errors import RecipeError
from skandi.simulate import (
    HELDOUT,
    directed,
    ornstein_uhlenbeck,
    run_and_tumble,
    switching_diffusivity,
    switching_models,
)
from skandi.simulate.heldout import _share_of_second_state

N = 8000


def msd(tracks, lags):
    """Ensemble mean squared displacement from the origin, and its standard error."""
    squares = (tracks[:, lags] ** 2).sum(axis=2)
    return squares.mean(axis=0), squares.std(axis=0) / np.sqrt(len(tracks))


def check_msd(tracks, lags, expected):
    found, error = msd(tracks, lags)
    assert (np.abs(found - expected) < 5 * error).all(), (found, expected, error)


@pytest.mark.parametrize("name", HELDOUT)
@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize("T", [2, 50])
def test_heldout__every_one__has_shape_and_starts_at_origin(name, n_dims, T):
    tracks = HELDOUT[name](30, T, n_dims, random_state=0)
    assert tracks.shape == (30, T, n_dims)
    assert tracks.dtype == np.float64
    assert np.isfinite(tracks).all()
    assert (tracks[:, 0] == 0).all()
    assert (tracks[:, 1] != 0).any()


@pytest.mark.parametrize("n_dims", [1, 3])
def test_ornstein_uhlenbeck__msd__saturates_as_in_theory(n_dims):
    tracks = ornstein_uhlenbeck(N, 80, n_dims, relaxation_time=7.0, size=2.0, random_state=0)
    lags = np.array([1, 5, 20, 79])
    check_msd(tracks, lags, 2 * n_dims * 4.0 * (1 - np.exp(-lags / 7.0)))


def test_directed__msd__is_diffusive_plus_ballistic():
    tracks = directed(N, 60, 2, speed=0.7, diffusivity=0.3, random_state=0)
    lags = np.array([1, 10, 59])
    check_msd(tracks, lags, 4 * 0.3 * lags + 0.49 * lags**2)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize("run_time", [0.3, 8.0, 500.0])
def test_run_and_tumble__msd__is_that_of_theory(n_dims, run_time):
    tracks = run_and_tumble(N, 60, n_dims, run_time=run_time, speed=2.0, random_state=0)
    lags = np.array([1, 8, 59])
    ratio = lags / run_time
    check_msd(tracks, lags, 2 * 4.0 * run_time**2 * (ratio - 1 + np.exp(-ratio)))


def test_run_and_tumble__one_run__is_a_straight_line():
    tracks = run_and_tumble(5, 60, 3, run_time=1e9, speed=2.0, random_state=0)
    np.testing.assert_allclose(np.linalg.norm(tracks[:, -1], axis=1), 118, rtol=1e-9)


def test_state__share_of_a_frame__follows_the_two_residence_times():
    stay = np.tile([6.0, 2.0], (N, 1))
    share = _share_of_second_state(stay, 41, np.random.default_rng(0))
    assert share.shape == (N, 40)
    assert share.min() >= 0
    assert share.max() <= 1
    # In equilibrium from the first frame to the last.
    margin = 5 * 0.45 / np.sqrt(N)
    assert share[:, 0].mean() == pytest.approx(0.25, abs=margin)
    assert share[:, -1].mean() == pytest.approx(0.25, abs=margin)
    # The correlation of the state decays with rate 1/6 + 1/2.
    centred = share - 0.25
    ratio = (centred[:, :-2] * centred[:, 2:]).mean() / (centred[:, :-1] * centred[:, 1:]).mean()
    assert ratio == pytest.approx(np.exp(-2 / 3), abs=0.03)


def test_switching_diffusivity__displacements__have_the_mean_diffusivity_and_heavy_tails():
    tracks = switching_diffusivity(
        N, 30, diffusivity=(0.1, 2.0), residence_time=(30.0, 10.0), random_state=0
    )
    steps = np.diff(tracks[..., 0], axis=1)
    assert (steps**2).mean() / 2 == pytest.approx(0.25 * 2.0 + 0.75 * 0.1, rel=0.05)
    kurtosis = (steps**4).mean() / (steps**2).mean() ** 2
    assert kurtosis > 5


def test_switching_diffusivity__equal_ones__are_brownian():
    tracks = switching_diffusivity(N, 20, diffusivity=(0.5, 0.5), random_state=0)
    steps = np.diff(tracks[..., 0], axis=1)
    assert (steps**2).mean() == pytest.approx(1, abs=5 * np.sqrt(2 / steps.size))
    assert (steps**4).mean() == pytest.approx(3, abs=5 * np.sqrt(96 / steps.size))


@pytest.mark.parametrize("residence_time, alpha", [((1e9, 0.01), 0.3), ((0.01, 1e9), 1.6)])
def test_switching_models__one_state_only__is_that_model(residence_time, alpha):
    tracks = switching_models(
        2000, 100, models=("fbm", "fbm"), alpha=(0.3, 1.6), residence_time=residence_time,
        random_state=0,
    )  # fmt: skip
    steps = np.diff(tracks[..., 0], axis=1)
    correlation = (steps[:, 1:] * steps[:, :-1]).mean() / (steps**2).mean()
    assert correlation == pytest.approx((2**alpha - 2) / 2, abs=0.05)


def test_parameters__one_per_trajectory__apply_row_by_row():
    size = np.repeat([1.0, 10.0], 500)
    spread = ornstein_uhlenbeck(1000, 50, size=size, random_state=0)[..., 0].std(axis=1)
    assert spread[500:].mean() > 5 * spread[:500].mean()


@pytest.mark.parametrize(
    "motion, arguments, message",
    [
        (ornstein_uhlenbeck, {"relaxation_time": 0}, "relaxation_time must be a number above 0"),
        (ornstein_uhlenbeck, {"size": [1.0, 2.0]}, "size must be"),
        (directed, {"speed": -1}, "speed must be"),
        (run_and_tumble, {"run_time": 1e-4}, "run_time must be a number at least 0.01"),
        (switching_diffusivity, {"diffusivity": 1.0}, "diffusivity takes a pair"),
        (switching_diffusivity, {"residence_time": (1, np.nan)}, "residence_time must be"),
        (switching_models, {"models": ("fbm",)}, "models takes a pair"),
        (switching_models, {"models": ("lw", "fbm"), "alpha": (0.5, 0.5)}, "lw is defined"),
        (directed, {"T": 1}, "T=1"),
    ],
)
def test_heldout__impossible_parameter__is_refused(motion, arguments, message):
    with pytest.raises(RecipeError, match=message):
        motion(**{"n_samples": 5, "T": 10, **arguments})


def test_ornstein_uhlenbeck__relaxation_that_lasts__still_moves():
    tracks = ornstein_uhlenbeck(2_000, 2, relaxation_time=1e17, size=1e8, random_state=0)
    # 2 size² / τ of the first step
    assert_allclose(tracks[:, 1].var(), 2 * 1e16 / 1e17, rtol=0.1)


@pytest.mark.parametrize(
    "make", [
        lambda n: run_and_tumble(n, 1000, run_time=0.01, random_state=0),
        lambda n: switching_diffusivity(n, 1000, residence_time=(0.01, 0.01), random_state=0),
    ],
)  # fmt: skip
def test_switching__many_turns__takes_memory_for_a_part_of_the_tracks(make):
    tracemalloc.start()
    made = make(60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.shape == (60, 1000, 1)
    assert np.isfinite(made).all()
    assert peak < 150e6  # all at once it is some 300 MB and grows with the tracks
