"""The named recipes: composition, noise, cut, and what happens to Lévy walks of one flight."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import stats

import skandi
from skandi.diffusion import ALPHA_GRID, MODELS
from skandi.errors import MissingExtraError, RecipeError, TrajectoryError
from skandi.simulate import TrajectoryStream, andi_tracks, make_andi, mixture, simulate, with_noise
from skandi.simulate.recipes import andi_batch, draw_labels

TRUTH = Path(skandi.__file__).parents[2] / "shared" / "data" / "andi1_truth"
TRUTH_FILES = {
    ("alpha", 1): "task1_1d_truth_and_team_predictions.csv",
    ("alpha", 2): "task1_2d_truth_and_team_predictions.csv",
    ("alpha", 3): "task1_3d_truth_and_team_predictions.csv",
    ("model", 2): "task2_2d_truth_and_team_labels.csv",
    ("model", 3): "task2_3d_truth_and_team_labels.csv",
}
each_own_recipe = pytest.mark.parametrize("recipe", ["andi-2020", "andi-2020-fixed"])


def p_of_equal_composition(first, second):
    """p value of the χ² test that two columns of classes follow one law."""
    table = pd.crosstab(
        np.concatenate([np.asarray(first), np.asarray(second)]),
        np.repeat([0, 1], [len(first), len(second)]),
    )
    return stats.chi2_contingency(table).pvalue


def cells(model, alpha):
    return np.asarray(model) * 100 + np.round(np.asarray(alpha) * 20).astype(int)


@pytest.fixture(params=TRUTH_FILES, ids=lambda key: f"{key[0]}-{key[1]}d")
def challenge(request):
    task, n_dims = request.param
    path = TRUTH / TRUTH_FILES[task, n_dims]
    if not path.exists():
        pytest.skip(f"the truth tables of the challenge are not at {TRUTH}")
    return task, n_dims, pd.read_csv(path, usecols=["model", "alpha", "length", "snr_mean"])


def test_composition__andi_2020__is_that_of_the_scoring_set(challenge):
    task, n_dims, official = challenge
    _, _, ours = make_andi(
        8000, n_dims=n_dims, task=task, recipe="andi-2020", random_state=11, return_truth=True
    )
    model = ours.model.map(MODELS.index)
    p = {
        "model and alpha": p_of_equal_composition(
            cells(official.model, official.alpha), cells(model, ours.alpha)
        ),
        "length": p_of_equal_composition(official.length // 50, ours.length // 50),
        "noise": p_of_equal_composition(
            official.snr_mean.round(1),
            (1 / ours.filter(like="sigma")).mean(axis=1).round(2).round(1),
        ),
    }
    assert min(p.values()) > 1e-3, p
    assert ours.length.min() >= 10
    assert ours.length.max() <= 999


def test_composition__of_the_other_task__is_seen_by_the_test(challenge):
    task, _, official = challenge
    other = "model" if task == "alpha" else "alpha"
    model, alpha = draw_labels(8000, other, np.random.default_rng(0))
    p = p_of_equal_composition(cells(official.model, official.alpha), cells(model, alpha))
    assert p < 1e-6


@pytest.mark.parametrize("task", ["alpha", "model"])
def test_composition__every_allowed_pair__has_its_probability(task):
    n = 200_000
    model, alpha = draw_labels(n, task, np.random.default_rng(3))
    pairs = pd.crosstab(np.round(alpha * 20).astype(int), model).reindex(range(1, 41)).to_numpy()
    allowed = pairs > 0
    assert list(allowed.sum(axis=0)) == [20, 20, 39, 21, 40]
    if task == "alpha":
        expected = allowed / allowed.sum(axis=1, keepdims=True) / 40
    else:
        expected = allowed / allowed.sum(axis=0, keepdims=True) / 5
    assert stats.chisquare(pairs[allowed], n * expected[allowed]).pvalue > 1e-3


def test_labels__of_each_task__are_what_is_asked():
    X, y = make_andi(50, task="alpha", length=12, random_state=0)
    assert y.dtype == np.float64
    assert np.isin(y, ALPHA_GRID).all()
    X, y, truth = make_andi(50, task="model", length=12, random_state=0, return_truth=True)
    assert y.dtype.kind == "U"
    assert (y == truth.model).all()
    assert list(truth) == ["model", "alpha", "length", "sigma_x"]
    assert len(X) == len(y) == len(truth) == 50


@each_own_recipe
def test_make_andi__mixed_lengths__are_ragged_float64_from_the_origin(recipe):
    lengths = np.array([10, 999, 2, 57, 57, 300])
    X, _ = make_andi(6, n_dims=3, recipe=recipe, length=lengths, random_state=0)
    assert [track.shape for track in X] == [(T, 3) for T in lengths]
    assert all(track.dtype == np.float64 and track.flags.owndata for track in X)
    assert all((track[0] == 0).all() and np.isfinite(track).all() for track in X)


@each_own_recipe
@pytest.mark.parametrize("model", range(5))
def test_observation__without_noise__scales_each_axis_by_its_own_normal_factor(recipe, model):
    n, T = 1500, 1000 if recipe == "andi-2020" else 80
    sigma = np.zeros((n, 2))
    tracks = andi_tracks(
        np.full(n, model), np.ones(n), np.full(n, T), sigma, recipe=recipe, random_state=1
    )
    # Divided by their standard deviation, displacements keep that of the factor: |N(0, 1)|.
    factor = np.diff(np.array(tracks), axis=1).std(axis=1)
    moved = factor.min(axis=1) > 0
    assert moved.mean() > 0.98
    assert stats.kstest(factor[moved].ravel(), stats.halfnorm.cdf).pvalue > 1e-3
    assert stats.spearmanr(factor[moved, 0], factor[moved, 1]).pvalue > 1e-3


def lag_one_correlation(tracks):
    """Of the displacements; the random scale of the tracks drops out."""
    steps = np.diff(np.array(tracks), axis=1)
    return (steps[:, 1:] * steps[:, :-1]).sum(axis=(0, 1)) / (steps**2).sum(axis=(0, 1))


@pytest.mark.parametrize("recipe, expected", [("andi-2020", -0.25), ("andi-2020-fixed", -0.0098)])
def test_noise__of_a_cut_track__refers_to_all_1000_points(recipe, expected):
    # The first 19 displacements of SBM with α = 2 have a mean variance of 20 / 1000 of the whole:
    # under noise of σ² = 0.01 the correlation is -σ² / (0.02 + 2 σ²). At the final length the
    # displacements have unit variance instead.
    n, T = 6000, 20
    tracks = andi_tracks(
        np.full(n, 4), np.full(n, 2.0), np.full(n, T), np.full((n, 1), 0.1),
        recipe=recipe, random_state=0,
    )  # fmt: skip
    assert lag_one_correlation(tracks)[0] == pytest.approx(expected, abs=0.03)


@each_own_recipe
def test_noise__per_axis__is_that_of_the_truth(recipe):
    n, sigma = 3000, np.array([0.1, 0.5, 1.0])
    tracks = andi_tracks(
        np.full(n, 2), np.ones(n), np.full(n, 100), np.tile(sigma, (n, 1)),
        recipe=recipe, random_state=0,
    )  # fmt: skip
    expected = -(sigma**2) / (1 + 2 * sigma**2)
    np.testing.assert_allclose(lag_one_correlation(tracks), expected, atol=0.02)


def test_noise__drawn_at_random__is_independent_per_axis():
    truth = make_andi(9000, n_dims=2, length=10, random_state=0, return_truth=True)[2]
    table = pd.crosstab(truth.sigma_x, truth.sigma_y)
    assert list(table.index) == [0.1, 0.5, 1.0]
    assert stats.chisquare(table.to_numpy().ravel()).pvalue > 1e-3


@pytest.mark.parametrize(
    "snr, expected", [(2, [0.5, 0.5]), ([10, 1], [0.1, 1.0]), (np.inf, [0.0, 0.0])]
)
def test_snr__given__fixes_sigma(snr, expected):
    truth = make_andi(4, n_dims=2, length=10, snr=snr, random_state=0, return_truth=True)[2]
    np.testing.assert_allclose(truth[["sigma_x", "sigma_y"]], np.tile(expected, (4, 1)))


def test_single_flight__andi_2020__is_scaled_by_its_rounding_errors_and_stays_finite():
    n, T = 3000, 1000
    tracks = andi_tracks(
        np.full(n, 3), np.full(n, 2.0), np.full(n, 500), np.ones((n, 2)), random_state=0
    )
    span = np.array([np.abs(track).max() for track in tracks])
    assert np.isfinite(span).all()
    huge = span > 1e10
    # The share of the walks with α = 2 whose 999 displacements belong to one flight.
    expected = 2 * (1 - 1 / T) / np.log(T) - (1 - 1 / (2 * T)) / np.log(2 * T)
    assert huge.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / n))
    assert 1e15 < np.median(span[huge]) < 1e18
    # The rounding errors survive: displacements of one flight are not all equal.
    steps = np.diff(tracks[np.argmax(span)][:, 0])
    assert len(np.unique(steps)) > 1


def test_single_flight__all_other_recipes__stays_small():
    n = 500
    fixed = andi_tracks(
        np.full(n, 3), np.full(n, 2.0), np.full(n, 30), np.zeros((n, 1)),
        recipe="andi-2020-fixed", random_state=0,
    )  # fmt: skip
    mixed = mixture(("lw", "lw", "lw"), 2.0, 0.5, 0.5, n, 30, random_state=0)
    assert max(np.abs(track).max() for track in fixed) < 1e4
    assert np.abs(mixed).max() < 1e4


def test_fixed__row_among_longer_ones__is_normalised_over_its_own_points():
    n = 400
    length = np.resize([15, 16, 17, 40], n)
    tracks = andi_tracks(
        np.full(n, 4), np.full(n, 1.5), length, np.zeros((n, 1)),
        recipe="andi-2020-fixed", random_state=0,
    )  # fmt: skip
    for T in (15, 17, 40):
        factor = [np.diff(track[:, 0]).std() for track in tracks if len(track) == T]
        assert stats.kstest(factor, stats.halfnorm.cdf).pvalue > 1e-3


def test_batch__of_one_length__has_positions_and_truth():
    positions, alpha, model, sigma = andi_batch(
        300, 30, 2, "model", np.random.default_rng(0), "andi-2020-fixed"
    )
    assert positions.shape == (300, 30, 2)
    assert alpha.shape == model.shape == (300,)
    assert sigma.shape == (300, 2)
    assert set(model) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"recipe": "andi"}, "unknown recipe 'andi': choose one of andi-2020, andi-2020-fixed"),
        ({"task": "both"}, "unknown task 'both'"),
        ({"n_dims": 4}, "n_dims=4"),
        ({"length": (20, 10)}, "2 <= low <= high"),
        ({"length": 1}, "length 1: a trajectory has at least 2 points"),
        ({"length": 1001}, "andi-2020 cuts trajectories out of 1000 points"),
        ({"length": [10, 20]}, "n_samples=5 whole numbers"),
        ({"length": 10.5}, "give a whole number"),
        ({"snr": 0}, "above 0"),
        ({"snr": [1, 2]}, r"1 value\(s\), one per axis"),
        ({"recipe": "andi-datasets-2", "snr": 2}, "draws its noise itself"),
        ({"recipe": "andi-datasets-2", "length": [10] * 5}, "one length or a range"),
    ],
)
def test_make_andi__impossible_request__is_refused(arguments, message):
    with pytest.raises(RecipeError, match=message):
        make_andi(5, **arguments)


def test_andi_datasets__package_missing__names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "andi_datasets.datasets_challenge", None)
    with pytest.raises(MissingExtraError, match=r'pip install "skandi\[andi\]"'):
        make_andi(5, recipe="andi-datasets-2")


@pytest.mark.parametrize("length, expected", [(20, {20}), ((10, 14), {10, 11, 12, 13, 14})])
@pytest.mark.parametrize("task", ["alpha", "model"])
def test_andi_datasets__both_tasks__give_tracks_and_labels(task, length, expected, capsys):
    pytest.importorskip("andi_datasets", reason="andi-datasets is not installed")
    X, y, truth = make_andi(
        60, n_dims=2, task=task, recipe="andi-datasets-2", length=length, random_state=0,
        return_truth=True,
    )  # fmt: skip
    assert capsys.readouterr().out == ""
    assert len(X) == len(y) == len(truth) == 60
    assert {len(track) for track in X} <= expected
    assert len({len(track) for track in X}) > len(expected) // 2
    assert all(track.shape[1] == 2 and (track[0] == 0).all() for track in X)
    if task == "alpha":
        assert np.isin(y.round(2), ALPHA_GRID.round(2)).all()
        assert truth.model.isna().all()
    else:
        assert set(y) <= set(MODELS)
        assert truth.alpha.isna().all()


def test_tracks__of_a_truth_table__are_those_of_its_models():
    _, _, truth = make_andi(20, n_dims=2, length=(10, 40), random_state=0, return_truth=True)
    columns = (truth.alpha, truth.length, truth[["sigma_x", "sigma_y"]])
    by_name = andi_tracks(truth.model, *columns, random_state=1)
    by_index = andi_tracks([MODELS.index(m) for m in truth.model], *columns, random_state=1)
    assert [len(track) for track in by_name] == truth.length.tolist()
    for a, b in zip(by_name, by_index, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model": [7]}, "unknown model 7"),
        ({"model": [-1]}, "unknown model -1"),
        ({"model": ["levy"]}, "unknown model 'levy'"),
        ({"alpha": [-0.5]}, r"alpha=-0\.5: lw has α from 1 to 2"),
        ({"alpha": [np.nan]}, "alpha=nan"),
        ({"alpha": [1.5, 1.5]}, r"alpha has shape \(2,\)"),
        ({"length": [5.0]}, "length has type float64"),
        ({"length": [1]}, "at least 2 points"),
        ({"sigma": [0.1]}, r"sigma \(1,\)"),
        ({"sigma": [[-0.1]]}, "from 0 to"),
        ({"recipe": "andi-datasets-2"}, "unknown recipe"),
    ],
    ids=str,
)
def test_tracks__senseless_rows__are_refused(changes, message):
    rows = {"model": [3], "alpha": [1.5], "length": [5], "sigma": [[0.1]], **changes}
    with pytest.raises(RecipeError, match=message):
        andi_tracks(**rows)


def test_noise_range__many_trajectories__one_ratio_each_uniform_in_its_logarithm():
    *_, truth = make_andi(
        4000, n_dims=3, snr_range=(1.5, 6), length=5, random_state=0, return_truth=True
    )
    levels = truth[["sigma_x", "sigma_y", "sigma_z"]].to_numpy()
    assert (levels == levels[:, :1]).all()
    quantile = np.log(1 / levels[:, 0] / 1.5) / np.log(4)
    assert stats.kstest(quantile, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    "snr_range", [(1, 2, 3), (0, 2), (3, 2), (2, np.inf), (np.nan, 2), "ab", 5]
)
def test_noise_range__that_is_none__is_refused(snr_range):
    with pytest.raises(RecipeError, match="snr_range"):
        make_andi(2, snr_range=snr_range, length=5)
    with pytest.raises(RecipeError, match="snr_range"):
        TrajectoryStream(1, snr_range=snr_range)


def test_noise_range__beside_a_ratio__is_refused():
    with pytest.raises(RecipeError, match="give one of them"):
        make_andi(2, snr=2, snr_range=(2, 3), length=5)
    with pytest.raises(RecipeError, match="give one of them"):
        TrajectoryStream(1, snr=2, snr_range=(2, 3))


def test_noise_range__without_noise__changes_nothing():
    exact = simulate("fbm", 0.7, 3, 20, random_state=0)
    for given in ({"snr": np.inf}, {"snr_range": (np.inf, np.inf)}):
        assert_array_equal(with_noise(exact, **given), exact)


def test_stream__noise_of_a_range__is_between_that_of_its_ends():
    streams = [
        TrajectoryStream(1, length=500, random_state=0, workers=0, **noise)
        for noise in ({"snr": 20}, {"snr_range": (0.5, 20)}, {"snr": 0.5})
    ]

    def roughness(stream):
        steps = np.diff(next(stream).positions, axis=1)
        return np.median((steps[:, 1:] - steps[:, :-1]).std(axis=1) / steps.std(axis=1))

    quiet, mixed, loud = map(roughness, streams)
    assert quiet + 0.05 < mixed < loud - 0.05


def test_with_noise__one_track__is_not_taken_for_many():
    with pytest.raises(TrajectoryError, match=r"pass \[track\]"):
        with_noise(np.zeros((50, 2)))
    assert len(with_noise(np.zeros((50, 20)), random_state=0)) == 50


def test_with_noise__straight_track_once_in_float32__has_the_noise_of_the_exact_one():
    line = (1e3 + 0.1 * np.arange(50))[:, None]
    exact, rounded = with_noise([line, line.astype(np.float32)], snr=1, random_state=0)
    for noisy in (exact, rounded):
        assert 0.5 < (noisy - line).std() < 2


@pytest.mark.parametrize("unit", [1e-200, 1e-9, 1.0, 1e6, 1e200])
def test_with_noise__tracks_of_any_unit_and_length__noise_is_relative_to_displacements(unit):
    exact = [unit * x for x in simulate("sbm", 1.2, 2, 30_000, 2, random_state=0)]
    exact[0] = exact[0][:20_000]
    before = [track.copy() for track in exact]
    noisy = with_noise(exact, snr=[[2, 4], [1, 0.5]], random_state=1)
    for track, kept, made, ratios in zip(exact, before, noisy, [(2, 4), (1, 0.5)], strict=True):
        assert_array_equal(track, kept)
        noise = (made - track) / unit
        ratio = np.diff(track / unit, axis=0).std(axis=0) / noise.std(axis=0)
        np.testing.assert_allclose(ratio, ratios, rtol=0.03)
        assert abs(np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1]) < 0.03
    assert_array_equal(noisy[1], with_noise(exact, snr=[[2, 4], [1, 0.5]], random_state=1)[1])


def test_with_noise__recipe_by_hand__is_the_recipe():
    """Signs of displacements in a row tell noise from none, whatever the scale of an axis."""

    def turning(tracks):
        steps = np.diff(np.array(tracks)[:, :, 0], axis=1)
        return (steps[:, 1:] * steps[:, :-1] < 0).mean()

    exact = simulate("fbm", 1.5, 4000, 1000, random_state=0)
    own = [track[:20] for track in with_noise(exact, snr=1, random_state=1)]
    recipe = andi_tracks(["fbm"] * 4000, [1.5] * 4000, [20] * 4000, [[1.0]] * 4000, random_state=2)
    assert turning(own) == pytest.approx(turning(recipe), abs=0.01)
    assert turning(own) > turning([track[:20] for track in exact]) + 0.05


def test_with_noise__axis_that_does_not_vary__gets_noise_of_unit_displacements():
    still = np.zeros((1, 5000, 2))
    still[0, :, 1] = np.arange(5000)
    noise = with_noise(still, snr=4, random_state=0)[0] - still[0]
    np.testing.assert_allclose(noise.std(axis=0), 0.25, rtol=0.05)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"snr": 0}, RecipeError, "above 0"),
        ({"snr": [1, 2, 3]}, RecipeError, "snr has shape"),
        ({"snr": 2, "snr_range": (1, 2)}, RecipeError, "give one of them"),
        ({"trajectories": [[0.0, np.nan]]}, TrajectoryError, "not finite"),
        ({"trajectories": [[0.0]]}, TrajectoryError, "2"),
    ],
)
def test_with_noise__what_does_not_fit__is_refused(given, error, message):
    trajectories = given.pop("trajectories", [[0.0, 1.0, 3.0]] * 2)
    with pytest.raises(error, match=message):
        with_noise(trajectories, **given)
