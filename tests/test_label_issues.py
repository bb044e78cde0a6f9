"""Label issues: which labels are found, at what cost, and what their evidence may depend on."""

import pickle
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from names import name_of
from sklearn_carto import CartographyClassifier, LabelIssueDetector, find_label_issues
from sklearn_carto._selection import _label_issue_detector
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import UnratedLabelsWarning

N = 96
RNG = np.random.RandomState(0)
TRUE = np.arange(N) % 3
X = RNG.normal(size=(N, 5)) + 4 * np.eye(5)[TRUE]
WRONG = np.array([3, 20, 40, 71, 88])
y = TRUE.copy()
y[WRONG] = (y[WRONG] + 1) % 3
NAMES = np.array(["cat", "dog", "eel"])[y]
SGD = SGDClassifier(loss="log_loss", alpha=0.01)
FAST = CartographyClassifier(SGD, n_epochs=4)
HGB = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=3)
FOLDS = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, TRUE))
find = partial(find_label_issues, FAST, cv=3, random_state=0)
detect = partial(LabelIssueDetector, estimator=FAST, cv=3, random_state=0)


def assert_same(one, other):
    """Assert that two results are equal, bit for bit."""
    for name in ("label_quality", "is_label_issue", "given_label", "suggested_label", "ranking"):
        assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("suggested_proba", "given_proba", "predicted_label", "planted_ranks"):
        assert_array_equal(getattr(one, name), getattr(other, name))
    for which in ("data_map", "in_fold_map"):
        maps = getattr(one, which), getattr(other, which)
        assert (maps[0] is None) == (maps[1] is None)
        if maps[0] is not None:
            assert_array_equal(maps[0].confidence, maps[1].confidence)
            assert_array_equal(maps[0].aum, maps[1].aum)


# --- what is found


def test_wrong_labels_have_the_lowest_quality_and_the_true_label_is_suggested():
    issues = find(X, y)
    assert set(issues.ranking[: len(WRONG)]) == set(WRONG)
    assert_array_equal(issues.suggested_label[WRONG], TRUE[WRONG])
    assert_array_equal(issues.predicted_label[WRONG], TRUE[WRONG])
    assert (issues.label_quality > 0).all()
    assert (issues.label_quality < 1).all()
    assert_array_equal(issues.given_label, y)
    assert set(np.flatnonzero(issues.is_label_issue)) <= set(WRONG)


def test_label_issues_are_the_labels_of_lowest_quality():
    issues = find(X, np.random.RandomState(1).permutation(y))
    quality, flagged = issues.label_quality, issues.is_label_issue
    assert 0 < issues.n_issues == flagged.sum() <= N // 2
    assert quality[flagged].max() <= quality[~flagged].min()
    assert_array_equal(np.sort(issues.ranking[: issues.n_issues]), np.flatnonzero(flagged))
    assert (np.diff(quality[issues.ranking]) >= 0).all()
    assert_array_equal(np.sort(issues.ranking), np.arange(N))


def test_probabilities_are_those_of_the_labels_they_are_said_of():
    issues = find(X, y)
    same = issues.predicted_label == issues.given_label
    assert (issues.given_proba[same] >= issues.suggested_proba[same]).all()
    assert (issues.given_proba[~same] < issues.suggested_proba[~same]).all()
    assert_array_equal(issues.predicted_label[~same], issues.suggested_label[~same])
    assert (issues.suggested_label != issues.given_label).all()
    assert (issues.given_proba + issues.suggested_proba <= 1 + 1e-9).all()


def flipped(true, share, rng):
    wrong = rng.random_sample(len(true)) < share
    n_classes = true.max() + 1
    return np.where(wrong, (true + rng.randint(1, n_classes, len(true))) % n_classes, true), wrong


