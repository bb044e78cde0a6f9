"""What label issues hold and hand over: noise rates, recall, data frames, cleanlab's layouts."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.svm import SVC

from names import name_of
from sklearn_carto import CartographyClassifier, LabelIssueDetector, find_label_issues
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._compat import InvalidParameterError

N = 60
TRUE = np.arange(N) % 3
X = np.random.RandomState(0).normal(size=(N, 3)) + 3 * np.eye(3)[TRUE]
NAMES = np.array(["cat", "dog", "eel"])
y = NAMES[np.r_[(TRUE[:3] + 1) % 3, TRUE[3:]]]
FAST = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=4)
IDS = np.array([f"row {i}" for i in range(N)])
ISSUES = find_label_issues(FAST, X, y, cv=3, sample_ids=IDS, random_state=0)
UNWATCHED = find_label_issues(SVC(), X, y, cv=3, random_state=0)


def unrated():
    weight = np.ones(N)
    weight[[5, 9]] = 0
    detector = LabelIssueDetector(FAST, cv=3, noise_rate=0.1, random_state=0)
    return detector.fit(X, y, sample_weight=weight).label_issues_


def overlapping(n_samples, noise_rate, n_classes=4, seed=0):
    """Overlapping classes, and labels that are flipped uniformly; the noise rate is exact."""
    rng = np.random.RandomState(seed)
    true = rng.randint(n_classes, size=n_samples)
    rows = rng.normal(size=(n_samples, 6)) + 1.7 * np.eye(6)[true]
    wrong = np.zeros(n_samples, dtype=bool)
    wrong[rng.choice(n_samples, round(noise_rate * n_samples), replace=False)] = True
    given = np.where(wrong, (true + rng.randint(1, n_classes, n_samples)) % n_classes, true)
    return rows, given, wrong


# --- a noise rate


def calibration_error(proba, wrong, n_bins=10):
    order = np.argsort(proba, kind="stable")
    gaps = [abs(wrong[part].mean() - proba[part].mean()) for part in np.array_split(order, n_bins)]
    return np.mean(gaps)


@pytest.mark.parametrize("noise_rate", [0.1, 0.2, 0.3])
@pytest.mark.parametrize(
    "model",
    [SGDClassifier(loss="log_loss", alpha=0.01), LogisticRegression()],
    ids=["sgd", "logistic"],
)
def test_under_uniform_flips_errors_are_calibrated_and_the_false_discovery_rate_holds(
    noise_rate, model
):
    rows, given, wrong = overlapping(3000, noise_rate)
    issues = find_label_issues(model, rows, given, cv=4, noise_rate=noise_rate, random_state=0)
    assert calibration_error(issues.error_proba, wrong) <= 0.05
    for fdr in (0.1, 0.3):
        flagged = issues.with_noise_rate(noise_rate, fdr).is_label_issue
        assert flagged.sum() > 30
        assert (~wrong[flagged]).mean() <= fdr + 0.06


@pytest.mark.parametrize(
    ("noise_rate", "expected"), [(1e-9, 0), (0.1, 6), (0.5, 30), (0.999, N)], ids=str
)
def test_a_noise_rate_is_the_share_of_issues(noise_rate, expected):
    issues = ISSUES.with_noise_rate(noise_rate)
    assert issues.n_issues == expected
    assert_array_equal(np.sort(ISSUES.ranking[:expected]), np.flatnonzero(issues.is_label_issue))
    assert issues.noise_rate == noise_rate
    assert (issues.error_proba >= 0).all()
    assert (issues.error_proba <= 1).all()


def test_a_noise_rate_may_be_given_before_or_after_and_trains_nothing():
    for fdr in (None, 0.2):
        given = find_label_issues(
            FAST, X, y, cv=3, sample_ids=IDS, noise_rate=0.05, fdr=fdr, random_state=0
        )
        later = ISSUES.with_noise_rate(0.05, fdr)
        assert_array_equal(given.error_proba, later.error_proba)
        assert_array_equal(given.is_label_issue, later.is_label_issue)
        assert later.data_map is ISSUES.data_map
    assert ISSUES.error_proba is None
    assert ISSUES.noise_rate is None


def test_the_expected_share_of_right_labels_is_at_most_the_rate():
    rows, given, _ = overlapping(600, 0.2)
    issues = find_label_issues(FAST, rows, given, cv=3, noise_rate=0.2, random_state=0)
    for fdr in (0.05, 0.2, 0.5):
        at_rate = issues.with_noise_rate(0.2, fdr)
        flagged = at_rate.is_label_issue
        if flagged.any():
            assert 1 - at_rate.error_proba[flagged].mean() <= fdr + 1e-9
        following = issues.ranking[: flagged.sum() + 1]
        if not flagged.all():
            assert 1 - at_rate.error_proba[following].mean() > fdr


def test_a_false_discovery_rate_without_a_noise_rate_is_an_error():
    with pytest.raises(InvalidParameterError, match="'fdr' parameter.*requires 'noise_rate'"):
        find_label_issues(FAST, X, y, fdr=0.1)


# --- recall


def test_recall_rises_with_the_number_of_labels_to_1():
    recalls = [ISSUES.recall_at(k) for k in range(1, N + 1)]
    assert (np.diff(recalls) >= 0).all()
    assert 0 <= recalls[0] <= recalls[-1] == ISSUES.recall_at(10 * N) == 1
    assert recalls[0] < 1


def test_recall_counted_by_hand():
    issues = replace(ISSUES, planted_ranks=np.array([0, 0, 1, 4]))
    assert [issues.recall_at(k) for k in (1, 2, 4, 5)] == [0.5, 0.75, 0.75, 1]


def test_recall_of_labels_that_tell_nothing_is_the_share_reviewed():
    rng = np.random.RandomState(0)
    issues = find_label_issues(
        LogisticRegression(), rng.normal(size=(600, 2)), rng.randint(3, size=600), random_state=0
    )
    for k in (60, 300):
        assert_allclose(issues.recall_at(k), k / 600, atol=0.1)


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_the_recall_is_about_that_of_labels_which_are_really_wrong(share):
    X, true = load_digits(return_X_y=True)
    rng = np.random.RandomState(0)
    wrong = np.zeros(len(true), dtype=bool)
    wrong[rng.choice(len(true), round(share * len(true)), replace=False)] = True
    given = np.where(wrong, (true + rng.randint(1, 10, len(true))) % 10, true)
    issues = find_label_issues(SGDClassifier(loss="log_loss"), X / 16, given, cv=3, random_state=0)
    order = np.argsort(issues.given_proba)
    for k in (wrong.sum(), 2 * wrong.sum(), len(true) // 3):
        assert abs(issues.recall_at(int(k)) - wrong[order[:k]].sum() / wrong.sum()) < 0.1


# --- support, text


def test_the_support_is_the_samples_without_an_issue():
    issues = ISSUES.with_noise_rate(0.1)
    assert_array_equal(issues.get_support(), ~issues.is_label_issue)
    kept = issues.get_support(indices=True)
    assert kept.dtype.kind == "i"
    assert_array_equal(kept, np.setdiff1d(np.arange(N), issues.ranking[:6]))


def test_the_text_counts_issues_samples_and_classes():
    assert repr(ISSUES.with_noise_rate(0.1)) == "<LabelIssues: 6 of 60 labels of 3 classes>"
    assert len(ISSUES) == ISSUES.n_samples == N


def test_label_issues_cannot_be_changed_and_are_pickled():
    with pytest.raises(AttributeError):
        ISSUES.noise_rate = 0.1
    loaded = pickle.loads(pickle.dumps(ISSUES))
    assert_array_equal(loaded.label_quality, ISSUES.label_quality)


# --- data frames


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_the_frame_has_the_worst_label_first_with_ids(backend):
    pytest.importorskip(backend)
    issues = ISSUES.with_noise_rate(0.1)
    frame = issues.to_frame(backend=backend)
    assert_array_equal(frame["row"], issues.ranking)
    assert_array_equal(frame["sample_id"], IDS[issues.ranking])
    for name in ("label_quality", "is_label_issue", "given_label", "suggested_label",
                 "suggested_proba", "given_proba", "error_proba"):  # fmt: skip
        assert_array_equal(frame[name], getattr(issues, name)[issues.ranking])
    for name in STATISTICS:
        if getattr(issues.data_map, name) is not None:
            assert_array_equal(frame[name], getattr(issues.data_map, name)[issues.ranking])
    for name in ("confidence", "variability", "correctness", "aum"):
        expected = getattr(issues.in_fold_map, name)[issues.ranking]
        assert_array_equal(frame[f"in_fold_{name}"], expected)


def test_columns_that_there_are_not_are_left_out():
    pytest.importorskip("pandas")
    columns = UNWATCHED.to_frame().columns.tolist()
    assert columns == ["row", "label_quality", "is_label_issue", "given_label", "suggested_label",
                       "suggested_proba", "given_proba"]  # fmt: skip
    assert "error_proba" not in ISSUES.to_frame().columns


def test_samples_that_are_not_rated_come_last():
    pytest.importorskip("pandas")
    frame = unrated().to_frame()
    assert frame["row"].tolist()[-2:] == [5, 9]
    assert frame["label_quality"].isna().sum() == 2
    assert frame["label_quality"].iloc[:-2].is_monotonic_increasing
    assert frame["error_proba"].isna().tolist() == frame["label_quality"].isna().tolist()
    assert not frame["is_label_issue"].iloc[-2:].any()


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_columns_of_samples_stand_beside_their_labels(backend):
    library = pytest.importorskip(backend)
    samples = library.DataFrame({"a": np.arange(N), "row": -np.arange(N), "text": [*IDS]})
    frame = ISSUES.to_frame(samples, backend)
    assert_array_equal(frame["a"], ISSUES.ranking)
    assert_array_equal(frame["row_"], -ISSUES.ranking)
    assert_array_equal(frame["text"], frame["sample_id"])


def test_rows_of_a_pandas_index_are_taken_by_position():
    pandas = pytest.importorskip("pandas")
    index = np.arange(N)[::-1]
    texts = pandas.Series([*IDS], index=index)
    assert_array_equal(ISSUES.to_frame(texts)["x"], IDS[ISSUES.ranking])
    samples = pandas.DataFrame({"a": IDS}, index=index)
    assert_array_equal(ISSUES.to_frame(samples)["a"], IDS[ISSUES.ranking])


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize(
    "kind",
    [list, np.asarray, scipy.sparse.csr_matrix, scipy.sparse.coo_array],
    ids=name_of,
)
def test_samples_that_are_no_frame_stand_in_one_column(backend, kind):
    pytest.importorskip(backend)
    frame = ISSUES.to_frame(kind(X), backend)
    for value, row in zip(frame["x"], ISSUES.ranking, strict=True):
        assert_array_equal(value, X[row])


def test_each_input_of_a_net_stands_in_a_column():
    pytest.importorskip("pandas")
    frame = ISSUES.to_frame({"left": X, "aum": [*IDS]})
    assert_array_equal(np.stack(frame["left"]), X[ISSUES.ranking])
    assert_array_equal(frame["aum_"], IDS[ISSUES.ranking])
    frame = ISSUES.to_frame((X, X + 1))
    assert_array_equal(np.stack(frame["1"]), X[ISSUES.ranking] + 1)


def test_samples_of_a_data_set_are_read_by_position():
    pytest.importorskip("pandas")
    torch = pytest.importorskip("torch")

    class Endless(torch.utils.data.Dataset):
        def __len__(self):
            return N

        def __getitem__(self, i):
            return f"sample {i}"

    frame = ISSUES.to_frame(Endless())
    assert frame["x"].tolist() == [f"sample {i}" for i in ISSUES.ranking]


def test_other_samples_are_an_error():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ISSUES.to_frame(X[:-1])
    with pytest.raises(InvalidParameterError, match="backend"):
        ISSUES.to_frame(backend="arrow")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_without_the_library_a_frame_is_an_import_error(library, without):
    without(library)
    with pytest.raises(ImportError, match=rf"LabelIssues\.to_frame.*{library}"):
        ISSUES.to_frame(backend=library)


def test_without_pandas_the_layout_of_cleanlab_is_an_import_error(without):
    without("pandas")
    with pytest.raises(ImportError, match=r"LabelIssues\.to_cleanlab.*pandas"):
        ISSUES.to_cleanlab()


# --- cleanlab


def test_layouts_of_cleanlab_are_in_the_order_of_the_samples():
    pytest.importorskip("pandas")
    for layout, score in {"datalab": "label_score", "cleanlearning": "label_quality"}.items():
        frame = ISSUES.to_cleanlab(layout)
        assert frame.columns.tolist() == ["is_label_issue", score, "given_label", "predicted_label"]
        assert_array_equal(frame[score], ISSUES.label_quality)
        assert_array_equal(frame["is_label_issue"], ISSUES.is_label_issue)
        assert_array_equal(frame["given_label"], y)
        assert_array_equal(frame["predicted_label"], ISSUES.predicted_label)
        assert frame.index.tolist() == list(range(N))


def assert_same_layout(frame, expected, left_out=()):
    columns = [name for name in expected.columns if name not in left_out]
    assert frame.columns.tolist() == columns
    for name in columns:
        assert frame[name].dtype.kind == expected[name].dtype.kind, name
    assert frame.index.equals(expected.index)


def test_the_layout_is_that_of_cleanlabs_own_frames():
    pytest.importorskip("cleanlab")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab.classification import CleanLearning

        codes = np.searchsorted(NAMES, y)
        learner = CleanLearning(LogisticRegression(), cv_n_folds=3, verbose=False)
        expected = learner.find_label_issues(X, codes)
    issues = find_label_issues(FAST, X, codes, cv=3, random_state=0)
    assert_same_layout(issues.to_cleanlab("cleanlearning"), expected, ("sample_weight",))


def test_the_layout_is_that_of_datalab():
    pytest.importorskip("cleanlab")
    pytest.importorskip("datasets")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab import Datalab

        lab = Datalab({"X": X, "y": [*y]}, label_name="y", task="classification", verbosity=0)
        proba = np.full((N, 3), 0.1) + 0.7 * np.eye(3)[TRUE]
        lab.find_issues(pred_probs=proba, issue_types={"label": {}})
        expected = lab.get_issues("label")
    assert_same_layout(ISSUES.to_cleanlab(), expected)
