"""Time to train and to ask the small autoencoder at the paper's size.

    python benchmarks/autoencoder_speed.py           # 3 epochs, extrapolated: a minute
    python benchmarks/autoencoder_speed.py --full    # all 200 epochs

80 000 trajectories of 20 points, batches of 256, 200 epochs, on one core. The time is the
processor's (what the process used), because other work on the machine lengthens the wall clock;
both are given. Prediction is of 100 000 trajectories of 20 points.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch

from skandi import AnomalyDetector
from skandi.simulate import simulate

RESULT = Path(__file__).parent / "results" / "autoencoder_speed.json"
T, EPOCHS = 20, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="run all epochs")
    parser.add_argument("-n", type=int, default=80_000, help="training trajectories")
    parser.add_argument("--n-test", type=int, default=100_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    alpha = np.resize(np.arange(1, 11) / 10, options.n)
    X = simulate("fbm", alpha, options.n, T=T, random_state=0)
    AnomalyDetector(max_epochs=1).fit(X[:2000])  # torch prepares its kernels once

    epochs = EPOCHS if options.full else 3
    beyond = clock(lambda: AnomalyDetector(max_epochs=1, contamination=0.05, random_state=0).fit(X))
    detector = AnomalyDetector(max_epochs=1 + epochs, contamination=0.05, random_state=0)
    whole = clock(lambda: detector.fit(X))
    # What the two fits share: one epoch, and the scores that set the threshold.
    per_epoch = {k: (whole[k] - beyond[k]) / epochs for k in whole}
    test = simulate("fbm", np.resize(alpha, options.n_test), options.n_test, T=T, random_state=1)
    asked = clock(lambda: detector.score_samples(test))
    result = {
        "trajectories": options.n,
        "points": T,
        "batch_size": detector.batch_size,
        "threads": 1,
        "epochs_timed": epochs,
        "extrapolated": not options.full,
        "seconds_per_epoch": rounded(per_epoch, 2),
        "minutes_for_200_epochs": rounded({k: v * EPOCHS / 60 for k, v in per_epoch.items()}, 2),
        "scored_trajectories": options.n_test,
        "seconds_to_score": rounded(asked, 2),
        "load_average": os.getloadavg(),
    }
    print(json.dumps(result, indent=1))
    minutes = result["minutes_for_200_epochs"]["processor"]
    how = "measured" if options.full else f"extrapolated from {epochs} epochs"
    print(f"{minutes:.1f} processor minutes for {EPOCHS} epochs, {how} (aim: 15)")
    if options.n == 80_000 and options.n_test == 100_000:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def clock(work) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}


def rounded(seconds: dict[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in seconds.items()}


if __name__ == "__main__":
    main()
