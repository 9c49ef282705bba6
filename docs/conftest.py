"""The pages' code is run as doctests, in a folder of its own: pages write files."""

import pytest

# As a module with doctests it would clash with the other conftest.py. The scripts run when the
# documentation is built, and tests/test_five_minutes.py walks its page, commands and all.
collect_ignore = ["conftest.py", "conf.py", "check_links.py", "make_pictures.py"]
collect_ignore += ["examples", "five-minutes.md"]
# What the build makes.
collect_ignore += ["_build", "auto_examples", "generated"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Leave the checkout alone."""
    monkeypatch.chdir(tmp_path)
