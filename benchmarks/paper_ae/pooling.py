"""What bypasses the bottleneck: the places of the maxima, 320 of them at T = 20.

    python benchmarks/paper_ae/pooling.py --folder ~/pooling

Trains the small network on the four models of Fig. 2 with and without pooling indices, and then
takes things away from the trained network with indices: the latent vector of another trajectory, or
the indices of another trajectory. What the error does tells what each of the two carries. Principal
components of the same training set say how many numbers of a linear code do as well.
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
        detector = fingerprint.detectors_[0][0]
        network = copy.deepcopy(detector.network_).double().eval()
        which = f"{'with' if indices else 'without'} indices"
        # The rectifier behind the latent vector can silence a number of it for good.
        speaks = (detector.encode(test) > 0).any(axis=0)
        print(f"{which}: {speaks.sum()} of {len(speaks)} latent numbers are not always 0")
        run.report(f"latent numbers that are not always 0, {which}", int(speaks.sum()))
        for name, latent, places in VARIANTS if indices else VARIANTS[:1]:
            errors = ablated(network, test, latent, places, run.options.seed)
            rows.append(f"{which}, {name}")
            values.append([errors.mean(), *(errors[model == m].mean() for m in MODELS)])
    for k, errors in principal_components(X, test):
        rows.append(f"{k} principal components")
        values.append([errors.mean(), *(errors[model == m].mean() for m in MODELS)])
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


def principal_components(X, test):
    """Errors with 0, 1, 2, ... principal components of the training set."""
    x, seen = (inputs_of(each, T)[:, 0] for each in (X, test))
    _, axes = np.linalg.eigh(x.T @ x)
    for k in range(T):
        kept = axes[:, T - k :]
        yield k, np.square(seen - seen @ kept @ kept.T).mean(axis=1)


if __name__ == "__main__":
    main()
