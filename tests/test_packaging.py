"""What pyproject.toml promises, and the files that repeat a part of it."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

tomllib = pytest.importorskip("tomllib", reason="tomllib is in Python 3.11 and newer")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def only_version(requirement: Requirement) -> Version:
    (specifier,) = requirement.specifier
    return Version(specifier.version)  # 1.24 equals 1.24.0


def pins(name: str) -> dict[str, set[Version]]:
    """The versions a constraints file gives for each package."""
    found: dict[str, set[Version]] = {}
    for line in (ROOT / "constraints" / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(pin.name, set()).add(only_version(pin))
    return found


def test_dependencies__at_run_time__have_a_floor_and_no_ceiling():
    for text in PROJECT["dependencies"]:
        operators = [each.operator for each in Requirement(text).specifier]
        assert operators == [">="], text


def test_floor__constraints__are_the_oldest_versions_admitted():
    floors = map(Requirement, PROJECT["dependencies"])
    oldest = {floor.name: {only_version(floor)} for floor in floors}
    pinned = pins("floor.txt")
    # torch is the exception that the file explains.
    assert pinned.pop("torch") == pins("tested.txt")["torch"]
    del oldest["torch"]
    assert pinned == oldest


def test_all__extra__is_everything_but_andi():
    reached = set()

    def follow(extra: str) -> None:
        reached.add(extra)
        for text in EXTRAS[extra]:
            requirement = Requirement(text)
            if requirement.name == "skandi":
                for inner in requirement.extras:
                    follow(inner)

    follow("all")
    assert reached == set(EXTRAS) - {"andi"}


@pytest.mark.parametrize("tool", ["ruff"])
def test_tools__hooks_and_tested_versions__agree(tool):
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    found = re.findall(rf'"{tool}==([^"]+)"', hooks)
    assert {Version(version) for version in found} == pins("tested.txt")[tool]
