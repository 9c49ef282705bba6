"""analyse: one row per track, one set of columns, an answer or a reason."""

import sys

import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_estimators import ConstantAlpha, LengthAsAlpha, LengthAsModel
from pandas.testing import assert_frame_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from small_estimators import small

from skandi import TrajectoryNormalizer, analyse, load_pretrained
from skandi.diffusion import MODELS
from skandi.errors import SkandiError, TracksFileError, TrajectoryError
from skandi.io import (
    Tracks,
    napari_array,
    read_tracks,
    sample_tracks_path,
    write_results,
    write_tracks,
)
from skandi.io.tidy import TO_THE_LAST_BIT

COLUMNS = [
    "track_id", "n_points", "n_dims", "duration", "alpha", "alpha_lower", "alpha_upper",
    "expected_error", "model", "p_attm", "p_ctrw", "p_fbm", "p_lw", "p_sbm", "novelty", "is_novel",
    "D_alpha", "note",
]  # fmt: skip


def walks(*lengths, n_dims=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(T, n_dims)).cumsum(axis=0) for T in lengths]


def analysed(tracks, **kwargs):
    kwargs.setdefault("alpha_model", LengthAsAlpha())
    kwargs.setdefault("model_classifier", LengthAsModel())
    return analyse(tracks, **kwargs)


def test_analyse__every_track__has_a_row_and_its_own_answer():
    table = analysed(walks(50, 11, 30, 12))
    assert table.track_id.tolist() == ["0", "1", "2", "3"]
    assert table.n_points.tolist() == [50, 11, 30, 12]
    np.testing.assert_allclose(table.alpha, [0.05, 0.011, 0.03, 0.012], rtol=1e-6)
    assert table.model.tolist() == [MODELS[0], MODELS[1], MODELS[0], MODELS[2]]
    probability = table[[f"p_{model}" for model in MODELS]].to_numpy()
    np.testing.assert_array_equal(probability.argmax(axis=1), [0, 1, 0, 2])
    assert (table.note == "").all()


@pytest.mark.parametrize("lengths", [(20, 30), (3, 4), (3, 30)], ids=["all", "none", "some"])
def test_analyse__columns_and_types__do_not_depend_on_the_tracks(lengths):
    table = analysed(walks(*lengths))
    assert list(table) == COLUMNS
    types = table.dtypes.astype(str).to_dict()
    assert types.pop("track_id") == types.pop("model") == types.pop("note") == "string"
    assert types.pop("n_points") == types.pop("n_dims") == "int64"
    assert types.pop("is_novel") == "boolean"
    assert set(types.values()) == {"float64"}


def test_analyse__columns_of_later__are_empty():
    table = analysed(walks(20, 30))
    later = ["alpha_lower", "alpha_upper", "expected_error", "novelty", "is_novel"]
    assert table[later].isna().all(axis=None)


def test_analyse__short_tracks__have_no_value_and_a_note():
    model = LengthAsAlpha()
    table = analysed(walks(6, 10, 1), alpha_model=model)
    assert table.note.tolist() == [
        "too short: 6 points, at least 10 needed",
        "",
        "too short: 1 point, at least 10 needed",
    ]
    assert table.alpha.isna().tolist() == [True, False, True]
    assert table.model.isna().tolist() == [True, False, True]
    assert table.p_fbm.isna().tolist() == [True, False, True]
    assert sum(model.asked) == 1


def test_analyse__shortest_of_two_estimators__is_the_larger_one():
    model = LengthAsAlpha()
    model.min_points_ = 25
    assert analysed(walks(20, 30), alpha_model=model).alpha.isna().tolist() == [True, False]


def test_analyse__still_tracks__are_told_and_not_guessed():
    still, along_x = np.full((20, 2), 1 / 3), walks(20)[0]
    along_x[:, 1] = 1e17
    table = analysed([still, along_x, walks(20)[0]])
    assert table.note.tolist() == [
        "does not move: all positions are the same",
        "does not move along y",
        "",
    ]
    assert table.alpha.isna().tolist() == [True, False, False]


def test_analyse__longer_than_training__is_answered_with_a_note():
    table = analyse(walks(999, 1000))
    assert table.note.tolist() == ["", "longer than the 999 points seen in training"]
    assert table.alpha.notna().all()
    assert analysed(walks(1000)).note.tolist() == [""]  # who knows what these have seen


