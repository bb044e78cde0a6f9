"""The same inputs at every entry: what is taken by one is taken by all, and so are errors."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    compare_subsets,
    cross_distillation,
    find_label_issues,
    stability_report,
    sweep_fractions,
    sweep_replacement,
)
from sklearn_carto.exceptions import CartographyWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
y = np.arange(24) % 2
X = np.random.RandomState(0).normal(size=(24, 2)) + y[:, None]
SGD = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)


def watch(model):
    return CartographyClassifier(clone(model), n_epochs=2)


def sample(model, X, y):
    pytest.importorskip("imblearn")
    from sklearn_carto import DataMapSampler

    return DataMapSampler(watch(model)).fit_resample(X, y)


ENTRIES = {
    "classifier": lambda model, X, y: watch(model).fit(X, y),
    "selector": lambda model, X, y: DataMapSelector(watch(model)).fit_transform(X, y),
    "sampler": sample,
    "distilled": lambda model, X, y: DistilledClassifier(watch(model)).fit(X, y),
    "compare": lambda model, X, y: compare_subsets(watch(model), X, y, cv=2, regions=["easy"]),
    "cross": lambda m, X, y: cross_distillation({"a": m, "b": clone(m)}, X, y, cv=2),
    "stability": lambda model, X, y: stability_report(watch(model), X, y, n_seeds=2),
    "issues": lambda model, X, y: find_label_issues(watch(model), X, y, cv=2),
    "fractions": lambda model, X, y: sweep_fractions(watch(model), X, y, cv=2, fracs=[0.5]),
    "replacement": lambda m, X, y: sweep_replacement(watch(m), X, y, cv=2, shares=[0.5]),
}


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (None, "X must be a container"),
        ({1, 2}, "X must be a container"),
        ("abc", "X must be a container"),
        (3, "X must be a container"),
        (iter(X), "X must be a container"),
        (X[:0], "at least one sample"),
        ({"a": X, "b": X[:5]}, "inconsistent numbers of samples"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_samples_of_no_container_are_one_error_at_every_entry(name, samples, message):
    with pytest.raises(ValueError, match=message):
        ENTRIES[name](SGD, samples, y)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "requires y to be passed"),
        ([[1], [1, 2]] * 12, "one label for each sample"),
        (["a", 1] * 12, "several types"),
        (["a", "b", None] * 8, "missing values"),
        (["a", "b", float("nan")] * 8, "missing values"),
        (np.array(["2020", "NaT"] * 12, dtype="M8[D]"), "missing values"),
        (X[:, 0], "Unknown label type: continuous"),
        (np.zeros(24), "at least two classes"),
        ([[0, 1]] * 24, r"shape \(24, 2\)"),
        (y[:5], "inconsistent numbers of samples"),
    ],
    ids=range(10),
)
def test_wrong_labels_are_one_error_at_every_entry(name, labels, message):
    with pytest.raises(ValueError, match=message):
        ENTRIES[name](SGD, X, labels)


def identity(tokens):
    return tokens


TOKENS = [[f"w{j}" for j in range(1 + i % 4)] + [f"c{label}"] for i, label in enumerate(y)]
WORDS = make_pipeline(CountVectorizer(analyzer=identity), SGD)


def cells(values):
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


@pytest.mark.parametrize(
    "name", ["classifier", "selector", "sampler", "distilled", "compare", "issues"]
)
@pytest.mark.parametrize(
    "rows",
    [
        TOKENS,
        tuple(map(tuple, TOKENS)),
        [np.array(row) for row in TOKENS],
        cells(TOKENS),
        cells([np.array(row, dtype=object) for row in TOKENS]),
    ],
    ids=["lists", "tuples", "arrays", "cells", "cells of arrays"],
)
def test_rows_of_unequal_length_are_taken_at_every_entry(name, rows):
    ENTRIES[name](WORDS, rows, y)


def test_rows_of_unequal_length_are_known_again():
    selector = DataMapSelector(watch(WORDS), random_state=0).fit(TOKENS, y)
    kept = [TOKENS[i] for i in selector.sample_indices_]
    assert selector.transform([list(row) for row in TOKENS]) == kept
    assert selector.transform(TOKENS[:3]) == TOKENS[:3]


def labels_of_pandas(pd):
    return [
        pd.Series(y, dtype="Int64"),
        pd.Series(y == 1, dtype="boolean"),
        pd.Series(y).map({0: "a", 1: "b"}).astype("string"),
        pd.Series(y).map({0: "a", 1: "b"}).astype("category"),
        pd.DataFrame({"y": y}),
    ]


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("i", range(6))
def test_a_training_set_is_known_again_whatever_the_container_of_its_labels(i):
    if i < 5:
        labels = labels_of_pandas(pytest.importorskip("pandas"))[i]
    else:
        labels = pytest.importorskip("polars").Series(y.astype(str))
    fitted = watch(SGD).fit(X, labels)
    assert fitted._is_training_set(X, labels)
    selector = DataMapSelector(FrozenEstimator(fitted), random_state=0).fit(X, labels)
    assert len(selector.transform(X.copy())) == 8


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_frame_that_passes_through_is_not_renamed(backend):
    frames = pytest.importorskip(backend)
    frame = frames.DataFrame({"length": X[:, 0], "width": X[:, 1]})
    selector = DataMapSelector(watch(SGD), random_state=0).set_output(transform=backend)
    output = selector.fit(X, y).transform(frame)
    assert list(output.columns) == ["x0", "x1"]
    assert list(frame.columns) == ["length", "width"]


def test_nothing_of_an_earlier_fit_remains():
    selector = DataMapSelector(watch(SGD), region="auto", cv=2, random_state=0).fit(X, y)
    assert selector.n_features_in_ == 2
    selector.set_params(region="easy", estimator=watch(WORDS)).fit(TOKENS, y)
    assert not hasattr(selector, "auto_results_")
    assert not hasattr(selector, "n_features_in_")


def test_folds_of_unlike_data_sets_do_not_share_maps(tmp_path):
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=2,
        module__out_features=2,
        criterion=torch.nn.CrossEntropyLoss,
        train_split=None,
        max_epochs=2,
        verbose=0,
    )
    selector = DataMapSelector(net, memory=tmp_path, random_state=0, noise_cut="auto", cv=2)

    def confidence(rows):
        dataset = torch.utils.data.TensorDataset(torch.tensor(rows).float(), torch.tensor(y))
        return clone(selector).fit(dataset, y).data_map_.confidence

    assert_array_equal(confidence(X), confidence(X.copy()))
    assert not np.array_equal(confidence(X), confidence(-X))
    n_files = len(list(tmp_path.rglob("output.pkl")))
    assert n_files == 6  # two sets, each whole and without either fold


class Rows:
    """Rows of the user's own class, set up where torch is installed."""

    def __new__(cls, rows):
        torch = pytest.importorskip("torch")

        class Own(torch.utils.data.Dataset):
            def __len__(self):
                return len(rows)

            def __getitem__(self, i):
                return torch.tensor(rows[i]).float(), int(y[i])

        return Own()


