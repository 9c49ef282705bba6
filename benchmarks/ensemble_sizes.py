"""Size on disk of a fitted ensemble, by joblib and by its own ``save``.

    python benchmarks/ensemble_sizes.py        # a minute

trains ten WADNets of full size for two epochs each (two lengths, five folds) on so few
trajectories that only the sizes mean anything, writes the ensemble in each way, and prints the
bytes per member and what the 43 × 5 members of Li, Yao & Huang (2021) take at that rate.
"""

import argparse
import json
import tempfile
from pathlib import Path

import joblib
import torch

from skandi import AlphaRegressor, LengthBaggingRegressor
from skandi.lengths import WADNET_LENGTHS
from skandi.simulate import make_andi

RESULTS = Path(__file__).parent / "results" / "ensemble_sizes.json"
LENGTHS, FOLDS = [10, 15], 5
WRITERS = {
    "joblib.dump": lambda bag, path: joblib.dump(bag, path),
    "joblib.dump, compress=3": lambda bag, path: joblib.dump(bag, path, compress=3),
    "save": lambda bag, path: bag.save(path),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=60, help="training trajectories")
    parser.add_argument("--max-epochs", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    X, y = make_andi(options.n, length=(10, 20), random_state=0)
    member = AlphaRegressor(max_epochs=options.max_epochs, patience=options.max_epochs)
    bag = LengthBaggingRegressor(member, lengths=LENGTHS, cv=FOLDS, min_bucket=10, random_state=0)
    bag.fit(X, y)
    n_members, n_paper = len(LENGTHS) * FOLDS, len(WADNET_LENGTHS) * FOLDS
    network = bag.members_[0][0].net_.module_
    rows = []
    print(f"{'written by':<24} {'bytes':>12} {'per member':>12} {f'{n_paper} members, MB':>16}")
    for name, write in WRITERS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ensemble.safetensors"
            write(bag, path)
            size = path.stat().st_size
        each = size / n_members
        rows.append({"written_by": name, "bytes": size, "bytes_per_member": round(each)})
        rows[-1]["paper_megabytes"] = round(each * n_paper / 1e6)
        print(f"{name:<24} {size:>12} {each:>12.0f} {rows[-1]['paper_megabytes']:>16}")
    result = {
        "lengths": LENGTHS,
        "folds": FOLDS,
        "members": n_members,
        "parameters_per_member": sum(p.numel() for p in network.parameters()),
        "epochs": len(bag.members_[0][0].history_),
        "training_trajectories": options.n,
        "torch": torch.__version__,
        "files": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
