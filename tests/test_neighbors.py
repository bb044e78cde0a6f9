"""Votes of nearest neighbors, and the features in which they are sought."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from names import name_of
from sklearn_carto._selection import _neighbors
from sklearn_carto._selection._label_votes import fold_votes
from sklearn_carto._selection._neighbors import neighbor_votes, numeric_features
from sklearn_carto._watching._training_set import TrainingSet

RNG = np.random.RandomState(0)
Y = np.arange(90) % 3
X = RNG.normal(size=(90, 4)) + 2 * np.eye(4)[Y]
FOLDS = [(np.arange(30, 90), np.arange(30)), (np.arange(60), np.arange(60, 90))]
SGD = SGDClassifier(loss="log_loss")


def vote(X_train, codes, X_test, n_classes=2):
    X_train, X_test = numeric_features(X_train), numeric_features(X_test)
    return neighbor_votes(X_train, np.array(codes), X_test, n_classes, np.random.RandomState(0))


@pytest.fixture
def two_neighbors(monkeypatch):
    monkeypatch.setattr(_neighbors, "N_NEIGHBORS", 2)


@pytest.mark.usefixtures("two_neighbors")
def test_votes_on_the_scale_of_the_features_and_on_that_of_their_columns():
    # the second column spans 0 to 1, the first 0 to 100: as they are, only the first one counts
    X_train = [[0, 0], [1, 1], [100, 0], [99, 1], [3, 1]]
    raw, standardized = vote(X_train, [0, 1, 0, 1, 1], [[0, 0]])
    assert_array_equal(raw, [[0.5, 0.5]])  # of (0, 0) and (1, 1)
    assert_array_equal(standardized, [[0.5, 0.5]])
    raw, standardized = vote(X_train, [0, 1, 0, 1, 1], [[49, 0]])
    assert_array_equal(raw, [[0, 1]])  # of (3, 1) and (99, 1) or (1, 1)
    assert_array_equal(standardized, [[1, 0]])  # of (0, 0) and (100, 0)


@pytest.mark.usefixtures("two_neighbors")
def test_sparse_samples_are_near_by_their_direction():
    X_train = scipy.sparse.csr_matrix([[1.0, 0.0], [0.0, 1.0], [9.0, 0.0], [0.1, 0.2]])
    (votes,) = vote(X_train, [0, 1, 0, 1], scipy.sparse.csr_matrix([[3.0, 0.1], [0.1, 5.0]]))
    assert_array_equal(votes, [[1, 0], [0, 1]])


def test_twenty_neighbors_vote_or_all_if_there_are_fewer():
    for votes in vote(X, Y, X[:7], 3):
        assert_allclose(votes * 20, np.rint(votes * 20), atol=1e-5)
        assert_allclose(votes.sum(axis=1), 1)
    for votes in vote(X[:5], [0, 1, 1, 2, 2], X, 4):
        assert_allclose(votes, [[0.2, 0.4, 0.4, 0]] * 90)


def test_votes_are_those_of_a_search_by_hand():
    raw, standardized = vote(X[30:], Y[30:], X[:30], 3)
    scaled = StandardScaler().fit(X[30:])
    spaces = [(X[30:], X[:30]), tuple(scaled.transform(part).clip(-3, 3) for part in (X[30:], X))]
    for votes, (train, test) in zip((raw, standardized), spaces, strict=True):
        distances = ((test[:30, None] - train[None]) ** 2).sum(axis=2)
        nearest = Y[30:][distances.argsort(axis=1)[:, :20]]
        assert_allclose(votes, [np.bincount(row, minlength=3) / 20 for row in nearest], atol=1e-6)


@pytest.mark.usefixtures("two_neighbors")
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_values_count_as_the_mean_of_the_training_samples(odd):
    X_train = np.array([[1.0, 0], [1, 1], [8, 0], [odd, 0], [6, 1]])  # the mean is 4
    raw, _ = vote(X_train, [0, 0, 1, 2, 1], [[4.0, 0], [odd, 0.1]], 3)
    assert_array_equal(raw, [[0, 0.5, 0.5]] * 2)  # of (4, 0) and (6, 1)


def test_columns_that_are_constant_or_all_missing_tell_nothing():
    rows = np.column_stack([X, np.full(90, 7.0), np.full(90, np.nan)])
    for votes, expected in zip(vote(rows, Y, rows, 3), vote(X, Y, X, 3), strict=True):
        assert_array_equal(votes, expected)


def test_missing_values_of_sparse_samples_count_as_0():
    dense = np.abs(X)
    dense[3, 1] = 0
    odd = dense.copy()
    odd[3, 1] = np.nan
    csr = scipy.sparse.csr_matrix
    (votes,) = vote(csr(odd), Y, csr(odd), 3)
    assert_array_equal(votes, vote(csr(dense), Y, csr(dense), 3)[0])


def test_neighbors_of_many_samples_are_sought_among_a_draw(monkeypatch):
    monkeypatch.setattr(_neighbors, "MAX_REFERENCES", 40)
    raw, _ = vote(X, Y, X, 3)
    drawn = np.sort(np.random.RandomState(0).choice(90, 40, replace=False))
    assert_array_equal(raw, vote(X[drawn], Y[drawn], X, 3)[0])
    assert_array_equal(raw, vote(X, Y, X, 3)[0])


# --- numeric features


def test_columns_of_numbers_and_booleans_of_a_data_frame_are_taken():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "float": [1.5, np.nan],
            "text": ["a", "b"],
            "int": [1, 2],
            "category": pandas.Categorical([1, 2]),
            "nullable": pandas.array([3, None], dtype="Int64"),
            "bool": [True, False],
            "nullable bool": pandas.array([None, True], dtype="boolean"),
            "date": pandas.to_datetime(["2020-01-01", "2021-01-01"]),
            "sparse": pandas.arrays.SparseArray([0.0, 4.0]),
        },
        index=["x", "y"],
    )
    expected = [[1.5, 1, 3, 1, np.nan, 0], [np.nan, 2, np.nan, 0, 1, 4]]
    assert_array_equal(numeric_features(frame), np.array(expected, dtype=np.float32))
    assert numeric_features(frame[["text", "category"]]) is None


def test_columns_of_numbers_and_booleans_of_polars_are_taken():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {"a": [1, None], "text": ["a", "b"], "b": [None, True], "c": [0.5, 1.5]}
    )
    assert_array_equal(numeric_features(frame), [[1, np.nan, 0.5], [np.nan, 1, 1.5]])
    assert numeric_features(frame[["text"]]) is None


def test_images_are_flattened():
    images = np.arange(24).reshape(2, 3, 2, 2)
    assert_array_equal(numeric_features(images), np.arange(24).reshape(2, 12))


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_matrix", "dok_array"])
def test_every_sparse_container_is_one(kind):
    features = numeric_features(getattr(scipy.sparse, kind)(X.round()))
    assert features.dtype == np.float32
    assert_array_equal(features.toarray(), X.round())


def test_values_beyond_single_precision_are_infinite_without_a_warning():
    assert_array_equal(numeric_features([[1e300, -1e300]]), [[np.inf, -np.inf]])
    sparse = numeric_features(scipy.sparse.csr_matrix([[1e300, 0.0]]))
    assert_array_equal(sparse.toarray(), [[np.inf, 0]])


@pytest.mark.parametrize(
    "samples",
    [
        ["a text", "another"],
        [["a", "b"], ["c", "d"]],
        [[1, 2], [3]],
        np.array([[1, "a"], [2, "b"]], dtype=object),
        np.arange(4.0),
        np.ones((2, 2)) * 1j,
        np.empty((2, 0)),
        {"a": np.ones((2, 2))},
        (np.ones((2, 2)), np.ones((2, 3))),
        scipy.sparse.csr_matrix((3, 0)),
        scipy.sparse.csr_matrix([[1j, 0]]),
    ],
    ids=lambda samples: f"{type(samples).__name__} {len(name_of(samples))}",
)
def test_samples_without_numeric_features_have_none(samples):
    assert numeric_features(samples) is None


def test_tensors_have_features_and_a_torch_dataset_has_none():
    torch = pytest.importorskip("torch")
    rows = torch.ones((3, 2, 2), requires_grad=True)
    assert_array_equal(numeric_features(rows), np.ones((3, 4)))
    assert numeric_features(torch.utils.data.TensorDataset(rows)) is None


# --- votes of folds


def votes_of(estimator, samples=X, neighbors="auto", weight=None, **options):
    params = {} if weight is None else {"sample_weight": weight}
    data = TrainingSet.plain(samples, Y, params)
    return fold_votes(estimator, data, Y, 3, FOLDS, neighbors, stream=0, **options)


def by_hand(train, test, codes):
    return neighbor_votes(
        numeric_features(train), codes, numeric_features(test), 3, np.random.RandomState(0)
    )


def assert_votes(actual, expected):
    assert len(actual) == len(expected) > 0
    for votes, of_space in zip(actual, expected, strict=True):
        assert_array_equal(votes, of_space)


@pytest.mark.parametrize("last", [SGD, SVC(), KNeighborsClassifier()], ids=name_of)
def test_neighbors_of_a_pipeline_are_sought_in_what_its_last_step_takes(last):
    pipeline = make_pipeline(StandardScaler(), PCA(2), last)
    for (train, test), votes in zip(FOLDS, votes_of(pipeline), strict=True):
        head = make_pipeline(StandardScaler(), PCA(2)).fit(X[train])
        assert_votes(votes, by_hand(head.transform(X[train]), head.transform(X[test]), Y[train]))


def test_neighbors_of_texts_are_sought_in_their_vectors():
    words = ["apple pear plum", "car bus train", "red blue green"]
    texts = [
        " ".join(np.random.RandomState(i).choice(words[c].split(), 4)) for i, c in enumerate(Y)
    ]
    votes = votes_of(make_pipeline(TfidfVectorizer(), SGD), texts)
    for (_, test), (of_fold,) in zip(FOLDS, votes, strict=True):
        assert (of_fold.argmax(axis=1) == Y[test]).all()


def test_without_numeric_features_there_are_no_votes():
    texts = ["a", "b", "c"] * 30
    assert votes_of(SGD, texts) == [[], []]
    same = FunctionTransformer()
    assert votes_of(make_pipeline(same, SGD), texts) == [[], []]
    assert votes_of(SGD, X, None) == [[], []]


def test_neighbors_are_sought_in_given_features():
    other = np.random.RandomState(1).normal(size=(90, 3)).astype(np.float32)
    votes = votes_of(make_pipeline(StandardScaler(), SGD), neighbors=other)
    for (train, test), of_fold in zip(FOLDS, votes, strict=True):
        assert_votes(of_fold, by_hand(other[train], other[test], Y[train]))


def test_samples_of_weight_0_do_not_vote():
    weight = np.ones(90)
    weight[40:50] = 0
    votes = votes_of(SGD, weight=weight)
    for (train, test), of_fold in zip(FOLDS, votes, strict=True):
        kept = train[weight[train] > 0]
        assert_votes(of_fold, by_hand(X[kept], X[test], Y[kept]))


def test_without_a_seed_the_transformers_keep_their_random_states():
    seeds = []

    class Keep(FunctionTransformer):
        def __init__(self, random_state=None):
            super().__init__()
            self.random_state = random_state

        def fit(self, X, y=None):
            seeds.append(self.random_state)
            return super().fit(X, y)

    votes_of(make_pipeline(Keep(5), SGD))
    votes_of(make_pipeline(Keep(5), SGD), seed=7)
    assert seeds == [5, 5, 7, 7]


def test_neighbors_of_a_pipeline_with_a_sampler_are_sought_in_the_samples():
    imblearn = pytest.importorskip("imblearn")
    from imblearn.under_sampling import RandomUnderSampler

    pipeline = imblearn.pipeline.make_pipeline(StandardScaler(), RandomUnderSampler(), SVC())
    for (train, test), votes in zip(FOLDS, votes_of(pipeline), strict=True):
        assert_votes(votes, by_hand(X[train], X[test], Y[train]))


def test_votes_do_not_depend_on_the_number_of_jobs():
    pipeline = make_pipeline(PCA(2, svd_solver="randomized"), SGD)
    for one, two in zip(
        votes_of(pipeline, seed=3), votes_of(pipeline, seed=3, n_jobs=2), strict=True
    ):
        assert_votes(one, two)


def test_equally_distant_neighbors_do_not_depend_on_the_number_of_threads():
    rng = np.random.RandomState(0)
    rows, codes = rng.randint(0, 3, (3000, 4)).astype(np.float32), rng.randint(0, 4, 3000)
    votes = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads, user_api="openmp"):
            votes.append(neighbor_votes(rows[:2000], codes[:2000], rows[2000:], 4, rng))
    for other in votes[1:]:
        for one, two in zip(votes[0], other, strict=True):
            assert_array_equal(one, two)