def test_analyse__one_track_longer_than_a_pass__has_its_answer():
    table = analyse(walks(50, 50_001))
    assert table[["alpha", "alpha_lower", "alpha_upper"]].notna().all(axis=None)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda own, X, y: make_pipeline(TrajectoryNormalizer(), own).fit(X, y),
        lambda own, X, y: GridSearchCV(own, {"lr": [1e-3]}, cv=2).fit(X, y),
        lambda own, X, y: GridSearchCV(make_pipeline(own), {}, cv=2).fit(X, y),
        lambda own, X, y: TransformedTargetRegressor(own).fit(X, y),
        lambda own, X, y: VotingRegressor([("one", own), ("two", own)]).fit(X, y),
    ],
    ids=["pipeline", "search", "search of a pipeline", "transformed target", "vote"],
)
def test_analyse__estimator_inside_another__tells_the_shortest_track(wrapped):
    own = small("alpha wadnet", length=20, max_epochs=1)
    model = wrapped(own, walks(*[25] * 8), np.linspace(0.5, 1.5, 8))
    table = analysed(walks(30, 15), alpha_model=model)
    assert table.note.tolist() == ["", "too short: 15 points, at least 20 needed"]
    assert table.alpha.notna().tolist() == [True, False]


def test_analyse__regressor_with_predict_proba__tells_no_classes():
    class SkorchLike:
        steps = 20_000  # a setting, not those of a pipeline

        def predict(self, X):
            return np.full(len(X), 0.7)

        predict_proba = predict

    assert analysed(walks(20), alpha_model=SkorchLike()).alpha.tolist() == [0.7]


def test_analyse__one_object_for_both_answers__is_asked_for_both():
    class Both(LengthAsModel):
        def predict(self, X):
            return np.full(len(X), 0.7)

    both = Both()
    table = analysed(walks(20), alpha_model=both, model_classifier=both)
    assert (table.alpha[0], table.model[0]) == (0.7, MODELS[0])


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"alpha_model": LengthAsModel()}, "alpha_model is a LengthAsModel"),
        ({"model_classifier": LengthAsAlpha()}, "model_classifier is a LengthAsAlpha"),
    ],
)
def test_analyse__estimator_in_the_others_place__is_refused(wrong, said):
    with pytest.raises(SkandiError, match=said):
        analysed(walks(20), **wrong)


def test_analyse__notes_of_the_reader__come_last():
    rows = [(1, t, np.sin(t), t**0.5) for t in (*range(12), *range(20, 25))]
    table = analysed(pd.DataFrame(rows, columns=["track", "frame", "x", "y"]))
    assert table.track_id.tolist() == ["1#1", "1#2"]
    assert table.note[1] == (
        "too short: 5 points, at least 10 needed; piece 2 of 2 of track 1, split at gaps"
    )


def test_analyse__path_frame_tracks_and_list__agree(tmp_path):
    trajectories = walks(12, 40, 5)
    tracks = Tracks.from_trajectories(trajectories)
    write_tracks(tracks, tmp_path / "tracks.csv")
    expected = analysed(trajectories)
    frame = pd.read_csv(tmp_path / "tracks.csv", **TO_THE_LAST_BIT)
    for source in (tracks, tmp_path / "tracks.csv", str(tmp_path / "tracks.csv"), frame):
        pd.testing.assert_frame_equal(analysed(source), expected)


def test_analyse__mixed_dimensions__is_an_error():
    with pytest.raises(TrajectoryError):
        analysed([*walks(20), *walks(20, n_dims=1)])


def test_analyse__unusable_input__is_an_error(tmp_path):
    with pytest.raises(TrajectoryError):
        analysed([np.array([[0.0, np.nan]] * 20)])
    with pytest.raises(TracksFileError):
        analysed(pd.DataFrame({"a": [1]}))
    with pytest.raises(FileNotFoundError):
        analysed(tmp_path / "nowhere.csv")


def test_analyse__classifier_of_fewer_models__leaves_the_others_missing():
    table = analysed(walks(20, 21), model_classifier=LengthAsModel(("sbm", "fbm")))
    assert table.model.tolist() == ["sbm", "fbm"]
    assert table.p_sbm.tolist() == [1.0, 0.0]
    assert table[["p_attm", "p_ctrw", "p_lw"]].isna().all(axis=None)


