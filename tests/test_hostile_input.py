"""Nothing that comes in crashes, hangs, or gets past unread: see benchmarks/fuzz.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tracks_in_every_format import EVERY_FORMAT, trackmate_simple_xml

from skandi import analyse, read_tracks
from skandi.errors import SkandiError, TracksFileError
from skandi.normalize import standardize

_PATH = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
_SPEC = importlib.util.spec_from_file_location("fuzz", _PATH)
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)

TARGETS = [*EVERY_FORMAT, "trackmate-csv-6", "challenge", "weights", "frame", "arrays"]


@pytest.fixture(scope="module")
def makers(tmp_path_factory):
    return fuzz.targets(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_hostile_input__is_read_soundly_or_refused_with_a_remedy(target, makers):
    verdicts = [
        fuzz.attempt(target, makers[target], np.random.default_rng([7, k]), k, None)
        for k in range(60)
    ]
    assert [v for v in verdicts if v.startswith("failed")] == []
    assert "refused" in verdicts  # the changes are hostile enough to matter


def test_targets__every_one__is_tested(makers):
    assert sorted(makers) == sorted(TARGETS)


def test_fuzz__what_is_neither_read_nor_refused__counts_as_failed():
    def crash():
        raise KeyError("bug")

    def silent_nan():
        assert np.isfinite(np.nan), "an answer is not finite"

    for read in (crash, silent_nan):
        verdict = fuzz.attempt("x", lambda rng, read=read: read, None, 0, None)
        assert verdict.startswith("failed")


# --- bugs that were found so ----------------------------------------------------------------------


def test_array_file__header_that_is_no_python__is_refused(tmp_path):
    path = tmp_path / "tracks.npy"
    np.save(path, np.zeros((3, 4)))
    content = bytearray(path.read_bytes())
    content[content.index(b"(")] = ord("[")
    path.write_bytes(content.replace(b"}", b"{", 1))
    with pytest.raises(TracksFileError, match="not a readable array"):
        read_tracks(path)


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_frame__ids_that_cannot_name_a_track__are_refused(value):
    frame = pd.DataFrame({"particle": [value] * 3, "frame": range(3), "x": 1.0, "y": 2.0})
    with pytest.raises(TracksFileError, match="cannot name a track"):
        read_tracks(frame)


def test_xml__encoding_that_does_not_exist__is_refused(tmp_path):
    path = trackmate_simple_xml(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"UTF-8", b"UTF-8inf", 1))
    with pytest.raises(TracksFileError, match="encoding"):
        read_tracks(path)


def test_parquet__metadata_of_pandas_that_lies__is_refused(tmp_path):
    path = tmp_path / "tracks.parquet"
    frame = pd.DataFrame({"particle": 1, "frame": range(12), "x": 1.0, "y": np.arange(12.0)})
    lie = b'{"index_columns": [], "columns": [{"name": "x"}], "column_indexes": []}'
    pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata({b"pandas": lie}), path)
    with pytest.raises(TracksFileError, match="not a readable Parquet"):
        read_tracks(path)


def test_parquet__units_that_are_none__are_refused(tmp_path):
    path = tmp_path / "tracks.parquet"
    frame = pd.DataFrame({"particle": 1, "frame": range(12), "x": 1.0, "y": np.arange(12.0)})
    frame.attrs["skandi"] = {"frame_interval": "fast", "time_unit": "s", "space_unit": None}
    frame.to_parquet(path)
    with pytest.raises(TracksFileError, match="'fast'"):
        read_tracks(path)


# --- numbers of every size ------------------------------------------------------------------------

floats = st.floats(allow_nan=True, allow_infinity=True, width=64)
sound = st.floats(min_value=-1e308, max_value=1e308)
shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)


@given(hnp.arrays(np.float64, shapes, elements=sound))
@settings(max_examples=200, deadline=None)
def test_standardize__any_finite_positions__are_finite_and_of_unit_deviation(x):
    z = standardize(x)
    assert np.isfinite(z).all()
    std = z.std(axis=0)
    assert ((np.abs(std - 1) < 1e-6) | (std == 0)).all()


@given(hnp.arrays(np.float64, st.tuples(st.integers(8, 14), st.just(2)), elements=floats))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_analyse__any_positions__are_answered_with_numbers_or_a_reason(x):
    if not np.isfinite(x).all():
        with pytest.raises(SkandiError):
            analyse([x])
        return
    row = analyse([x]).iloc[0]
    assert np.isfinite(row.alpha) or row.note
