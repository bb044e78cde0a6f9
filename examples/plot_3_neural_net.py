"""
A neural net: where do wrong labels land on the map?
====================================================

A torch net is trained on handwritten digits with skorch, with dropout and early stopping. One label
in twenty is wrong. Does the data map show which?
"""

# %%
# The net
# -------
# Any skorch net can be watched. Watching changes neither its training nor its parameters.
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
# Wrong labels
# ------------
X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
rng = np.random.RandomState(0)
wrong = rng.choice(len(y), size=len(y) // 20, replace=False)
y[wrong] = (y[wrong] + rng.randint(1, 10, size=len(wrong))) % 10
is_wrong = np.isin(np.arange(len(y)), wrong)

# %%
# Watch the training
# ------------------
# skorch holds out a fifth of the samples to decide when to stop. The map holds these, too, and
# marks them.
watched = CartographyClassifier(net, random_state=0).fit(X, y)
data_map = watched.data_map_
print(f"{watched.n_epochs_} epochs, {data_map.held_out_mask.sum()} samples held out by the net")

# %%
# Wrong labels among the samples with the lowest margin
# -----------------------------------------------------
# The margin (`aum`) is the mean over epochs of the logit of the label minus the largest other
# logit. We count the wrong labels among the samples with the lowest margin.
n_wrong = len(wrong)
suspects = np.argsort(data_map.aum)[:n_wrong]
by_chance = n_wrong / len(y)
print(f"wrong labels among the {n_wrong} lowest margins: {is_wrong[suspects].mean():.0%}")
print(f"wrong labels among random samples: {by_chance:.0%}")
regions = data_map.region_labels()
for region in ("easy-to-learn", "ambiguous", "hard-to-learn"):
    of_region = regions == region
    print(f"{region:<15} {of_region.sum():>5} samples, {is_wrong[of_region].mean():.0%} wrong")

# %%
# The map, with a cross on each wrong label
# -----------------------------------------
# Hollow points are the samples that the net held out.
display = DataMapDisplay.from_data_map(data_map)
held_out = display.ax_.get_legend()
place = data_map.variability[wrong], data_map.confidence[wrong]
display.ax_.scatter(*place, s=30, marker="x", c="black", linewidths=0.8, label="wrong label")
display.ax_.legend(loc="lower right")
display.ax_.add_artist(held_out)  # axes keep only the last legend
display.figure_.savefig("neural_net.png", dpi=150)
print("The map is saved in neural_net.png")

# %%
# What to remember: samples that a net does not learn are often mislabelled; inspect those with the
# lowest margins first. But a low margin is no proof: some of these samples are rare, or hard.
