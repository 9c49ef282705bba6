"""The page with a card per weight file is that of the files that are there."""

import importlib.util
import json
from pathlib import Path

import pytest

from skandi.pretrained import first_member, shipped_weights
from skandi.weights import digest, load_weights

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def cards():
    spec = importlib.util.spec_from_file_location("make_model_cards", DOCS / "make_model_cards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("d", [1, 2, 3])
def test_page__stages_of_training__are_those_in_the_file(cards, d):
    config, _ = load_weights(shipped_weights(d))
    assert cards.training(config) in cards.PAGE.read_text(encoding="utf-8")


def test_page__scores__were_measured_with_these_weights(cards):
    scores = json.loads((cards.RESULTS / "andi2020_fast.json").read_text())
    page = cards.PAGE.read_text(encoding="utf-8")
    assert len(scores["rows"]) == 6
    for row in scores["rows"]:
        _, state = first_member(*load_weights(shipped_weights(row["n_dims"])))
        assert row["weights"] == digest(state)[:12], row["n_dims"]
        assert f"**{row['metric']} {row['score']:.4f}**" in page
