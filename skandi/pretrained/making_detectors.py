"""How the detectors that come with skandi are made.

    python -m skandi.pretrained.making_detectors --folder ~/detectors --lengths 20 200

trains those that are not there yet, each in an own file of the package. Stopped, it goes on where
it was. The settings are those of the shipped files: at 20 points far fewer tracks and epochs than
in the paper (80 000 tracks, 200 epochs), at 200 points as many (8 000, 200), which ``--tracks`` and
``--epochs`` change. With ``--out`` the files go to another folder, for `AnomalyDetector.load`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skandi.anomaly import AnomalyDetector, threshold
from skandi.pretrained.detectors import KINDS, SIZES, detector_path
from skandi.simulate import make_andi
from skandi.weights import as_on_disk, save_weights

_SEED = 660_171_389
_TRACKS = {20: 12_000, 200: 8_000}
_EPOCHS = {20: 25, 200: 200}
_BATCH = {20: 256, 200: 64}
_FALSE_ALARM = 0.05
_N_FRESH = 4_000
_BLOCK = 4_000
_LEAST_VARIATION = 1e-3


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="checkpoints of the trainings")
    parser.add_argument("--lengths", type=int, nargs="+", choices=list(SIZES), default=[20])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--tracks", type=int, help="per detector")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path, help="where the detectors go; by default the package")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for length in options.lengths:
        for kind in options.kinds:
            path = detector_path(kind, length)
            if options.out is not None:
                options.out.mkdir(parents=True, exist_ok=True)
                path = options.out / path.name
            if path.exists():
                sys.stdout.write(f"{path} is there already\n")
                continue
            make_detector(
                kind,
                length,
                options.folder,
                n=options.tracks or _TRACKS[length],
                epochs=options.epochs or _EPOCHS[length],
                out=path,
            )
            sys.stdout.write(f"made {path}\n")


def make_detector(kind: str, length: int, folder: Path, *, n: int, epochs: int, out: Path) -> None:
    """Train one detector, set its threshold on fresh tracks, and write it in half precision."""
    detector = AnomalyDetector(
        SIZES[length],
        length=length,
        max_epochs=epochs,
        batch_size=_BATCH[length],
        contamination=_FALSE_ALARM,  # set anew below, on fresh tracks
        checkpoint_dir=folder,
        random_state=0,
    )
    detector.fit(tracks_of(kind, length, n, use=0))
    detector.checkpoint_dir = None
    # Rounded first, so that the threshold is that of the file.
    state = {name: as_on_disk(t, torch.float16) for name, t in detector._state().items()}
    detector.network_.load_state_dict(state)
    fresh = detector.score_samples(tracks_of(kind, length, _N_FRESH, use=1))
    detector.offset_ = threshold(fresh, _FALSE_ALARM)
    card: dict[str, Any] = {
        "recipe": "andi-2020",
        "kind": kind,
        "tracks": n,
        "epochs": epochs,
        "mean_error_on_fresh_tracks": round(float(-fresh.mean()), 5),
        "false_alarms_set_on": _N_FRESH,
    }
    config = {**detector._describe(), "card": card}
    save_weights(out, detector._state(), config, dtype=torch.float16)


def tracks_of(kind: str, length: int, n: int, use: int) -> list[NDArray[np.float64]]:
    """Make noisy tracks of one model, or of all five in equal parts, without straight lines.

    A Lévy walk of a single flight is scaled to 1e17 steps by the recipe. Reproduced or not, its
    squared error would drown those of all other tracks.
    """
    rng = np.random.default_rng([_SEED, length, KINDS.index(kind), use])
    tracks: list[NDArray[np.float64]] = []
    while len(tracks) < n:
        X, model = make_andi(_BLOCK, task="model", length=length, random_state=rng)
        tracks += [
            x for x, name in zip(X, model, strict=True) if kind in ("all", name) and is_curved(x)
        ]
    return tracks[:n]


def is_curved(track: NDArray[np.float64]) -> bool:
    """Tell a track from one at constant velocity, but for rounding."""
    steps = np.diff(track, axis=0)
    return bool((steps.std(axis=0) > _LEAST_VARIATION * np.abs(steps.mean(axis=0))).all())


if __name__ == "__main__":
    main()
