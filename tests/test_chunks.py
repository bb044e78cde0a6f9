"""fit_chunks: as fit on the same batches, whatever the order of rows, and no row is mistaken."""

import datetime
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_carto import CartographyClassifier, DataMapSelector
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto.exceptions import (
    DegenerateMapWarning,
    InvalidProbabilitiesError,
    NotWatchableError,
    SampleAlignmentError,
)

RNG = np.random.RandomState(0)
N = 90
X = np.abs(RNG.normal(size=(N, 4)) + np.arange(3).repeat(30)[:, None])
y = np.arange(3).repeat(30)[:, None].ravel()
ORDER = RNG.permutation(N)
X, y = X[ORDER], y[ORDER]
y[:6] = (y[:6] + 1) % 3
PARTS = [np.arange(20), np.arange(20, 21), np.arange(21, 90)]
SGD = SGDClassifier(loss="log_loss", alpha=0.05, random_state=0)
MODELS = {
    "sgd": SGD,
    "hinge": SGDClassifier(random_state=1),
    "balanced": SGDClassifier(loss="log_loss", alpha=0.05, random_state=0, class_weight="balanced"),
    "mlp": MLPClassifier((5,), random_state=0),
    "bayes": GaussianNB(),
    "counts": MultinomialNB(),
}
NAMES = {
    "int": np.array([0, 1, 2]),
    "negative": np.array([-1, 2, 0]),
    "text": np.array(["b", "c", "a"]),
    "date": np.array(["2020-01-31", "1969-12-31", "2021-01-01"], dtype="M8[D]"),
    "object": np.array(["x", "yy", "z"], dtype=object),
}


def watch(model=SGD, **params):
    return CartographyClassifier(model, **{"n_epochs": 5, **params})


def chunks(parts=PARTS, labels=y, ids=None):
    for rows in parts:
        yield (X[rows], labels[rows]) if ids is None else (ids[rows], X[rows], labels[rows])


def assert_same_map(one, other):
    for name in STATISTICS:
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert_array_equal(one.labels, other.labels)
    assert one.n_epochs == other.n_epochs


pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_carto.exceptions.DegenerateMapWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


@pytest.mark.parametrize("classes", [False, True], ids=["found", "given"])
@pytest.mark.parametrize("model", MODELS)
def test_a_single_chunk_gives_what_fit_gives(model, classes):
    for params in ({}, {"random_state": 3, "keep_history": False, "uncertainty": True}):
        whole = watch(MODELS[model], **params).fit(X, y)
        found = watch(MODELS[model], **params).fit_chunks(
            lambda: [(X, y)], classes=[2, 0, 1] if classes else None
        )
        assert_same_map(found.data_map_, whole.data_map_)
        assert_array_equal(found.predict(X), whole.predict(X))
        if params:
            for name in ("predictive_entropy", "mutual_information"):
                one, other = (getattr(m.data_map_, name) for m in (found, whole))
                assert_array_equal(one, other)
        else:
            assert_array_equal(found.dynamics_.true_proba, whole.dynamics_.true_proba)
        assert found.data_map_.margin_from == whole.data_map_.margin_from
        assert found.n_features_in_ == 4


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("model", ["sgd", "mlp", "bayes"])
def test_several_chunks_give_what_a_loop_of_partial_fit_gives(model, kind):
    labels = NAMES[kind][y]
    classes = np.unique(NAMES[kind])
    bare = deepcopy(MODELS[model])
    if model != "bayes":
        bare.set_params(random_state=np.random.RandomState(0))
    p = []
    for _ in range(5):
        for rows in PARTS:
            bare.partial_fit(X[rows], labels[rows], classes=classes)
        proba = bare.predict_proba(X)
        p.append(proba[np.arange(N), np.searchsorted(classes, labels)])
    found = watch(MODELS[model]).fit_chunks(lambda: chunks(labels=labels))
    assert_allclose(found.dynamics_.true_proba, np.transpose(p), atol=1e-6)
    assert_allclose(found.confidence_, np.mean(p, axis=0), atol=1e-6)
    assert_array_equal(found.classes_, classes)
    assert_array_equal(found.data_map_.labels, labels)
    assert_array_equal(found.predict_proba(X), bare.predict_proba(X))  # to the bit
    assert found.interrupted_ is False


