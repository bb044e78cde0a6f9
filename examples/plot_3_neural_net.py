"""
A neural net: where do wrong labels land on the map?
====================================================

A net in torch learns handwritten digits through skorch, with its own loop, dropout and early
stopping. One label in twenty was made wrong beforehand. Does the map show which?
"""

# %%
# The net
# -------
# Nothing about it is special: watching changes neither its training nor its parameters.
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping

from sklearn_carto import CartographyClassifier, DataMapDisplay

net = NeuralNetClassifier(
    torch.nn.Sequential(
        torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(128, 10)
    ),
    criterion=torch.nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    lr=0.002,
    batch_size=32,
    max_epochs=25,
    callbacks=[EarlyStopping(patience=5)],
    verbose=0,
)

# %%
# Some labels are wrong
# ---------------------
X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
rng = np.random.RandomState(0)
wrong = rng.choice(len(y), size=len(y) // 20, replace=False)
y[wrong] = (y[wrong] + rng.randint(1, 10, size=len(wrong))) % 10
is_wrong = np.isin(np.arange(len(y)), wrong)

# %%
# Watch it learn
# --------------
# skorch holds a fifth of the rows out to decide when to stop. They are on the map too, and marked.
watched = CartographyClassifier(net, random_state=0).fit(X, y)
data_map = watched.data_map_
print(f"{watched.n_epochs_} epochs, {data_map.held_out_mask.sum()} rows held out by the net")

# %%
# Wrong labels among the rows of lowest margin
# --------------------------------------------
# The margin (`aum`) is the mean lead of the label over the best other class. How many of the rows
# with the lowest are wrong, and how many would a random list hold?
n_wrong = len(wrong)
suspects = np.argsort(data_map.aum)[:n_wrong]
by_chance = n_wrong / len(y)
print(f"of the {n_wrong} rows of lowest margin {is_wrong[suspects].mean():.0%} are wrong")
print(f"of a random list it would be {by_chance:.0%}")
regions = data_map.region_labels()
for region in ("easy-to-learn", "ambiguous", "hard-to-learn"):
    of_region = regions == region
    print(f"{region:<15} {of_region.sum():>5} rows, {is_wrong[of_region].mean():.0%} wrong")

# %%
# The map, with a cross on each wrong label
# -----------------------------------------
# Rows that the net held out are hollow.
display = DataMapDisplay.from_data_map(data_map)
held_out = display.ax_.get_legend()
place = data_map.variability[wrong], data_map.confidence[wrong]
display.ax_.scatter(*place, s=30, marker="x", c="black", linewidths=0.8, label="wrong label")
display.ax_.legend(loc="lower right")
display.ax_.add_artist(held_out)  # matplotlib keeps one legend, if not told otherwise
display.figure_.savefig("neural_net.png", dpi=150)
plt.close(display.figure_)
print("The map is in neural_net.png")

# %%
# What to remember: rows that a net never learns are often mislabelled, and the lowest margins are
# the list to look through first. But low is not wrong: some of them are rare, or just hard.
