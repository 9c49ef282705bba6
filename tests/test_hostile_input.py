"""Nothing that comes in crashes, hangs, or gets past unread: see benchmarks/fuzz.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from spread_estimators import tiny_alpha
from tracks_in_every_format import EVERY_FORMAT, trackmate_simple_xml

from skandi import AlphaRegressor, analyse, load_pretrained, read_tracks
from skandi.distributed import predict
from skandi.errors import SkandiError, TracksFileError, WeightsError
from skandi.networks import MultiScaleNet
from skandi.normalize import standardize
from skandi.simulate import make_andi
from skandi.weights import load_weights, save_weights

_PATH = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
_SPEC = importlib.util.spec_from_file_location("fuzz", _PATH)
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)

TARGETS = [
    *EVERY_FORMAT, "trackmate-csv-6", "challenge", "weights", "weights-forged", "joint",
    "joint-forged", "frame", "parquet-frame", "npy", "arrays", "analyse",
]  # fmt: skip


@pytest.fixture(scope="module")
def makers(tmp_path_factory):
    return fuzz.targets(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_hostile_input__is_read_soundly_or_refused_with_a_remedy(target, makers):
    verdicts = [
        fuzz.attempt(target, makers[target], np.random.default_rng([7, k]), k, None)
        for k in range(40)
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


@pytest.mark.parametrize("interval", [-1, 0, True, float("inf"), float("nan")])
def test_parquet__interval_that_is_none__is_refused_in_partitions_too(interval, tmp_path):
    path = tmp_path / "tracks.parquet"
    frame = pd.DataFrame({"particle": 1, "frame": range(12), "x": 1.0, "y": np.arange(12.0)})
    frame.attrs["skandi"] = {"frame_interval": interval}
    frame.to_parquet(path)
    for read in (read_tracks, lambda path: predict(path, tmp_path / "out", n_partitions=1)):
        with pytest.raises(TracksFileError, match="a positive number and two words are needed"):
            read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights__not_finite_with_the_right_hash__are_refused(value, tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"w": torch.tensor([1.0, value])}, {})
    with pytest.raises(WeightsError, match="not finite .w.: .* again"):
        load_weights(path)


def test_weights__too_large_to_compute_with__give_an_error_and_no_nan():
    X, y = make_andi(4, length=12, random_state=0)
    fitted = tiny_alpha(random_state=0).fit(X, y)
    with torch.no_grad():
        fitted.net_.module_.output.bias.fill_(float("inf"))
    with pytest.raises(WeightsError, match="too large to compute with"):
        fitted.predict(X)


def test_weights__joint_file_without_outputs__is_refused(tmp_path):
    sizes = {"channels": [8, 8], "recurrent_size": 0, "hidden_size": 8}
    config = {"network": "multiscale", "network_params": sizes, "n_dims": 1, "min_points": 10}
    state = MultiScaleNet(1, 45, **sizes).state_dict()
    state["output.bas"] = state.pop("output.bias")
    save_weights(tmp_path / "w.safetensors", state, config)
    with pytest.raises(WeightsError, match=r"there is no output\.bias"):
        load_pretrained("alpha", path=tmp_path / "w.safetensors")


@pytest.mark.parametrize("block", [-1, 2, 5])
def test_weights__recurrent_block_that_is_not_there__is_refused_at_load(block, tmp_path):
    sizes = {"channels": [8, 8], "recurrent_block": 1, "recurrent_size": 4, "hidden_size": 8}
    config = {"network": "multiscale", "network_params": sizes, "n_dims": 1, "min_points": 10}
    state = MultiScaleNet(1, 45, **sizes).state_dict()
    sizes["recurrent_block"] = block
    save_weights(tmp_path / "w.safetensors", state, config)
    with pytest.raises(WeightsError, match="recurrent_block|index out of range"):
        load_pretrained("alpha", path=tmp_path / "w.safetensors")


def test_weights__truth_as_a_size__is_refused_at_load(tmp_path):
    X, y = make_andi(4, length=12, random_state=0)
    sizes = {"n_layers": 2, "n_filters": 4, "hidden_size": 4, "n_recurrent": 1}
    fitted = AlphaRegressor(network_params=sizes, max_epochs=1, random_state=0).fit(X, y)
    fitted._built["network_params"]["n_recurrent"] = True
    fitted.save(tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="a size is True"):
        AlphaRegressor.load(tmp_path / "w.safetensors")


def test_frame_interval__too_long_with_its_stride__is_refused():
    frame = pd.DataFrame({"particle": 1, "frame": range(0, 24, 2), "x": np.arange(12.0)})
    with pytest.raises(TracksFileError, match="one frame in 2 is there"):
        read_tracks(frame, frame_interval=1e308)


def test_parquet__text_that_is_not_utf_8__is_refused(tmp_path):
    path = tmp_path / "tracks.parquet"
    text = pa.array([b"\xb8\xff"] * 12).cast(pa.string(), safe=False)
    table = pa.table({"particle": text, "frame": range(12), "x": np.arange(12.0)})
    pq.write_table(table, path)
    with pytest.raises(TracksFileError, match="not UTF-8|not a readable Parquet"):
        read_tracks(path)


def test_weights__precision_of_no_kind__is_refused_at_load(tmp_path):
    X, y = make_andi(4, length=12, random_state=0)
    fitted = tiny_alpha(random_state=0).fit(X, y).set_params(predict_precision=2)
    fitted.save(tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="predict_precision is 2"):
        AlphaRegressor.load(tmp_path / "w.safetensors")


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