def self_confidence(detector, X, given):
    """Out-of-fold probability of each label, of the models at the end of the same folds."""
    estimator = detector.estimator
    estimator = getattr(estimator, "estimator", estimator)
    folds = detector.cv
    own = np.empty(len(given))
    for train, test in folds:
        model = clone(estimator).set_params(random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X[train], given[train])
        codes = np.searchsorted(model.classes_, given[test])
        own[test] = model.predict_proba(X[test])[np.arange(len(test)), codes]
    return own


def precisions(estimator, X, given, wrong, **options):
    """Average precision of the detector, and of plain self-confidence at the same folds."""
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, given))
    detector = LabelIssueDetector(estimator, cv=folds, random_state=0, **options).fit(X, given)
    own = self_confidence(detector, X, given)
    quality = detector.label_issues_.label_quality
    return average_precision_score(wrong, -quality), average_precision_score(wrong, -own)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_more_wrong_labels_of_digits_are_found_than_by_self_confidence(share):
    X, true = load_digits(return_X_y=True)
    given, wrong = flipped(true, share, np.random.RandomState(0))
    ours, plain = precisions(SGDClassifier(loss="log_loss"), X / 16, given, wrong)
    assert ours > plain + 0.02


def texts(n_samples, seed):
    """Sparse counts of words: each class prefers some of 500 words."""
    rng = np.random.RandomState(seed)
    true = rng.randint(3, size=n_samples)
    common = rng.dirichlet(np.full(500, 0.1))
    topics = 0.6 * common + 0.4 * rng.dirichlet(np.full(500, 0.1), 3)
    counts = np.array([rng.multinomial(25, topics[label]) for label in true])
    return counts / np.sqrt((counts**2).sum(axis=1, keepdims=True)), true


def test_more_wrong_labels_of_sparse_text_are_found_than_by_self_confidence():
    sparse = pytest.importorskip("scipy.sparse")
    gains = []
    for seed in range(3):
        rows, true = texts(900, seed)
        given, wrong = flipped(true, 0.2, np.random.RandomState(seed))
        sgd = SGDClassifier(loss="log_loss", alpha=1e-4)
        gains.append(np.subtract(*precisions(sgd, sparse.csr_matrix(rows), given, wrong)))
    assert np.mean(gains) > 0.02
    assert min(gains) > 0


# --- what the evidence depends on


def evidence_of(labels, monkeypatch, folds=FOLDS, **options):
    """Evidence of each fold that a detector rates the labels by."""
    seen = []

    def rate(evidence, **given):
        seen.append(evidence)
        return rate_labels(evidence, **given)

    rate_labels = _label_issue_detector.rate_labels
    with monkeypatch.context() as patch:
        patch.setattr(_label_issue_detector, "rate_labels", rate)
        detect(cv=folds, **options).fit(X, labels)
    return seen[0]


@pytest.mark.parametrize("rows", [FOLDS[0][1][:1], FOLDS[0][1]], ids=["one", "all"])
def test_the_labels_of_a_test_set_change_no_evidence_of_its_fold(rows, monkeypatch):
    changed = y.copy()
    changed[rows] = (changed[rows] + 1) % 3
    one, other = (evidence_of(labels, monkeypatch) for labels in (y, changed))
    assert len(one[0].windows) == 3
    assert len(one[0].votes) == 2
    assert_array_equal(one[0].windows, other[0].windows)
    assert_array_equal(one[0].votes, other[0].votes)
    assert_array_equal(one[0].margin, other[0].margin)
    assert not np.array_equal(one[1].margin, other[1].margin)  # where they are trained on


def test_margins_are_of_the_training_samples_alone(monkeypatch):
    for (train, test), of_fold in zip(FOLDS, evidence_of(y, monkeypatch), strict=True):
        assert_array_equal(of_fold.train, train)
        assert_array_equal(of_fold.test, test)


