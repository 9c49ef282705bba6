"""What the scripts of this folder share: training sets, claims, results.

Every script recomputes one figure of Muñoz-Gil, Guigó i Corominas & Lewenstein, J. Phys. A
54:504001 (2021), at the paper's sizes, prints the figure's numbers and each claim with pass or
fail, and writes them to ``benchmarks/results``.

At the paper's sizes that takes hours to days of one core, so a run can be spread over days:

- ``--folder`` keeps every network after each epoch. Stopped in whatever way, the same command goes
  on there, and networks that are done are taken from it.
- ``--hours 5`` starts no further repetition after that time. The figure is then made with the
  repetitions there are, and its result says that it is partial.
- ``--add`` goes on after the repetitions whose numbers are in ``benchmarks/results`` (Figs. 2, 3
  and 5); their networks need not be there.
- ``--scale 0.1`` shrinks trajectories and epochs alike, to a hundredth of the cost. Its numbers are
  not the paper's figure; they are written under a name that says so, and only with ``--keep``.

Claims are looked at by two ways of inference: by the statistics of the training, as
`AnomalyDetector` scores, and by those of the batch, as the authors' program does. What is in a
batch is not said; here it is tracks of one kind (of one model, one exponent, one level of hormone),
as it is if a figure is made kind by kind.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skandi import AnomalyDetector, DiffusionFingerprint, __version__
from skandi.files import replacing
from skandi.simulate import simulate
from skandi.training.reconstruction import windows

RESULTS = Path(__file__).parents[1] / "results"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "real"
SUBDIFFUSIVE = np.round(np.arange(1, 11) * 0.1, 1)
ALL_ALPHA = np.round(np.arange(1, 20) * 0.1, 1)
EPOCHS = 200
FIXED, BATCH = INFERENCES = ("fixed statistics", "batch statistics")


def parser(description: str | None, repeats: int) -> argparse.ArgumentParser:
    """Give the options of all scripts."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--scale", type=float, default=1.0, help="shrink trajectories and epochs")
    made.add_argument("--repeats", type=int, default=repeats, help="networks per training set")
    made.add_argument("--jobs", type=int, default=1, help="networks trained at a time")
    made.add_argument("--folder", type=Path, help="resume from, and keep networks in, this folder")
    made.add_argument("--hours", type=float, help="start no further repetition after this time")
    made.add_argument("--add", action="store_true", help="go on after the repetitions in results")
    made.add_argument("--keep", action="store_true", help="write results of a reduced size too")
    made.add_argument("--seed", type=int, default=0)
    return made


