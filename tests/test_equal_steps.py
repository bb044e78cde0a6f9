"""Equal steps: what is trained longer, and by how much."""

from typing import ClassVar

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier, DataMapSelector, compare_subsets
from sklearn_carto._comparison._equal_steps import check_match, scale_n_epochs
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(240, random_state=0)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (SGDClassifier(max_iter=10), "max_iter"),
        (MLPClassifier(max_iter=10), "max_iter"),
        (CartographyClassifier(SGDClassifier(), n_epochs=10), "n_epochs"),
    ],
)
def test_a_third_of_the_rows_trains_three_times_as_many_epochs(estimator, name):
    longer = scale_n_epochs(make_pipeline(StandardScaler(), estimator), 3.0)[-1]
    assert getattr(longer, name) == 30
    assert getattr(estimator, name) == 10
    if hasattr(estimator, "n_iter_no_change"):
        assert longer.n_iter_no_change == 3 * estimator.n_iter_no_change


def test_a_net_trains_more_epochs():
    skorch, torch = pytest.importorskip("skorch"), pytest.importorskip("torch")
    net = skorch.NeuralNetClassifier(torch.nn.Linear, max_epochs=5)
    assert scale_n_epochs(net, 2.5).max_epochs == 12


def test_equal_steps_are_counted_in_the_training_itself():
    class Counting(SGDClassifier):
        n_steps: ClassVar = {}

        def fit(self, X, y):
            super().fit(X, y)
            self.n_steps.setdefault(len(X), []).append(self.t_ - 1)
            return self

    model = Counting(loss="log_loss", alpha=0.1, max_iter=6, tol=None)
    settings = {"regions": ["easy"], "fracs": [0.5], "cv": 2, "random_state": 0}
    comparison = compare_subsets(model, X, y, match="steps", **settings)
    assert set(Counting.n_steps) == {120, 60}
    assert {steps for of_size in Counting.n_steps.values() for steps in of_size} == {720}
    assert comparison.match == "steps"
    assert "equal steps" in str(comparison)
    Counting.n_steps.clear()
    assert "equal epochs" in str(compare_subsets(model, X, y, **settings))
    assert set(Counting.n_steps[60]) == {360}


@pytest.mark.parametrize("estimator", [LogisticRegression(), HistGradientBoostingClassifier()])
def test_models_without_epochs_cannot_be_matched_by_steps(estimator):
    check_match("epochs", estimator)
    with pytest.raises(ValueError, match=f"{type(estimator).__name__} does not train in epochs"):
        compare_subsets(estimator, X, y, match="steps")


def test_an_unknown_way_to_match_is_refused():
    with pytest.raises(
        ValueError, match="'match' parameter of compare_subsets must be .* Got 'time'"
    ):
        compare_subsets(SGDClassifier(loss="log_loss"), X, np.asarray(y), match="time")


def test_auto_trains_its_final_estimator_for_as_many_steps_as_the_final_model():
    class Epochs(SGDClassifier):
        seen: ClassVar = []

        def fit(self, X, y):
            self.seen.append((len(X), self.max_iter))
            return super().fit(X, y)

    model = Epochs(loss="log_loss", alpha=0.1, max_iter=6, tol=None)
    selector = DataMapSelector(SGDClassifier(loss="log_loss", alpha=0.1), cv=3)
    settings = {"regions": ["auto"], "fracs": [0.25], "cv": 2, "random_state": 0}
    compare_subsets(model, X, y, selector=selector, match="steps", **settings)
    assert set(Epochs.seen) == {(120, 6), (30, 24), (20, 24)}
