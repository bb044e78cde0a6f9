"""
Train on less: three ways to put a selection of rows to work
============================================================

A data map ranks training rows; how does the ranking get into a pipeline? There are three ways,
one for each thing that one may want: a smaller data set, a classifier that selects by itself, or
a step in a pipeline of imbalanced-learn. And which region, and how many rows? A grid search
tells.
"""

# %%
# The data
# --------
# Tumours of the breast, 569 rows and 30 columns. A quarter is kept for the end.
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import DataMapSampler, DataMapSelector, DistilledClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
classifier = LogisticRegression(max_iter=1000)
full = make_pipeline(StandardScaler(), classifier).fit(X_train, y_train)
print(f"all {len(y_train)} rows:              accuracy {full.score(X_test, y_test):.3f}")

# %%
# First way: a smaller data set
# -----------------------------
# `fit_transform` returns the rows that are kept. Take their labels along.
selector = DataMapSelector(region="coverage", frac=0.33, random_state=0)
X_few = selector.fit_transform(X_train, y_train)
y_few = y_train[selector.sample_indices_]
few = make_pipeline(StandardScaler(), classifier).fit(X_few, y_few)
print(f"{len(y_few)} of them, reduced once:  accuracy {few.score(X_test, y_test):.3f}")

# %%
# A selector ahead of a classifier in a plain pipeline cannot work: the pipeline hands on the
# fewer rows, but keeps all labels, and scikit-learn refuses.
try:
    make_pipeline(selector, classifier).fit(X_train, y_train)
except ValueError as error:
    print(f"selector in a plain pipeline:  {error}")

# %%
# Second way: a classifier that selects by itself
# -----------------------------------------------
# Rows are selected when it is fitted, and in every fold anew; when it predicts every row counts.
distilled = make_pipeline(StandardScaler(), DistilledClassifier(classifier, selector))
scores = cross_val_score(distilled, X_train, y_train)
print(f"distilled, cross-validated:    accuracy {scores.mean():.3f}")

# %%
# Third way: a step in a pipeline of imbalanced-learn
# ---------------------------------------------------
sampler = DataMapSampler(region="coverage", frac=0.33, random_state=0)
resampling = make_resampling_pipeline(StandardScaler(), sampler, classifier)
scores = cross_val_score(resampling, X_train, y_train)
print(f"sampled, cross-validated:      accuracy {scores.mean():.3f}")

# %%
# Which region, and how many rows?
# --------------------------------
# With `memory` the map of each fold is drawn once, however many regions and shares are tried.
regions = ["random", "coverage", "median", "easy", "ambiguous", "hard"]
fracs = [0.05, 0.1, 0.33, 0.5]
with tempfile.TemporaryDirectory() as folder:
    selector = DataMapSelector(memory=folder, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DistilledClassifier(classifier, selector)),
        {
            "distilledclassifier__selector__region": regions,
            "distilledclassifier__selector__frac": fracs,
        },
    ).fit(X_train, y_train)
best = [
    search.best_params_[f"distilledclassifier__selector__{name}"] for name in ("region", "frac")
]
print(f"best of the grid:              {best[0]}, {best[1]:.0%} of the rows")
print(f"it on the rows kept aside:     accuracy {search.score(X_test, y_test):.3f}")

# %%
means = search.cv_results_["mean_test_score"].reshape(len(fracs), len(regions))
figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
image = ax.imshow(means, cmap="cividis", aspect="auto")
ax.set_xticks(range(len(regions)), regions)
ax.set_yticks(range(len(fracs)), [f"{frac:.0%}" for frac in fracs])
ax.set(ylabel="share of the rows", title="cross-validated accuracy")
for i, j in np.ndindex(means.shape):
    dark = means[i, j] < (means.min() + means.max()) / 2
    ax.text(j, i, f"{means[i, j]:.3f}", ha="center", va="center", color="w" if dark else "k")
figure.savefig("train_on_less.png", dpi=150)
print("The grid is in train_on_less.png")

# %%
# What to remember: reduce once with a `DataMapSelector`, select inside of cross-validation with a
# `DistilledClassifier` (or a `DataMapSampler`), and never choose a region by its name: the column
# "random" is there to be beaten, and often it is not.
