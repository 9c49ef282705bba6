"""The text files of the AnDi challenge."""

import numpy as np
import pytest

from skandi.errors import TracksFileError
from skandi.io import (
    Tracks,
    detect_format,
    read_challenge,
    read_challenge_labels,
    read_tracks,
    write_challenge,
    write_challenge_labels,
    write_tracks,
)


def test_challenge__ragged_lines__are_axis_after_axis(tmp_path):
    path = tmp_path / "task1.txt"
    path.write_text("2;1;2;3;10;20;30\n2;0.5;1.5;-1;-2\n")
    tracks = read_tracks(path)
    assert tracks.report.format == "challenge"
    assert tracks.ids == ["0", "1"]
    assert tracks.trajectories[0].tolist() == [[1, 10], [2, 20], [3, 30]]
    assert tracks.trajectories[1].tolist() == [[0.5, -1], [1.5, -2]]


@pytest.mark.parametrize(
    "text",
    [
        "1;1;2;3;\n1;4;5;\n",
        "1;1;2;3\r\n1;4;5\r\n",
        "\n1;1;2;3\n\n1;4;5\n\n",
        "1;1;2;3\n1;4;5",
        "1.0; 1; 2; 3; \n1.0;4e0;5",
        "\ufeff1;1;2;3\n1;4;5\n",
    ],
    ids=["trailing ;", "windows", "blank lines", "no last end", "numpy's floats", "bom"],
)
def test_challenge__text_in_another_dress__is_the_same(tmp_path, text):
    path = tmp_path / "task1.txt"
    path.write_bytes(text.encode())
    assert detect_format(path) == "challenge"
    trajectories = read_tracks(path).trajectories
    assert [x.ravel().tolist() for x in trajectories] == [[1, 2, 3], [4, 5]]


@pytest.mark.parametrize(
    "line, problem",
    [
        ("2;1;2;3", "3 positions of a 2-D trajectory, which is not a multiple of 2"),
        ("3;1;2;3;4", "not a multiple of 3"),
        ("1", "0 positions of a 1-D trajectory"),
        ("1;2;x", "could not convert string to float: 'x'"),
        ("1;2;;3", "could not convert"),
        ("1;2;nan", "NaN or infinite"),
        ("1;2;inf", "NaN or infinite"),
        ("4;1;2;3;4", "starts with '4', where the dimension 1, 2 or 3 is needed"),
        ("track,frame", "starts with 'track,frame'"),
    ],
)
def test_challenge__corrupt_line__is_an_error_with_its_number(tmp_path, line, problem):
    path = tmp_path / "task1.txt"
    path.write_text(f"2;1;2;3;4\n\n{line}\n2;1;2\n")
    with pytest.raises(TracksFileError) as caught:
        read_challenge(path, n_dims=None if line[0] not in "13" else int(line[0]))
    assert f"{path}, line 3: " in str(caught.value)
    assert problem in str(caught.value)


def test_challenge__mixed_dimensions__are_chosen_from(tmp_path):
    path = tmp_path / "task2.txt"
    path.write_text("1;1;2\n2;1;2;3;4\n2;5;6\n")
    with pytest.raises(
        TracksFileError, match="mixes 1 1-D, 2 2-D trajectories: choose with n_dims"
    ):
        read_tracks(path)
    tracks = read_tracks(path, n_dims=2)
    assert tracks.ids == ["1", "2"]
    assert "1 trajectory of other dimensions left out" in str(tracks.report)
    with pytest.raises(TracksFileError, match="has no 3-D trajectory, only 1 1-D, 2 2-D"):
        read_tracks(path, n_dims=3)


def test_challenge__empty_file__is_an_error(tmp_path):
    path = tmp_path / "task1.txt"
    path.write_text("\n\n")
    with pytest.raises(TracksFileError, match="is empty"):
        read_challenge(path)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_challenge__written_and_read__is_bit_equal(tmp_path, n_dims):
    rng = np.random.default_rng(n_dims)
    ordinary = [rng.normal(size=(T, n_dims)).cumsum(axis=0) for T in (1, 2, 10, 999)]
    # single-flight Lévy walks of the scoring set are scaled to 1e15 and beyond
    huge = [1e15 + rng.normal(size=(50, n_dims)) * 1e3, rng.normal(size=(50, n_dims)) * 1e17]
    still = [np.full((20, n_dims), 1 / 3), np.zeros((20, n_dims))]
    trajectories = [*ordinary, *huge, *still, np.full((3, n_dims), -0.0)]
    path = tmp_path / "task1.txt"
    write_tracks(Tracks.from_trajectories(trajectories), path)
    read = read_tracks(path).trajectories
    assert len(read) == len(trajectories)
    for x, x_read in zip(trajectories, read, strict=True):
        assert x_read.tobytes() == np.ascontiguousarray(x).tobytes()


def test_challenge__labels_written_and_read__are_equal(tmp_path):
    alpha = np.array([0.05, 0.1, 1 / 3, 2.0])
    write_challenge_labels(alpha, tmp_path / "ref1.txt", task="alpha", n_dims=2)
    np.testing.assert_array_equal(read_challenge_labels(tmp_path / "ref1.txt", "alpha"), alpha)

    models = np.array(["sbm", "attm", "ctrw", "fbm", "lw"])
    write_challenge_labels(models, tmp_path / "ref2.txt", task="model", n_dims=2)
    assert (tmp_path / "ref2.txt").read_text() == "2;4\n2;0\n2;1\n2;2\n2;3\n"
    np.testing.assert_array_equal(read_challenge_labels(tmp_path / "ref2.txt", "model"), models)


def test_challenge__labels_of_mixed_dimensions__follow_their_trajectories(tmp_path):
    (tmp_path / "ref2.txt").write_text("1;0.0;\r\n2;3.0;\r\n\r\n2;4;\r\n")
    labels = read_challenge_labels(tmp_path / "ref2.txt", "model", n_dims=2)
    assert labels.tolist() == ["lw", "sbm"]


@pytest.mark.parametrize("line", ["1;5", "1;0.5", "1;-1"])
def test_challenge__number_of_no_model__is_an_error(tmp_path, line):
    (tmp_path / "ref2.txt").write_text(f"1;0\n{line}\n")
    with pytest.raises(TracksFileError, match="line 2: model .* is needed"):
        read_challenge_labels(tmp_path / "ref2.txt", "model")


def test_challenge__trajectory_read_as_labels__is_an_error(tmp_path):
    write_challenge([np.zeros((3, 1))], tmp_path / "task1.txt")
    with pytest.raises(TracksFileError, match="line 1: 4 fields, where 'dim;value' is needed"):
        read_challenge_labels(tmp_path / "task1.txt", "alpha")


def test_challenge__label_of_no_model__is_refused(tmp_path):
    with pytest.raises(TracksFileError, match=r"Models \['ou'\] have no number"):
        write_challenge_labels(["fbm", "ou"], tmp_path / "ref2.txt", task="model", n_dims=1)
    assert list(tmp_path.iterdir()) == []
