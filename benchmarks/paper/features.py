"""The feature vectors of five models, drawn by UMAP at four lengths (WADNet's Fig. 9).

    pip install umap-learn
    python benchmarks/paper/features.py -n 2000

Which models lie apart is judged in the feature space itself and not in the picture, which may tear
or join what it likes: by how often the nearest neighbours of a trajectory are of its own group.
"""

import numpy as np
from common import SEED, Run, axes
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from skandi import load_pretrained
from skandi.diffusion import MODELS
from skandi.plot.style import MODEL_COLORS
from skandi.simulate import make_andi

LENGTHS = (40, 200, 400, 900)
GROUPS = {"lw": ("lw",), "fbm+sbm": ("fbm", "sbm"), "ctrw+attm": ("ctrw", "attm")}
APART = 0.97
N_DIMS = 1


def main() -> None:
    run = Run("features", __doc__, n=2_000)
    figure, panels = axes(len(LENGTHS))
    apart = {name: [] for name in GROUPS}
    for T, ax in zip(LENGTHS, panels[0]):
        classifier = load_pretrained("model", n_dims=N_DIMS, preset=run.options.preset)
        X, model = make_andi(run.options.n, n_dims=N_DIMS, task="model", length=T,
                             random_state=np.random.SeedSequence([SEED, T]))  # fmt: skip
        features = StandardScaler().fit_transform(classifier.transform(X))
        draw(ax, features, model, T)
        for name, members in GROUPS.items():
            apart[name].append(separation(features, np.isin(model, members)))
    run.tables["apart"] = {name: dict(zip(map(str, LENGTHS), v)) for name, v in apart.items()}
    figures = {
        name: ", ".join(f"{v:.3f} (T={T})" for T, v in zip(LENGTHS, values))
        for name, values in apart.items()
    }
    run.finding(
        "LW lies apart from T=200 on, before the others",
        apart["lw"][1] > APART and apart["lw"][1] > apart["fbm+sbm"][1],
        f"balanced share of right neighbours: {figures['lw']}",
    )
    run.finding(
        "{FBM, SBM} and {CTRW, ATTM} come apart at T=400 and 900",
        apart["fbm+sbm"][0] < 0.9 and apart["fbm+sbm"][3] > apart["fbm+sbm"][1],
        f"FBM and SBM: {figures['fbm+sbm']}; CTRW and ATTM: {figures['ctrw+attm']}",
    )
    run.finish(figure)


def separation(features: np.ndarray, member: np.ndarray) -> float:
    """Balanced accuracy of the five nearest neighbours, each trajectory left out."""
    neighbours = KNeighborsClassifier(n_neighbors=6).fit(features, member)
    nearest = neighbours.kneighbors(features, return_distance=False)[:, 1:]
    right = (member[nearest].mean(axis=1) > 0.5) == member
    return float((right[member].mean() + right[~member].mean()) / 2)


def draw(ax, features: np.ndarray, model: np.ndarray, T: int) -> None:
    from umap import UMAP

    flat = UMAP(random_state=0, n_jobs=1).fit_transform(features)
    for name in MODELS:
        mine = flat[model == name]
        ax.plot(*mine.T, ".", ms=1, color=MODEL_COLORS[name], label=name.upper())
    ax.set(title=f"{T} points", xticks=[], yticks=[])
    if LENGTHS[0] == T:
        ax.legend(markerscale=6, fontsize=6)


if __name__ == "__main__":
    main()
