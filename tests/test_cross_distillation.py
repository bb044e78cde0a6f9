"""cross_distillation: rows chosen by one model's map, another model trained on them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from sklearn_carto import DataMapSelector, cross_distillation
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import NotWatchableError

X, y, _ = make_cartography(240, random_state=0)
MODELS = {
    "sgd": SGDClassifier(loss="log_loss", alpha=0.01),
    "mlp": MLPClassifier((8,), max_iter=20, learning_rate_init=0.01),
}


@pytest.fixture(scope="module")
def found():
    with pytest.warns(UserWarning, match="Stochastic Optimizer"):
        return cross_distillation(
            MODELS, X, y, frac=0.25, cv=3, n_seeds=2, random_state=0, ood={"far": (X + 1, y)}
        )


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_cell_equals_a_loop_by_hand(found):
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=(3, 2))
    scores = []
    for i, (train, test) in enumerate(StratifiedKFold(3).split(X, y)):
        for seed in seeds[i].tolist():
            proxy = DataMapSelector(MODELS["mlp"], frac=0.25, random_state=seed)
            rows = train[proxy.fit(X[train], y[train]).sample_indices_]
            model = clone(MODELS["sgd"]).set_params(random_state=seed)
            scores.append(model.fit(X[rows], y[rows]).score(X[test], y[test]))
    results = found.results_
    cell = (results["reference_model"] == "mlp") & (results["model"] == "sgd")
    assert_allclose(results["test_score"][cell], scores)
    place = found.reference_models_.index("mlp"), found.models_.index("sgd")
    assert_allclose(found.matrix()[place], np.mean(scores))


def test_budgets_are_the_same_everywhere_and_baselines_are_there(found):
    results = found.results_
    assert found.reference_models_ == ["sgd", "mlp", "random", "full"]
    assert set(results["n_train"][results["reference_model"] != "full"]) == {40}
    assert set(results["n_train"][results["reference_model"] == "full"]) == {160}
    assert len(results["split"]) == 4 * 2 * 3 * 2
    assert [*results][:3] == ["reference_model", "model", "frac"]
    assert "region" not in results


def test_differences_have_intervals_and_none_to_themselves(found):
    mean, low, high = found.difference_to("random")
    random = found.reference_models_.index("random")
    assert_allclose([mean[random], low[random], high[random]], 0.0)
    matrix = found.matrix()
    assert_allclose(mean, matrix - matrix[random])
    others = [i for i in range(4) if i != random]
    assert (low[others] < mean[others]).all()
    assert (high[others] > mean[others]).all()


def test_each_score_has_a_matrix_and_a_table(found):
    assert found.scores_ == ["test_score", "far_score"]
    assert not np.allclose(found.matrix("test_score"), found.matrix("far_score"))
    text = str(found)
    assert "test_score" in text
    assert "far_score" in text
    assert repr(found) == "<CrossDistillation: 2 models, 48 fits>"
    with pytest.raises(ValueError, match="Unknown score 'far'"):
        found.matrix("far")
    with pytest.raises(ValueError, match="Unknown baseline 'chance'"):
        found.difference_to("chance")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_frame_holds_a_row_for_each_fit(found, backend):
    pytest.importorskip(backend)
    frame = found.to_frame(backend)
    assert len(frame) == 48
    assert_array_equal(frame["test_score"], found.results_["test_score"])


def test_colours_are_relative_to_the_column_and_numbers_are_the_scores(found):
    pytest.importorskip("matplotlib")
    display = found.plot()
    colours = display.image_.get_array()
    assert_allclose([colours.min(axis=0), colours.max(axis=0)], [[0, 0], [1, 1]])
    written = [float(text.get_text().rstrip("*")) for text in display.texts_]
    assert_allclose(written, found.matrix().ravel(), atol=5e-4)
    _, low, high = found.difference_to("random")
    stars = [text.get_text().endswith("*") for text in display.texts_]
    assert_array_equal(stars, ((low > 0) | (high < 0)).ravel())
    assert ("* differs from random" in display.ax_.get_xlabel()) == any(stars)
    assert [text.get_text() for text in display.colorbar_.ax.get_yticklabels()] == ["worst", "best"]


@pytest.mark.parametrize(
    ("models", "params", "error", "message"),
    [
        ({"sgd": MODELS["sgd"]}, {}, ValueError, "at least two models"),
        ({**MODELS, "random": MODELS["sgd"]}, {}, ValueError, "none of them named 'random'"),
        ({**MODELS, "svc": SVC()}, {}, NotWatchableError, "SVC"),
        (MODELS, {"frac": 0}, ValueError, "'frac' parameter of cross_distillation must be"),
        (MODELS, {"region": "ambigous"}, ValueError, "Unknown region"),
    ],
)
def test_what_cannot_be_crossed_is_refused(models, params, error, message):
    with pytest.raises(error, match=message):
        cross_distillation(models, X, y, **params)
