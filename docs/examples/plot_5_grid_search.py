"""
Train a small estimator, and search its settings
================================================

skandi's estimators work with the tools of scikit-learn: here one is trained on a few hundred
simulated tracks, in a Pipeline, and a grid search chooses two of its settings. The tracks differ in
length and stay the list they are.

A few hundred tracks and a few epochs are far too little for a good answer; this is about how it is
done, and runs in seconds.
"""

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skandi import AlphaRegressor, TrajectoryNormalizer
from skandi.simulate import make_andi

X, alpha = make_andi(400, n_dims=2, length=(20, 22), recipe="andi-2020-fixed", random_state=0)
X_test, alpha_test = make_andi(
    400, n_dims=2, length=(20, 22), recipe="andi-2020-fixed", random_state=1
)

pipeline = Pipeline(
    [
        ("normalise", TrajectoryNormalizer()),
        ("alpha", AlphaRegressor("multiscale", batch_size=64, random_state=0)),
    ]
)
search = GridSearchCV(
    pipeline,
    {"alpha__lr": [1e-4, 3e-3], "alpha__max_epochs": [2, 8]},
    cv=2,
    scoring="neg_mean_absolute_error",
)
search.fit(X, alpha)
search

# %%
# What the search found. The score is minus the mean absolute error of α:

import pandas as pd

pd.DataFrame(search.cv_results_)[
    ["param_alpha__lr", "param_alpha__max_epochs", "mean_test_score", "std_test_score"]
].round({"mean_test_score": 3, "std_test_score": 3})

# %%
# The score of the best is the best of several and therefore a little too good. An honest one comes
# from tracks that had no part in the search, beside the pretrained network and a constant:

import numpy as np

from skandi import load_pretrained


def mae(predicted):
    """Mean absolute error on the test tracks."""
    return round(float(np.abs(predicted - alpha_test).mean()), 3)


pd.Series(
    {
        "always the mean": mae(np.full(len(alpha_test), alpha.mean())),
        "best of the search": mae(search.predict(X_test)),
        "pretrained": mae(load_pretrained("alpha", n_dims=2).predict(X_test)),
    },
    name="mean absolute error of α",
).to_frame()

# %%
# How the best one learnt
# -----------------------

import matplotlib.pyplot as plt

from skandi.plot import COLUMN_WIDTH

history = pd.DataFrame(search.best_estimator_["alpha"].history_)
fig, ax = plt.subplots(figsize=(COLUMN_WIDTH, COLUMN_WIDTH * 0.7), layout="constrained")
ax.plot(history["epoch"], history["valid_mae"], "o-", color="#0072B2", markersize=4)
ax.set(xlabel="epoch", ylabel="MAE of α, validation part")