@pytest.mark.parametrize("names", [["no", "so", "yes"], [-7, 0, 3], [1.0, 2.0, 5.0]], ids=str)
def test_the_names_of_labels_do_not_matter(names):
    names, expected = np.array(names), find(X, y)
    issues = find(X, names[y])
    assert issues.suggested_label.dtype == issues.given_label.dtype == names.dtype
    assert_array_equal(issues.suggested_label, names[expected.suggested_label])
    assert_array_equal(issues.predicted_label, names[expected.predicted_label])
    assert_array_equal(issues.classes, names)
    assert_array_equal(issues.label_quality, expected.label_quality)


def test_the_order_of_classes_does_not_matter_to_a_model_that_it_does_not_matter_to():
    names = np.array(["z", "k", "a"])
    expected, issues = (
        find_label_issues(GaussianNB(), X, labels, cv=FOLDS, random_state=0)
        for labels in (y, names[y])
    )
    assert_allclose(issues.given_proba, expected.given_proba, atol=1e-4)
    assert_array_equal(issues.suggested_label[WRONG], names[expected.suggested_label[WRONG]])
    assert_array_equal(np.sort(issues.ranking[:5]), np.sort(expected.ranking[:5]))


def test_two_classes_may_be_booleans():
    issues = find(X, y > 0)
    assert_array_equal(issues.suggested_label, y == 0)
    assert_same(issues, find(X, np.where(y > 0, 1, 0)))


def test_the_order_of_samples_does_not_matter_to_a_model_that_it_does_not_matter_to():
    order = np.random.RandomState(0).permutation(N)
    place = np.argsort(order)
    folds = [(place[train], place[test]) for train, test in FOLDS]
    for neighbors in ("auto", None):
        expected = find_label_issues(
            KNeighborsClassifier(), X, y, cv=FOLDS, neighbors=neighbors, random_state=0
        )
        issues = find_label_issues(
            KNeighborsClassifier(),
            X[order],
            y[order],
            cv=folds,
            neighbors=neighbors,
            random_state=0,
        )
        assert_allclose(issues.given_proba, expected.given_proba[order], atol=1e-4)


# --- how often, and with which seeds


class Counting(SGDClassifier):
    """Count the trainings and remember their labels."""

    trainings: list = []

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not hasattr(self, "coef_"):
            self.trainings.append(np.array(y))
        return super().partial_fit(X, y, classes, sample_weight)


@pytest.mark.parametrize(("cv", "n_passes"), [(3, 1), (2, 1), (3, 2), (3, 3), (FOLDS, 2)])
def test_each_pass_trains_once_a_fold(cv, n_passes):
    Counting.trainings = []
    counting = CartographyClassifier(Counting(loss="log_loss"), n_epochs=3)
    LabelIssueDetector(counting, cv=cv, n_passes=n_passes, random_state=0).fit(X, y)
    n_folds = cv if isinstance(cv, int) else len(cv)
    assert len(Counting.trainings) == n_folds * n_passes
    assert sum(map(len, Counting.trainings[:n_folds])) == N * (n_folds - 1)


def test_a_second_pass_leaves_suspects_out_of_the_training_sets():
    Counting.trainings = []
    counting = CartographyClassifier(Counting(loss="log_loss"), n_epochs=3)
    issues = find_label_issues(counting, X, y, cv=FOLDS, n_passes=2, random_state=0)
    first, second = Counting.trainings[:3], Counting.trainings[3:]
    n_left_out = sum(map(len, first)) - sum(map(len, second))
    assert n_left_out > 0
    assert n_left_out % 2 == 0  # each suspect is missing in two of the three training sets
    assert set(issues.ranking[: len(WRONG)]) == set(WRONG)


def test_a_second_pass_trains_on_all_samples_of_small_classes():
    Counting.trainings = []
    few = np.concatenate([np.flatnonzero(y == label)[:9] for label in range(3)])
    counting = CartographyClassifier(Counting(loss="log_loss"), n_epochs=3)
    labels = np.random.RandomState(0).permutation(y[few])
    LabelIssueDetector(counting, cv=3, n_passes=3, random_state=0).fit(X[few], labels)
    assert [len(labels) for labels in Counting.trainings] == [18] * 9


