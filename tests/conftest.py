"""What every test finds prepared."""

import pytest
import torch

from skandi.training.stream import StreamTrainer, StreamTraining, export

TINY = {"channels": (16,) * 5, "recurrent_size": 4, "hidden_size": 16}

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
    config = StreamTraining(
        n_dims=2, steps=2, cooldown=1, batch_points=1_000, precision="float32", network=TINY
    )
    trainer = StreamTrainer(config, tmp_path / "training", validation_size=10)
    trainer.run()
    export(trainer, tmp_path / "tiny.safetensors", test_size=20)
    return tmp_path / "tiny.safetensors"
