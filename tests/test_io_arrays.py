"""Arrays: napari, noctiluca, andi_datasets; which is which, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from skandi.errors import TracksFileError
from skandi.io import (
    Tracks,
    detect_format,
    napari_array,
    napari_features,
    read_tracks,
    write_tracks,
)

RNG = np.random.default_rng(5)


def andi_rows(n_dims: int, n_points: int, n: int = 3) -> np.ndarray:
    """model, α, x…, y…, z… in each row."""
    labels = [[0, 0.4], [2, 1.05], [4, 2.0]][:n]
    return np.column_stack([labels, RNG.normal(size=(n, n_dims * n_points))])


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_andi_datasets__array_and_file__are_cut_into_axes(tmp_path, n_dims):
    array = andi_rows(n_dims, 12)
    np.save(tmp_path / "t.npy", array)
    assert detect_format(tmp_path / "t.npy") == "andi-datasets"
    for source in (array, tmp_path / "t.npy"):
        tracks = read_tracks(source, n_dims=n_dims)
        assert tracks.ids == ["0", "1", "2"]
        for row, x in zip(array, tracks.trajectories):
            assert x.shape == (12, n_dims)
            np.testing.assert_array_equal(x.T.ravel(), row[2:])
    assert tracks.report.n_rows == 36
    assert tracks.report.steps[0].name == "labels"


def test_andi_datasets__dimension_that_is_not_said__is_asked_for():
    assert read_tracks(andi_rows(1, 11)).n_dims == 1
    with pytest.raises(TracksFileError, match="12 points in 1-D, 6 points in 2-D, 4 points in 3-D"):
        read_tracks(andi_rows(1, 12))
    with pytest.raises(TracksFileError, match="11 numbers in a row after model and α are not 2-D"):
        read_tracks(andi_rows(1, 11), n_dims=2)


def test_andi_datasets__nan__is_an_error():
    array = andi_rows(1, 11)
    array[1, 5] = np.nan
    with pytest.raises(TracksFileError, match="a position in row 1 is NaN"):
        read_tracks(array)


def test_napari__y_comes_before_x():
    layer = np.array([[3, 0, 10.0, 1.0], [3, 1, 11.0, 2.0]])
    assert read_tracks(layer).trajectories[0].tolist() == [[1.0, 10.0], [2.0, 11.0]]
    layer = np.array([[3, 0, 7.0, 10.0, 1.0], [3, 1, 8.0, 11.0, 2.0]])
    assert read_tracks(layer).trajectories[0].tolist() == [[1.0, 10.0, 7.0], [2.0, 11.0, 8.0]]


@pytest.mark.parametrize("n_dims", [2, 3])
def test_napari__written_and_read__is_bit_equal(tmp_path, n_dims):
    trajectories = [RNG.normal(size=(n, n_dims)) * 1e9 for n in (4, 1, 7)]
    tracks = Tracks.from_trajectories(trajectories, ids=["12", "3", "0"])
    tracks.first_frames[:] = [5, 0, 2]
    write_tracks(tracks, tmp_path / "t.npy")
    read = read_tracks(tmp_path / "t.npy", "napari")
    assert (read.ids, read.first_frames) == (["0", "3", "12"], [2, 0, 5])
    for name, x in read:
        np.testing.assert_array_equal(x, trajectories[tracks.ids.index(name)])


def test_napari__names_that_are_no_numbers__become_places():
    x = RNG.normal(size=(2, 2))
    for ids in (["7#1", "7#2"], ["1", "cell"], ["01", "1"]):
        array = napari_array(Tracks.from_trajectories([x, x], ids=ids))
        assert array[:, 0].tolist() == [0, 0, 1, 1]


def test_napari__numbers_that_a_float_cannot_tell_apart__become_places():
    x = np.zeros((2, 2))
    tracks = Tracks.from_trajectories([x, x], ids=[str(2**53), str(2**53 + 1)])
    assert np.unique(napari_array(tracks)[:, 0]).tolist() == [0, 1]


def test_napari__one_dimension__is_refused(tmp_path):
    with pytest.raises(TracksFileError, match="2 or 3 dimensions, not in 1"):
        write_tracks([np.zeros((3, 1))], tmp_path / "t.npy")
    assert list(tmp_path.iterdir()) == []


def test_noctiluca__nan_rows__are_missing_frames():
    array = RNG.normal(size=(3, 6, 2))
    array[0, :2] = array[0, 5] = np.nan  # seen late, lost early
    array[1] = np.nan  # never seen
    tracks = read_tracks(array)
    assert (tracks.ids, tracks.first_frames) == (["0", "2"], [2, 0])
    np.testing.assert_array_equal(tracks.trajectories[0], array[0, 2:5])
    told = {step.name: step.n_tracks for step in tracks.report.steps}
    assert told == {"rows_missing": 2, "tracks_empty": 1}


WRONG_ARRAYS = {
    "a vector": np.zeros(5),
    "text": np.array([["a", "b"]]),
    "complex": np.zeros((3, 4, 2), dtype=complex),
    "four axes": np.zeros((2, 3, 4, 2)),
    "four coordinates": np.zeros((2, 3, 4)),
    "times that are no frames": np.array([[1, 0.5, 2.0, 3.0]]),
    "models beyond four": np.column_stack([[7.0], [0.5], RNG.normal(size=(1, 20))]),
    "no rows": np.zeros((0, 4)),
}


@pytest.mark.parametrize("what", WRONG_ARRAYS)
def test_array__of_no_known_form__says_which_are(tmp_path, what):
    with pytest.raises(TracksFileError, match="napari.*noctiluca.*andi_datasets"):
        read_tracks(WRONG_ARRAYS[what])
    np.save(tmp_path / "t.npy", WRONG_ARRAYS[what])
    for format in ("auto", "napari", "noctiluca"):
        with pytest.raises(TracksFileError, match="napari|no track is left|frame 0.5"):
            read_tracks(tmp_path / "t.npy", format)


class Trap:
    """Shows whether a pickle is opened."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_array_file__of_pickled_objects__is_refused_unopened(tmp_path):
    np.save(tmp_path / "t.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(TracksFileError, match="not a readable array of numbers"):
        read_tracks(tmp_path / "t.npy")


def test_array_file__cut_off__is_an_error(tmp_path):
    path = tmp_path / "t.npy"
    np.save(path, np.zeros((10, 10, 2)))
    for n in (900, 60, 7):
        path.write_bytes(path.read_bytes()[:n])
        with pytest.raises(TracksFileError, match="not a readable array of numbers"):
            read_tracks(path)


def test_array_file__header_that_promises_more__asks_for_no_memory(tmp_path):
    path = tmp_path / "t.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**10, 99, 2)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(800))
    with pytest.raises(TracksFileError, match="not a readable array of numbers"):
        read_tracks(path)


def test_array__named_as_a_format_of_files__is_an_error():
    with pytest.raises(TracksFileError, match="not read as 'tidy': format can be auto, napari"):
        read_tracks(np.zeros((3, 4, 2)), "tidy")


def test_napari_features__one_row_per_point__in_the_order_of_the_array():
    rng = np.random.default_rng(0)
    tracks = Tracks.from_trajectories([rng.normal(size=(T, 2)) for T in (3, 1, 2)])
    table = pd.DataFrame(
        {
            "track_id": tracks.ids,
            "alpha": [0.1, np.nan, 0.3],
            "model": ["fbm", None, "attm"],
            "p_attm": [0.2, np.nan, 0.9],
            "p_fbm": [0.8, np.nan, 0.1],
            "is_novel": pd.array([True, None, False], dtype="boolean"),
            "note": ["", "short", ""],
        }
    )
    features = napari_features(tracks, table)
    assert len(features) == len(napari_array(tracks))
    np.testing.assert_array_equal(features["alpha"], [0.1, 0.1, 0.1, np.nan, 0.3, 0.3])
    assert features["model_index"].tolist() == [1, 1, 1, -1, 0, 0]
    np.testing.assert_array_equal(features["is_novel"], [1, 1, 1, np.nan, 0, 0])
    assert "note" not in features


def test_napari_features__table_read_from_a_file__is_as_good(tmp_path):
    tracks = Tracks.from_trajectories([np.zeros((2, 2))] * 3, ids=["007", "008", "009"])
    table = pd.DataFrame({"track_id": tracks.ids, "alpha": [0.1, np.nan, 0.3]})
    table["is_novel"] = pd.array([True, None, False], dtype="boolean")
    table.to_csv(tmp_path / "a.csv", index=False)
    read = napari_features(tracks, pd.read_csv(tmp_path / "a.csv"))
    pd.testing.assert_frame_equal(read, napari_features(tracks, table))


def test_napari_features__table_of_other_tracks__is_refused():
    tracks = Tracks.from_trajectories([np.zeros((2, 2))] * 2)
    table = pd.DataFrame({"track_id": ["1", "0"], "alpha": [1.0, 2.0]})
    with pytest.raises(TracksFileError, match="in their order"):
        napari_features(tracks, table)
