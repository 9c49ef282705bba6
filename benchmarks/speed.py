"""How fast skandi is beside what one would otherwise run; one thread, nothing else running.

    python benchmarks/speed.py                            # half an hour
    python benchmarks/speed.py --only b --repeats 3       # one part; the others are kept
    python benchmarks/speed.py --report                   # the tables, from the results
    python benchmarks/speed.py --on avx512                # another machine: results of their own
    python benchmarks/speed.py --lengths 20 100 10-999    # some lengths; the others are kept

Every ratio is of two things that took turns: the median over repeats, and its range (rows without a
target are repeated less). The parts, at T = 20, 100, 300, 999 points and a mix of 10 to 999, in one
dimension:

a  the published procedure of Li, Yao & Huang (2021) as its paper and scripts describe it (five
   folds of WADNet of the next smaller length, first and last crop, one trajectory at a time,
   weights read from disk for each) against `load_pretrained("alpha").predict`;
b  one WADNet, one trajectory at a time, against `AlphaRegressor("wadnet").predict`;
c  training WADNet: a plain PyTorch loop in float32 against `AlphaRegressor("wadnet").fit`, in
   float32 and, on processors that have instructions for it, bfloat16;
d  training the network with shipped weights against that plain loop, in points per second and in
   the precision that the processor is quick in;
e  prediction by the network with shipped weights against skandi's WADNet;
f  what both reach in prediction: points per second, arithmetic per second, and its share of what
   this core reaches in the convolutions it is best at; and how long these take in bfloat16;
g  seconds until a fresh process has imported skandi, and until `skandi --help` has answered;
h  training with the plain loop: how many times as long it takes as with denormal numbers flushed to
   zero, which skandi does and many processors by Intel want. In c and d the plain loop has them
   flushed too, so that those ratios are of the same arithmetic; beside them are those against the
   loop as torch runs it, which is what one would otherwise run.

Networks of a, b and e have random weights, which take as long as trained ones.
"""

import argparse
import copy
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from skandi import AlphaRegressor, __version__, load_pretrained
from skandi.errors import SlowArithmeticWarning
from skandi.lengths import WADNET_LENGTHS
from skandi.networks.base import TrajectoryNetwork
from skandi.normalize import standardize
from skandi.simulate import TrajectoryStream, make_andi
from skandi.training.arithmetic import PRECISIONS, flushed_denormals
from skandi.training.stream import StreamTrainer, StreamTraining

RESULTS = Path(__file__).parent / "results" / "speed.json"
LENGTHS: dict[str, int | tuple[int, int]] = {
    "20": 20,
    "100": 100,
    "300": 300,
    "999": 999,
    "10-999": (10, 999),
}
TARGETS = {
    "a": {"10-999": 100},
    "b": {"20": 60, "100": 10, "300": 4, "999": 2.5},
    "c float32": {"20": 1.3, "100": 1.3},
    "c bfloat16": {"20": 1.6, "100": 1.6},
    "d": {"10-999": 4},
    "e": {"10-999": 3},
}
BATCH = 512
AS_IT_COMES = ", the loop as torch runs it"
NO_BFLOAT16 = "not measured: this processor has no instructions for bfloat16 and imitates it"
LARGEST_COST_OF_LENGTH = 1.5


