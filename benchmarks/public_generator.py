"""Measure where the data of andi-datasets differ from those of the AnDi challenge.

    pip install skandi[andi]
    python benchmarks/public_generator.py                       # all claims, about two minutes
    python benchmarks/public_generator.py --only composition    # one of them

Each claim of docs/benchmark-data.md is one function here; what it measures is printed and kept in
benchmarks/results/public_generator.json. The installed package is measured as it is: what it does
not tell (the model of a task-1 trajectory, a dwell time) is noted down where it passes by.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from importlib.metadata import requires, version
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from skandi.diffusion import ALPHA_GRID, ALPHA_RANGE, MODELS
from skandi.simulate import make_andi, simulate

try:
    import stochastic
    from andi_datasets import models_theory as theirs
    from andi_datasets.datasets_challenge import challenge_theory_dataset
    from andi_datasets.datasets_theory import datasets_theory
    from andi_datasets.utils_trajectories import normalize
except ImportError as error:
    raise SystemExit(
        f"{error}: this measures andi-datasets, which the extra andi installs on Python 3.12 and "
        "older: pip install skandi[andi]"
    ) from error

RESULTS = Path(__file__).parent / "results" / "public_generator.json"
Figures = dict[str, object]


def seed_everything(seed: int) -> None:
    """Seed both generators andi-datasets draws from: numpy's global one, and stochastic's."""
    np.random.seed(seed)  # noqa: NPY002
    stochastic.random.seed(seed)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what the package prints, and its divisions by zero where a flight never ends."""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        yield


# -- the claims ------------------------------------------------------------------------------------


def composition() -> Figures:
    """Which models and exponents the two tasks hold, 10 000 trajectories of each in 1D."""
    figures: Figures = {}
    for task in (1, 2):
        model, alpha = _labels_of_task(task, n=10_000)
        counts = {name: int((model == k).sum()) for k, name in enumerate(MODELS)}
        slow = {
            name: int(((model == k) & (alpha <= 1)).sum())
            for k, name in enumerate(MODELS)
            if name in ("fbm", "sbm")
        }
        highest = {name: float(alpha[model == k].max()) for k, name in enumerate(MODELS)}
        expected = _composition_of_the_challenge(task)
        figures[f"task {task}"] = {
            "trajectories of each model": counts,
            "expected in the challenge": {
                name: round(10_000 * expected[:, k].sum()) for k, name in enumerate(MODELS)
            },
            "of those, with α <= 1": slow,
            "expected with α <= 1": {
                name: round(10_000 * expected[ALPHA_GRID <= 1, MODELS.index(name)].sum())
                for name in slow
            },
            "largest α": highest,
            "largest α in the challenge": {name: high for name, (_, high) in ALPHA_RANGE.items()},
        }
    return figures


