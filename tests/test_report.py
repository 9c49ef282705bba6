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
from typer.testing import CliRunner

from skandi import analyse
from skandi.cli import app
from skandi.errors import MissingExtraError, SkandiError
from skandi.io import Tracks
from skandi.report import write_report
from skandi.report.data import table_data, track_data
from skandi.report.figures import draw_figures

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


@pytest.mark.parametrize(
    "units, told",
    [
        ({"time_unit": "s"}, "frames"),
        ({"frame_interval": 0.5}, "unit of the frame interval"),
        ({"frame_interval": 0.5, "time_unit": "s"}, "s"),
    ],
)
def test_data__time__is_told_in_its_unit(units, told):
    (about,) = track_data([tracks_of([20], n_dims=1, **units)])["sets"]
    assert about["time"] == told


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


def test_report__conditions__have_a_median_each_and_notes_say_whose_they_are(no_pictures, tmp_path):
    sets = [tracks_of([20] * 6, [f"{k}.{i}" for i in range(6)]) for k in range(5)]
    conditions, alphas = ["a", "a", "b", "b", "c"], [0.4, 0.6, 1.4, 1.6, 0.9]
    table = pd.concat(
        [
            analysed(each, alpha).assign(condition=condition, file=f"f{k}")
            for k, (each, alpha, condition) in enumerate(zip(sets, alphas, conditions, strict=True))
        ],
        ignore_index=True,
    )
    page = page_of(tmp_path, table, sets)
    assert "<dt>median α, a</dt><dd>0.50, 95 % interval 0.40 to 0.60 (over files)" in page
    assert "<dt>median α, c</dt><dd>0.90, 95 % interval 0.90 to 0.90 (over tracks)" in page
    assert "<dt>models, b</dt>" in page
    assert "<p>b: interval is rough: 2 files are few to tell how files differ</p>" in page
    assert "<p>c: interval over tracks only" in page


def test_report__first_condition_without_an_answer__is_said(no_pictures, tmp_path):
    sets = [tracks_of([20] * 6) for _ in range(3)]
    tables = [
        analysed(each).assign(condition=name) for each, name in zip(sets, ("Control", "b", "c"))
    ]
    tables[0]["alpha"] = np.nan
    page = page_of(tmp_path, pd.concat(tables, ignore_index=True), sets)
    assert "no track of Control has an answer: compared with the next condition" in page
    others = pd.concat(tables[1:], ignore_index=True)
    assert "no track of" not in page_of(tmp_path, others, sets[1:])


@pytest.fixture
def quick_pictures(monkeypatch):
    """Pictures that are drawn and not written, which takes most of their time."""
    monkeypatch.setattr("skandi.report.figures._as_source", lambda figure: "data:,")


def several(n_files, **units):
    """Sets of tracks and their table: files in turn of two conditions."""
    sets = [tracks_of([20] * 3, **units) for _ in range(n_files)]
    tables = [
        analysed(each).assign(condition="ab"[k % 2], file=f"{k}.csv") for k, each in enumerate(sets)
    ]
    return pd.concat(tables, ignore_index=True), sets


def test_figures__several_files__are_one_field_a_file_and_one_msd_a_condition(quick_pictures):
    names = [figure["name"] for figure in draw_figures(*several(4))]
    assert names == ["alpha", "models", *["tracks alpha"] * 4, "msd", "msd"]


def test_figures__more_files_than_are_drawn__say_so(quick_pictures):
    figures = draw_figures(*several(9))
    fields = [figure for figure in figures if figure["name"] == "tracks alpha"]
    assert len(fields) == 6
    assert fields[-1]["caption"].endswith("Of 9 files the first 6 are drawn.")


def test_figures__files_of_other_units__are_not_pooled(quick_pictures):
    table, sets = several(4)
    others = tracks_of([20] * 3, frame_interval=0.1, time_unit="s", space_unit="nm")
    captions = [
        figure["caption"]
        for figure in draw_figures(table, [*sets[:3], others])
        if figure["name"] == "msd"
    ]
    assert [caption.partition(":")[0] for caption in captions] == ["a", "b", "b (2)"]