def test_a_data_set_of_another_class_is_never_cached(tmp_path):
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=2,
        module__out_features=2,
        criterion=torch.nn.CrossEntropyLoss,
        train_split=None,
        max_epochs=2,
        verbose=0,
    )
    selector, rows = DataMapSelector(net, memory=tmp_path, random_state=0), Rows(X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        selector.fit(rows, y)
    messages = [str(one.message) for one in caught if issubclass(one.category, CartographyWarning)]
    assert sum("the values of X (a Own)" in message for message in messages) == 1
    assert not any(tmp_path.rglob("output.pkl"))
    assert len(selector.transform(rows)) == len(selector.sample_indices_)
    assert selector.transform(Rows(X)).__len__() == len(X)


@pytest.mark.parametrize("unit", ["Y", "s", "ns"])
def test_labels_may_be_dates_but_not_balanced_ones(unit):
    dates = np.array(["2020", "2021"], dtype=f"M8[{unit}]")[y]
    assert_array_equal(watch(SGD).fit(X, dates).confidence_, watch(SGD).fit(X, y).confidence_)
    balanced = clone(SGD).set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="labels that are dates"):
        watch(balanced).fit(X, dates)
    balanced_numbers = watch(balanced).fit(X, y)
    balanced_text = watch(balanced).fit(X, np.array(["2020", "2021"])[y])
    assert_array_equal(balanced_text.confidence_, balanced_numbers.confidence_)


HOLES = np.where(X > 1.5, np.nan, X)


@pytest.mark.parametrize(
    "rows",
    [HOLES, cells(["a", None, "b", "c"] * 6)[:, None]],
    ids=["NaN", "text and None"],
)
@pytest.mark.parametrize("name", ["classifier", "selector", "sampler", "distilled"])
def test_what_may_be_missing_is_up_to_the_estimator(name, rows):
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), SGD)
    ENTRIES[name](model, rows, y)