class PlainWADNet(nn.Module):
    """WADNet written down from its equations, layer by layer, without any economy."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(1, 32, 3, padding=1)
        dilations = [2**k for k in range(16)]
        self.filters = nn.ModuleList(nn.Conv1d(32, 32, 3, padding=k, dilation=k) for k in dilations)
        self.gates = nn.ModuleList(nn.Conv1d(32, 32, 3, padding=k, dilation=k) for k in dilations)
        self.mix = nn.Conv1d(32, 32, 1)
        self.norm = nn.BatchNorm1d(32)
        self.dropout = nn.Dropout(0.1)
        self.recurrent = nn.LSTM(32, 64, 3, batch_first=True)
        self.output = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 1, T) to (n,)."""
        h = self.stem(x)
        total = h
        for filtering, gating in zip(self.filters, self.gates):
            h = self.mix(torch.tanh(filtering(h)) * torch.sigmoid(gating(h)))
            total = total + h
        states, _ = self.recurrent(self.dropout(self.norm(total)).transpose(1, 2))
        return self.output(self.dropout(states[:, -1]))[:, 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="abcdefgh", help="which parts, for example 'ab'")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="print the tables and stop")
    parser.add_argument(
        "--lengths",
        nargs="+",
        choices=LENGTHS,
        default=list(LENGTHS),
        help="of parts a to e and h; results of other lengths are kept",
    )
    parser.add_argument("--on", help="name of another machine, whose results are kept apart")
    options = parser.parse_args()
    path = RESULTS.with_stem(f"speed_{options.on}") if options.on else RESULTS
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SlowArithmeticWarning)  # how slow is asked here
    for name in "" if options.report else options.only:
        part = measure(name, options.repeats, options.lengths)
        kept = json.loads(path.read_text()) if path.exists() else {}
        for what, rows in part.get("rows", {}).items():
            part["rows"][what] = {**kept.get(name, {}).get("rows", {}).get(what, {}), **rows}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(dict(sorted({**kept, name: part}.items())), indent=1) + "\n")
    report(json.loads(path.read_text()))


def measure(name: str, repeats: int, names: list[str]) -> dict[str, Any]:
    """One part, with the machine as it was."""
    part: dict[str, Any] = {
        "machine": f"{platform.machine()}, {_processor()}",
        "bfloat16_instructions": bfloat16_instructions(),
        "skandi": __version__,
        "torch": torch.__version__,
        "threads": 1,
        "load_average": [os.getloadavg()[0]],
    }
    if name == "f":
        part |= what_is_reached(repeats)
    elif name == "g":
        part["seconds"] = start_up(repeats)
    else:
        part["rows"] = rows = {}
        sections = {"a": published, "b": one_at_a_time, "c": wadnet_training}
        sections |= {"d": own_training, "e": own_prediction, "h": denormals}
        for what, length, ratios in sections[name](repeats, names):
            rows.setdefault(what, {})[length] = row(what, length, ratios)
            print(what, length, rows[what][length], flush=True)
    part["load_average"].append(os.getloadavg()[0])
    return part


def row(what: str, length: str, ratios: list[float]) -> dict[str, Any]:
    """Median and range of some ratios, and whether the target is reached."""
    target = TARGETS.get(what, {}).get(length)
    aim = {} if target is None else {"target": target}
    if not ratios:
        return {**aim, "note": NO_BFLOAT16}
    median = statistics.median(ratios)
    verdict = {} if target is None else {"holds": median >= target}
    return {
        "median": round(median, 2),
        "range": [round(min(ratios), 2), round(max(ratios), 2)],
        "repeats": len(ratios),
        **aim,
        **verdict,
    }


def report(parts: dict[str, Any]) -> None:
    """Print the tables of docs/speed.md."""
    head = "| | " + " | ".join(f"T = {length}" for length in LENGTHS) + " |"
    print(head, "|---|" + "---|" * len(LENGTHS), sep="\n")
    for part in parts.values():
        for what, rows in part.get("rows", {}).items():
            print(f"| {what} | " + " | ".join(map(cell, map(rows.get, LENGTHS))) + " |")
    if "f" in parts:
        report_what_is_reached(parts["f"], head)
    if "g" in parts:
        told = (f"{what} {s['median']} s" for what, s in parts["g"]["seconds"].items())
        print(f"\nstart-up: {', '.join(told)}")
    for name, part in parts.items():
        print(f"part {name}: {part['machine']}, load average {part['load_average']}")


def report_what_is_reached(reached: dict[str, Any], head: str) -> None:
    print(f"\nThe convolutions this core is best at: {reached['peak_gflops']:.0f} GFLOP/s.")
    print(f"In bfloat16 they take {reached['bfloat16_time_over_float32']} times as long.\n")
    print(head, "|---|" + "---|" * len(LENGTHS), sep="\n")
    for network, rows in reached["networks"].items():
        told = [
            f"{r['points_per_second'] / 1000:.0f} k points/s, {r['share_of_peak']:.0%}"
            for r in rows.values()
        ]
        print(f"| {network} | " + " | ".join(told) + " |")
    cost = reached["cost_per_point_999_over_100"]
    verdict = "holds" if cost <= LARGEST_COST_OF_LENGTH else "MISSED"
    print(f"\ncost per point, T = 999 over T = 100: {cost} (at most 1.5: {verdict})")


