"""Hostile input: everything is read, or refused with an error of skandi's that says what to do.

    python benchmarks/fuzz.py                 # 200 000 inputs, about an hour on one core
    python benchmarks/fuzz.py -n 2000         # a minute

Inputs are made from sound ones: files of every format with bytes changed, cut, doubled and
replaced by what hurts (NaN, 1e400, nulls, formulas, quotes), fields of text exchanged; and, where a
checksum or a compression stands before the content, from the content: Parquet of tables with odd
columns, types and values, arrays of odd shapes and types, weight files whose configuration or
tensors are changed and whose hash is right. An input passes if what comes back is sound (finite
positions, one id a track, finite answers) or the error is a `SkandiError` with a message; anything
else is kept in --keep and counted as a failure. So is whatever takes more than ten seconds of a
core. An input depends on the seed and its number alone.
"""

import argparse
import copy
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from skandi import AlphaRegressor, analyse, load_pretrained, read_tracks
from skandi.errors import SkandiError
from skandi.networks import MultiScaleNet
from skandi.simulate import make_andi
from skandi.weights import load_weights, save_weights

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from tracks_in_every_format import EVERY_FORMAT, trackmate_v6

RESULTS = Path(__file__).parent / "results" / "fuzz.json"
SECONDS = 10
HURTS = [
    b"NaN", b"inf", b"-inf", b"1e400", b"-1", b"0", b"99999999999999999999", b"1e-320", b"\x00",
    b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b";", b"\t", b"\n", b"\r\n", b"=1+1", b"None",
    b"true", b"2147483648", b"9223372036854775808", b"<", b">", b"&", b"]]>", b"<!--", b"0x1p3",
    "µ".encode(), b"1,5", b"1.5.2", b"  ", b"-0.0", b"1_000",
]  # fmt: skip

SEPARATORS = [b",", b";", b"\t", b'"']
NONSENSE = [None, "x", "", -1, 0, 1, 2, 1.5, 1e308, 10**12, True, [], [[]], {}, {"x": None}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=200_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one target, such as tidy, frame, arrays, weights")
    parser.add_argument("--keep", type=Path, help="folder for the inputs that failed")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, _too_long)
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        makers = targets(Path(folder))
        if options.only:
            makers = {options.only: makers[options.only]}
        outcome, failures = Counter(), Counter()
        started = time.perf_counter()
        for k in range(options.n):
            name = list(makers)[k % len(makers)]
            rng = np.random.default_rng([options.seed, k])
            verdict = attempt(name, makers[name], rng, k, options.keep)
            outcome[name, verdict.partition(":")[0]] += 1
            if verdict.startswith("failed"):
                failures[name, verdict] += 1
    for name in makers:
        counts = {v: outcome[name, v] for v in ("read", "refused", "failed")}
        print(f"{name:22}", "  ".join(f"{verdict} {count}" for verdict, count in counts.items()))
    for (name, verdict), count in failures.most_common():
        print(f"{count:6} x {name}: {verdict}")
    minutes = (time.perf_counter() - started) / 60
    print(f"{options.n} inputs, {sum(failures.values())} failures, {minutes:.1f} minutes")
    if not options.only and options.n >= 100_000:
        result = {
            "inputs": options.n,
            "seed": options.seed,
            "failures": sum(failures.values()),
            "outcomes": {f"{name}: {verdict}": n for (name, verdict), n in sorted(outcome.items())},
            "minutes": round(minutes, 1),
            "load_average": [*load, os.getloadavg()[0]],
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(bool(failures))


def attempt(
    name: str,
    make: Callable[[np.random.Generator], Callable[[], None]],
    rng: np.random.Generator,
    k: int,
    keep: Path | None,
) -> str:
    """Make one input, and tell what became of it."""
    read = make(rng)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        read()
        verdict = "read"
    except SkandiError as error:
        verdict = "refused" if len(str(error)) > 20 else f"failed: no message, {error!r}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        ours = [f for f in where if f"{os.sep}skandi{os.sep}" in f.filename] or where
        verdict = f"failed: {type(error).__name__} at {Path(ours[-1].filename).name}:"
        verdict += f"{ours[-1].lineno}: {str(error)[:100]!r}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if verdict.startswith("failed") and keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        source = getattr(read, "source", None)
        if source is not None:
            (keep / f"{name}_{k}{source.suffix}").write_bytes(source.read_bytes())
        (keep / f"{name}_{k}.log").write_text(verdict)
    return verdict


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} seconds")


