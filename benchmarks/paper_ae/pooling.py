"""What bypasses the bottleneck: the places of the maxima, 320 of them at T = 20.

    python benchmarks/paper_ae/pooling.py --folder ~/pooling

Trains the small network on the four models of Fig. 2 with and without pooling indices, and then
takes things away from the trained network with indices: the latent vector of another trajectory, or
the indices of another trajectory. What the error does tells what each of the two carries.
"""

import copy

import numpy as np
import torch
from common import SUBDIFFUSIVE, Run, balanced, inputs_of, parser, table

MODELS = ("attm", "ctrw", "fbm", "sbm")
T = 20


def main() -> None:
    run = Run("pooling", parser(__doc__, repeats=1).parse_args())
    X, _, _ = balanced(MODELS, SUBDIFFUSIVE, run.n(20_000), T, seed=1)
    one = np.zeros(len(X), dtype=int)
    test, model, _ = balanced(MODELS, SUBDIFFUSIVE, run.n(5_000), T, seed=2)
    rows, values = [], []
    for indices in (True, False):
        fingerprint = run.fit(X, one, 256, pooling_indices=indices)
        network = copy.deepcopy(fingerprint.detectors_[0][0].network_).double().eval()
        for name, latent, places in VARIANTS if indices else VARIANTS[:1]:
            errors = ablated(network, test, latent, places, run.options.seed)
            rows.append(f"{'with' if indices else 'without'} indices, {name}")
            values.append([errors.mean(), *(errors[model == m].mean() for m in MODELS)])
    power = np.square(inputs_of(test, T)).mean(axis=(1, 2))
    rows.append("zeros instead of a reconstruction")
    values.append([power.mean(), *(power[model == m].mean() for m in MODELS)])
    table("MSE", rows, ["all", *MODELS], np.array(values))
    for name, row in zip(rows, values):
        run.report(name, np.array(row))
    run.finish()


VARIANTS = (
    ("as trained", False, False),
    ("latent vector of another track", True, False),
    ("indices of another track", False, True),
)


def ablated(network, X, swap_latent, swap_places, seed):
    """Error of reconstructions with the latent vector or the indices of another track."""
    x = torch.from_numpy(inputs_of(X, T))
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(X)))
    with torch.inference_mode():
        latent, places = network.encode(x)
        if swap_latent:
            latent = latent[order]
        if swap_places:
            places = [p[:, order] for p in places]
        return np.square(network.decode(latent, places).numpy() - x.numpy()).mean(axis=(1, 2))


if __name__ == "__main__":
    main()