def cell(r: dict[str, Any] | None) -> str:
    """One ratio in a table."""
    if r is None:
        return ""
    aim = f" (≥ {r['target']:g})" if "target" in r else ""
    if "median" not in r:
        return f"not measured{aim}"
    missed = "" if r.get("holds", True) else ", missed"
    low, high = r["range"]
    return f"{r['median']:.3g} [{low:.3g}, {high:.3g}]{aim}{missed}"


def bfloat16_instructions() -> list[str]:
    """Names of this processor's instructions for bfloat16."""
    told = torch.cpu.get_capabilities().items()
    return [name for name, there in told if there is True and name.endswith("bf16")]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if os.name == "posix" else []:
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def seconds(task: Callable[[], object]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def enough(what: str, length: str, repeats: int) -> int:
    """Rows without a target are repeated less."""
    return repeats if length in TARGETS.get(what, {}) else max(2, repeats // 2)


def take_turns(
    slow: Callable[[], object], fast: Callable[[], object], share: float, repeats: int
) -> list[float]:
    """Ratios of the time per trajectory; `share` is how many `slow` reads for one of `fast`."""
    slow(), fast()  # memory, code generation
    return [seconds(slow) / share / seconds(fast) for _ in range(repeats)]


def tracks(n: int, length: int | tuple[int, int]) -> list[np.ndarray]:
    """Trajectories of one length, or of lengths spread evenly over a range, in any number."""
    if not isinstance(length, int):
        length = np.linspace(*length, n).round().astype(int)
    return make_andi(n, length=length, n_dims=1, random_state=0)[0]


def count(length: int | tuple[int, int], points: int) -> int:
    """Give how many trajectories have about this many points."""
    return max(1, points // int(np.mean(length)))


def chosen(names: list[str]) -> list[tuple[str, int | tuple[int, int]]]:
    return [(name, LENGTHS[name]) for name in names]


def published(repeats: int, names: list[str]):
    regressor = load_pretrained("alpha")
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for T in WADNET_LENGTHS:
            files[T] = [Path(folder) / f"{T}_{fold}.pt" for fold in range(5)]
            for file in files[T]:
                torch.save(PlainWADNet().state_dict(), file)
        network = PlainWADNet()

        def procedure(X: list[np.ndarray]) -> None:
            for x in X:
                z = torch.from_numpy(standardize(x).astype(np.float32).T[None])
                T = max(v for v in WADNET_LENGTHS if v <= len(x))
                answers = []
                for file in files[T]:
                    network.load_state_dict(torch.load(file))
                    network.eval()
                    with torch.no_grad():
                        answers += [network(z[..., :T]), network(z[..., -T:])]
                float(torch.stack(answers).mean())

        for name, length in chosen(names):
            few, many = tracks(12, length), tracks(count(length, 500_000), length)
            ratios = take_turns(
                lambda: procedure(few),  # noqa: B023
                lambda: regressor.predict(many),  # noqa: B023
                len(few) / len(many),
                enough("a", name, repeats),
            )
            yield "a", name, ratios


def points(X: list[np.ndarray]) -> int:
    return sum(len(x) for x in X)


def fitted_wadnet(**params) -> AlphaRegressor:
    """A WADNet with weights of hardly any training; they take as long as trained ones."""
    X = tracks(2, 10)
    return AlphaRegressor(max_epochs=1, validation_fraction=0, random_state=0, **params).fit(
        X, [1.0, 1.0]
    )


def one_at_a_time(repeats: int, names: list[str]):
    regressor = fitted_wadnet()
    network = PlainWADNet().eval()

    def loop(X: list[np.ndarray]) -> None:
        with torch.no_grad():
            for x in X:
                float(network(torch.from_numpy(standardize(x).astype(np.float32).T[None])))

    for name, length in chosen(names):
        few, many = tracks(50, length), tracks(count(length, 200_000), length)
        ratios = take_turns(
            lambda: loop(few),  # noqa: B023
            lambda: regressor.predict(many),  # noqa: B023
            len(few) / len(many),
            enough("b", name, repeats),
        )
        yield "b", name, ratios


def training_set(length: int | tuple[int, int]) -> tuple[list[np.ndarray], np.ndarray]:
    """Full batches: of the one length, or of a few that span the range."""
    if isinstance(length, int):
        n = BATCH * max(1, 100_000 // (BATCH * length))
        return make_andi(n, length=length, n_dims=1, random_state=0)
    X: list[np.ndarray] = []
    alpha = []
    for T in (20, 200, 400, 600, 800, 980):
        own, values = make_andi(64, length=T, n_dims=1, random_state=T)
        X, alpha = X + own, [*alpha, *values]
    return X, np.array(alpha)


def plain_training(
    X: list[np.ndarray], alpha: np.ndarray
) -> tuple[Callable[[], None], Callable[[], None]]:
    """One epoch of the loop one would write: batches of one length, Adam, squared error.

    With denormal numbers flushed to zero, and as torch runs it.
    """
    network = PlainWADNet()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    T = np.array([len(x) for x in X])
    batches = []
    for length in np.unique(T):
        of_length = np.flatnonzero(length == T)
        for start in range(0, len(of_length), BATCH):
            which = of_length[start : start + BATCH]
            z = standardize(np.stack([X[i] for i in which])).astype(np.float32)
            target = torch.from_numpy(alpha[which].astype(np.float32))
            batches.append((torch.from_numpy(z.transpose(0, 2, 1).copy()), target))

    def epoch() -> None:
        network.train()
        for x, target in batches:
            optimizer.zero_grad()
            nn.functional.mse_loss(network(x), target).backward()
            optimizer.step()

    return flushed_denormals()(epoch), epoch


def denormals(repeats: int, names: list[str]):
    for name in [n for n in names if n != "999"]:  # there it takes very long
        flushed, usual = plain_training(*training_set(LENGTHS[name]))
        yield "h", name, take_turns(usual, flushed, 1.0, enough("h", name, repeats))


def wadnet_training(repeats: int, names: list[str]):
    for name, length in chosen(names):
        X, alpha = training_set(length)
        plain, as_it_comes = plain_training(X, alpha)
        for precision in PRECISIONS:
            what = f"c {precision}"
            if precision == "bfloat16" and not bfloat16_instructions():
                yield what, name, []
                continue
            regressor = AlphaRegressor(
                max_epochs=1, validation_fraction=0, precision=precision, random_state=0
            )
            times = enough(what, name, repeats)

            def fit() -> None:
                regressor.fit(X, alpha)  # noqa: B023

            yield what, name, take_turns(plain, fit, 1.0, times)
            if name != "999":
                yield f"{what}{AS_IT_COMES}", name, take_turns(as_it_comes, fit, 1.0, times)


def own_training(repeats: int, names: list[str]):
    for name, length in chosen(names):
        X, alpha = training_set(length)
        plain, as_it_comes = plain_training(X, alpha)
        with tempfile.TemporaryDirectory() as folder:
            trainer = StreamTrainer(StreamTraining(n_dims=1), folder, validation_size=1)
            low, high = (length, length) if isinstance(length, int) else length
            with TrajectoryStream(1, random_state=0, workers=0, length=(low, high)) as stream:
                batches = [next(stream) for _ in range(4)]

            def steps() -> None:
                for batch in batches:  # noqa: B023
                    trainer.train_step(batch)  # noqa: B023

            seen = sum(batch.positions.shape[0] * batch.positions.shape[1] for batch in batches)
            share, times = points(X) / seen, enough("d", name, repeats)
            yield "d", name, take_turns(plain, steps, share, times)
            if name != "999":
                yield f"d{AS_IT_COMES}", name, take_turns(as_it_comes, steps, share, times)


def own_prediction(repeats: int, names: list[str]):
    default, wadnet = load_pretrained("alpha"), fitted_wadnet()
    for name, length in chosen(names):
        many = tracks(count(length, 200_000), length)
        ratios = take_turns(
            lambda: wadnet.predict(many),  # noqa: B023
            lambda: default.predict(many),  # noqa: B023
            1.0,
            enough("e", name, repeats),
        )
        yield "e", name, ratios


def what_is_reached(repeats: int) -> dict[str, Any]:
    """Points and operations per second of both networks, and the share of the peak."""
    peak, slower = peak_of_convolutions()
    networks = {}
    for what, estimator in (("network", load_pretrained("alpha")), ("WADNet", fitted_wadnet())):
        rows = {}
        for name, length in LENGTHS.items():
            many = tracks(count(length, 200_000), length)
            operations = sum(operations_of(estimator.net_.module_, len(x)) for x in many)
            best = fastest(lambda: estimator.predict(many), repeats)  # noqa: B023
            rows[name] = {
                "points_per_second": round(points(many) / best),
                "operations_per_point": round(operations / points(many)),
                "gflops": round(operations / best / 1e9, 1),
                "share_of_peak": round(operations / best / 1e9 / peak, 3),
            }
            print(what, name, rows[name], flush=True)
        networks[what] = rows
    per_point = [networks["network"][T]["points_per_second"] for T in ("100", "999")]
    return {
        "peak_gflops": round(peak, 1),
        "bfloat16_time_over_float32": round(slower, 2),
        "networks": networks,
        "cost_per_point_999_over_100": round(per_point[0] / per_point[1], 2),
    }


def start_up(repeats: int) -> dict[str, dict[str, Any]]:
    """Seconds of fresh processes, their files read before."""
    commands = {
        "python": ["-c", "pass"],
        "import skandi": ["-c", "import skandi"],
        "skandi --help": ["-c", "from skandi.cli import main; main()", "--help"],
    }
    told: dict[str, dict[str, Any]] = {}
    for what, arguments in commands.items():
        run = partial(
            subprocess.run, [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
        )
        run()
        times = [round(seconds(run), 3) for _ in range(repeats)]
        told[what] = {"median": statistics.median(times), "range": [min(times), max(times)]}
    return told


def peak_of_convolutions() -> tuple[float, float]:
    """Most arithmetic per second (1e9) of convolutions like the network's; their time in bfloat16.

    The time is that of the same convolution in bfloat16 over that in float32.
    """
    best, slower = 0.0, 1.0
    with torch.inference_mode():
        for channels, T in ((64, 500), (128, 125), (128, 63)):
            x = torch.randn(25, 1, T, channels).permute(0, 3, 1, 2)
            weight = torch.randn(channels, channels, 1, 3)
            exact = fastest(partial(nn.functional.conv2d, x, weight, padding=(0, 1)), 30)
            rough = partial(nn.functional.conv2d, x.bfloat16(), weight.bfloat16(), padding=(0, 1))
            reached = 2 * 25 * T * channels * channels * 3 / exact / 1e9
            if reached > best:
                best, slower = reached, fastest(rough, 5) / exact
    return best, slower


def fastest(task: Callable[[], object], times: int) -> float:
    task()
    return min(seconds(task) for _ in range(times))


@cache
def operations_of(network: TrajectoryNetwork, T: int) -> int:
    """Multiplications and additions of one trajectory of T points; activations are not counted."""
    network = copy.deepcopy(network)
    recurrent, network.recurrent = network.recurrent, NoRecurrence(network.recurrent)
    # What is done once for all trajectories is in both counts.
    one, two = (counted(network, torch.zeros(n, 1, T)) for n in (1, 2))
    weights = [p.numel() for name, p in recurrent.named_parameters() if name.startswith("weight")]
    return two - one + 2 * sum(weights) * network.recurrent.steps


def counted(network: TrajectoryNetwork, x: Tensor) -> int:
    """Multiplications and additions that torch counts."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.features(x)
    return int(counter.get_total_flops())


class NoRecurrence(nn.Module):
    """Stands for a recurrent layer, whose arithmetic torch does not count, and notes its steps."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.size = layer.hidden_size * (2 if layer.bidirectional else 1)
        self.steps = 0

    def forward(self, sequence: Tensor) -> tuple[Tensor, None]:
        """Give zeros in the place of states."""
        self.steps = sequence.shape[1]
        return sequence.new_zeros(*sequence.shape[:2], self.size), None


if __name__ == "__main__":
    main()
