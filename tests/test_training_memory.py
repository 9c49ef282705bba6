"""Memory during training: kept while a network learns, given back afterwards."""

import os
import subprocess
import sys

import pytest

from skandi.training import loop, memory

glibc = pytest.mark.skipif(
    memory._glibc() is None, reason="another allocator than glibc's, or settings for it"
)

# In a process of its own: what other tests left behind decides where an array goes.
FAULTS = """
import resource
import torch
from skandi.training.memory import kept_memory

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def faults():
    counts = []
    for _ in range(5):
        before = pages()
        torch.zeros(40, 1 << 20).add_(1)  # 160 MiB
        counts.append(pages() - before)
    return min(counts)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

before = faults()
with kept_memory():
    with kept_memory():
        faults()
    inside = faults()
    held = resident()
after = faults()
print(before, inside, after, held - resident())
"""


def measured():
    # dask leaves a setting of its own behind in the environment
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    run = subprocess.run(
        [sys.executable, "-c", FAULTS], check=True, capture_output=True, text=True, env=clean
    )
    return [int(number) for number in run.stdout.split()]


@glibc
def test_kept_memory__the_same_array_again__is_not_mapped_anew():
    # The system lays every process out at random; one in dozens maps arrays anew all the same.
    runs = [measured() for _ in range(3)]
    for before, _, after, _ in runs:
        assert before > 1_000
        assert after > 1_000
    assert min(inside for _, inside, _, _ in runs) < 100
    assert max(returned for *_, returned in runs) > 150 << 20


@glibc
def test_kept_memory__an_error_inside__leaves_the_usual_settings():
    with pytest.raises(ZeroDivisionError), memory.kept_memory():
        assert memory._inside == 1
        raise ZeroDivisionError
    assert memory._inside == 0


def test_train__of_an_estimator__keeps_memory(monkeypatch):
    from skandi import AlphaRegressor
    from skandi.simulate import make_andi

    entered = []
    monkeypatch.setattr(loop, "kept_memory", lambda: entered.append(True) or memory.kept_memory())
    X, y = make_andi(4, length=10, random_state=0)
    AlphaRegressor(max_epochs=1, validation_fraction=0, random_state=0).fit(X, y)
    assert entered == [True]
