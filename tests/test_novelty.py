"""Novelty beside an answer: what it promises, where it comes from, and what it is not asked of."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from small_estimators import alphas, ragged, small

from skandi import AlphaRegressor, analyse, analyse_windows, load_pretrained
from skandi.calibration import LARGEST_NOVELTY, LENGTH_KNOTS
from skandi.errors import SkandiError, WeightsError
from skandi.novelty import LEVELS, NoveltyStatistics, levels_of, rank
from skandi.pretrained import novelty_path, shipped_weights
from skandi.pretrained.fitting_novelty import fit_novelty
from skandi.simulate import HELDOUT, exposure, make_andi, simulate, with_noise
from skandi.simulate.exposure import EXPOSURE, composed, exposure_kinds, exposure_tracks
from skandi.weights import save_weights


def drifting(n, T, d):
    """Subdiffusive FBM that is carried along, with the noise of the training."""
    rng = np.random.default_rng(5)
    tracks = simulate("fbm", 0.5, n, T, d, random_state=rng)
    carried = tracks / np.diff(tracks, axis=1).std() + 0.5 * np.arange(T)[:, None]
    return with_noise(carried, random_state=rng)


# --- what the column promises -------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3])
def test_novelty__tracks_of_the_training_kind__are_novel_as_often_as_stated(d):
    X = [
        track
        for task in ("alpha", "model")
        for track in make_andi(700, n_dims=d, task=task, length=(20, 60), random_state=3)[0]
    ]
    table = analyse(X)
    assert 0.03 < table.is_novel.mean() < 0.07
    assert_array_equal(table.is_novel, table.novelty > 0.95)
    assert (table.novelty > 0.8).mean() == pytest.approx(0.2, abs=0.035)
    assert table.novelty.mean() == pytest.approx(0.5, abs=0.035)
    assert table.attrs["novelty"].endswith("is_novel above 0.95")


def test_false_alarm__other_rate__moves_the_threshold_only():
    X = ragged(20, low=12, high=60)
    usual, often = analyse(X), analyse(X, false_alarm=0.6)
    assert_array_equal(often.novelty, usual.novelty)
    assert_array_equal(often.is_novel, usual.novelty > 0.4)
    assert often.is_novel.sum() > usual.is_novel.sum()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_novelty__drift_on_subdiffusion__is_noticed(d):
    table = analyse(drifting(100, 200, d))
    assert table.is_novel.mean() > 0.5
    assert table.novelty.max() <= LARGEST_NOVELTY


@pytest.mark.parametrize("d", [1, 2, 3])
def test_novelty__shipped_statistics__belong_to_the_shipped_weights(d):
    for target in ("alpha", "model"):
        assert load_pretrained(target, n_dims=d).lacks_novelty() == ""
    assert novelty_path(shipped_weights(d)).stat().st_size < 700_000


def test_novelty__estimator_and_table__agree_for_every_preset():
    X = ragged(20, low=12, high=60)
    expected = load_pretrained("model", n_dims=2).novelty(X)
    # views change features, and the statistics are those of the plain view
    for preset in ("fast", "best"):
        regressor = load_pretrained("alpha", n_dims=2, preset=preset)
        assert_allclose(regressor.novelty(X), expected, atol=1e-4)
        assert_allclose(analyse(X, preset=preset).novelty, expected, atol=1e-4)
    assert_allclose(analyse(X, alpha_model=small("alpha wadnet").fit(X, alphas(20))).novelty,
                    expected, atol=1e-4)  # fmt: skip


def test_novelty__any_track__is_told_or_missing():
    line = np.linspace(0, 5, 30)[:, None] * [1.0, 2.0]
    odd = [line, 1e300 * line, 1e17 * ragged(1, low=40)[0], np.zeros((20, 2)), line[:5]]
    table = analyse(odd)
    assert table.novelty[:3].between(0, 1).all()
    assert table.novelty[3:].isna().all()
    assert table.is_novel[3:].isna().all()


def test_novelty__along_one_track__is_told_per_window():
    track = np.vstack([make_andi(1, n_dims=2, length=300, random_state=0)[0][0]])
    along = analyse_windows(track, 100, 50, false_alarm=0.5)
    assert_array_equal(along.is_novel, along.novelty > 0.5)


def test_novelty__estimators_of_ones_own__say_why_there_is_none():
    X = ragged(20, low=12)
    own = small("alpha multiscale").fit(X, alphas(20))
    classifier = small("model wadnet").fit(X, np.resize(["fbm", "lw"], 20))
    table = analyse(X, alpha_model=own, model_classifier=classifier)
    assert table[["novelty", "is_novel"]].isna().all(axis=None)
    assert table.attrs["novelty"].startswith("not computed: the estimators have no statistics")
    with pytest.raises(SkandiError, match="No novelty: the estimators have no statistics"):
        own.novelty(X)


def test_novelty__trained_on__is_forgotten():
    regressor = load_pretrained("alpha", n_dims=2).set_params(warm_start=True, max_epochs=1)
    X = ragged(8, low=12)
    assert "no statistics" in regressor.fit(X, alphas(8)).lacks_novelty()


@pytest.mark.parametrize("share", [0, 0.001, 1, -1, float("nan")])
def test_false_alarm__no_usable_share__is_an_error(share):
    with pytest.raises(ValueError, match="false_alarm is .*; it must be a share between 0.001 and"):
        analyse(ragged(4), false_alarm=share)


# --- how it is computed -------------------------------------------------------------------------


def statistics(n_features=3, seed=0):
    rng = np.random.default_rng(seed)
    k = len(LENGTH_KNOTS)

    def random(*shape):
        return rng.normal(size=shape).astype(np.float32)

    levels = np.sort(random(3, k, len(LEVELS)), axis=2)
    return NoveltyStatistics(
        random(k, n_features),
        np.abs(random(k, n_features)) + 1,
        random(n_features, 2),
        random(2, n_features + 2, 5),
        random(2, 6, 4),
        random(2, 5, 1),
        *levels,
        trunk="a trunk",
    )


def test_score__one_track_at_a_knot__equals_a_reference():
    found = statistics()
    v = np.array([0.3, -1.0, 2.0])
    z = np.clip((v - found.mean[4]) / found.std[4], -6, 6)
    odds = []
    for one, two, three in zip(found.layer_1, found.layer_2, found.layer_3):
        h = np.array([*z, (np.log(LENGTH_KNOTS[4]) - 4.6) / 1.3])
        h = np.maximum(h @ one[:-1] + one[-1], 0)
        h = np.maximum(h @ two[:-1] + two[-1], 0)
        odds.append(float((h @ three[:-1] + three[-1])[0]))
    distance = np.log(np.square(z @ found.whitening).sum())
    shares = [
        np.interp(value, levels[4], LEVELS)
        for value, levels in (
            (np.mean(odds), found.odds_levels),
            (distance, found.distance_levels),
        )
    ]
    one, two = norm.ppf(np.clip(shares, 0.0005, 0.9995))
    score = one + two / 4
    lengths = np.array([LENGTH_KNOTS[4]])
    assert_allclose(found.score(v[None].astype(np.float32), lengths), score, rtol=1e-5)
    expected = np.interp(score, found.levels[4], LEVELS)
    assert_allclose(found.novelty(v[None].astype(np.float32), lengths), expected, rtol=1e-4)


def test_rank__between_two_lengths__is_between_their_shares():
    levels = np.zeros((len(LENGTH_KNOTS), len(LEVELS))) + LEVELS
    levels[3] += 0.1
    middle = np.exp(np.log(LENGTH_KNOTS[2:4]).mean())
    lengths = np.array([LENGTH_KNOTS[2], LENGTH_KNOTS[3], middle, 5, 10**6])
    assert_allclose(rank(np.full(5, 0.5), lengths, levels), [0.5, 0.4, 0.45, 0.5, 0.5])


def test_levels__uniform_values__are_the_levels_at_every_length():
    rng = np.random.default_rng(0)
    lengths = np.exp(rng.uniform(np.log(10), np.log(1000), 60_000)).astype(int)
    assert_allclose(levels_of(rng.random(60_000), lengths), np.tile(LEVELS, (12, 1)), atol=0.03)


# --- files and fitting --------------------------------------------------------------------------


def test_file__statistics__come_back_and_others_are_refused(tmp_path):
    path = tmp_path / "a.novelty.safetensors"
    written = statistics()
    written.save(path, {"size": 3})
    read = NoveltyStatistics.load(path)
    assert read.trunk == "a trunk"
    assert_allclose(read.layer_1, written.layer_1, rtol=1e-3)
    with pytest.raises(WeightsError, match="holds no novelty statistics"):
        NoveltyStatistics.load(shipped_weights(1))
    broken = statistics()
    object.__setattr__(broken, "layer_2", broken.layer_2[:, :3])
    broken.save(path, {})
    with pytest.raises(WeightsError, match="layer_2 of shape"):
        NoveltyStatistics.load(path)
    save_weights(path, {"mean": torch.zeros(2)}, {"kind": "novelty statistics", "trunk": "x"})
    with pytest.raises(WeightsError, match="describes nothing"):
        NoveltyStatistics.load(path)


def test_fit__weights_of_ones_own__get_statistics_of_their_own(tiny_weights):
    assert "no statistics" in load_pretrained("alpha", n_dims=2, path=tiny_weights).lacks_novelty()
    beside = fit_novelty(tiny_weights, 60)
    assert beside.name == "tiny.novelty.safetensors"
    regressor = load_pretrained("alpha", n_dims=2, path=tiny_weights)
    assert regressor.lacks_novelty() == ""
    novelty = regressor.novelty(ragged(20, low=12))
    assert novelty.min() >= 0
    assert novelty.max() <= LARGEST_NOVELTY
    levels = NoveltyStatistics.load(beside).levels
    beside.write_bytes(b"spoilt, which must not keep them from being made again")
    assert_array_equal(NoveltyStatistics.load(fit_novelty(tiny_weights, 60)).levels, levels)


def test_file__statistics_of_other_weights__are_not_used(tiny_weights):
    statistics().save(novelty_path(tiny_weights), {})
    regressor = load_pretrained("alpha", n_dims=2, path=tiny_weights)
    classifier = load_pretrained("model", n_dims=2, path=tiny_weights)
    assert isinstance(regressor, AlphaRegressor)
    table = analyse(ragged(8, low=12), alpha_model=regressor, model_classifier=classifier)
    assert table.alpha.notna().all()
    assert table.novelty.isna().all()
    assert table.attrs["novelty"].endswith("are those of other weights")


# --- what it learns from ------------------------------------------------------------------------


def test_exposure__kinds__are_none_of_those_that_judge():
    assert not set(EXPOSURE) & set(HELDOUT)


@pytest.mark.parametrize("kind", EXPOSURE)
@pytest.mark.parametrize("d", [1, 3])
def test_exposure__each_kind__moves_and_is_finite(kind, d):
    X = EXPOSURE[kind](40, 30, d, np.random.default_rng(0))
    assert X.shape == (40, 30, d)
    assert np.isfinite(X).all()
    assert_array_equal(X[:, 0], 0)
    assert (np.ptp(X, axis=1) > 0).mean() > 0.9


def test_exposure__tracks__are_by_turns_of_one_kind_of_each_two_and_with_each_model():
    kinds = exposure_kinds(3 * 66)
    one, two, with_model = (kinds[start::3] for start in range(3))
    assert (one[:, 0] == one[:, 1]).all()
    assert set(one[:, 0]) == set(range(12))
    assert {tuple(pair) for pair in two} == set(combinations(range(12), 2))
    assert {tuple(pair) for pair in with_model} == set(product(range(12), range(12, 17)))
    assert exposure_kinds(600, n_models=4).max() == 15


def test_exposure__models_left_out__take_no_part(monkeypatch):
    asked = []

    def noting(model, *sizes, **settings):
        asked.append(model)
        return simulate(model, *sizes, **settings)

    monkeypatch.setattr(exposure, "simulate", noting)
    exposure_tracks(np.full(150, 12), models=("fbm", "lw"), random_state=0)
    assert set(asked) == {"fbm", "lw"}


def test_exposure__short_tracks__are_no_beginnings_of_long_ones(monkeypatch):
    def telling_its_points(n, T, d, rng):
        return np.full((n, T, d), float(T))

    monkeypatch.setattr(exposure, "EXPOSURE", {"one": telling_its_points})
    monkeypatch.setattr(exposure, "with_noise", lambda tracks, **_: tracks)
    monkeypatch.setattr(exposure, "exposure_kinds", lambda n, n_models: np.zeros((n, 2), int))
    lengths = np.geomspace(10, 999, 300).astype(int)
    tracks = exposure_tracks(lengths, random_state=0)
    made = np.array([track[0, 0] for track in tracks])
    assert (made >= lengths).all()
    assert (made <= 2 * lengths).all()


def wave(period):
    """Make tracks that are all alike, with steps of one period."""
    positions = np.cumsum(np.cos(2 * np.pi * np.arange(65) / period))
    return lambda n, T, d, rng: np.broadcast_to(positions[:T, None], (n, T, d))


def test_exposure__two_kinds__are_walked_at_once_or_by_turns():
    X = composed(wave(2), wave(32))(400, 65, 1, np.random.default_rng(0))
    assert X.shape == (400, 65, 1)
    assert_array_equal(X[:, 0], 0)
    steps = np.diff(X[..., 0], axis=1)
    one, two = (np.diff(wave(period)(1, 65, 1, None)[0, :, 0]) for period in (2, 32))
    one, two = one / one.std(), two / two.std()

    shares, error, *_ = np.linalg.lstsq(np.column_stack([one, two]), steps.T, rcond=None)
    at_once = error < 1e-9
    assert 0.4 < at_once.mean() < 0.6
    assert shares[:, at_once].min() > 0.25
    assert_allclose(shares[:, at_once].sum(axis=0), 1)

    shared = []
    for track in steps[~at_once]:
        of_second = np.abs(track - one) > 1e-9
        size = track[of_second] @ two[of_second] / np.square(two[of_second]).sum()
        assert_allclose(track[of_second], size * two[of_second], atol=1e-9)
        assert 1 / 3 < size < 3
        shared.append(of_second.mean())
    assert 0 < min(shared) < max(shared) < 1


def test_exposure__tracks__have_the_lengths_asked_for_and_a_seed():
    lengths = np.random.default_rng(0).integers(10, 200, 50)
    X = exposure_tracks(lengths, 2, random_state=1)
    assert [len(track) for track in X] == lengths.tolist()
    again = exposure_tracks(lengths, 2, random_state=1)
    assert all(np.array_equal(a, b) for a, b in zip(X, again))
