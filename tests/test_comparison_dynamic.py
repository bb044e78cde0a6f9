"""Comparison of subsets that are fixed, drawn in each epoch, and of fewer epochs on all samples."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

from sklearn_carto import compare_subsets
from sklearn_carto.datasets import make_cartography
from sklearn_carto.integrations.skorch import DynamicSubset

X, y, _ = make_cartography(160, n_classes=2, random_state=0)
X, names = X.astype(np.float32), np.array(["no", "yes"])[y]
REGIONS = ["fewer-epochs", *(DynamicSubset(rule) for rule in ("random", "loss", "infobatch"))]
NAMES = ["fewer-epochs", "dynamic random", "dynamic loss", "dynamic infobatch"]


class Steps(Callback):
    """Append the number of steps of each training to a list of all."""

    counts: list = []  # noqa: RUF012

    def on_train_begin(self, net, **kwargs):
        self.n_steps_ = 0

    def on_batch_end(self, net, training=None, **kwargs):
        self.n_steps_ += training

    def on_train_end(self, net, **kwargs):
        self.counts.append(self.n_steps_)


def make_net(**params):
    settings = {
        "module": torch.nn.Linear,
        "module__in_features": X.shape[1],
        "module__out_features": 2,
        "criterion": torch.nn.CrossEntropyLoss,
        "max_epochs": 8,
        "batch_size": 10,
        "train_split": None,
        "verbose": 0,
    }
    return NeuralNetClassifier(**{**settings, **params})


def compare(net=None, **params):
    settings = {"regions": REGIONS, "fracs": (0.25,), "cv": 2, "random_state": 0}
    return compare_subsets(make_net() if net is None else net, X, names, **{**settings, **params})


@pytest.mark.parametrize(("match", "n_full", "n_steps"), [("epochs", 64, 16), ("steps", 64, 64)])
def test_all_but_the_full_set_take_equally_many_steps(match, n_full, n_steps):
    # 80 training samples are 8 batches an epoch; a quarter of them are 2
    Steps.counts.clear()
    comparison = compare(make_net(callbacks=[Steps()]), regions=REGIONS[:3], match=match)
    # of each split: the map, which is that of the net itself, the full set, and four others
    assert Steps.counts == [64, n_full, *[n_steps] * 4] * 2
    regions = comparison.results_["region"].tolist()
    assert regions == ["full", "random", *NAMES[:3]] * 2
    n_train = [80, 20, 80, 80, 80]
    assert_array_equal(comparison.results_["n_train"], n_train * 2)


def test_infobatch_draws_as_many_samples_in_epochs_that_differ():
    Steps.counts.clear()
    compare(make_net(callbacks=[Steps()], batch_size=1), regions=[DynamicSubset("infobatch")])
    assert Steps.counts[3::4] == [160, 160]


def test_fewer_epochs_at_equal_steps_are_the_full_set():
    results = compare(regions=["fewer-epochs"], match="steps").results_
    of = {name: results["test_score"][results["region"] == name] for name in ("full", NAMES[0])}
    assert_array_equal(of["full"], of["fewer-epochs"])


def test_the_result_is_the_same_on_two_jobs_and_can_be_shown():
    comparison, again = compare(n_seeds=2), compare(n_seeds=2, n_jobs=2)
    assert_array_equal(comparison.results_["test_score"], again.results_["test_score"])
    summary = comparison.summary()
    assert summary["region"].tolist() == ["full", "random", *NAMES]
    assert np.isfinite(summary["vs_random"][2:]).all()
    assert "dynamic infobatch" in str(comparison)
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    display = comparison.plot()
    assert ("test_score", "dynamic loss") in display.marks_


def test_a_pipeline_ends_in_the_net_and_keeps_its_callbacks():
    Steps.counts.clear()
    net = make_net(callbacks=[("steps", Steps())])
    pipeline = make_pipeline(FunctionTransformer(), net)
    compare(pipeline, regions=REGIONS[1:2])
    assert Steps.counts == [64, 64, 16, 16] * 2
    assert len(net.callbacks) == 1


def test_fewer_epochs_need_no_net():
    model = SGDClassifier(loss="log_loss", alpha=0.1, max_iter=8, tol=None)
    comparison = compare(model, regions=["fewer-epochs"], fracs=(0.5, 1.0))
    results = comparison.results_
    whole = (results["region"] == "fewer-epochs") & (results["frac"] == 1.0)
    scores = results["test_score"]
    assert_array_equal(scores[whole], scores[results["region"] == "full"])


@pytest.mark.parametrize(
    ("estimator", "region", "message"),
    [
        (SGDClassifier(), DynamicSubset(), "'dynamic random' with SGDClassifier.*net of skorch"),
        (RandomForestClassifier(), "fewer-epochs", "'fewer-epochs' with RandomForestClassifier"),
        (make_net(callbacks="disable"), DynamicSubset(), "callbacks='disable'"),
        (make_net(callbacks=[DynamicSubset()]), DynamicSubset(), "such a callback already"),
        (make_net(), DynamicSubset("hard"), "'rule' parameter of DynamicSubset"),
    ],
    ids=["no net", "no epochs", "disabled", "twice", "unknown rule"],
)
def test_models_that_cannot_train_in_less_are_refused_before_anything_is_trained(
    estimator, region, message
):
    with pytest.raises(ValueError, match=message):
        compare(estimator, regions=[region])


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two different regions with the name 'dynamic loss'"):
        compare(regions=[DynamicSubset("loss"), DynamicSubset("loss", warm_up=1)])
    both = compare(regions=[DynamicSubset(), DynamicSubset(replacement=True)], cv=2)
    assert "dynamic random with replacement" in both.results_["region"]