def captions_of(name, table, sets):
    return [figure["caption"] for figure in draw_figures(table, sets) if figure["name"] == name]


def test_figures__conditions_within_one_set__have_an_msd_each(quick_pictures, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "skandi.report.figures.MSDDisplay.from_tracks", lambda tracks, ax: drawn.append(tracks)
    )
    tracks = tracks_of([20] * 5)
    table = analysed(tracks).assign(condition=list("cdcdc"))
    captions = captions_of("msd", table, [tracks])
    assert [caption.partition(":")[0] for caption in captions] == ["c", "d"]
    for part, rows in zip(drawn, (slice(0, None, 2), slice(1, None, 2))):
        np.testing.assert_array_equal(part.trajectories, tracks.trajectories[rows])
    (alone,) = captions_of("msd", table.assign(condition="c"), [tracks])
    assert alone.startswith("Time-averaged")


def test_figures__more_tracks_than_are_drawn__say_so(quick_pictures, monkeypatch):
    monkeypatch.setattr("skandi.report.figures._TRACKS_DRAWN", 4)
    tracks = tracks_of([20] * 9)
    for name in ("tracks alpha", "msd"):
        (caption,) = captions_of(name, analysed(tracks), [tracks])
        assert caption.endswith(" 3 of 9 tracks.")
    few = tracks_of([20] * 4)
    (caption,) = captions_of("msd", analysed(few), [few])
    assert caption.endswith("needs no network.")


def test_figures__colours_of_models__are_those_of_a_picture_that_is_there(quick_pictures):
    for n_files, told in ((1, True), (2, False)):
        table, sets = several(n_files)
        (caption,) = captions_of("models", table, sets)
        assert ("picture of tracks" in caption) is told


def test_figures__novelty__has_a_picture_once_it_is_known(quick_pictures):
    tracks = tracks_of([20, 30, 40])
    table = analysed(tracks)
    names = [figure["name"] for figure in draw_figures(table, [tracks])]
    assert names == ["alpha", "models", "tracks alpha", "tracks model", "msd"]
    table["novelty"] = [0.1, 0.2, np.nan]
    names = [figure["name"] for figure in draw_figures(table, [tracks])]
    assert "tracks novelty" in names


def test_report__novel_tracks__are_counted_in_the_summary(no_pictures, tmp_path):
    tracks = tracks_of([20, 30, 5, 40])
    table = analysed(tracks)
    assert "unlike the training data" not in page_of(tmp_path, table, tracks)
    table["is_novel"] = pd.array([True, False, None, False], dtype="boolean")
    page = page_of(tmp_path, table, tracks)
    assert "<dt>unlike the training data</dt><dd>1 track, 33%</dd>" in page
    assert data_of(page)["columns"][-2]["values"] == ["yes", "", "", ""]


def test_report__tracks_skipped_of_several_files__are_counted_and_not_named(no_pictures, tmp_path):
    tracks = tracks_of([20, 5, 5], ["a", "b", "c"])
    table = analysed(tracks)
    assert "<li>too short: 2 (b, c)</li>" in page_of(tmp_path, table, tracks)
    table = table.assign(condition="k", file="one of several")
    assert "<li>too short: 2</li>" in page_of(tmp_path, table, tracks)


def test_report__nothing_read__still_is_a_page(tmp_path):
    tracks = tracks_of([3, 5])
    assert "2, of which 0 have an answer" in page_of(tmp_path, analysed(tracks), tracks)


def test_report__table_of_others__is_refused(tmp_path):
    tracks = tracks_of([20, 20])
    with pytest.raises(SkandiError, match="1 rows and there are 2 tracks"):
        write_report(tmp_path / "a.html", analysed(tracks).iloc[:1], tracks)
    assert not list(tmp_path.iterdir())


