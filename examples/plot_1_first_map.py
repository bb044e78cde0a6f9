"""
A first map: which handwritten digits teach a model, and are they enough?
=========================================================================

A small neural network reads 1,797 handwritten digits. We watch it learn, draw the map of its
training rows, look at the digits in the corners of the map, and then ask by cross-validation
whether a third of the rows, the ambiguous ones, would have been enough.
"""

# %%
# Watch the network learn
# -----------------------
# After each of twenty passes over the data it is asked, of every digit, which probability it
# gives to the right answer. Their mean is the digit's *confidence*, their spread its
# *variability*, and the share of passes at which the answer was right its *correctness*.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from sklearn_carto import CartographyClassifier, DataMapDisplay, compare_subsets

X, y = load_digits(return_X_y=True)
X = X / 16  # from 0 (paper) to 1 (ink)
network = MLPClassifier((64,), learning_rate_init=0.003, batch_size=50, random_state=0)
data_map = CartographyClassifier(network, n_epochs=20).fit(X, y).data_map_

# %%
# Where do the rows lie?
regions = data_map.region_labels()
print("Where the digits lie")
print(f"{'region':<15} {'rows':>5} {'confidence':>11} {'variability':>12} {'correctness':>12}")
for region in ("easy-to-learn", "ambiguous", "hard-to-learn"):
    rows = regions == region
    means = (data_map.confidence, data_map.variability, data_map.correctness)
    confidence, variability, correctness = (values[rows].mean() for values in means)
    print(
        f"{region:<15} {rows.sum():>5} {confidence:>11.2f} {variability:>12.2f} "
        f"{correctness:>12.2f}"
    )

# %%
# The map
# -------
# Each point is a digit. High up are those that the network knew early and surely; on the right
# those that it changed its mind about; low on the left those that it did not learn.
display = DataMapDisplay.from_data_map(data_map, histograms=True)
display.figure_.savefig("data_map.png", dpi=150)
print("\nThe data map is in data_map.png")

# %%
# What is in the corners?
# -----------------------
# The label that each image carries is written above it. Some of the hardest are hardly legible.
corners = {
    "easiest": np.argsort(-data_map.confidence)[:8],
    "most ambiguous": np.argsort(-data_map.variability)[:8],
    "hardest": np.argsort(data_map.confidence)[:8],
}
figure, axes = plt.subplots(3, 8, figsize=(8, 3.9), layout="constrained")
for (name, rows), line in zip(corners.items(), axes, strict=True):
    line[0].set_ylabel(name)
    for row, ax in zip(rows, line, strict=True):
        ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
        ax.set_title(y[row])
        ax.set(xticks=[], yticks=[])
figure.savefig("digits.png", dpi=150)
print("The easiest, most ambiguous and hardest digits are in digits.png")

# %%
# Would a third have been enough?
# -------------------------------
# For each of five folds a map is drawn of the training rows alone; the same network is then
# trained on all of them, on a third drawn at random, and on the ambiguous third, and each is
# scored on the same rows that none of them saw.
comparison = compare_subsets(network, X, y, regions=["ambiguous"], random_state=0, n_jobs=2)
print(f"\nAccuracy on unseen digits: {comparison}")

# %%
# What to remember: a map takes one line, and shows what to look at. Whether its ambiguous third
# trains a better model than a random third is a question of its own, and `compare_subsets`
# answers it for your data before you throw any away.