class Reading:
    """One file to read and to judge."""

    def __init__(self, source: Path, read: Callable[[Path], None]) -> None:
        self.source, self.read = source, read

    def __call__(self) -> None:
        """Read it."""
        self.read(self.source)


def targets(folder: Path) -> dict[str, Callable[[np.random.Generator], Callable[[], None]]]:
    """Give, by name, what makes an input of a generator and gives a function that reads it."""
    made: dict[str, Callable] = {}
    writers = {name: write for name, (write, *_) in EVERY_FORMAT.items()}
    for name, write in {
        **writers,
        "trackmate-csv-6": trackmate_v6,
        "challenge": _challenge,
    }.items():
        home = folder / name
        home.mkdir()
        sound = write(home)
        made[name] = _files(sound, _read_file)
    made |= _weight_files(folder)
    made["frame"] = lambda rng: partial(_read_frame, odd_frame(rng))
    made["parquet-frame"] = _odd_files(folder / "odd.parquet", odd_parquet, _read_file)
    made["npy"] = _odd_files(folder / "odd.npy", odd_npy, _read_file)
    estimators = [load_pretrained(target, n_dims=2) for target in ("alpha", "model")]

    def ask(X: object) -> None:
        if isinstance(X, Iterator):
            X = list(X)
        assert np.isfinite(estimators[0].predict_interval(X)).all(), "an answer is not finite"
        assert np.isfinite(estimators[1].predict_proba(X)).all(), "a probability is not finite"

    def table(X: object) -> None:
        if isinstance(X, str):
            X = [X]  # by itself it would be the path of a file
        result = analyse(X, alpha_model=estimators[0], model_classifier=estimators[1])
        told = result.alpha.notna() | (result.note != "")
        assert told.all(), "neither an answer nor a reason"
        known = result[result.alpha.notna()]
        numbers = known.drop(columns=["D_alpha", "novelty"]).select_dtypes("number")
        assert np.isfinite(numbers.to_numpy(float)).all(), "an answer is not finite"

    made["arrays"] = lambda rng: partial(ask, odd_arrays(rng))
    made["analyse"] = lambda rng: partial(table, odd_arrays(rng))
    return made


def _weight_files(folder: Path) -> dict[str, Callable]:
    """Weight files with bytes changed, and forged ones whose hash is right."""
    X, y = make_andi(4, length=12, random_state=0)
    tiny = {"n_layers": 2, "n_filters": 2, "hidden_size": 2, "n_recurrent": 1}
    small = AlphaRegressor(network_params=tiny, max_epochs=1, random_state=0).fit(X, y)
    small.save(folder / "weights.safetensors")
    joint = {"channels": [8, 8], "recurrent_block": 1, "recurrent_size": 4, "hidden_size": 8}
    config = {"network": "multiscale", "network_params": joint, "n_dims": 1, "min_points": 10}
    save_weights(folder / "joint.safetensors", MultiScaleNet(1, 45, **joint).state_dict(), config)

    def answer(estimator) -> None:
        assert np.isfinite(estimator.predict(X)).all(), "an answer is not finite"

    def own(path: Path) -> None:
        load_weights(path)
        answer(AlphaRegressor.load(path))

    def shared(path: Path) -> None:
        answer(load_pretrained("alpha", path=path))
        assert len(load_pretrained("model", path=path).predict(X)) == len(X)

    made: dict[str, Callable] = {}
    for name, read in (("weights", own), ("joint", shared)):
        sound = folder / f"{name}.safetensors"
        made[name] = _files(sound, read)
        change = partial(forge, *load_weights(sound))
        made[f"{name}-forged"] = _odd_files(folder / f"forged_{name}.safetensors", change, read)
    return made


def _read_file(path: Path) -> None:
    judge(read_tracks(path))


def _odd_files(path: Path, write: Callable, read: Callable[[Path], None]) -> Callable:
    def make(rng: np.random.Generator) -> Reading:
        write(path=path, rng=rng)
        return Reading(path, read)

    return make


def _challenge(folder: Path) -> Path:
    X, _ = make_andi(4, length=12, n_dims=2, random_state=0)
    path = folder / "task1.txt"
    path.write_text("\n".join(";".join(map(str, [2.0, *x.T.ravel()])) for x in X) + "\n")
    return path


def _files(sound: Path, read: Callable[[Path], None]) -> Callable:
    content = sound.read_bytes()
    changed = sound.with_name("changed" + "".join(sound.suffixes))

    def make(rng: np.random.Generator) -> Reading:
        changed.write_bytes(mutate(content, rng))
        return Reading(changed, read)

    return make


