"""A prediction that other processes run in order to be killed; imports little: they all wait."""

import time

import numpy as np
import pandas as pd
from fake_estimators import LengthAsAlpha, LengthAsModel

from skandi.distributed import predict

N_PARTITIONS = 12


class Slow(LengthAsAlpha):
    """Needs a moment, so that a kill finds it at work."""

    def predict(self, X):
        time.sleep(0.02)
        return LengthAsAlpha().predict(X)


def write_tracks(folder):
    """Sixty tracks whose rows are spread over three files."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(8, 30, size=60)
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(60), lengths),
            "frame": np.concatenate([np.arange(T) for T in lengths]),
            "x": rng.normal(size=lengths.sum()),
            "y": rng.normal(size=lengths.sum()),
        }
    ).sample(frac=1, random_state=0)
    folder.mkdir()
    for k in range(3):
        table.iloc[k::3].to_parquet(folder / f"{k}.parquet", index=False)


def run(source, out):
    return predict(
        source,
        out,
        n_partitions=N_PARTITIONS,
        alpha_model=Slow(),
        model_classifier=LengthAsModel(),
    )


def run_to_be_killed(source, out, started):
    started.set()
    run(source, out)


def files(out):
    """All that a kill can find: rows on their way, partitions that are done."""
    return [*out.glob("part-*.parquet"), *out.glob("_rows/*.json")] if out.exists() else []
