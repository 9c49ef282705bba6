"""The report in a real browser: Chromium without a window, without a network."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from fake_estimators import ConstantAlpha, LengthAsModel
from test_report import HOSTILE

from skandi import analyse, read_tracks
from skandi.io import Tracks
from skandi.report import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
REAL = Path(__file__).parents[2] / "shared" / "data" / "real"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        # as root, in a container, Chromium runs without its sandbox or not at all
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page on a table and its tracks; fails if the page complains or reaches out."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    complaints = []

    def open_page(table, tracks, *, viewport=None, **kwargs):
        path = tmp_path / "report.html"
        write_report(path, table, tracks, **kwargs)
        page = context.new_page()
        if viewport is not None:
            page.set_viewport_size(dict(zip(("width", "height"), viewport)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:")) or complaints.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    context.close()
    assert complaints == []


def analysed(tracks):
    return analyse(tracks, alpha_model=ConstantAlpha(0.7), model_classifier=LengthAsModel())


def walks(lengths, ids=None, n_dims=2):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(T, n_dims)).cumsum(axis=0) for T in lengths]
    return Tracks.from_trajectories(X, ids=ids)


def column(page, name):
    """The texts of a column on the page that is shown."""
    heads = page.locator("#table thead button").all_inner_texts()
    return page.locator(f"#table tbody td:nth-child({heads.index(name) + 1})").all_inner_texts()


def test_browser__table__sorts_filters_and_draws(no_pictures, opened):
    tracks = walks([20, 100, 3, 41], ["a10", "a9", "b", "c"])
    table = analysed(tracks)
    table.loc[[0, 1, 3], "alpha"] = [0.5, 1.5, 0.9]
    page = opened(table, tracks)
    assert page.locator("#caption").inner_text() == "Track a10: dark to bright: start to end"

    page.get_by_role("button", name="track").click()
    assert column(page, "track") == ["a9", "a10", "b", "c"]
    page.get_by_role("button", name="α", exact=True).click()
    assert column(page, "α") == ["0.50", "0.90", "1.50", ""]
    page.get_by_role("button", name="α", exact=True).click()
    assert column(page, "α") == ["1.50", "0.90", "0.50", ""]

    page.locator("#filter-low").fill("0.6")
    assert column(page, "track") == ["a9", "c"]
    page.locator("#filter-text").fill("A")
    assert page.locator("#count").inner_text() == "1 of 4 tracks"
    page.locator("#filter-text").fill("")
    page.locator("#filter-low").fill("")
    page.locator("#filter-answer").select_option("no")
    assert column(page, "note") == ["too short: 3 points, at least 10 needed"]

    before = page.locator("#drawing").inner_html()
    page.locator("#table tbody tr").first.click()
    assert page.locator("#caption").inner_text().startswith("Track b:")
    assert page.locator("#drawing").inner_html() != before
    assert page.locator('#table tr[aria-selected="true"]').count() == 1


def test_browser__note_beside_many_columns__stays_readable(no_pictures, opened):
    tracks = walks([20, 100, 3])
    table = analysed(tracks).assign(alpha_lower=0.12345, alpha_upper=1.2345, expected_error=0.12345)
    page = opened(table.assign(D_alpha=0.12345, condition="control"), tracks)
    heights = page.locator("#table tbody tr").evaluate_all("all => all.map(r => r.offsetHeight)")
    assert heights[2] <= 2 * heights[0]  # the note of the short track, in two lines at most


def full(tracks, n_conditions=1):
    """A table with every column that a report can show, of two files or more if conditions are."""
    table = analysed(tracks).assign(
        alpha_lower=0.12345, alpha_upper=1.2345, expected_error=0.12345, D_alpha=0.12345,
        novelty=1.2345, is_novel=np.arange(len(tracks)) % 2 == 0,
    )  # fmt: skip
    table.attrs["time_unit"] = "s"
    if n_conditions > 1:
        place = np.arange(len(tracks)) % n_conditions
        table.insert(0, "condition", [f"condition {k}" for k in place])
        table.insert(1, "file", [f"a_long_folder/2026-11-25/film_{k:02}.csv" for k in place])
    return table


PHONE = (390, 844)


def test_browser__phone__has_nothing_wider_than_the_screen(no_pictures, opened):
    tracks = walks([20, 100, 3, 41])
    page = opened(full(tracks, n_conditions=2), tracks, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    # no word is broken into letters to make a column narrow
    for selector in ("#comparison td", "#comparison th", "#table th", "#table td:first-child"):
        heights = page.locator(selector).evaluate_all("all => all.map(e => e.offsetHeight)")
        assert max(heights) < 80, selector
    # a row and its track are on one screen
    drawing, rows = (page.locator(name).bounding_box() for name in ("#track", ".rows"))
    assert drawing["y"] < rows["y"]
    assert rows["y"] + rows["height"] - drawing["y"] < PHONE[1]


@pytest.mark.parametrize("n_conditions, last", [(1, "D_α"), (2, "model")])
def test_browser__desktop__shows_the_answers_without_scrolling(
    no_pictures, opened, n_conditions, last
):
    tracks = walks([20, 100, 41, 33], [f"{k}#{k}" for k in range(4)])
    page = opened(full(tracks, n_conditions), tracks, viewport=(1280, 900))
    head = page.get_by_role("button", name=last, exact=True).bounding_box()
    rows = page.locator(".rows").bounding_box()
    assert head["x"] + head["width"] <= rows["x"] + rows["width"]


def test_browser__novel_tracks__can_be_picked(no_pictures, opened):
    tracks = walks([20, 100, 41, 33])
    page = opened(full(tracks), tracks)
    assert column(page, "novel") == ["yes", "", "yes", ""]
    page.locator("#filter-answer").select_option("novel")
    assert page.locator("#count").inner_text() == "2 of 4 tracks"
    page = opened(analysed(tracks), tracks)
    assert page.locator("#filter-answer option").count() == 3  # where nothing is known of novelty


def test_browser__pictures__are_shown(opened):
    tracks = walks([30] * 20)
    page = opened(analysed(tracks), tracks)
    widths = page.locator("#figures img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert len(widths) == 5
    assert min(widths) > 100


@pytest.mark.parametrize("n_dims", [1, 3])
def test_browser__other_dimensions__are_drawn(no_pictures, opened, n_dims):
    tracks = walks([30, 1], n_dims=n_dims)
    page = opened(analysed(tracks), tracks)
    assert page.locator("#drawing polyline").count() == 29
    assert ("seen along z" in page.locator("#caption").inner_text()) == (n_dims == 3)
    page.locator("#table tbody tr").nth(1).click()
    assert page.locator("#drawing circle").count() == 1


def test_browser__hostile_names__are_shown_and_never_run(no_pictures, opened):
    tracks = walks([20, 5, 20, 30], HOSTILE)
    table = analysed(tracks).assign(condition=HOSTILE, file=HOSTILE)
    page = opened(table, tracks, title=HOSTILE[1], weights=HOSTILE)
    assert column(page, "track") == HOSTILE
    assert page.locator("h1").inner_text() == HOSTILE[1]
    assert page.locator("body img[src='x']").count() == 0


def test_browser__twenty_thousand_tracks__stay_usable(no_pictures, opened):
    rng = np.random.default_rng(0)
    one = walks([100]).trajectories[0]
    tracks = Tracks.from_trajectories([one] * 20_000, ids=[f"track {k}" for k in range(20_000)])
    table = analysed(walks([100])).loc[[0] * 20_000].reset_index(drop=True)
    table["track_id"], table["alpha"] = tracks.ids, rng.uniform(0, 2, 20_000)
    table["alpha"] = table.alpha.round(3)
    page = opened(table, tracks)
    assert page.locator("#table tbody tr").count() == 100
    assert page.locator("#page").inner_text() == "page 1 of 200"
    started = time.perf_counter()
    page.get_by_role("button", name="α", exact=True).click()
    first = column(page, "α")[0]
    page.locator("#filter-text").fill("19999")
    assert page.locator("#count").inner_text() == "1 of 20000 tracks"
    page.locator("#table tbody tr").first.click()
    assert page.locator("#caption").inner_text().startswith("Track track 19999:")
    assert time.perf_counter() - started < 10
    assert first == f"{table.alpha.min():.2f}"


@pytest.mark.parametrize("name", ["mucus_hbe_1um_beads_first600", "beads_water_1um_trackpy"])
def test_browser__measured_tracks__open(opened, name):
    path = REAL / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"no measured tracks at {path}")
    tracks = read_tracks(path)
    page = opened(analysed(tracks), tracks)
    assert page.locator("#count").inner_text() == f"{len(tracks)} of {len(tracks)} tracks"
    assert page.locator("#drawing polyline").count() == 60
