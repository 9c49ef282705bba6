"""What every test finds prepared."""

import pytest
import torch
from small_estimators import trained

# As a module with doctests it would clash with the other conftest.py.
collect_ignore = ["conftest.py"]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Two threads sum in another order than one: exact comparisons need a fixed number."""
    torch.set_num_threads(1)


@pytest.fixture
def no_pictures(monkeypatch):
    """Reports without pictures, which take most of their time."""
    monkeypatch.setattr("skandi.report.page.draw_figures", lambda table, sets: [])


@pytest.fixture
def tiny_weights(tmp_path):
    """Weights of two dimensions as `skandi train` writes them, after two steps."""
    return trained(tmp_path)
