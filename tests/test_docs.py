"""What the documentation promises without being built: nothing public and no page is left out."""

import importlib
import importlib.util
import re
import shlex
import struct
from pathlib import Path

import pytest
from typer.main import get_command

from skandi import errors
from skandi.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def toctree(page):
    """Names and patterns in the toctrees of a page."""
    found = []
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
        lines = [line for line in block.splitlines() if line and not line.startswith(":")]
        found += [re.sub(r".*<(.+)>", r"\1", line) for line in lines]
    return found


def listed(module):
    """Names that docs/api.md lists under a module."""
    found, current = set(), None
    for line in (DOCS / "api.md").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule::"):
            current = line.split()[-1]
        elif current == module and re.fullmatch(r"   \w+", line):
            found.add(line.strip())
        elif current == module and line.startswith("- "):
            found.update(re.findall(r"`(\w+)`", line.partition(":")[0]))
    return found


@pytest.mark.parametrize(
    ("module", "elsewhere"),
    [
        ("skandi", {"plot", "simulate", "distributed"}),  # sections of their own
        ("skandi.distributed", set()),
        ("skandi.plot", set()),
        ("skandi.simulate", set()),
        ("skandi.io", {"read_tracks"}),  # stands with the names of the package
    ],
)
def test_reference__every_public_name__is_listed_and_no_other(module, elsewhere):
    assert listed(module) == set(importlib.import_module(module).__all__) - elsewhere


def test_reference__every_error__is_listed():
    assert listed("skandi.errors") == {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, (errors.SkandiError, Warning))
    }


def test_pages__every_one__is_in_a_toctree():
    entries = [entry for page in PAGES for entry in toctree(page)]
    assert "reading-scores" in entries
    for page in PAGES:
        if page.stem != "index":
            assert any(Path(page.stem).match(entry) for entry in entries), page.name


def test_pages__left_out_of_the_doctests__are_walked_by_another_test():
    spec = importlib.util.spec_from_file_location("docs_conftest", DOCS / "conftest.py")
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    left_out = [name for name in conftest.collect_ignore if name.endswith(".md")]
    assert left_out == ["five-minutes.md"]


WORRIES = {
    "which-estimator": "Which estimator?",
    "gaps": "My tracks have gaps",
    "how-sure": "How sure can I be?",
    "unlike-training": "Is my data unlike the training data?",
    "training": "Train your own",
    "grid-search": "Grid search",
    "saving": "Saving and sharing",
    "speed": "Speed and parallel work",
    "clusters": "clusters",
    "reading-scores": "What the benchmark numbers mean",
    "coming-from": "Coming from",
    "five-minutes": "Five minutes from TrackMate to a figure",
}


@pytest.mark.parametrize("name", WORRIES)
def test_pages__by_worry__are_there_with_code_and_linked_from_the_readme(name):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert WORRIES[name] in text.partition("\n")[0]
    assert "\n>>> " in text
    assert f"(docs/{name}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pages__coming_from__names_all_three():
    text = (DOCS / "coming-from.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", text, re.M)[:3] == ["trackpy", "TrackMate", "andi-datasets"]


def console_lines():
    """(page, command) of each line with a prompt, without its comment."""
    for page in (ROOT / "README.md", *PAGES):
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield page.name, re.sub(r"\s+#\s.*", "", line[2:])


def test_console_blocks__commands_of_skandi__have_the_options_they_use():
    commands = get_command(app).commands
    found = set()
    for page, line in console_lines():
        if "skandi " not in line or line.startswith("pip "):
            continue
        words = shlex.split(re.sub(r" > .*", "", line[re.search(r"\bskandi ", line).start() :]))
        name, arguments = words[1], words[2:]
        assert name in commands, (page, line)
        if "--help" not in arguments:
            with commands[name].make_context(name, arguments):
                found.add(name)
    assert found == {"predict", "report", "train", "join", "export", "info"}


def test_console_blocks__other_commands__are_there():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    n = 0
    for page, line in console_lines():
        words = line.split()
        if words[0] == "make":
            assert words[1] in targets, (page, line)
        if words[0] == "python":
            assert (ROOT / words[1]).is_file(), (page, line)
            source = (ROOT / words[1]).read_text(encoding="utf-8")
            if "from common import" in source:
                source += (ROOT / words[1]).with_name("common.py").read_text(encoding="utf-8")
            for option in words[2:]:
                assert not option.startswith("-") or f'"{option}"' in source, (page, line)
        n += words[0] in ("make", "python")
    assert n > 10


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links__to_files__lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" in link or link.startswith("auto_examples/"):
            continue
        assert (page.parent / link).exists(), link


def test_links__to_examples__lead_to_examples():
    for page in PAGES:
        for name in re.findall(r"\(auto_examples/(\w+)\.rst\)", page.read_text(encoding="utf-8")):
            assert name == "index" or (DOCS / "examples" / f"{name}.py").is_file(), name


@pytest.mark.parametrize("name", ["five-models.png", "report.png"])
def test_pictures__committed__are_png_and_small(name):
    content = (DOCS / "_static" / name).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[-8:-4] == b"IEND"
    assert len(content) <= 200_000
    assert min(struct.unpack(">2I", content[16:24])) > 400


def test_check_links__page_with_broken_links__names_them(tmp_path):
    spec = importlib.util.spec_from_file_location("check_links", DOCS / "check_links.py")
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    (tmp_path / "index.html").write_text(
        '<a href="a.html#here">1</a> <a href="a.html#there">2</a> <img src="no.png">'
        '<a href="https://example.org/no">3</a> <a href="#top">4</a>'
    )
    (tmp_path / "a.html").write_text('<h1 id="here">a</h1> <a href="index.html">5</a>')
    assert check.broken_links(tmp_path) == [
        "index.html: a.html#there",
        "index.html: no.png",
        "index.html: #top",
    ]
