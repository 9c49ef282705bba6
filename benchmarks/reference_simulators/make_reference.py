"""Run the simulators of andi-datasets once and keep what their trajectories look like.

    pip install skandi[andi]
    python benchmarks/reference_simulators/make_reference.py

writes ``tests/data/andi_reference.npz``, the histograms that ``tests/test_simulate_equivalence.py``
compares skandi's simulators with; about ten minutes on one free core. The simulators are run
as they are, but for two repairs of ATTM without which it is not the model it is named after (and
not what the scoring set of AnDi-2020 holds, see ``docs/benchmark-data.md``): the tail of its
dwell times, and the sum over steps inside a segment in three dimensions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from summaries import ATTM_CLOCK, CASES, T, Values, summarise, write_reference

try:
    import stochastic
    from andi_datasets import models_theory as theirs
    from andi_datasets import utils_trajectories as helpers
except ImportError as error:
    raise SystemExit(
        f"{error}: the reference simulators come with the andi extra, pip install skandi[andi]."
    ) from error

DESTINATION = Path(__file__).parents[2] / "tests" / "data" / "andi_reference.npz"
N_TRAJECTORIES = {
    "attm": 100_000,
    "ctrw": 100_000,
    "fbm": 80_000,
    "lw": 25_000,
    "sbm": 80_000,
    ATTM_CLOCK: 40_000,
}
"""Per α and dimension: as many as a 3 % error in the model's exponent takes."""
CHUNK = 5_000
SEED = 20_200_301

Simulator = Callable[[int, float, int], NDArray[np.float64]]


class _Patched:
    """A module with a few of its names replaced, for its user's eyes only."""

    def __init__(self, module: object, **names: object) -> None:
        self.__dict__.update(names)
        self._module = module

    def __getattr__(self, name: str) -> object:
        return getattr(self._module, name)


def _uniform_to_the_end(low: float = 0.0, high: float = 1.0, size: int | None = None):
    """Draw as ``np.random.uniform`` would, but from (0, 1) where ATTM's D asks for (.1, .99)."""
    if (low, high) == (0.1, 0.99):
        # A NumPy scalar, so that a diffusivity that underflows dwells for ever and does not raise.
        return np.float64(np.random.random_sample())  # noqa: NPY002
    return np.random.uniform(low, high, size)  # noqa: NPY002


def _summed_on_the_sphere(n: int, radius: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(_on_the_sphere(n, radius), axis=1)


_on_the_sphere = theirs.sample_sphere


@contextmanager
def repairs(model: str, n_dims: int) -> Iterator[None]:
    """Let the tail of ATTM's dwell times run to infinity, and sum the steps of its 3D segments.

    The clock of ATTM is seen by setting its Gaussian numbers to one: each step is sqrt(2D) then.
    """
    if model in ("attm", ATTM_CLOCK):
        theirs.np = _Patched(np, random=_Patched(np.random, uniform=_uniform_to_the_end))
        if n_dims == 3:
            theirs.sample_sphere = _summed_on_the_sphere
    if model == ATTM_CLOCK:
        helpers.np = _Patched(np, random=_Patched(np.random, randn=np.ones))
    try:
        yield
    finally:
        theirs.np, helpers.np, theirs.sample_sphere = np, np, _on_the_sphere


def reference_trajectories(model: str, alpha: float, n: int, n_dims: int) -> NDArray[np.float64]:
    """Draw `n` trajectories of andi-datasets, shape (n, T, d), from the global generators."""
    simulate = getattr(theirs.models_theory(), model.split()[0])
    with repairs(model, n_dims), np.errstate(divide="ignore", over="ignore"):
        flat = np.stack([simulate(T, alpha, n_dims) for _ in range(n)])
    positions = flat.reshape(n, n_dims, T).transpose(0, 2, 1)
    # FBM is made on the time interval [0, 1]: put it on unit steps, like all others.
    return positions * (T - 1) ** (alpha / 2) if model == "fbm" else positions


def reference_values(model: str, alpha: float, n_dims: int, seed: int) -> Values:
    """Summarise the trajectories of one case."""
    np.random.seed(seed)  # noqa: NPY002
    stochastic.random.seed(seed)  # FBM draws from there
    chunks = []
    for _ in range(N_TRAJECTORIES[model] // CHUNK):
        chunks.append(summarise(model, reference_trajectories(model, alpha, CHUNK, n_dims)))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def main() -> None:
    """Run every case and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DESTINATION)
    path = parser.parse_args().out
    cases = [(m, a, d) for m, alphas in CASES.items() for a in alphas for d in (1, 2, 3)]
    cases += [(ATTM_CLOCK, alpha, 1) for alpha in CASES["attm"]]
    values = {}
    for number, case in enumerate(cases):
        start = time.perf_counter()
        values[case] = reference_values(*case, seed=SEED + number)
        print(*case, f"{time.perf_counter() - start:.0f} s", flush=True)
    about = {
        "made by": "benchmarks/reference_simulators/make_reference.py",
        "andi-datasets": version("andi-datasets"),
        "numpy": version("numpy"),
        "repairs": "ATTM: u uniform on (0, 1); 3D steps summed inside a segment",
        "seed": SEED,
        "T": T,
        "n": N_TRAJECTORIES,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_reference(path, about, values)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
