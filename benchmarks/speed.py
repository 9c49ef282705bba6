"""How fast skandi is beside what one would otherwise run; one thread, nothing else running.

    python benchmarks/speed.py                      # about half an hour
    python benchmarks/speed.py --only b --repeats 3

Every figure is a ratio of two things that took turns in this run: the median over repeats, and its
range. Four comparisons, at T = 20, 100, 300, 999 points and a mix of 10 to 999, in one dimension:

a  the published procedure of Li, Yao & Huang (2021) as its paper and scripts describe it (five
   folds of WADNet of the next smaller length, first and last crop, one trajectory at a time,
   weights read from disk for each) against `load_pretrained("alpha").predict`;
b  one WADNet, one trajectory at a time, against `AlphaRegressor("wadnet").predict`;
c  training WADNet: a plain PyTorch loop in float32 against `AlphaRegressor("wadnet").fit`, in
   float32 and bfloat16;
d  training and prediction of the network with shipped weights against that plain loop (points per
   second) and against skandi's WADNet.

Networks of a and b have random weights, which take as long as trained ones.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from skandi import AlphaRegressor, load_pretrained
from skandi.lengths import WADNET_LENGTHS
from skandi.normalize import standardize
from skandi.simulate import TrajectoryStream, make_andi
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
    "d training": {"10-999": 4},
    "d prediction": {"10-999": 3},
}
BATCH = 512


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
    parser.add_argument("--only", default="abcd", help="which comparisons, for example 'ab'")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = {
        "machine": f"{platform.machine()}, {_processor()}",
        "torch": torch.__version__,
        "threads": 1,
        "repeats": options.repeats,
        "load_average_before": os.getloadavg(),
        "ratios": {},
    }
    sections = {"a": published, "b": one_at_a_time, "c": wadnet_training, "d": own_network}
    for name in options.only:
        for what, length, ratios in sections[name](options.repeats):
            entry = {"median": statistics.median(ratios), "range": [min(ratios), max(ratios)]}
            target = TARGETS.get(what, {}).get(length)
            if target is not None:
                entry |= {"target": target, "holds": entry["median"] >= target}
            result["ratios"].setdefault(what, {})[length] = entry
            verdict = "" if target is None else f"  (target {target}: {verdict_of(entry)})"
            print(
                f"{what:14} T={length:7} {entry['median']:8.1f}x "
                f"[{min(ratios):.1f}, {max(ratios):.1f}]{verdict}",
                flush=True,
            )
    result["load_average_after"] = os.getloadavg()
    print("load average before and after:", result["load_average_before"], os.getloadavg())
    if set(options.only) == set("abcd"):
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def verdict_of(entry: dict) -> str:
    return "holds" if entry["holds"] else "MISSED"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if os.name == "posix" else []:
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def seconds(task: Callable[[], object]) -> float:
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


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


def published(repeats: int):
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

        for name, length in LENGTHS.items():
            few, many = tracks(30, length), tracks(count(length, 500_000), length)
            ratios = take_turns(
                lambda: procedure(few),  # noqa: B023
                lambda: regressor.predict(many),  # noqa: B023
                len(few) / len(many),
                repeats,
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


def one_at_a_time(repeats: int):
    regressor = fitted_wadnet()
    network = PlainWADNet().eval()

    def loop(X: list[np.ndarray]) -> None:
        with torch.no_grad():
            for x in X:
                float(network(torch.from_numpy(standardize(x).astype(np.float32).T[None])))

    for name, length in LENGTHS.items():
        few, many = tracks(100, length), tracks(count(length, 200_000), length)
        ratios = take_turns(
            lambda: loop(few),  # noqa: B023
            lambda: regressor.predict(many),  # noqa: B023
            len(few) / len(many),
            repeats,
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


def plain_training(X: list[np.ndarray], alpha: np.ndarray) -> Callable[[], None]:
    """One epoch of the loop one would write: batches of one length, Adam, squared error."""
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

    return epoch


def wadnet_training(repeats: int):
    for name, length in LENGTHS.items():
        X, alpha = training_set(length)
        plain = plain_training(X, alpha)
        for precision in ("float32", "bfloat16"):
            regressor = AlphaRegressor(
                max_epochs=1, validation_fraction=0, precision=precision, random_state=0
            )
            ratios = take_turns(plain, lambda: regressor.fit(X, alpha), 1.0, repeats)  # noqa: B023
            yield f"c {precision}", name, ratios


def own_network(repeats: int):
    default, wadnet = load_pretrained("alpha"), fitted_wadnet()
    for name, length in LENGTHS.items():
        X, alpha = training_set(length)
        plain = plain_training(X, alpha)
        with tempfile.TemporaryDirectory() as folder:
            trainer = StreamTrainer(StreamTraining(n_dims=1), folder, validation_size=1)
            low, high = (length, length) if isinstance(length, int) else length
            with TrajectoryStream(1, random_state=0, workers=0, length=(low, high)) as stream:
                batches = [next(stream) for _ in range(4)]

            def steps() -> None:
                for batch in batches:  # noqa: B023
                    trainer.train_step(batch)  # noqa: B023

            seen = sum(batch.positions.shape[0] * batch.positions.shape[1] for batch in batches)
            ratios = take_turns(plain, steps, points(X) / seen, repeats)
        yield "d training", name, ratios
        many = tracks(count(length, 200_000), length)
        ratios = take_turns(
            lambda: wadnet.predict(many),  # noqa: B023
            lambda: default.predict(many),  # noqa: B023
            1.0,
            repeats,
        )
        yield "d prediction", name, ratios


if __name__ == "__main__":
    main()