def _read_frame(frame: pd.DataFrame) -> None:
    judge(read_tracks(frame))


def judge(tracks) -> None:
    """Raise unless tracks are what estimators may be given."""
    assert len(tracks.trajectories) == len(tracks.ids) == len(set(tracks.ids)), "ids"
    for x in tracks.trajectories:
        assert x.shape == (len(x), tracks.n_dims), "shape"
        assert len(x) >= 1, "a track without a point"
        assert np.isfinite(x).all(), "a position is not finite"
    assert str(tracks.report), "no report"
    interval = tracks.frame_interval
    assert interval is None or (np.isfinite(interval) and interval > 0), "frame interval"


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file in one to four places."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        start = int(rng.integers(len(data)))
        stop = min(len(data), start + int(rng.geometric(0.1)))
        match rng.integers(8):
            case 0:
                data[start] = int(rng.integers(256))
            case 1:
                del data[start:stop]
            case 2:
                data[start:start] = data[start:stop] * int(rng.integers(1, 4))
            case 3:
                del data[start:]
            case 4:
                data[start:stop] = HURTS[rng.integers(len(HURTS))]
            case 5:
                data[start:start] = HURTS[rng.integers(len(HURTS))]
            case 6:
                lines = bytes(data).split(b"\n")
                a, b = rng.integers(len(lines), size=2)
                lines[a], lines[b] = lines[b], lines[a]
                data = bytearray(b"\n".join(lines))
            case 7:
                separator = max(SEPARATORS, key=bytes(data).count)
                cells = bytes(data).split(separator)
                cells[rng.integers(len(cells))] = HURTS[rng.integers(len(HURTS))]
                data = bytearray(separator.join(cells))
    return bytes(data)


def odd_frame(rng: np.random.Generator) -> pd.DataFrame:
    """A table of tracks with columns, types and values that nobody expects."""
    n = int(rng.integers(0, 12))
    names = ["particle", "track_id", "frame", "t", "x", "y", "z", "Frame", "x", 0, None, "TRACK_ID"]
    chosen = ["particle", "frame", "x", "y"] if rng.random() < 0.7 else []
    chosen += [names[i] for i in rng.integers(len(names), size=rng.integers(0, 4))]
    kinds = [
        lambda: rng.normal(size=n),
        lambda: rng.integers(-3, 5, size=n),
        lambda: rng.choice([np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0], size=n),
        lambda: rng.choice(["1", "a", "", "nan", "=1", "1.5"], size=n).astype(object),
        lambda: rng.integers(0, 2, size=n).astype(bool),
        lambda: pd.array(rng.integers(0, 3, size=n), dtype="Int64"),
        lambda: pd.to_datetime(rng.integers(0, 10, size=n), unit="s"),
        lambda: rng.normal(size=n) + 1j,
        lambda: np.array([None, [1], {"a": 1}, b"x", 3], dtype=object)[rng.integers(5, size=n)],
        lambda: pd.Categorical(rng.choice(["a", "b"], size=n)),
        lambda: rng.integers(0, 2**63 - 1, size=n, dtype=np.int64),
        lambda: np.arange(n),
    ]
    columns = []
    for name in chosen:
        usual = rng.random() < 0.6
        kind = {"particle": 1, "frame": 11}.get(name, 0) if usual else rng.integers(len(kinds))
        columns.append(pd.Series(kinds[kind](), name=name))
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(n))
    if rng.random() < 0.1:
        frame.index = rng.permutation(len(frame)) - 2
    return frame


def odd_parquet(path: Path, rng: np.random.Generator) -> None:
    """Write as much of an odd table as Parquet can hold, perhaps with odd units."""
    frame = odd_frame(rng)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    frame.columns = [str(name) for name in frame.columns]
    for name in list(frame.columns):
        try:
            pa.Table.from_pandas(frame[[name]])
        except (pa.ArrowException, ValueError, TypeError):
            frame = frame.drop(columns=name)
    if rng.random() < 0.3:
        keys = rng.choice(["frame_interval", "time_unit", "space_unit", "x"], size=2)
        frame.attrs["skandi"] = {key: NONSENSE[rng.integers(len(NONSENSE))] for key in keys}
    frame.to_parquet(path, index=bool(rng.integers(2)))