def test_report__arrays_or_a_table_without_columns__are_refused(tmp_path):
    tracks = tracks_of([20, 20])
    table = analysed(tracks)
    with pytest.raises(SkandiError, match="tracks holds ndarray: .*Tracks.from_trajectories"):
        write_report(tmp_path / "a.html", table, tracks.trajectories)
    with pytest.raises(SkandiError, match="no column n_dims"):
        write_report(tmp_path / "a.html", table.drop(columns="n_dims"), tracks)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", ["expected_error", "duration", "D_alpha", "alpha_upper"])
def test_report__column_that_may_be_left_out__may_be(column, no_pictures, tmp_path):
    tracks = tracks_of([20, 20])
    assert "<!DOCTYPE html>" in page_of(tmp_path, analysed(tracks).drop(columns=column), tracks)


def test_report__nowhere_to_write__is_found_before_the_work(monkeypatch, tmp_path):
    tracks = tracks_of([20, 20])
    table = analysed(tracks)
    monkeypatch.setattr("skandi.report.page.draw_figures", lambda *_: pytest.fail("was drawn"))
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "nowhere" / "a.html", table, tracks)


def test_report__rows_in_another_order__are_refused(no_pictures, tmp_path):
    tracks = tracks_of([20, 20, 30], ["a", "b", "c"])
    table = analysed(tracks)
    for wrong in (table.iloc[::-1], table.assign(n_points=[20, 21, 30])):
        with pytest.raises(SkandiError, match="Row . of the table is of track"):
            page_of(tmp_path, wrong, tracks)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ids", [["1", "2"], ["a", "b"], ["01", "02"]])
def test_report__table_read_again_from_csv__is_a_page(ids, no_pictures, tmp_path):
    tracks = tracks_of([20, 30], ids)
    table = analysed(tracks)
    table.to_csv(tmp_path / "table.csv", index=False)
    again = pd.read_csv(tmp_path / "table.csv")
    again.attrs = table.attrs
    pages = [data_of(page_of(tmp_path, each, tracks)) for each in (table, again)]
    columns = [[c for c in page["columns"] if c["name"] != "track_id"] for page in pages]
    assert columns[0] == columns[1]


def test_report__no_jinja__names_the_extra(no_pictures, tmp_path, monkeypatch):
    tracks = tracks_of([20])
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"skandi\[report\]"):
        write_report(tmp_path / "a.html", analysed(tracks), tracks)


@pytest.mark.parametrize("package, extra", [("jinja2", "report"), ("matplotlib.pyplot", "plot")])
def test_report__package_missing__is_told_before_the_tracks_are_read(
    tmp_path, monkeypatch, package, extra
):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "a.csv").write_text("no table")
    done = CliRunner().invoke(
        app, ["report", str(tmp_path / "a.csv"), "-o", str(tmp_path / "a.html")]
    )
    assert done.exit_code == 2
    assert f'pip install "skandi[{extra}]"' in done.stderr


def test_table__duration__has_its_unit_in_the_head():
    table = pd.DataFrame({"track_id": ["a"], "n_points": [9], "alpha": [1.0], "duration": [0.4]})
    table = table.assign(model=None, note="")
    table.attrs["time_unit"] = "s"
    titles = [column["title"] for column in table_data(table)["columns"]]
    assert "duration (s)" in titles


def test_table__units_of_columns__are_in_their_heads_or_beside_each_row():
    tracks = tracks_of([40], frame_interval=0.1, time_unit="s", space_unit="µm")
    table = analysed(tracks)
    assert "D_α (µm²/s^α)" in [column["title"] for column in table_data(table)["columns"]]
    table.insert(0, "space_unit", ["nm"])
    table.insert(1, "time_unit", ["ms"])
    columns = {column["title"]: column["values"] for column in table_data(table)["columns"]}
    assert (columns["unit of length"], columns["unit of time"]) == (["nm"], ["ms"])
    assert {"D_α", "duration"} <= set(columns)
    unknown = table_data(analysed(tracks_of([40])).assign(D_alpha=1.0))["columns"]
    assert "D_α" in [column["title"] for column in unknown]
