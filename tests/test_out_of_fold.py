"""Maps recorded out of fold: each row by a model that did not train on it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from sklearn_carto import CartographyClassifier, DataMap, DataMapSelector
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import DegenerateMapWarning, HeldOutRowsWarning

X, y, kind = make_cartography(300, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
FOLDS = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))


@pytest.mark.parametrize("cv", [3, FOLDS], ids=["number", "folds"])
def test_the_steps_of_a_pipeline_are_fitted_without_the_rows_that_are_recorded(cv):
    learner = make_pipeline(StandardScaler(), SGD)
    model = CartographyClassifier(learner, n_epochs=6, cv=cv, random_state=0).fit(X, y)
    assert model.data_map_.record == "out_of_fold"
    for train, test in FOLDS:
        bare = clone(learner)
        one = CartographyClassifier(bare, n_epochs=6, random_state=0).fit(X[train], y[train])
        last = one.predict_proba(X[test])[np.arange(len(test)), y[test]]
        assert_allclose(model.dynamics_.true_proba[test, -1], last, rtol=1e-5)


def test_the_model_that_is_kept_trained_on_all_rows():
    inside = CartographyClassifier(SGD, n_epochs=6, random_state=0).fit(X, y)
    outside = CartographyClassifier(SGD, n_epochs=6, cv=3, random_state=0).fit(X, y)
    assert_array_equal(outside.estimator_.coef_, inside.estimator_.coef_)
    assert (outside.confidence_ != inside.confidence_).all()
    assert outside.n_epochs_ == inside.n_epochs_ == 6


def test_a_model_that_memorises_hides_wrong_labels_inside_and_shows_them_out_of_fold():
    memory = MLPClassifier((200,), learning_rate_init=0.05, random_state=0)
    wrong = kind == "mislabelled"
    found = {}
    for cv in (None, 3):
        watched = CartographyClassifier(memory, n_epochs=40, cv=cv, random_state=0).fit(X, y)
        found[cv] = roc_auc_score(wrong, -watched.dynamics_.true_proba[:, -1])
    assert found[3] > 0.9
    assert found[3] > found[None] + 0.05


def test_weights_and_names_of_rows_go_with_their_rows():
    pd = pytest.importorskip("pandas")
    assert has_fit_parameter(SGD, "sample_weight")
    weight = np.where(kind == "mislabelled", 1e-9, 1.0)
    frame = pd.DataFrame(X, index=[f"r{i}" for i in range(300)])
    frame.columns = frame.columns.astype(str)
    watched = CartographyClassifier(SGD, n_epochs=6, cv=3, random_state=0)
    weighted = clone(watched).fit(frame, y, sample_weight=weight)
    assert weighted.data_map_.sample_ids[7] == "r7"
    train, test = FOLDS[0]
    one = CartographyClassifier(SGD, n_epochs=6, random_state=0)
    one.fit(frame.iloc[train], y[train], sample_weight=weight[train])
    last = one.predict_proba(frame.iloc[test])[np.arange(len(test)), y[test]]
    assert_allclose(weighted.dynamics_.true_proba[test, -1], last, rtol=1e-5)


def test_maps_inside_and_out_of_fold_are_not_averaged():
    maps = [
        CartographyClassifier(SGD, n_epochs=4, cv=cv, random_state=0).fit(X, y).data_map_
        for cv in (None, 3)
    ]
    with pytest.raises(ValueError, match="differs from map 0 in record"):
        DataMap.mean(maps)


def test_a_selector_takes_it_as_its_proxy_model():
    proxy = CartographyClassifier(SGD, n_epochs=6, cv=3)
    rows = DataMapSelector(proxy, region="hard", frac=0.1, random_state=0).fit(X, y).sample_indices_
    assert (kind[rows] == "mislabelled").mean() > 0.6


@pytest.mark.parametrize(
    ("cv", "labels", "message"),
    [
        (5, np.where(np.arange(300) < 4, 9, y), "got 5, but class 9 has 4"),
        (RepeatedKFold(n_splits=2, n_repeats=2), y, "exactly one test set"),
        (1, y, "k-fold|cv"),
    ],
)
def test_folds_that_cannot_be_used_are_refused(cv, labels, message):
    with pytest.raises(ValueError, match=message):
        CartographyClassifier(SGD, cv=cv).fit(X, labels)


def test_folds_of_different_numbers_of_epochs_draw_a_warning():
    ensemble = GradientBoostingClassifier(n_estimators=200, n_iter_no_change=2)
    watched = CartographyClassifier(ensemble, cv=4, random_state=0)
    with (
        pytest.warns(HeldOutRowsWarning, match="stops early"),
        pytest.warns(DegenerateMapWarning, match="Disable early stopping"),
    ):
        watched.fit(X, y)
