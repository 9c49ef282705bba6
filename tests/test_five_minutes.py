"""The page docs/five-minutes.md, walked from top to bottom in an empty folder by somebody new."""

import doctest
import re
import shlex
import struct
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from tracks_in_every_format import trackmate_v7
from typer.testing import CliRunner

from skandi import __version__
from skandi.cli import app
from skandi.simulate import make_andi

pyplot = pytest.importorskip("matplotlib.pyplot")
pytest.importorskip("jinja2", reason="the report needs jinja2")

PAGE = Path(__file__).parents[1] / "docs" / "five-minutes.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
N_TRACKS = 12
MILLIMETRE = 72 / 25.4  # in points


def blocks(text):
    """(language, content) of each block that is marked as console or Python, in order."""
    return re.findall(r"^```(console|python)\n(.*?)^```", text, re.M | re.S)


def export(folder):
    """What TrackMate exports: simulated tracks, one too short, and a spot of no track."""
    X, _ = make_andi(N_TRACKS, n_dims=2, length=[30] * (N_TRACKS - 1) + [6], random_state=0)
    rows = [(k, t, 10 + x, 20 + y) for k, track in enumerate(X) for t, (x, y) in enumerate(track)]
    trackmate_v7(folder, rows=[*rows, (None, 0, 1.0, 1.0)]).rename(folder / "spots.csv")


def run_commands(block, folder):
    """Each command of a block; ``> file`` means what it does in a shell."""
    for line in block.splitlines():
        command, _, target = line.removeprefix("$ ").partition(" > ")
        arguments = shlex.split(command)[1:]
        assert line.startswith("$ skandi "), line
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.stderr
        if target:
            (folder / target).write_bytes(done.stdout_bytes)


def run_python(block, globs):
    """A block as a doctest, in the names that earlier blocks made."""
    test = doctest.DocTestParser().get_doctest(block, globs, PAGE.name, str(PAGE), 0)
    test.globs = globs
    told = []
    assert test.examples
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append, clear_globs=False)
    assert not told, "".join(told)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder after all that the page says was done."""
    folder = tmp_path_factory.mktemp("five-minutes")
    export(folder)
    globs = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pyplot.switch_backend("agg")
        for language, block in blocks(PAGE.read_text(encoding="utf-8")):
            if language == "console":
                run_commands(block, folder)
            else:
                run_python(block, globs)
        pyplot.close("all")
    return folder


def pdf_width(path):
    """Width of the page in points."""
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    (box,) = re.findall(rb"/MediaBox \[([^]]+)\]", content)
    left, _, right, _ = map(float, box.split())
    return right - left


def test_five_minutes__files_named__are_all_there_and_no_others(walked):
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"[\w]+\.(?:csv|html|pdf|png|txt)\b", text))
    # The picture in the page, and the files of two conditions that are mentioned at its end.
    assert named - {path.name for path in walked.iterdir()} == {"report.png"}
    assert {path.name for path in walked.iterdir()} <= named


def test_five_minutes__table__has_a_row_per_track(walked):
    table = pd.read_csv(walked / "results.csv")
    assert len(table) == N_TRACKS
    assert table["alpha"].notna().sum() == N_TRACKS - 1
    assert table["D_alpha"].notna().any()
    assert table["note"].iloc[-1] == "too short: 6 points, at least 10 needed"


def test_five_minutes__report__is_one_whole_page(walked):
    page = (walked / "report.html").read_text(encoding="utf-8")
    opened, closed = [], []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: opened.append((tag, dict(attrs)))
    parser.handle_endtag = closed.append
    parser.feed(page)
    assert opened[0][0] == closed[-1] == "html"
    pictures = [attrs["src"] for tag, attrs in opened if tag == "img"]
    assert pictures
    assert all(source.startswith("data:image/") for source in pictures)
    assert f"{N_TRACKS}, of which {N_TRACKS - 1} have an answer" in page
    assert "positions in µm, frame interval 0.05 s" in page


def test_five_minutes__figures__are_one_and_two_columns_wide(walked):
    assert pdf_width(walked / "tracks.pdf") == pytest.approx(85 * MILLIMETRE, abs=0.5)
    assert pdf_width(walked / "alpha_and_models.pdf") == pytest.approx(170 * MILLIMETRE, abs=0.5)
    content = (walked / "tracks.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    (width,) = struct.unpack(">I", content[16:20])
    assert width == pytest.approx(85 / 25.4 * 600, abs=1)


def test_five_minutes__versions__name_skandi_and_the_weights(walked):
    told = (walked / "versions.txt").read_text(encoding="utf-8")
    assert told.startswith(f"skandi {__version__},")
    assert "andi2020_2d.safetensors" in told


def test_five_minutes__walk__notices_a_wrong_page(tmp_path):
    with pytest.raises(AssertionError, match="Expected"):
        run_python(">>> 1 + 1\n3\n", {})
    with pytest.raises(AssertionError, match="error: no such file"):
        run_commands("$ skandi predict nowhere.csv\n", tmp_path)