def test_analyse__classifier_of_other_labels__is_an_error():
    with pytest.raises(SkandiError, match=r"classes \['confined'\]"):
        analysed(walks(20), model_classifier=LengthAsModel(("fbm", "confined")))


UNITS = {"frame_interval": 0.1, "time_unit": "s", "space_unit": "µm"}


@pytest.mark.parametrize("unknown", UNITS)
def test_analyse__unknown_unit__gives_no_diffusion_coefficient_and_says_so(unknown):
    known = {name: value for name, value in UNITS.items() if name != unknown}
    table = analysed(Tracks.from_trajectories(walks(200, 200), **known))
    assert table.D_alpha.isna().all()
    assert table.attrs["D_alpha"] == f"not computed, unknown: {unknown.replace('_', ' ')}"


def test_analyse__known_units__give_a_diffusion_coefficient_in_them(tmp_path):
    zigzag = np.tile([[0.0], [1.0]], (200, 2))
    tracks = Tracks.from_trajectories([*walks(*[400] * 20), zigzag, walks(5)[0]], **UNITS)
    table = analysed(tracks, alpha_model=ConstantAlpha(1.0))
    # unit steps every 0.1 s on each axis: 2 D 0.1 = 1
    assert table.D_alpha[:20].median() == pytest.approx(5, rel=0.1)
    assert table.D_alpha[20:].isna().all()
    assert table.note[20] == "no D_alpha: the MSD does not grow with the lag"
    readers = {"alpha_model": ConstantAlpha(1.0), "model_classifier": LengthAsModel()}
    for reader in readers.values():
        reader.min_points_ = 5
    short = analysed(Tracks.from_trajectories(walks(5), **UNITS), **readers)
    assert short.note.tolist() == ["no D_alpha: too few points"]
    assert table.note[21] == "too short: 5 points, at least 10 needed"
    assert table.attrs["D_alpha"].startswith(
        "in µm²/s^α, from the TA-MSD at lags of 1 to 10 frames"
    )
    write_results(table, tmp_path / "a.parquet")
    assert pd.read_parquet(tmp_path / "a.parquet").attrs == table.attrs


def test_analyse__duration__is_in_the_unit_of_the_frame_interval_or_in_frames():
    timed = analysed(Tracks.from_trajectories(walks(20, 1), frame_interval=0.5, time_unit="s"))
    assert timed.duration.tolist() == [9.5, 0.0]
    assert timed.attrs["time_unit"] == "s"
    assert analysed(walks(20)).duration.tolist() == [19.0]
    assert analysed(walks(20)).attrs["time_unit"] == "frames"


def test_analyse__many_points__are_done_in_blocks_and_told(monkeypatch):
    # "skandi.analyse" as a dotted name is the function
    monkeypatch.setattr(sys.modules["skandi.analyse"], "_BLOCK_POINTS", 100)
    model, told = LengthAsAlpha(), []
    trajectories = walks(*range(5, 45))
    table = analysed(
        trajectories, alpha_model=model, progress=lambda done, total: told.append((done, total))
    )
    assert len(model.asked) > 5
    assert told[0] == (5, 40)
    assert told[-1] == (40, 40)
    assert told == sorted(told)
    pd.testing.assert_frame_equal(table, analysed(trajectories), rtol=1e-6)


def test_analyse__input__is_left_untouched():
    trajectories = walks(20, 30)
    before = [x.copy() for x in trajectories]
    analysed(trajectories)
    for x, x_before in zip(trajectories, before, strict=True):
        np.testing.assert_array_equal(x, x_before)