def test_the_data_are_read_once_an_epoch_and_once_more():
    read = []

    def factory():
        read.append(1)
        return chunks()

    watch().fit_chunks(factory, classes=[0, 1, 2])
    assert len(read) == 5 + 1
    read.clear()
    watch().fit_chunks(factory)
    assert len(read) == 1 + 5 + 1
    read.clear()
    watch(MODELS["balanced"]).fit_chunks(factory, classes=[0, 1, 2])
    assert len(read) == 1 + 5 + 1


IDS = {
    "int": np.arange(N) * 7 - 50,
    "text": np.array([f"row {i}" for i in range(N)]),
    "date": np.datetime64("2020-01-01") + np.arange(N),
    "objects": np.array([datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(N)]),
    "mixed": np.array([i if i % 2 else f"row {i}" for i in range(N)], dtype=object),
}


@pytest.mark.parametrize("kind", IDS)
def test_rows_with_ids_may_come_in_any_order_and_in_other_chunks(kind):
    rng, first, ids = np.random.RandomState(1), np.random.RandomState(2).permutation(N), IDS[kind]
    readings = []

    def factory():
        order = rng.permutation(N) if readings else first
        readings.append(np.array_split(order, rng.randint(1, 6)))
        return chunks(readings[-1], ids=ids)

    found = watch(GaussianNB()).fit_chunks(factory, classes=[0, 1, 2])
    assert_array_equal(found.data_map_.sample_ids, ids[first])
    assert_array_equal(found.data_map_.labels, y[first])
    assert_array_equal(found.dynamics_.sample_ids, ids[first])
    bare, p = GaussianNB(), []
    for parts in readings[:5]:
        for rows in parts:
            bare.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        p.append(bare.predict_proba(X)[np.arange(N), y])
    assert_allclose(found.dynamics_.true_proba, np.transpose(p)[first], atol=1e-6)
    assert len(readings) == 6
    chosen = found.data_map_.select("easy", 0.1, return_ids=True)
    assert set(np.asarray(chosen).tolist()) <= set(ids.tolist())


def changed(change, ids=None):
    """A factory whose third reading is changed."""
    readings = []

    def factory():
        readings.append(1)
        return change() if len(readings) == 3 else chunks(ids=ids)

    return factory


