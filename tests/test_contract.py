"""The contracts of scikit-learn and of imbalanced-learn; what is excused is argued."""

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    LabelIssueDetector,
)
from sklearn_carto._utils._packages import is_installed

SGD = SGDClassifier(loss="log_loss", random_state=0)
WEIGHT_ZERO = "a row of weight zero is on the map all the same, and SGD shuffles it with the others"
FEWER_ROWS = "transform returns fewer rows when it meets the training set: that is what it is for"
NO_WEIGHTS = "MLPClassifier of this scikit-learn takes no sample_weight, as the error states"
OLD_MLP = parse_version(sklearn.__version__) < parse_version("1.7")

EXCUSED = {
    "CartographyClassifier": {
        "check_sample_weight_equivalence_on_dense_data": WEIGHT_ZERO,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHT_ZERO,
    },
    "DistilledClassifier": {
        "check_sample_weight_equivalence_on_dense_data": WEIGHT_ZERO,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHT_ZERO,
    },
    "DataMapSelector": {
        "check_transformer_data_not_an_array": FEWER_ROWS,
        "check_transformer_general": FEWER_ROWS,
        "check_methods_sample_order_invariance": FEWER_ROWS,
        "check_methods_subset_invariance": FEWER_ROWS,
    },
}
EXCUSED["LabelIssueDetector"] = {}
MLP_EXCUSED = {
    "check_sample_weights_pandas_series": NO_WEIGHTS,
    "check_sample_weights_not_an_array": NO_WEIGHTS,
    "check_sample_weights_list": NO_WEIGHTS,
    "check_sample_weights_not_overwritten": NO_WEIGHTS,
    "check_sample_weights_shape": NO_WEIGHTS,
    "check_sample_weight_equivalence_on_dense_data": NO_WEIGHTS,
    "check_classifiers_one_label_sample_weights": NO_WEIGHTS,
}


def excused(estimator):
    if isinstance(getattr(estimator, "estimator", None), MLPClassifier):
        return MLP_EXCUSED if OLD_MLP else {}
    return EXCUSED[type(estimator).__name__]


@parametrize_with_checks(
    [
        CartographyClassifier(SGD, n_epochs=5),
        CartographyClassifier(MLPClassifier((16,), learning_rate_init=0.02, random_state=0)),
        CartographyClassifier(make_pipeline(StandardScaler(), SGD), n_epochs=5),
        DataMapSelector(),
        DataMapSelector(SGD),
        DistilledClassifier(SGD),
        DistilledClassifier(LogisticRegression(), DataMapSelector(random_state=0)),
        LabelIssueDetector(CartographyClassifier(SGD, n_epochs=5), cv=3),
        LabelIssueDetector(make_pipeline(StandardScaler(with_mean=False), SVC()), cv=3, n_passes=2),
    ],
    expected_failed_checks=excused,
)
@pytest.mark.filterwarnings("ignore")  # the checks train on rows that teach nothing
def test_estimators_keep_the_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore")
def check_sampler(estimator, check):
    check(estimator)


# a proxy model that learns the same from dense and sparse rows; the default ones (and SGD) do not
if is_installed("imblearn"):
    from imblearn.utils.estimator_checks import parametrize_with_checks as parametrize_samplers

    from sklearn_carto import DataMapSampler

    test_sampler_keeps_the_imbalanced_learn_contract = parametrize_samplers(
        [DataMapSampler(MLPClassifier((8,)), random_state=0)]
    )(check_sampler)