def test_analyse__pretrained__answers_as_the_estimators_do():
    tracks = read_tracks(sample_tracks_path())
    table = analyse(tracks)
    X = [x for x in tracks.trajectories if len(x) >= 10]
    read = table[table.n_points >= 10]
    np.testing.assert_allclose(read.alpha, load_pretrained("alpha", n_dims=2).predict(X), atol=1e-4)
    classifier = load_pretrained("model", n_dims=2)
    probability = read[[f"p_{model}" for model in MODELS]]
    np.testing.assert_allclose(probability, classifier.predict_proba(X), atol=1e-4)
    assert read.model.tolist() == classifier.predict(X).tolist()


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_analyse__brownian_tracks__have_alpha_one(n_dims):
    table = analyse(walks(*range(150, 190), n_dims=n_dims))
    assert table.alpha.median() == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_analyse__single_track_without_a_list__is_not_taken_for_many(n_dims):
    track = np.random.default_rng(0).normal(size=(40, n_dims)).cumsum(axis=0)
    quick = {"alpha_model": LengthAsAlpha(), "model_classifier": LengthAsModel()}
    with pytest.raises(TrajectoryError, match=r"one track of 40 points: pass \[track\]"):
        analyse(track, **quick)
    for rows in (track.tolist(), list(track)) if n_dims > 1 else ():
        with pytest.raises(TrajectoryError, match=r"one track of 40 points: pass \[track\]"):
            analyse(rows, **quick)
    assert analyse([track], **quick).n_points.tolist() == [40]
    assert analyse(track[None], **quick).n_points.tolist() == [40]
    table = np.random.default_rng(0).normal(size=(5, 40))  # five one-dimensional tracks
    assert analyse(table, **quick).n_points.tolist() == [40] * 5


@pytest.mark.parametrize("form", ["napari", "noctiluca"])
def test_analyse__array_of_a_program__is_read_as_read_tracks_does(form):
    if form == "napari":
        array = napari_array(Tracks.from_trajectories(walks(30, 30, 30)))
    else:
        array = np.stack(walks(30, 30, 30))
        array[1, 20:] = np.nan
    expected = analysed(read_tracks(array))
    n_points = {"napari": [30, 30, 30], "noctiluca": [30, 20, 30]}
    assert expected.n_points.tolist() == n_points[form]
    assert_frame_equal(analysed(array), expected)
    masked = np.ma.masked_where(array == array[0], array)
    with pytest.raises((TracksFileError, TrajectoryError), match="masked"):
        analysed(masked)


def test_analyse__missing_point__leaves_the_axes_of_the_other_tracks():
    array = np.stack(walks(30, 30, 30, n_dims=3))
    array[..., 2] = 0
    missing = array.copy()
    missing[0, -1] = np.nan
    columns = ["n_points", "n_dims", "alpha", "note"]
    assert_frame_equal(analysed(array)[columns][1:], analysed(missing)[columns][1:])


def table_of_points():
    table = pd.DataFrame({"particle": np.repeat([3, 4, 5], 30), "frame": np.tile(range(30), 3)})
    return table.assign(x=np.arange(90.0) ** 2, y=np.arange(90.0) % 7)


@pytest.mark.parametrize("kind", ["Arrow's table", "Arrow's batch"])
def test_analyse__table_of_another_library__is_read_like_a_dataframe(kind):
    table = pa.Table.from_pandas(table_of_points())
    given = table if kind == "Arrow's table" else table.to_batches()[0]
    expected = analysed(table_of_points())
    assert expected.track_id.tolist() == ["3", "4", "5"]
    assert_frame_equal(analysed(given), expected)
    assert read_tracks(given).ids == ["3", "4", "5"]


@pytest.mark.parametrize("names", [{}, {"particle": "TRACK_ID", "x": "POSITION_X", "frame": "t"}])
def test_analyse__table_that_is_not_at_hand__is_an_error_with_a_remedy(names):
    lazy = dask.dataframe.from_pandas(table_of_points().rename(columns=names), npartitions=1)
    for reader in (analysed, read_tracks):
        with pytest.raises(TracksFileError, match=r"dask's DataFrame came: pass table.compute\(\)"):
            reader(lazy)


def test_analyse__array_with_labels__is_not_taken_for_positions():
    positions = np.abs(np.stack(walks(30, 30, 30, n_dims=1))[..., 0]) % 1.9 + 0.05
    labelled = np.column_stack([[0, 2, 4], positions])
    with pytest.raises(TrajectoryError, match=r"read_tracks\(array, 'andi-datasets'"):
        analysed(labelled)
    assert analysed(list(labelled)).n_points.tolist() == [31] * 3
    from_origin = np.column_stack([np.zeros(3), positions])
    assert analysed(from_origin).n_points.tolist() == [31] * 3