def odd_npy(path: Path, rng: np.random.Generator) -> None:
    """Write an array that is nearly one of napari, noctiluca or andi_datasets."""
    n = int(rng.integers(0, 12))
    shape = [(n, 4), (n, 5), (3, n, 2), (3, n, 3), (n, 26), (n,), (), (n, 3), (2, 2, n, 2)]
    x = rng.normal(size=shape[rng.integers(len(shape))])
    if x.ndim == 2 and rng.random() < 0.7:
        x[:, 0] = np.sort(rng.integers(0, 4, size=len(x)))
        x[:, 1] = np.arange(len(x)) if rng.random() < 0.5 else x[:, 1].round()
    if x.size and rng.random() < 0.6:
        bad = rng.choice([np.nan, np.inf, -np.inf, 1e308, 2**53, -1, 0, 0.5])
        x[rng.random(x.shape) < 0.1] = bad
    kinds = ["f8", ">f8", "f4", "f2", "i8", "u1", "?", "c16", "U3", "S3", "M8[s]", "V8"]
    kind = "f8" if rng.random() < 0.5 else kinds[rng.integers(len(kinds))]
    with np.errstate(all="ignore"):
        try:
            x = x.astype(kind)
        except (TypeError, ValueError):
            x = np.zeros(x.shape, dtype=kind)
    np.save(path, np.asfortranarray(x) if rng.random() < 0.3 else x)


def forge(config: dict, state: dict, *, path: Path, rng: np.random.Generator) -> None:
    """Write a weight file that lies in one to three places and has the right hash."""
    config = json.loads(json.dumps(config))
    state = {name: t.clone() for name, t in state.items()}
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.6:
            inner, keys = config, []
            while (
                isinstance(inner, dict | list) and len(inner) and (not keys or rng.random() < 0.7)
            ):
                key = rng.choice(list(inner)) if isinstance(inner, dict) else None
                keys.append((inner, str(key) if key is not None else int(rng.integers(len(inner)))))
                inner = keys[-1][0][keys[-1][1]]
            if keys:
                holder, key = keys[-1]
                holder[key] = copy.deepcopy(NONSENSE[rng.integers(len(NONSENSE))])
        elif state:
            name = str(rng.choice(sorted(state)))
            t = state[name]
            match rng.integers(6):
                case 0:
                    del state[name]
                case 1:
                    state[name + "x"] = t.clone()
                case 2:
                    state[name] = t[None].clone()
                case 3:
                    state[name] = t.long() if t.is_floating_point() else t.float()
                case 4:
                    state[name] = t.new_zeros(0)
                case 5:
                    value = float(rng.choice([np.nan, np.inf, 3e38, -3e38, 0.0]))
                    state[name] = torch.full_like(t, value if t.is_floating_point() else 7)
    save_weights(path, state, config)


def odd_arrays(rng: np.random.Generator) -> object:
    """Trajectories with odd shapes, types and values, in an odd container."""
    kinds = [
        lambda: rng.normal(size=(rng.integers(10, 40), 2)).cumsum(axis=0),
        lambda: rng.normal(size=(rng.integers(0, 12), rng.integers(0, 5))),
        lambda: rng.normal(size=tuple(rng.integers(0, 4, size=rng.integers(0, 4)))),
        lambda: np.full((12, 2), rng.choice([np.nan, np.inf, 0.0, 1e308, -1e308, 5e-324])),
        lambda: rng.normal(size=(15, 2)) * rng.choice([1e308, 1e300, 1e-300, 1e150, 1e-320]),
        lambda: rng.integers(-(2**62), 2**62, size=(12, 2)),
        lambda: rng.integers(0, 2, size=(12, 2)).astype(bool),
        lambda: np.array([["a", "b"]] * 12),
        lambda: np.array([[1, None]] * 12, dtype=object),
        lambda: [[1.0, 2.0]] * 12,
        lambda: [[1.0, 2.0], [3.0]],
        lambda: [None, "x", 3, {}, ()][rng.integers(5)],
        lambda: rng.normal(size=(12, 2)).astype(np.float16) * 60000,
        lambda: rng.normal(size=(12, 2)) + 1j,
        lambda: np.ma.masked_invalid(np.full((12, 2), np.nan)),
        lambda: pd.DataFrame(rng.normal(size=(12, 2))),
    ]
    X = [
        kinds[0 if rng.random() < 0.5 else rng.integers(len(kinds))]()
        for _ in range(rng.integers(0, 4))
    ]
    match rng.integers(8):
        case 0:
            return tuple(X)
        case 1:
            box = np.empty(len(X), dtype=object)
            for k, x in enumerate(X):
                box[k] = x
            return box
        case 2:
            return X[0] if X else X
        case 3:
            return iter(X)
    return X


if __name__ == "__main__":
    main()
