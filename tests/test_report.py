"""The report: what the page says, and that names of tracks are only names, without a browser."""

import base64
import hashlib
import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
from fake_estimators import ConstantAlpha, LengthAsModel

from skandi import analyse
from skandi.errors import MissingExtraError, SkandiError
from skandi.io import Tracks
from skandi.report import write_report
from skandi.report.data import table_data, track_data

pytest.importorskip("matplotlib")

HOSTILE = ["<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>", "$\\frac{", "<!--"]


def tracks_of(lengths, ids=None, n_dims=2, **units):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(T, n_dims)).cumsum(axis=0) + 1 for T in lengths]
    return Tracks.from_trajectories(X, ids=ids, **units)


def analysed(tracks, alpha=0.7):
    return analyse(tracks, alpha_model=ConstantAlpha(alpha), model_classifier=LengthAsModel())


def page_of(tmp_path, table, tracks, **kwargs):
    path = tmp_path / "report.html"
    write_report(path, table, tracks, **kwargs)
    return path.read_text(encoding="utf-8")


def data_of(page):
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(text)


def unpacked(track):
    d = len(track["low"])
    levels = np.frombuffer(base64.b64decode(track["points"]), "<u2").reshape(-1, d) / 65535
    return np.array(track["low"]) + 2 * np.array(track["half"]) * levels


def test_report__page__has_summary_reasons_weights_and_citations(tmp_path):
    tracks = tracks_of([20, 30, 5], ["a", "b", "short"], space_unit="µm")
    page = page_of(tmp_path, analysed(tracks), tracks, weights=["w.safetensors, sha256 12ab"])
    assert "3, of which 2 have an answer" in page
    assert "0.70, 95 % interval 0.70 to 0.70" in page
    assert "<li>too short: 1 (short)</li>" in page
    assert "w.safetensors, sha256 12ab" in page
    assert "404003 (2021)" in page
    assert f"numpy {np.__version__}" in page
    assert "not computed, unknown: frame interval, time unit" in page
    assert page.count('<figure><img src="data:image/svg+xml;base64,') == 5


def test_report__page__reaches_for_nothing_outside(tmp_path):
    tracks = tracks_of([20])
    page = page_of(tmp_path, analysed(tracks), tracks)
    assert set(re.findall(r'(?:src|href)="([a-z]+:)', page)) == {"data:"}
    assert "default-src 'none'" in page
    script = re.findall(r"<script>(.*?)</script>", page, re.S)[-1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_report__hostile_names__stay_text(tmp_path):
    tracks = tracks_of([20, 5, 20, 30], HOSTILE)
    table = analysed(tracks).assign(condition=HOSTILE, file=HOSTILE)
    page = page_of(tmp_path, table, tracks, weights=HOSTILE, title=HOSTILE[0])
    for name in HOSTILE[:2]:
        assert name not in page
    assert len(re.findall(r"<script", page)) == 2
    names = {column["name"]: column["values"] for column in data_of(page)["columns"]}
    assert names["track_id"] == HOSTILE


def test_data__columns__hold_what_the_table_has():
    table = analysed(tracks_of([20, 5]))
    columns = {column["name"]: column["values"] for column in table_data(table)["columns"]}
    assert columns["alpha"] == [0.7, None]
    assert columns["p_model"] == [1.0, None]
    assert columns["n_points"] == [20, 5]
    assert "novelty" not in columns
    assert columns["note"][1].startswith("too short")


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_data__positions__come_back(n_dims):
    tracks = tracks_of([20, 2500, 1], n_dims=n_dims, frame_interval=0.5, time_unit="s")
    data = track_data([tracks])
    assert data["sets"] == [{"space": None, "time": "s", "interval": 0.5}]
    for packed, x in zip(data["tracks"], tracks.trajectories):
        kept = x[:: packed["every"]]
        np.testing.assert_allclose(unpacked(packed), kept, atol=np.ptp(x) / 60_000 + 1e-12)
    assert [packed["every"] for packed in data["tracks"]] == [1, 3, 1]


def test_data__huge_positions__stay_finite():
    (packed,) = track_data([Tracks.from_trajectories([np.array([[-1.7e308], [1.7e308]])])])[
        "tracks"
    ]
    assert np.isfinite([*packed["low"], *packed["half"]]).all()


def test_data__many_tracks__are_drawn_with_fewer_points():
    tracks = tracks_of([400]).trajectories * 20_000
    data = track_data([Tracks.from_trajectories(tracks)])
    assert len(json.dumps(data)) < 20e6


def test_report__several_sets__are_compared(no_pictures, tmp_path):
    sets = [tracks_of([20] * 6), tracks_of([33] * 6)]
    tables = [
        analysed(each, alpha).assign(condition=name, file=f"{name}.csv")
        for each, alpha, name in zip(sets, (0.5, 0.9), "ab")
    ]
    page = page_of(tmp_path, pd.concat(tables, ignore_index=True), sets)
    assert "+0.40 [+0.40, +0.40]" in page
    assert "one file cannot tell how files differ" in page
    assert [track["set"] for track in data_of(page)["tracks"]] == [0] * 6 + [1] * 6


def test_report__nothing_read__still_is_a_page(tmp_path):
    tracks = tracks_of([3, 5])
    assert "2, of which 0 have an answer" in page_of(tmp_path, analysed(tracks), tracks)


def test_report__table_of_others__is_refused(tmp_path):
    tracks = tracks_of([20, 20])
    with pytest.raises(SkandiError, match="1 rows and there are 2 tracks"):
        write_report(tmp_path / "a.html", analysed(tracks).iloc[:1], tracks)
    assert not list(tmp_path.iterdir())


def test_report__no_jinja__names_the_extra(no_pictures, tmp_path, monkeypatch):
    tracks = tracks_of([20])
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"skandi\[report\]"):
        write_report(tmp_path / "a.html", analysed(tracks), tracks)


def test_table__duration__has_its_unit_in_the_head():
    table = pd.DataFrame({"track_id": ["a"], "n_points": [9], "alpha": [1.0], "duration": [0.4]})
    table = table.assign(model=None, note="")
    table.attrs["time_unit"] = "s"
    titles = [column["title"] for column in table_data(table)["columns"]]
    assert "duration (s)" in titles
