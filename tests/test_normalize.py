"""Z-scored positions: no position, no unit, no overflow, and no motion made of rounding."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skandi import TrajectoryNormalizer
from skandi.errors import ShortTrackWarning
from skandi.normalize import scale_displacements, standardize


def walk(T=200, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(T, d)).cumsum(axis=0)


def plain(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


@pytest.mark.parametrize("T", [2, 3, 10, 1000])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_standardize__ordinary_track__is_the_z_score(T, d):
    x = walk(T, d)
    assert_allclose(standardize(x), plain(x), atol=1e-10)
    assert_allclose(standardize(x).mean(axis=0), 0, atol=1e-12)
    assert_allclose(standardize(x).std(axis=0), 1, atol=1e-12)


@pytest.mark.parametrize("shift", [0.0, 1.0, -1e3, 1e6])
@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 7.0, 1e9])
def test_standardize__shift_and_scale__change_nothing(shift, scale):
    x = walk()
    # The shift is in units of the track: adding 1e6 to a track of 1e-9 would round it away.
    assert_allclose(standardize((x + shift) * scale), standardize(x), atol=1e-5)


def test_standardize__negative_scale__mirrors():
    assert_allclose(standardize(-3 * walk()), -standardize(walk()), atol=1e-12)


@pytest.mark.parametrize("factor", [1e17, 1e150, 1e300, 1e-150, 1e-300])
def test_standardize__extreme_scales__are_finite_and_equal(factor):
    x = walk() / np.abs(walk()).max()
    with np.errstate(all="raise", under="ignore"):
        z = standardize(x * factor)
    assert_allclose(z, standardize(x), atol=1e-9)


def test_standardize__largest_numbers__do_not_overflow():
    huge = np.finfo(np.float64).max
    z = standardize(np.array([[huge], [-huge], [huge], [-huge]]))
    assert_allclose(z[:, 0], [1, -1, 1, -1])


def test_standardize__twice__is_once():
    once = standardize(walk() * 1e17 + 3e19)
    assert_allclose(standardize(once), once, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 5.0, -1e17, 1e300, 0.1 + 0.2, 5e-324])
@pytest.mark.parametrize("T", [1, 2, 50])
def test_standardize__constant_track__becomes_zeros(value, T):
    assert_array_equal(standardize(np.full((T, 2), value)), np.zeros((T, 2)))


def test_standardize__rounding_of_a_constant__is_not_motion():
    x = np.full((100, 1), 1e6)
    x[::2] = np.nextafter(1e6, 2e6)
    assert_array_equal(standardize(x), np.zeros((100, 1)))


def test_standardize__small_motion_on_a_large_offset__is_kept():
    x = walk(d=1)
    assert_allclose(standardize(x * 1e-6 + 1e3), standardize(x), atol=1e-5)


def test_standardize__one_constant_axis__leaves_the_others():
    x = walk(d=3)
    x[:, 1] = 4.0
    z = standardize(x)
    assert_array_equal(z[:, 1], np.zeros(len(x)))
    assert_allclose(z[:, [0, 2]], plain(x[:, [0, 2]]), atol=1e-12)


def test_standardize__float32_input__is_computed_in_float64():
    x = walk()
    wide = (x * 1e17).astype(np.float32)
    z = standardize(wide)
    assert z.dtype == np.float64
    assert_allclose(z, plain(wide.astype(np.float64)), atol=1e-12)
    # In float32 the variance of this track would be inf and the answer zeros.
    assert_allclose(standardize((x * 1e30).astype(np.float32)), plain(x), atol=1e-5)


def test_standardize__batch__is_each_by_itself():
    batch = np.stack([walk(50, 2, seed) for seed in range(4)])
    batch[2, :, 0] = 9.0
    assert_array_equal(standardize(batch), np.stack([standardize(x) for x in batch]))


def test_standardize__input__is_not_changed():
    x = walk()
    before = x.copy()
    standardize(x)
    assert_array_equal(x, before)


# --- the transformer ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["list", "3-D", "table", "nested lists", "object"])
def test_normalizer__any_representation__comes_back_in_it(kind):
    tracks = [walk(20, 1, seed) for seed in range(3)]
    X = {
        "list": tracks,
        "3-D": np.stack(tracks),
        "table": np.stack(tracks)[:, :, 0],
        "nested lists": np.stack(tracks)[:, :, 0].tolist(),
        "object": np.array([*tracks, None], dtype=object)[:3],
    }[kind]
    Z = TrajectoryNormalizer().fit_transform(X)
    assert isinstance(Z, list) == (kind in ("list", "object"))
    if kind in ("3-D", "table", "nested lists"):
        assert Z.shape == np.shape(X)
    for z, track in zip(Z, tracks, strict=True):
        assert_array_equal(np.reshape(z, (20, 1)), standardize(track))


def test_normalizer__ragged__normalises_each_over_its_own_length():
    X = [walk(T, 2, T) for T in (2, 9, 40)]
    for z, x in zip(TrajectoryNormalizer().fit_transform(X), X, strict=True):
        assert_allclose(z, plain(x), atol=1e-12)


def test_normalizer__two_in_a_row__are_one():
    X = [walk(T, 2, T) for T in (2, 9, 40)]
    once = TrajectoryNormalizer().fit_transform(X)
    twice = make_pipeline(TrajectoryNormalizer(), TrajectoryNormalizer()).fit_transform(X)
    for a, b in zip(twice, once, strict=True):
        assert_allclose(a, b, atol=1e-12)


def test_normalizer__nested_lists_in_a_pipeline__stay_what_fit_saw():
    pipeline = make_pipeline(TrajectoryNormalizer(), TrajectoryNormalizer())
    pipeline.fit([[0.0, 1.0, 4.0], [0.0, 2.0]])
    z = pipeline.transform([[0.0, 1.0], [5.0, 3.0]])
    assert_allclose(np.stack(z)[:, :, 0], [[-1, 1], [1, -1]])


def test_normalizer__one_point_and_constant__are_zeros():
    z = TrajectoryNormalizer().fit_transform([np.full((1, 2), 7.0), np.full((3, 2), 7.0)])
    assert_array_equal(np.concatenate(z), np.zeros((4, 2)))


def test_normalizer__pandas_output__is_a_table_for_tables_and_tracks_for_tracks():
    tracks = [walk(T, 2, T) for T in (5, 9, 40)]
    X = np.stack([walk(20, 1, seed)[:, 0] for seed in range(3)])
    with sklearn.config_context(transform_output="pandas"):
        for each in (tracks, np.stack([tracks[2]] * 3)):
            Z = TrajectoryNormalizer().fit_transform(each)
            assert [z.shape for z in Z] == [x.shape for x in each]
        assert list(TrajectoryNormalizer().fit_transform(X).columns[:2]) == ["x0", "x1"]
    pipeline = make_pipeline(TrajectoryNormalizer(), TrajectoryNormalizer())
    Z = pipeline.set_output(transform="pandas").fit_transform(tracks)
    assert_allclose(Z[0], plain(tracks[0]), atol=1e-12)
    assert list(pipeline.set_output(transform="pandas").fit_transform(X).columns[:1]) == ["x0"]
    assert isinstance(pipeline.set_output(transform="default").fit_transform(X), np.ndarray)


def test_normalizer__one_track_as_a_table__warns_of_how_it_is_read():
    track = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.warns(ShortTrackWarning, match=r"50 trajectories of 2 points.*pass \[X\]"):
        TrajectoryNormalizer().fit(track)


def test_normalizer__clone_and_names__work():
    normalizer = clone(TrajectoryNormalizer()).fit(np.eye(3))
    assert list(normalizer.get_feature_names_out()) == ["x0", "x1", "x2"]


# --- displacements of unit variance -------------------------------------------------------------


def test_scale_displacements__any_track__is_the_papers_formula():
    tracks = np.random.default_rng(0).normal(size=(5, 20, 2)).cumsum(axis=1) * 3 + 7
    scaled, scale = scale_displacements(tracks)
    steps = np.diff(tracks, axis=1)
    assert_allclose(scale, steps.std(axis=1, keepdims=True))
    assert_allclose(scaled[:, 1:], np.cumsum(steps / scale, axis=1), atol=1e-12)
    assert (scaled[:, 0] == 0).all()
    assert_allclose(scaled * scale + tracks[:, :1], tracks)


@pytest.mark.parametrize("factor", [1e-200, 1e-9, 1e200])
def test_scale_displacements__unit_and_origin__drop_out(factor):
    track = np.random.default_rng(1).normal(size=(30, 2)).cumsum(axis=0)
    expected, _ = scale_displacements(track)
    moved, scale = scale_displacements(factor * (track - 40))
    assert_allclose(moved, expected, atol=1e-10)
    assert np.isfinite(scale).all()


def test_scale_displacements__no_variance__divides_by_one():
    steady = np.column_stack([np.full(10, 1e9 + 0.1), 3 + 0.1 * np.arange(10)])
    scaled, scale = scale_displacements(steady)
    assert_allclose(scaled, np.column_stack([np.zeros(10), 0.1 * np.arange(10)]), atol=1e-12)
    assert (scale == 1).all()
    assert scale_displacements([[4.0]])[0].tolist() == [[0.0]]
