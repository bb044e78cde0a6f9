"""
Train on less: how can a pipeline select its training samples?
==============================================================

A data map ranks training samples. There are three ways to select samples by it: once, to get a
smaller data set; in a classifier that selects whenever it is fitted; and in a step of a pipeline of
imbalanced-learn. A grid search then chooses the region and the number of samples.
"""

# %%
# The data
# --------
# Breast cancer: 569 samples with 30 features. A quarter of them is the test set.
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
print(f"all {len(y_train)} samples:               accuracy {full.score(X_test, y_test):.3f}")

# %%
# A smaller data set
# ------------------
# `fit_transform` returns the selected samples. Their labels are selected by `sample_indices_`.
selector = DataMapSelector(region="coverage", frac=0.33, random_state=0)
X_selected = selector.fit_transform(X_train, y_train)
y_selected = y_train[selector.sample_indices_]
smaller = make_pipeline(StandardScaler(), classifier).fit(X_selected, y_selected)
print(f"{len(y_selected)} selected samples:          accuracy {smaller.score(X_test, y_test):.3f}")

# %%
# A selector cannot be a step before a classifier in a pipeline of scikit-learn: the pipeline passes
# the selected samples, but all labels, to the classifier, which raises an error.
try:
    make_pipeline(selector, classifier).fit(X_train, y_train)
except ValueError as error:
    print(f"selector in a pipeline:        {error}")

# %%
# A classifier that selects
# -------------------------
# A `DistilledClassifier` selects samples when it is fitted, anew in each fold of cross-validation.
# It predicts all samples.
distilled = make_pipeline(StandardScaler(), DistilledClassifier(classifier, selector))
scores = cross_val_score(distilled, X_train, y_train)
print(f"distilled, cross-validated:    accuracy {scores.mean():.3f}")

# %%
# A step of a pipeline of imbalanced-learn
# ----------------------------------------
# A `DataMapSampler` selects samples and labels when the pipeline is fitted.
sampler = DataMapSampler(region="coverage", frac=0.33, random_state=0)
resampling = make_resampling_pipeline(StandardScaler(), sampler, classifier)
scores = cross_val_score(resampling, X_train, y_train)
print(f"sampled, cross-validated:      accuracy {scores.mean():.3f}")

# %%
# Which region, and how many samples?
# -----------------------------------
# With `memory`, the data map of each fold is computed once for all regions and fractions.
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
print(f"best of the grid:              {best[0]}, {best[1]:.0%} of the samples")
print(f"best on the test set:          accuracy {search.score(X_test, y_test):.3f}")

# %%
means = search.cv_results_["mean_test_score"].reshape(len(fracs), len(regions))
figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
image = ax.imshow(means, cmap="cividis", aspect="auto")
ax.set_xticks(range(len(regions)), regions)
ax.set_yticks(range(len(fracs)), [f"{frac:.0%}" for frac in fracs])
ax.set(ylabel="share of the samples", title="cross-validated accuracy")
for i, j in np.ndindex(means.shape):
    dark = means[i, j] < (means.min() + means.max()) / 2
    ax.text(j, i, f"{means[i, j]:.3f}", ha="center", va="center", color="w" if dark else "k")
figure.savefig("train_on_less.png", dpi=150)
print("The grid is saved in train_on_less.png")

# %%
# What to remember: reduce a data set once with a `DataMapSelector`; in cross-validation, use a
# `DistilledClassifier` or a `DataMapSampler`. Compare each region with the column "random", which
# is often as good.
