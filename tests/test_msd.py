"""Mean squared displacements and D_alpha: the definition, the law, units."""

import numpy as np
import pytest

from skandi.errors import TrajectoryError
from skandi.msd import fit_msd, generalised_diffusion, max_lag_of, time_averaged_msd
from skandi.simulate import simulate


def test_msd__definition__is_written_out():
    x = np.random.default_rng(0).normal(size=(12, 3))
    expected = [
        np.mean([np.sum((x[t + lag] - x[t]) ** 2) for t in range(12 - lag)]) for lag in range(1, 5)
    ]
    np.testing.assert_allclose(time_averaged_msd(x, 4), expected)
    np.testing.assert_allclose(
        time_averaged_msd(np.stack([x, 2 * x]), 4)[1], 4 * np.array(expected)
    )


def test_msd__lags_beyond_the_track__are_missing():
    assert np.isnan(time_averaged_msd(np.zeros((3, 1)), 4)).tolist() == [False, False, True, True]


@pytest.mark.parametrize("alpha", [0.4, 1.0, 1.6])
@pytest.mark.parametrize("sigma", [0.0, 0.7], ids=["exact", "noisy"])
def test_diffusion__known_tracks_in_any_unit__is_right_on_average(alpha, sigma):
    """Steps of variance 2 D dt^α per axis, in µm and s, with localisation noise."""
    D, dt = 0.3, 0.05
    x = simulate("fbm", alpha, 1500, 60, 2, random_state=1)
    x = (x + sigma * np.random.default_rng(0).normal(size=x.shape)) * np.sqrt(2 * D * dt**alpha)
    found = generalised_diffusion(list(x), np.full(1500, alpha), dt)
    ratio = np.nan_to_num(found) / D  # tracks that seem not to spread count as 0
    assert ratio.mean() == pytest.approx(1, abs=0.04 if np.isfinite(found).all() else 0.08)


def test_diffusion__ragged_tracks__each_has_its_own():
    x = [simulate("fbm", 1.0, 1, T, 2, random_state=T)[0] for T in (50, 20, 50, 31)]
    together = generalised_diffusion(x, [1.0, 0.8, 0.5, 1.2], 2.0)
    alone = [
        generalised_diffusion([track], [alpha], 2.0)[0]
        for track, alpha in zip(x, [1.0, 0.8, 0.5, 1.2])
    ]
    np.testing.assert_allclose(together, alone)


def test_diffusion__what_has_no_answer__is_missing():
    rng = np.random.default_rng(0)
    noise, walk = rng.normal(size=(400, 2)), rng.normal(size=(400, 2)).cumsum(axis=0)
    zigzag = np.tile([[0.0], [1.0]], (20, 2))
    tracks = [zigzag, walk, walk[:5], np.zeros((40, 2)), walk * 1e200, noise * 0 + 3]
    found = generalised_diffusion(tracks, [1.0, np.nan, 1.0, 1.0, 1.0, 1.0], 1.0)
    assert np.isnan(found).all()
    assert max_lag_of(5) == 1


def test_fit__mean_of_many_tracks__finds_alpha_coefficient_and_noise():
    x = simulate("fbm", 0.7, 3000, 100, 2, random_state=2)
    x += 0.5 * np.random.default_rng(0).normal(size=x.shape)
    times = np.arange(1, 26) * 0.1
    law = fit_msd(times, time_averaged_msd(x, 25).mean(axis=0), n_dims=2)
    assert law.alpha == pytest.approx(0.7, abs=0.03)
    assert law.offset == pytest.approx(4 * 0.5**2, rel=0.1)
    assert law.D_alpha == pytest.approx(0.5 / 0.1**0.7, rel=0.1)


def test_fit__fixed_alpha__stays_and_the_curve_is_the_law():
    times = np.arange(1.0, 6.0)
    law = fit_msd(times, 6 * 2.0 * times**1.3 - 0.1, n_dims=3, alpha=1.3)
    assert (law.alpha, law.n_dims) == (1.3, 3)
    np.testing.assert_allclose([law.D_alpha, law.offset], [2.0, -0.1])
    np.testing.assert_allclose(law(times), 12 * times**1.3 - 0.1)


def test_fit__too_few_lags__is_refused():
    with pytest.raises(TrajectoryError, match="needs 4 lags or more, and there are 3"):
        fit_msd([1, 2, 3], [1.0, 2.0, 3.0], n_dims=1)


@pytest.mark.parametrize(
    "times, msd",
    [
        ([1, 2, 3, 4], [1.0, 2.0, np.nan, 3.0]),
        ([1, 2, 3, 4], [1.0, 2.0, 0.0, 3.0]),
        ([1, 2, 3, 4], [1.0, 2.0, np.inf, 3.0]),
        ([1, 2, 0, 4], [1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_fit__lag_that_cannot_be_used__is_named(times, msd):
    said = f"1 of 4 lags have others, the first at time {times[2]}"
    with pytest.raises(TrajectoryError, match=said):
        fit_msd(times, msd, n_dims=1)


@pytest.mark.parametrize("alpha", [1.0, [1.0, 1.0, 1.0]])
def test_diffusion_coefficient__exponents_that_do_not_match__are_refused(alpha):
    with pytest.raises(TrajectoryError, match="2 trajectories need as many exponents"):
        generalised_diffusion(list(np.zeros((2, 30, 1))), alpha, 1.0)