TEXT = IDS["text"]
OTHER_LABELS = np.where(np.arange(N) == 33, (y + 1) % 3, y)
LESS = [PARTS[0], PARTS[2]]
CHANGES = {
    "order": (None, lambda: chunks(PARTS[::-1]), "another label.*must come in the same order"),
    "label": (None, lambda: chunks(labels=OTHER_LABELS), r"1 rows of chunk 2 of reading 2.*\[33\]"),
    "fewer": (None, lambda: chunks(PARTS[:2]), r"Reading 2 lacks 69 of 90 .*\[21, 22, 23"),
    "none": (None, lambda: [], "lacks 90 of 90 rows.*must return a new iterable"),
    "more": (None, lambda: chunks([*PARTS, [5]]), "chunk 3 of reading 2 holds more rows.*90"),
    "ids come": (None, lambda: chunks(ids=TEXT), "must hold ids, or none"),
    "type": (None, lambda: chunks(labels=np.array(list("abc"))[y]), "20 rows .* another label"),
    "label of id": (
        TEXT, lambda: chunks(labels=OTHER_LABELS, ids=TEXT), r"chunk 2 of reading 2.*'row 33'"
    ),
    "missing id": (TEXT, lambda: chunks(LESS, ids=TEXT), r"Reading 2 lacks 1 of 90.*'row 20'"),
    "new id": (
        TEXT, lambda: chunks(ids=np.where(np.arange(N) == 7, "new", TEXT)),
        r"chunk 0 of reading 2 holds 1 rows that the first reading did not hold.*'new'",
    ),
    "twice": (TEXT, lambda: chunks([*PARTS, [5]], ids=TEXT), "held already.*'row 5'"),
    "other ids": (TEXT, lambda: chunks(ids=np.arange(N)), "20 rows that the first reading did not"),
    "ids go": (TEXT, lambda: chunks(), "must hold ids, or none"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_later_reading_of_other_rows_is_an_error_that_names_them(name):
    ids, change, message = CHANGES[name]
    model = watch()
    error = ValueError if "ids" in name else SampleAlignmentError
    with pytest.raises(error, match=message):
        model.fit_chunks(changed(change, ids), classes=[0, 1, 2])
    # the first reading trains, the second one records; the third one is incomplete
    assert model.n_epochs_ == 1
    assert model.interrupted_ is True
    whole = watch(n_epochs=1).fit_chunks(lambda: chunks(ids=ids), classes=[0, 1, 2])
    assert_same_map(model.data_map_, whole.data_map_)


def test_ids_of_the_first_reading_are_unique():
    twice = np.where(np.arange(N) == 50, TEXT[3], TEXT)
    with pytest.raises(ValueError, match="several times") as caught:
        watch().fit_chunks(lambda: chunks(ids=twice))
    assert "row 3" in str(caught.value)


class Halting(SGDClassifier):
    """A model that is interrupted at a call of partial_fit."""

    def __init__(self, at=0, n_calls=None, random_state=None):
        super().__init__(loss="log_loss", alpha=0.05, random_state=random_state)
        self.at, self.n_calls = at, n_calls

    def partial_fit(self, X, y, classes=None):
        self.count = getattr(self, "count", 0) + 1
        if self.count == self.at:
            raise KeyboardInterrupt
        return super().partial_fit(X, y, classes)


def test_an_interrupted_epoch_is_not_recorded():
    model = watch(Halting(at=8))  # in the third epoch
    with pytest.raises(KeyboardInterrupt):
        model.fit_chunks(chunks)
    assert (model.n_epochs_, model.interrupted_) == (1, True)
    assert (model.dynamics_.n_seen == 1).all()
    assert len(model.predict(X)) == N
    model = watch(Halting(at=2))
    with pytest.raises(KeyboardInterrupt):
        model.fit_chunks(chunks)
    assert not hasattr(model, "data_map_")


def test_the_models_of_the_epochs_score_other_samples():
    model = watch(keep_models=True).fit_chunks(lambda: chunks())
    scored = model.score_map(X, y)
    for name in ("confidence", "variability", "correctness", "forgetting"):
        assert_allclose(getattr(scored, name), getattr(model.data_map_, name), atol=1e-6)


def test_a_refit_replaces_what_was_learned():
    model = watch(n_epochs=3).fit(X, y)
    assert model.fit_chunks(lambda: chunks(ids=TEXT)).data_map_.sample_ids[0] == "row 0"
    assert not model._is_training_set(X, y)
    assert model.fit(X, y)._is_training_set(X, y)


def test_containers_of_all_kinds_are_chunks():
    pandas, torch = pytest.importorskip("pandas"), pytest.importorskip("torch")
    from scipy.sparse import csr_matrix

    model = watch(MultinomialNB())
    whole = clone(model).fit_chunks(chunks)
    as_tensors = [[torch.as_tensor(X[rows]), torch.as_tensor(y[rows])] for rows in PARTS]
    as_frames = [(pandas.DataFrame(X[rows]), pandas.Series(y[rows])) for rows in PARTS]
    as_sparse = [(csr_matrix(X[rows]), y[rows].tolist()) for rows in PARTS]
    as_ids = [[torch.as_tensor(rows), torch.as_tensor(X[rows]), y[rows]] for rows in PARTS]
    for given in (as_tensors, as_frames, as_sparse, as_ids):
        assert_same_map(
            clone(model).fit_chunks(lambda given=given: given).data_map_, whole.data_map_
        )
    with_empty = [(X[:0], y[:0]), *chunks(), (X[:0], y[:0])]
    assert_same_map(clone(model).fit_chunks(lambda: with_empty).data_map_, whole.data_map_)


def test_given_classes_need_not_occur():
    found = watch().fit_chunks(chunks, classes=[3, 0, 1, 2])
    assert_array_equal(found.classes_, [0, 1, 2, 3])
    assert found.dynamics_.n_epochs == 5


@pytest.mark.parametrize(
    "model",
    [HistGradientBoostingClassifier(), RandomForestClassifier(), LogisticRegression(),
     make_pipeline(StandardScaler(), SGD), SGDClassifier(loss="log_loss", early_stopping=True)],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_what_has_no_partial_fit_of_its_own_is_refused(model):
    with pytest.raises(NotWatchableError, match=r"partial_fit|cannot be watched"):
        watch(model).fit_chunks(chunks)


def test_nets_of_skorch_are_refused():
    skorch, torch = pytest.importorskip("skorch"), pytest.importorskip("torch")
    with pytest.raises(NotWatchableError, match="torch Dataset that reads its samples from disk"):
        watch(skorch.NeuralNetClassifier(torch.nn.Linear)).fit_chunks(chunks)


BAD = {
    "no callable": (lambda: watch().fit_chunks(chunks()), "must be a callable.*read once only"),
    "no iterable": (lambda: watch().fit_chunks(lambda: 3), "must return an iterable of chunks"),
    "a dict": (lambda: watch().fit_chunks(dict), "must return an iterable of chunks"),
    "an array": (lambda: watch().fit_chunks(lambda: [X]), "chunk 0 of reading 0"),
    "four": (lambda: watch().fit_chunks(lambda: [(X, y, y, y)]), "chunk 0 of reading 0"),
    "no rows": (lambda: watch().fit_chunks(list), "must return chunks that hold rows"),
    "lengths": (lambda: watch().fit_chunks(lambda: [(X, y[:-1])]), "inconsistent numbers|samples"),
    "missing": (lambda: watch().fit_chunks(lambda: [(X, y * np.nan)]), "missing values"),
    "no labels": (lambda: watch().fit_chunks(lambda: [(X, None)]), "target y is None"),
    "None": (lambda: watch().fit_chunks(lambda: [(None, y)]), "must not be None"),
    "no ids": (lambda: watch().fit_chunks(lambda: [(None, X, y)]), "must not be None"),
    "one class": (lambda: watch().fit_chunks(lambda: [(X, y * 0)]), "at least two classes"),
    "types": (
        lambda: watch().fit_chunks(lambda: [(X, y), (X, y.astype(str))]), "of one type.*chunk 1"
    ),
    "some ids": (lambda: watch().fit_chunks(lambda: [(X, y), (TEXT, X, y)]), "ids, or none"),
    "id lengths": (lambda: watch().fit_chunks(lambda: [(TEXT[:-1], X, y)]), "sample_ids"),
    "unknown": (lambda: watch().fit_chunks(chunks, classes=[0, 1]), r"hold all labels.*\[2\]"),
    "kinds": (lambda: watch().fit_chunks(chunks, classes=["a", "b"]), "hold all labels"),
    "classes": (lambda: watch().fit_chunks(chunks, classes=[1, 1, 0]), "each once"),
    "single": (lambda: watch().fit_chunks(chunks, classes=[1]), "at least two classes"),
    "number": (lambda: watch().fit_chunks(chunks, classes=3), "y should be|classes"),
    "cv": (lambda: watch(cv=3).fit_chunks(chunks), "supports cv=None only"),
    "record": (lambda: watch(record="training").fit_chunks(chunks), "supports record='epoch_end'"),
    "n_epochs": (lambda: watch(n_epochs=0).fit_chunks(chunks), "'n_epochs' parameter"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_chunk_is_an_error(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_errors_of_the_model_and_the_factory_are_theirs():
    def broken():
        yield X[:50], y[:50]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        watch().fit_chunks(broken)

    class Odd(GaussianNB):
        def predict_proba(self, X):
            return super().predict_proba(X) * 2

    with pytest.raises(InvalidProbabilitiesError):
        watch(Odd()).fit_chunks(chunks)


def test_an_uninformative_map_is_told():
    with pytest.warns(DegenerateMapWarning):
        watch(n_epochs=1).fit_chunks(chunks)


def test_a_map_of_chunks_is_not_taken_for_one_of_other_data():
    from sklearn.frozen import FrozenEstimator

    model = watch().fit_chunks(chunks)
    with pytest.raises(ValueError, match="frozen map is valid only for the samples"):
        DataMapSelector(FrozenEstimator(model)).fit(X, y)


@pytest.mark.parametrize("classes", [None, [0, 1, 2]], ids=["found", "given"])
@pytest.mark.parametrize(
    "params",
    [
        {"log": "log"},
        {"log": "file/log"},
        {"history_dir": "file/history"},
        {"history_dir": "history", "keep_history": False},
    ],
    ids=["log of another run", "log in a file", "history in a file", "no history"],
)
def test_folders_are_checked_before_the_data_are_read(classes, params, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    watch(n_epochs=1, log="log").fit(X, y)
    with pytest.raises((OSError, ValueError), match="log|history|file"):
        watch(**params).fit_chunks(lambda: pytest.fail("the data were read"), classes=classes)