class Run:
    """One figure: its options, what it found, and which claims hold."""

    def __init__(self, figure: str, options: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        self.figure, self.options = figure, options
        self.found: dict[str, Any] = {}
        self.claims: list[dict[str, Any]] = []
        suffix = "" if options.scale == 1 else f"_reduced_{options.scale:g}"
        self.path = RESULTS / f"paper_ae_{figure}{suffix}.json"
        self.by_repetition: dict[str, Any] = {}
        self.earlier: dict[str, Any] = self._of_earlier_repetitions() if options.add else {}
        self.first = self.earlier["repetitions"] if options.add else 0
        self.repeats_done = options.repeats
        self._started, self._began = time.process_time(), time.monotonic()

    def n(self, number: int, least: int = 20) -> int:
        """Give a number of trajectories at this scale."""
        return max(least, round(number * self.options.scale))

    def fit(self, X: Any, kinds: Any, batch_size: int, **settings: Any) -> DiffusionFingerprint:
        """Train detectors with the paper's settings: all kinds once, then all once more, and so on.

        After ``--hours`` no repetition is begun, but for the first of this run.
        """
        whole = None
        for repeat in range(self.first, self.options.repeats):
            late = self.options.hours is not None and self._hours() > self.options.hours
            if whole is not None and late:
                break
            one = self._fingerprint(repeat, batch_size, settings).fit(X, kinds)
            if whole is None:
                whole = one
            else:
                for members, (another,) in zip(whole.detectors_, one.detectors_, strict=True):
                    members.append(another)
            whole.set_params(n_repeats=repeat + 1 - self.first)
        assert whole is not None
        self.repeats_done = min(self.repeats_done, self.first + whole.n_repeats)
        return whole

    def _fingerprint(
        self, repeat: int, batch_size: int, settings: dict[str, Any]
    ) -> DiffusionFingerprint:
        detector = AnomalyDetector(
            max_epochs=max(1, round(EPOCHS * self.options.scale)),
            batch_size=batch_size,
            checkpoint_dir=self.options.folder,
            **settings,
        )
        return DiffusionFingerprint(
            detector, n_jobs=self.options.jobs, random_state=1_000 * self.options.seed + repeat
        )

    def _hours(self) -> float:
        return (time.monotonic() - self._began) / 3600

    def _of_earlier_repetitions(self) -> dict[str, Any]:
        """Read what `gather` kept, of the same size and seed and not complete yet."""
        path = self._repetitions_path()
        if not path.exists():
            raise SystemExit(f"There is no {path} to add to; run without --add.")
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier["seed"] != self.options.seed:
            raise SystemExit(f"{path} is of seed {earlier['seed']}, not {self.options.seed}.")
        if earlier["repetitions"] >= self.options.repeats:
            raise SystemExit(f"{path} has all {earlier['repetitions']} repetitions already.")
        return earlier

    def _repetitions_path(self) -> Path:
        return self.path.with_name(f"{self.path.stem}_repetitions.json")

    def gather(self, name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Keep numbers (..., n_repeats) of these networks, and put those of earlier ones before."""
        if self.earlier:
            values = np.concatenate([np.array(self.earlier["values"][name]), values], axis=-1)
        self.by_repetition[name] = values.round(5).tolist()
        return values

    def claim(self, name: str, passed: bool, figures: str) -> None:
        """Note whether a claim holds, with the numbers that decide it."""
        self.claims.append({"claim": name, "passed": bool(passed), "figures": figures})

    def report(self, name: str, value: Any) -> None:
        """Keep a number, array or table for the JSON."""
        self.found[name] = value.round(5).tolist() if isinstance(value, np.ndarray) else value

    def finish(self) -> None:
        """Print the claims and what they rest on, and write all of it."""
        scale, wanted = self.options.scale, self.options.repeats
        rests_on = f"{self.repeats_done} of {wanted} repetitions"
        if self.repeats_done < wanted:
            rests_on = f"PARTIAL: {rests_on}, run it again to go on"
        if scale != 1:
            rests_on = f"REDUCED to {scale:g} of the trajectories and of the epochs; {rests_on}"
        print()
        for claim in self.claims:
            verdict = "pass" if claim["passed"] else "FAIL"
            print(f"{verdict}  {claim['claim']}\n      {claim['figures']}")
        held = sum(claim["passed"] for claim in self.claims)
        print(f"\n{held} of {len(self.claims)} claims hold; {rests_on}")
        if scale != 1 and not self.options.keep:
            print("nothing is written without --keep")
            return
        RESULTS.mkdir(exist_ok=True)
        result = {
            "figure": self.figure,
            "rests_on": rests_on,
            "repetitions": [self.repeats_done, wanted],
            "scale": scale,
            "skandi": __version__,
            "seed": self.options.seed,
            "load_average": os.getloadavg(),
            "core_hours_of_this_process": round((time.process_time() - self._started) / 3600, 3),
            "claims": self.claims,
            **self.found,
        }
        if self.by_repetition:
            kept = {
                "repetitions": self.repeats_done,
                "seed": self.options.seed,
                "values": self.by_repetition,
            }
            with replacing(self._repetitions_path()) as aside:
                aside.write_text(json.dumps(kept) + "\n", encoding="utf-8")
        with replacing(self.path) as aside:
            aside.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"written to {self.path}")


def balanced(
    models: list[str] | tuple[str, ...], alphas: NDArray, n: int, T: int, seed: int
) -> tuple[NDArray[np.float64], NDArray, NDArray[np.float64]]:
    """Make `n` trajectories per model, balanced over α: positions, models, exponents."""
    X, kinds, exponents = [], [], []
    for k, model in enumerate(models):
        alpha = np.resize(alphas, n)
        rng = np.random.default_rng([seed, k, T, round(1000 * float(alphas.sum()))])
        X.append(simulate(model, alpha, n, T=T, random_state=rng))
        kinds.append(np.full(n, model))
        exponents.append(alpha)
    return np.concatenate(X), np.concatenate(kinds), np.concatenate(exponents)


def moves(X: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell tracks that move at all; the others are a line of zeros to every network."""
    return np.ptp(X, axis=1).max(axis=1) > 0


def inputs_of(X: NDArray[np.float64], T: int) -> NDArray[np.float64]:
    """What a network for T points reads of tracks of T points, (n, d, T)."""
    return next(windows(list(X), T)).inputs


def member_errors(
    fingerprint: DiffusionFingerprint, X: Any, groups: NDArray, inference: str
) -> NDArray[np.float64]:
    """Errors (n, n_kinds, n_repeats) by one of `INFERENCES`, in batches of one group each."""
    if inference == FIXED:
        return fingerprint.member_errors(X)
    X = list(X)
    errors = np.empty((len(X), len(fingerprint.detectors_), fingerprint.n_repeats))
    _, group = np.unique(groups, axis=0, return_inverse=True)
    for rows in (np.flatnonzero(group.ravel() == g) for g in range(group.max() + 1)):
        some = [X[row] for row in rows]
        for k, repeats in enumerate(fingerprint.detectors_):
            for r, detector in enumerate(repeats):
                seen, decoded = batch_statistics_outputs(detector, some)
                errors[rows, k, r] = np.square(decoded - seen).mean(axis=(1, 2))
    return errors


def batch_statistics_outputs(
    detector: AnomalyDetector, X: Any, batch_size: int = 256
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs and reconstructions (n, d, T), normalised by the statistics of each batch."""
    network = copy.deepcopy(detector.network_).double().train()
    inputs = inputs_of(X, detector.length_)
    n_batches = max(1, round(len(inputs) / batch_size))
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(part)).numpy() for part in np.array_split(inputs, n_batches)
        ]
    return inputs, np.concatenate(parts)


def reconstructions(
    detector: AnomalyDetector, X: NDArray[np.float64], inference: str
) -> NDArray[np.float64]:
    """Reconstructed positions (n, T, d) in the units of X, by one of `INFERENCES`."""
    if inference == FIXED:
        return np.stack(detector.reconstruct(X))
    seen = next(windows(list(X), detector.length_))
    _, decoded = batch_statistics_outputs(detector, X)
    return (decoded * seen.scale + seen.origin).transpose(0, 2, 1)


def bootstrap(values: NDArray[np.float64], n: int = 1_000, seed: int = 0) -> NDArray[np.float64]:
    """Means (n, ...) of n samples of rows, drawn with replacement."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=n)
    return np.tensordot(counts, values, axes=1) / len(values)


def table(title: str, rows: list[str], columns: list[str], values: NDArray) -> None:
    """Print a matrix with its names."""
    print(f"\n{title}")
    width = max(9, *(len(c) + 1 for c in columns))
    first = max(len(r) for r in rows) + 1
    print(" " * first + "".join(f"{c:>{width}}" for c in columns))
    for name, row in zip(rows, np.atleast_2d(values), strict=True):
        print(f"{name:<{first}}" + "".join(f"{v:{width}.3f}" for v in row))