def test_a_pass_uses_new_folds_of_a_splitter_and_the_same_ones_of_an_iterable():
    iterator = (fold for fold in FOLDS)
    assert_same(find(X, y, cv=iterator, n_passes=2), find(X, y, cv=FOLDS, n_passes=2))


@pytest.mark.parametrize("n_jobs", [2, -1])
@pytest.mark.parametrize("n_passes", [1, 2])
def test_the_number_of_jobs_does_not_affect_the_result(n_jobs, n_passes):
    expected = find(X, y, n_passes=n_passes)
    assert_same(find(X, y, n_passes=n_passes, n_jobs=n_jobs), expected)


def test_threads_do_not_affect_the_result():
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config("threading"):
        issues = find(X, y, n_jobs=2)
    assert_same(issues, find(X, y))


def test_a_seed_gives_one_result_and_another_seed_another():
    assert_same(find(X, y), find(X, y))
    assert not np.array_equal(find(X, y, random_state=1).label_quality, find(X, y).label_quality)
    state = np.random.RandomState(0)
    by_state = find(X, y, random_state=state), find(X, y, random_state=state)
    assert_same(by_state[0], find(X, y, random_state=np.random.RandomState(0)))
    assert not np.array_equal(by_state[0].label_quality, by_state[1].label_quality)


def test_the_seed_of_a_cartography_classifier_counts_if_the_detector_has_none():
    seeded = clone(FAST).set_params(random_state=0)
    assert_same(find_label_issues(seeded, X, y, cv=3), find(X, y))
    one, other = (find_label_issues(FAST, X, y, cv=3) for _ in range(2))
    assert not np.array_equal(one.label_quality, other.label_quality)


def test_of_a_cartography_classifier_the_estimator_and_the_epochs_count():
    other = CartographyClassifier(SGD, n_epochs=4, cv=2, record="epoch_end", keep_history=False)
    assert_same(find_label_issues(other, X, y, cv=3, random_state=0), find(X, y))
    assert find(X, y).data_map.n_epochs == 4


def test_folds_with_different_numbers_of_epochs_are_rated_together():
    skorch = pytest.importorskip("skorch")
    torch = pytest.importorskip("torch")
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=5, module__out_features=3,
        criterion=torch.nn.CrossEntropyLoss, lr=1.0, max_epochs=60, verbose=0,
        callbacks=[skorch.callbacks.EarlyStopping(patience=2)],
    )  # fmt: skip
    issues = find_label_issues(net, X.astype(np.float32), y, cv=FOLDS, random_state=0)
    lengths = set()
    for train, _ in FOLDS:
        model = CartographyClassifier(net, random_state=0)
        lengths.add(model.fit(X[train].astype(np.float32), y[train]).data_map_.n_epochs)
    assert len(lengths) > 1
    assert np.isfinite(issues.label_quality).all()


# --- the estimator


def test_a_detector_is_cloned_and_pickled_with_its_parameters():
    detector = clone(detect(estimator=clone(FAST), noise_rate=0.1, fdr=0.2, neighbors=None))
    assert (detector.noise_rate, detector.fdr, detector.neighbors) == (0.1, 0.2, None)
    detector.set_params(n_passes=2, estimator__n_epochs=3)
    assert (detector.n_passes, detector.estimator.n_epochs) == (2, 3)
    fitted = detect().fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert_same(loaded.label_issues_, fitted.label_issues_)
    assert not hasattr(clone(fitted), "label_issues_")


def test_the_estimator_that_was_passed_is_not_fitted():
    estimator = clone(SGD)
    LabelIssueDetector(estimator, cv=2).fit(X, y)
    assert not hasattr(estimator, "coef_")


def test_another_fit_forgets_the_first_one():
    detector = detect().fit(X, y)
    detector.fit(X[:60, :3], NAMES[:60])
    assert detector.n_features_in_ == 3
    assert_same(detector.label_issues_, find(X[:60, :3], NAMES[:60]))
    with pytest.raises(ValueError, match="one class"):
        detector.fit(X, np.zeros(N))
    with pytest.raises(NotFittedError):
        detector.get_support()


