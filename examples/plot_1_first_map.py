"""
A first map: which handwritten digits are easy, ambiguous or hard to learn?
===========================================================================

We train a small neural network on 1,797 handwritten digits, record its training dynamics, and plot
the data map. We then look at the digits in its corners, and measure by cross-validation whether the
network can be trained on a third of the samples, the ambiguous ones.
"""

# %%
# Watch the training
# ------------------
# After each of twenty epochs, the predicted probability of the label of each digit is recorded. The
# mean of these probabilities is the *confidence* of the digit, and their standard deviation its
# *variability*. The share of epochs with a correct prediction is its *correctness*.
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
# Each sample lies in one of three regions.
regions = data_map.region_labels()
print("Regions of the digits")
print(f"{'region':<15} {'size':>5} {'confidence':>11} {'variability':>12} {'correctness':>12}")
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
# Each point is a digit. At the top are the digits that the network learned early and predicts with
# high probability. On the right are those whose predicted probability changes between epochs, and
# at the bottom left those that it did not learn.
display = DataMapDisplay.from_data_map(data_map, histograms=True)
display.figure_.savefig("data_map.png", dpi=150)
print("\nThe data map is saved in data_map.png")

# %%
# What is in the corners?
# -----------------------
# The title of each image is its label. Some of the hardest digits are hardly legible.
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
print("The easiest, most ambiguous and hardest digits are saved in digits.png")

# %%
# Is a third of the samples enough?
# ---------------------------------
# In each of five splits, the data map is computed on the training set only. The same network is
# then trained on all training samples, on a random third, and on the ambiguous third, and evaluated
# on the test set.
comparison = compare_subsets(network, X, y, regions=["ambiguous"], random_state=0, n_jobs=2)
print(f"\nAccuracy on the test sets: {comparison}")

# %%
# What to remember: a data map takes one line of code, and shows which samples to inspect. Whether
# the ambiguous third trains a better model than a random third depends on the data:
# `compare_subsets` measures it before you leave any sample out.
