"""The pages' code is run as doctests, in a folder of its own: pages write files."""

import pytest

# As a module with doctests it would clash with the other conftest.py.
collect_ignore = ["conftest.py"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Leave the checkout alone."""
    monkeypatch.chdir(tmp_path)