@pytest.mark.parametrize("method", ["get_support", "to_frame"])
def test_a_detector_that_is_not_fitted_says_so(method):
    with pytest.raises(NotFittedError, match="LabelIssueDetector"):
        getattr(detect(), method)()


def test_the_function_is_the_estimator():
    expected = find(X, y, noise_rate=0.1, fdr=0.2, groups=np.arange(N) % 9, n_passes=2)
    detector = detect(noise_rate=0.1, fdr=0.2, n_passes=2).fit(X, y, groups=np.arange(N) % 9)
    assert_same(detector.label_issues_, expected)
    assert_array_equal(detector.get_support(), ~expected.is_label_issue)
    assert_array_equal(detector.classes_, [0, 1, 2])


# --- folds


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (ShuffleSplit(3, random_state=0), "exactly one test set.*several times"),
        (RepeatedKFold(random_state=0), "exactly one test set.*several times"),
        (FOLDS[:2], "exactly one test set.*never"),
        ([(np.arange(N), FOLDS[0][1]), *FOLDS[1:]], "trains on rows that it tests"),
        (FOLDS[:1], "at least two folds"),
        (1, r"in the range \[2"),
    ],
    ids=["shuffle", "repeated", "not all", "overlapping", "one", "1"],
)
def test_each_sample_is_tested_once(cv, message):
    with pytest.raises(InvalidParameterError, match=message):
        find(X, y, cv=cv)


def test_groups_are_kept_in_one_fold():
    groups = np.arange(N) % 8
    Counting.trainings = []
    counting = CartographyClassifier(Counting(loss="log_loss"), n_epochs=2)
    for cv in (4, GroupKFold(4)):
        find_label_issues(counting, X, y, cv=cv, groups=groups, random_state=0)
    assert [len(labels) for labels in Counting.trainings] == [72] * 8  # of 8 groups of 12, six


def test_more_folds_than_samples_of_the_largest_class_are_fewer_folds():
    few = np.concatenate([np.flatnonzero(y == label)[: 5 - label] for label in range(3)])
    assert_same(find(X[few], y[few], cv=50), find(X[few], y[few], cv=5))


def test_one_sample_may_be_left_out_at_a_time():
    few = np.arange(24)
    issues = find_label_issues(KNeighborsClassifier(3), X[few], y[few], cv=LeaveOneOut())
    assert np.isfinite(issues.label_quality).all()


# --- small classes


def test_a_class_may_have_fewer_samples_than_there_are_folds():
    labels = np.r_[y, 7, 7]
    issues = find(np.r_[X, X[:2] + 20], labels, cv=5)
    assert np.isfinite(issues.label_quality).all()
    assert not issues.is_label_issue[-2:].any()


@pytest.mark.parametrize("n_passes", [1, 2])
@pytest.mark.parametrize("label", [-1, "zebra", 9])
def test_a_class_of_one_sample_is_not_rated_and_changes_nothing_else(label, n_passes):
    labels, rows = np.append(y.astype(type(label)), label), np.r_[X, X[:1] + 20]
    with pytest.warns(UnratedLabelsWarning, match=r"rows \[96\].*no other sample of their class"):
        issues = find(rows, labels, n_passes=n_passes)
    assert_array_equal(np.flatnonzero(np.isnan(issues.label_quality)), [N])
    assert np.isnan(issues.given_proba[N])
    assert np.isnan(issues.suggested_proba[N])
    assert not issues.is_label_issue[N]
    assert issues.suggested_label[N] == issues.predicted_label[N] == label
    assert N not in issues.ranking
    assert len(issues.planted_ranks) == N
    assert len(set(issues.ranking[: len(WRONG)]) & set(WRONG)) >= 4


