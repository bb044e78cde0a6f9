"""Chunks of fit_chunks: buffers that are filled again, types that change, and errors by chunk."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB

from sklearn_carto import CartographyClassifier
from test_chunks import N, X, assert_same_map, watch, y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
HALVES = slice(45), slice(45, N)
TEXT = np.array(["b", "c", "a"])[y]
IDS = np.arange(N)


def read(labels=y, ids=None, samples=X):
    """Make a factory of two chunks."""

    def factory():
        for rows in HALVES:
            chunk = samples[rows], labels[rows]
            yield chunk if ids is None else (ids[rows], *chunk)

    return factory


@pytest.mark.parametrize("has_ids", [False, True])
@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
@pytest.mark.parametrize("n_epochs", [1, 4])
def test_a_factory_may_fill_the_same_buffers_with_each_chunk(has_ids, classes, n_epochs):
    def refilled():
        buffers = np.empty(45, dtype=IDS.dtype), np.empty((45, 4)), np.empty(45, dtype=y.dtype)
        for rows in HALVES:
            for buffer, values in zip(buffers, (IDS, X, y), strict=True):
                buffer[:] = values[rows]
            yield buffers if has_ids else buffers[1:]

    model = watch(n_epochs=n_epochs).fit_chunks(refilled, classes=classes)
    expected = watch(n_epochs=n_epochs).fit_chunks(read(ids=IDS if has_ids else None))
    assert_same_map(model.data_map_, expected.data_map_)


@pytest.mark.parametrize("classes", [None, ["a", "b", "c"]])
@pytest.mark.parametrize("first", [str, object])
def test_text_in_arrays_of_objects_is_the_same_text(first, classes):
    other = {str: object, object: str}[first]
    names = np.array([f"row {i}" for i in IDS])

    def by_chunk():
        yield names[:45].astype(first), X[:45], TEXT[:45].astype(first)
        yield names[45:].astype(other), X[45:], TEXT[45:].astype(other)

    readings = []

    def by_reading():
        readings.append(1)
        kind = first if len(readings) % 2 else other
        yield names.astype(kind), X, TEXT.astype(kind)

    expected = watch().fit_chunks(read(TEXT, names))
    assert_same_map(watch().fit_chunks(by_chunk, classes=classes).data_map_, expected.data_map_)
    whole = watch().fit_chunks(by_reading, classes=classes).data_map_
    assert_same_map(whole, watch().fit_chunks(lambda: [(names, X, TEXT)]).data_map_)
    assert_array_equal(whole.sample_ids, names)


LARGE = 2**60 + IDS  # which float64 cannot tell apart


@pytest.mark.parametrize(
    ("first", "second"), [(np.int64, np.uint64), (np.uint64, np.int64), (np.int64, object)]
)
def test_ids_are_not_rounded_where_their_types_differ(first, second):
    def by_chunk():
        yield LARGE[:45].astype(first), X[:45], y[:45]
        yield LARGE[45:].astype(second), X[45:], y[45:]

    readings = []

    def by_reading():
        readings.append(1)
        rows = IDS[::-1] if len(readings) % 2 else IDS
        yield LARGE[rows].astype(first if len(readings) % 2 else second), X[rows], y[rows]

    assert watch().fit_chunks(by_chunk).data_map_.sample_ids.tolist() == LARGE.tolist()
    model = watch(GaussianNB()).fit_chunks(by_reading)
    assert model.data_map_.sample_ids.tolist() == LARGE[::-1].tolist()


def test_whole_numbers_that_are_floats_are_the_same_ids():
    def factory():
        yield IDS[:45], X[:45], y[:45]
        yield IDS[45:].astype(float), X[45:], y[45:]

    data_map = watch().fit_chunks(factory).data_map_
    assert data_map.sample_ids.tolist() == IDS.tolist()
    assert_same_map(data_map, watch().fit_chunks(read()).data_map_)


def missing_value(X):
    X = X.copy()
    X[60, 1] = np.nan
    return X


BROKEN = {
    "width": (lambda: [(X[:45], y[:45]), (X[45:, :3], y[45:])], "chunk 1 .*shape .45, 3."),
    "missing value": (read(samples=missing_value(X)), "chunk 1 .*shape .45, 4."),
    "no container": (lambda: [(X[:45], y[:45]), (3, 4)], "chunk 1 "),
    "labels": (lambda: [(X[:45], y[:45]), (X[45:], None)], "chunk 1 "),
    "empty samples": (lambda: [(X[:45], y[:45]), (X[:0], y[45:])], "chunk 1 "),
    "precision": (
        lambda: [(X[:45], y[:45]), (X[45:].astype(np.float32), y[45:])],
        "chunk 1 .*float32",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
def test_an_error_says_which_chunk_raised_it(name, classes):
    factory, note = BROKEN[name]
    with pytest.raises((ValueError, TypeError)) as raised:
        watch(SGDClassifier(random_state=0)).fit_chunks(factory, classes=classes)
    assert len(raised.value.__notes__) == 1
    raised.match(f"(?s)raised by {note}")


@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
def test_labels_of_a_single_class_are_refused_also_with_given_classes(classes):
    model = CartographyClassifier(SGDClassifier(loss="log_loss"), n_epochs=2)
    with pytest.raises(ValueError, match=r"needs at least two classes.*only one class: \[1\]"):
        model.fit_chunks(read(np.ones(N, dtype=int)), classes=classes)