def _labels_of_task(task: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Model and α of every trajectory of a task, noted down where the package cuts it.

    There each trajectory is still one row of a table whose first two columns are model and α.
    """
    rows = []
    cut = datasets_theory._cut_trajectory

    def cut_and_note(points: NDArray[np.float64], *args: object, **kwargs: object) -> object:
        table = points.base
        row = (points.ctypes.data - table.ctypes.data) // table.strides[0]
        rows.append(table[row, :2].copy())
        return cut(points, *args, **kwargs)

    # The length has no part in the composition; short trajectories are made sooner.
    with quiet(), mock.patch.object(datasets_theory, "_cut_trajectory", staticmethod(cut_and_note)):
        challenge_theory_dataset(N=n, max_T=50, tasks=[task], dimensions=[1])
    model, alpha = np.array(rows).T
    return model.astype(np.int64), np.round(alpha, 2)


def _composition_of_the_challenge(task: int) -> NDArray[np.float64]:
    """Probability of each α (row) and model (column) in the scoring set.

    Task 1: α uniform, then the model uniform over those that allow it. Task 2: the model first.
    """
    low, high = np.array([ALPHA_RANGE[name] for name in MODELS]).T
    allowed = (ALPHA_GRID[:, None] > low - 1e-6) & (ALPHA_GRID[:, None] < high + 1e-6)
    share = allowed / allowed.sum(axis=1 if task == 1 else 0, keepdims=True)
    return share / share.sum()


def baseline() -> Figures:
    """Mean absolute error of one α estimator that learns nothing, on both sets, 1D.

    α is the slope of the logarithmic time-averaged MSD over the first lags, cut to [0.05, 2]. All
    that changes its score is the data.
    """
    with quiet():
        made = challenge_theory_dataset(N=8_000, tasks=[1], dimensions=[1])
    public = [np.array(track) for track in made[0][0]], np.array(made[1][0])
    challenge = make_andi(20_000, recipe="andi-2020", random_state=0)
    figures: Figures = {}
    for name, (tracks, alpha) in (("challenge_theory_dataset", public), ("andi-2020", challenge)):
        error = np.abs([_msd_slope(track.reshape(-1)) for track in tracks] - alpha)
        figures[name] = {"all": _mean_and_error(error)} | {
            f"{low} < α <= {high}": _mean_and_error(error[(alpha > low) & (alpha < high + 0.01)])
            for low, high in ((0, 0.5), (0.5, 1), (1, 1.5), (1.5, 2))
        }
    return figures


def _msd_slope(x: NDArray[np.float64]) -> float:
    lags = np.arange(1, max(4, min(20, len(x) // 4)) + 1)
    msd = [np.mean((x[lag:] - x[:-lag]) ** 2) for lag in lags]
    return float(np.clip(np.polyfit(np.log(lags), np.log(msd), 1)[0], 0.05, 2.0))


def _mean_and_error(values: NDArray[np.float64]) -> str:
    return f"{values.mean():.3f} ± {values.std() / np.sqrt(len(values)):.3f}"


def attm_dwell() -> Figures:
    """Longest dwell time of ATTM in 1D, over 2 000 trajectories of 1 000 points for each α."""
    figures: Figures = {}
    for alpha in (0.7, 0.8, 0.9, 1.0):
        dwells = []

        def note(duration: float, diffusivity: float, dwells: list[float] = dwells):
            dwells.append(duration)
            return np.zeros(int(duration))

        with quiet(), mock.patch.object(theirs, "bm1D", note):
            for _ in range(2_000):
                theirs.models_theory().attm(1_000, alpha)
        limit = 0.01 ** (-1 / alpha)
        figures[f"α = {alpha}"] = {
            "longest dwell": round(max(dwells), 1),
            "limit .01^(-1/α)": round(limit, 1),
            "share of tracks that exceed it in the model": round(
                _share_of_tracks_with_longer_dwell(alpha, limit), 3
            ),
        }
    return figures


def _share_of_tracks_with_longer_dwell(alpha: float, limit: float) -> float:
    """How many of 20 000 tracks of 1 000 points see a dwell above `limit` in the model's law."""
    rng = np.random.default_rng(0)
    longer = np.zeros(20_000, bool)
    clock = np.zeros(20_000)
    while (clock < 1_000).any():
        dwell = np.floor((1.0 - rng.random(20_000)) ** (-1 / alpha))
        longer |= (clock < 1_000) & (dwell > limit)
        clock += dwell
    return float(longer.mean())


def shared_noise() -> Figures:
    """Ratio of the step sizes along x and y of 2 000 trajectories of 999 points in 2D.

    Both axes are normalised first, so the ratio is one exactly if noise level and scale factor
    are shared.
    """
    with quiet():
        flat = challenge_theory_dataset(N=2_000, min_T=999, tasks=[1], dimensions=[2])[0][1]
    public = [np.array(track).reshape(2, -1).T for track in flat]
    ours = make_andi(2_000, n_dims=2, length=999, recipe="andi-2020", random_state=0)[0]
    figures: Figures = {}
    for name, tracks in (("challenge_theory_dataset", public), ("andi-2020", ours)):
        size = np.array([np.diff(track, axis=0).std(axis=0) for track in tracks])
        factor = np.exp(np.abs(np.log(size[:, 0] / size[:, 1])))
        figures[name] = {
            "median factor between the axes": round(float(np.median(factor)), 2),
            "tracks whose axes differ by more than 1.25": round(float((factor > 1.25).mean()), 3),
        }
    return figures


def attm_3d() -> Figures:
    """Lag-1 autocorrelation of the steps of ATTM, α = 0.8, 2 000 trajectories of 1 000 points.

    A diffusing particle's steps are uncorrelated, 0; those of independent positions have -0.5.
    """
    figures: Figures = {}
    for n_dims in (1, 2, 3):
        with quiet():
            flat = [theirs.models_theory().attm(1_000, 0.8, n_dims) for _ in range(2_000)]
        public = np.array(flat).reshape(-1, n_dims, 1_000).transpose(0, 2, 1)
        ours = simulate("attm", 0.8, 2_000, 1_000, n_dims, random_state=0)
        figures[f"{n_dims}D"] = {
            "andi-datasets": round(_lag_1(public), 3),
            "skandi": round(_lag_1(ours), 3),
        }
    return figures


def _lag_1(positions: NDArray[np.float64]) -> float:
    steps = np.diff(positions[:, :, 0], axis=1)
    product, square = (steps[:, 1:] * steps[:, :-1]).sum(axis=1), (steps**2).sum(axis=1)
    return float(np.mean(product / square))


def single_flight() -> Figures:
    """Lévy walks at α = 2 after the package's own normalisation, 2 000 of 1 000 points, 1D."""
    with quiet():
        made = datasets_theory().create_dataset(
            T=1_000, N_models=2_000, exponents=[2.0], models=[3], dimension=1
        )
    positions = made[:, 2:]
    std = np.diff(positions - positions.mean(axis=1, keepdims=True), axis=1).std(axis=1)
    largest = np.abs(normalize(positions)).max(axis=1)
    single = largest > 1e12
    median = np.median(largest[single])
    return {
        "share scaled above 1e12": round(float(single.mean()), 3),
        "std of their steps before, median": float(f"{np.median(std[single]):.1e}"),
        "largest position after, median": float(f"{median:.1e}"),
        "spacing of float64 numbers there": float(f"{np.spacing(median):.1e}"),
        "spacing of float32 numbers there": float(f"{np.spacing(np.float32(median)):.1e}"),
    }


def seeding() -> Figures:
    """Whether np.random.seed makes two runs equal, and whether stochastic.random.seed does."""
    alphas = {"attm": 0.5, "ctrw": 0.5, "fbm": 0.5, "lw": 1.5, "sbm": 0.5}

    def same(seed: Callable[[int], object], model: str) -> bool:
        runs = []
        for _ in range(2):
            seed(3)
            runs.append(getattr(theirs.models_theory(), model)(100, alphas[model]))
        return bool(np.array_equal(*runs))

    with quiet():
        return {
            "equal after np.random.seed": {m: same(np.random.seed, m) for m in MODELS},
            "equal after np.random.seed and stochastic.random.seed": {
                m: same(seed_everything, m) for m in MODELS
            },
        }


def returned_noise() -> Figures:
    """Whether the noise that return_noise=True gives belongs to the trajectories it comes with.

    The steps of a normalised track with noise σ and scale factor s have the standard deviation
    |s| sqrt(1 + 2σ²); 2 000 trajectories of 999 points in 1D.
    """
    with quiet():
        made = challenge_theory_dataset(
            N=2_000, min_T=999, tasks=[1], dimensions=[1], return_noise=True
        )
    tracks, sigma, scale = made[0][0], np.array(made[2][0]), np.array(made[3][0])
    size = np.array([np.diff(track).std() for track in tracks])
    promised = np.abs(scale) * np.sqrt(1 + 2 * sigma**2)
    usual = size < 1e6
    agree = np.corrcoef(np.log(size[usual]), np.log(promised[usual]))[0, 1]
    return {"correlation of log step size, promised and found": round(float(agree), 3)}


def speed() -> Figures:
    """Milliseconds per trajectory of 1 000 points on one core, andi-datasets / skandi."""
    rng = np.random.default_rng(0)
    figures: Figures = {}
    for n_dims in (1, 2, 3):
        spent = []
        for model, (low, high) in ALPHA_RANGE.items():
            alpha = rng.integers(round(low * 20), round(high * 20) + 1, size=500) / 20
            one = getattr(theirs.models_theory(), model)
            with quiet():
                start = time.process_time()
                for value in alpha:
                    one(1_000, float(value), n_dims)
                middle = time.process_time()
                simulate(model, np.tile(alpha, 4), 2_000, 1_000, n_dims, random_state=0)
            spent.append(((middle - start) / 500, (time.process_time() - middle) / 2_000))
        mean = tuple(np.mean(spent, axis=0))
        figures[f"{n_dims}D"] = {
            name: f"{1e3 * theirs_took:.3f} / {1e3 * ours_took:.3f}"
            for name, (theirs_took, ours_took) in zip(
                (*MODELS, "mean"), (*spent, mean), strict=True
            )
        }
    return figures


def packaging() -> Figures:
    """What the package asks pip for, and what it imports."""
    declared = requires("andi-datasets") or []
    return {
        "version": version("andi-datasets"),
        "numpy": next(line for line in declared if line.startswith("numpy")),
        "IPython is declared": any(line.lower().startswith("ipython") for line in declared),
        "IPython is imported": "IPython"
        in (Path(theirs.__file__).parent / "utils_videos.py").read_text(encoding="utf-8"),
    }


CLAIMS: dict[str, Callable[[], Figures]] = {
    "composition": composition,
    "baseline": baseline,
    "attm-dwell": attm_dwell,
    "attm-3d": attm_3d,
    "shared-noise": shared_noise,
    "single-flight": single_flight,
    "seeding": seeding,
    "returned-noise": returned_noise,
    "speed": speed,
    "packaging": packaging,
}


def show(figures: Figures, indent: str = "  ") -> None:
    """Print nested figures, one a line."""
    for name, value in figures.items():
        if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        elif isinstance(value, dict):
            print(f"{indent}{name}: " + ", ".join(f"{k} {v}" for k, v in value.items()))
        else:
            print(f"{indent}{name}: {value}")


def main() -> None:
    """Measure the claims asked for, print them and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=CLAIMS, help="measure one claim")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    print(f"andi-datasets {version('andi-datasets')}")
    for name in [arguments.only] if arguments.only else CLAIMS:
        seed_everything(arguments.seed)
        print(f"{name}: {CLAIMS[name].__doc__.splitlines()[0]}")
        kept[name] = CLAIMS[name]()
        show(kept[name])
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