@pytest.mark.parametrize("n_passes", [1, 2])
def test_labels_whose_class_is_in_no_other_fold_are_not_rated(n_passes):
    cv = PredefinedSplit(np.where(y == 2, 0, np.random.RandomState(0).permutation(N) % 3))
    with pytest.warns(UnratedLabelsWarning, match=r"of their class \(\[2\]\).*stratified"):
        issues = find(X, y, cv=cv, n_passes=n_passes)
    assert_array_equal(np.isnan(issues.label_quality), y == 2)


def test_folds_of_one_class_each_rate_no_label():
    with pytest.raises(InvalidParameterError, match="No label can be rated"):
        find(X, y, cv=PredefinedSplit(y))


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="at least two classes, but y holds only one"):
        find(X, np.zeros(N))


def test_classes_of_one_sample_each_are_an_error():
    with pytest.raises(InvalidParameterError, match="at most one sample of each class"):
        find(X[:9], np.arange(9))


def test_a_training_set_of_a_single_class_is_an_error():
    with pytest.raises(
        InvalidParameterError, match=r"training set of fold \d holds .*\['a'\] only"
    ):
        find(X[:30], ["b"] + ["a"] * 29)
    two = np.repeat([0, 1], N // 2)
    with pytest.raises(InvalidParameterError, match="a classifier needs two"):
        find(X, two, cv=KFold(2))


def test_random_labels_are_at_most_half_issues():
    for seed in range(3):
        issues = find(X, np.random.RandomState(seed).permutation(y), n_passes=2)
        assert issues.n_issues <= N // 2
        assert np.isfinite(issues.label_quality).all()


def test_features_that_tell_nothing_leave_labels_rated():
    issues = find(np.ones((N, 3)), y)
    assert np.isfinite(issues.label_quality).all()
    assert issues.n_issues <= N // 2


# --- weights


@pytest.mark.parametrize("model", [FAST, HGB, SVC()], ids=["sgd", "boosting", "unwatched"])
def test_samples_of_weight_0_are_not_rated(model):
    weight = np.ones(N)
    absent = np.arange(N) % 10 == 4
    weight[absent] = 0
    detector = LabelIssueDetector(model, cv=3, random_state=0)
    issues = detector.fit(X, y, sample_weight=weight).label_issues_
    assert_array_equal(np.isnan(issues.label_quality), absent)
    assert not issues.is_label_issue[absent].any()
    assert_array_equal(np.sort(issues.ranking), np.flatnonzero(~absent))


def test_a_class_of_one_sample_with_weight_is_a_class_of_one_sample():
    weight = np.where(y == 0, 0.0, 1.0)
    weight[np.flatnonzero(y == 0)[0]] = 1
    with pytest.warns(UnratedLabelsWarning, match="1 of 96 labels"):
        issues = detect().fit(X, y, sample_weight=weight).label_issues_
    assert_array_equal(np.isnan(issues.label_quality), y == 0)


def test_weights_that_no_method_takes_are_an_error():
    detector = LabelIssueDetector(KNeighborsClassifier())
    with pytest.raises(TypeError, match="KNeighborsClassifier.fit takes no sample_weight"):
        detector.fit(X, y, sample_weight=np.ones(N))


@pytest.mark.parametrize("n_epochs", [1, 2, 3], ids=name_of)
def test_few_epochs_are_enough(n_epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a map of one epoch is degenerate
        issues = find_label_issues(clone(FAST).set_params(n_epochs=n_epochs), X, y, random_state=0)
    assert set(issues.ranking[: len(WRONG)]) == set(WRONG)


def test_a_second_pass_keeps_the_classes_of_each_training_set():
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(120, 2))
    rows[100:110] += 30
    labels = np.repeat([0, 1], [100, 20])
    groups = np.concatenate([np.arange(100) % 3, np.zeros(10, int), np.ones(10, int)])
    detector = LabelIssueDetector(LogisticRegression(), cv=GroupKFold(3), n_passes=2)
    issues = detector.fit(rows, labels, groups=groups).label_issues_
    assert np.isfinite(issues.label_quality).all()
