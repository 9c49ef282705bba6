"""The same seed gives the same bytes, whatever the global random states, which stay untouched."""

import numpy as np
import pytest
import torch

from skandi.simulate import HELDOUT, TrajectoryStream, make_andi, mixture, simulate


def batch_of(stream):
    with stream:
        return next(stream).positions


MAKERS = {
    "simulate": lambda seed: simulate("attm", 0.7, 50, 60, 3, random_state=seed),
    "fbm": lambda seed: simulate("fbm", 0.7, 50, 60, random_state=seed),
    "andi-2020": lambda seed: make_andi(40, n_dims=2, random_state=seed)[0],
    "andi-2020-fixed": lambda seed: make_andi(40, recipe="andi-2020-fixed", random_state=seed)[0],
    "mixture": lambda seed: mixture(
        ("ctrw", "attm", "fbm"), 0.8, 0.3, 0.6, 9, 40, random_state=seed
    ),
    "stream": lambda seed: batch_of(TrajectoryStream(1, length=12, random_state=seed)),
    **{
        name: (lambda seed, held_out=held_out: held_out(20, 30, 2, random_state=seed))
        for name, held_out in HELDOUT.items()
    },
}


def make_andi_datasets(seed):
    return make_andi(30, recipe="andi-datasets-2", length=15, random_state=seed)[0]


def as_bytes(tracks):
    return b"".join(np.ascontiguousarray(track).tobytes() for track in tracks)


def stochastic_random():
    try:
        import stochastic.random
    except ImportError:
        return None
    return stochastic.random


def disturb_global_states(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    if (stochastic := stochastic_random()) is not None:
        stochastic.seed(seed)


def global_states():
    name, keys, *rest = np.random.get_state()
    stochastic = stochastic_random()
    return (
        name,
        keys.tobytes(),
        *rest,
        torch.get_rng_state().numpy().tobytes(),
        None if stochastic is None else str(stochastic.generator.bit_generator.state),
    )


@pytest.fixture(autouse=True)
def _global_states_put_back():
    state, torch_state, stochastic = (
        np.random.get_state(),
        torch.get_rng_state(),
        stochastic_random(),
    )
    generator = stochastic and stochastic.generator
    yield
    np.random.set_state(state)
    torch.set_rng_state(torch_state)
    if stochastic is not None:
        stochastic.generator = generator


def check(make):
    disturb_global_states(1)
    before = global_states()
    first = as_bytes(make(7))
    assert global_states() == before
    disturb_global_states(2)
    assert as_bytes(make(7)) == first
    assert as_bytes(make(8)) != first


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_seed__any_global_state__gives_same_bytes_and_leaves_it(make):
    check(make)


def test_seed__andi_datasets__gives_same_bytes_and_restores_global_states():
    pytest.importorskip("andi_datasets", reason="andi-datasets is not installed")
    check(make_andi_datasets)


def test_seed__andi_datasets_fails__global_states_are_restored(monkeypatch):
    pytest.importorskip("andi_datasets", reason="andi-datasets is not installed")

    def fail(**_):
        np.random.rand()
        raise RuntimeError("no data today")

    monkeypatch.setattr("andi_datasets.datasets_challenge.challenge_theory_dataset", fail)
    before = global_states()
    with pytest.raises(RuntimeError, match="no data today"):
        make_andi_datasets(0)
    assert global_states() == before


def test_seed__generator_and_integer__are_the_same():
    assert as_bytes(make_andi(5, random_state=3)[0]) == as_bytes(
        make_andi(5, random_state=np.random.default_rng(3))[0]
    )


def test_seed__truth_asked_for__does_not_change_the_tracks():
    with_truth = make_andi(5, random_state=3, return_truth=True)[0]
    assert as_bytes(with_truth) == as_bytes(make_andi(5, random_state=3)[0])
