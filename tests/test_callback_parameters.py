"""The callbacks of all frameworks check their parameters at the door, in one manner."""

import os
import warnings
from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._watching._callbacks import HAS_CALLBACKS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
N, K = 21, 3
RNG = np.random.RandomState(0)
X = RNG.normal(size=(N, 4)).astype(np.float32)
Y = RNG.randint(K, size=N)
NAMES = np.array(["ant", "bee", "cat"])


def make(framework, **params):
    """Make the callback of a framework."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    needed = {"sklearn": "sklearn" if HAS_CALLBACKS else "no_callbacks_in_scikit_learn"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(needed.get(framework, framework))
        module = import_module(f"sklearn_carto.integrations.{framework}")
    return module.DataMapCallback(*([(X, Y)] if framework == "keras" else []), **params)


def fit_lightning(callback, y=Y, **options):
    lightning, torch = pytest.importorskip("lightning.pytorch"), pytest.importorskip("torch")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = torch.nn.Linear(4, K)

        def forward(self, x):
            return self.layer(x)

        def training_step(self, batch, i):
            return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=1.0)

    rows = torch.utils.data.TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    quiet = dict.fromkeys(
        ["logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"], False
    )
    trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", callbacks=[callback], **quiet)
    trainer.fit(Model(), torch.utils.data.DataLoader(rows, 8, **{"shuffle": True} | options))
    return callback


def fit_keras(callback, y=Y):
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(K, activation="softmax")
    model = keras.Sequential([keras.Input((4,)), dense])
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
    return callback


def fit_sklearn(callback):
    LogisticRegression().set_callbacks(callback).fit(X, Y)
    return callback


FIT = {"lightning": fit_lightning, "keras": fit_keras, "sklearn": fit_sklearn}
TORCH = ["transformers", "lightning"]
ALL = [*TORCH, "keras", "sklearn"]


@pytest.mark.parametrize("value", ["no", 1, None, np.array(True), [True]], ids=str)
@pytest.mark.parametrize(
    ("framework", "name"),
    [
        *((framework, "keep_history") for framework in ALL),
        *((framework, "from_logits") for framework in [*TORCH, "keras"]),
        ("keras", "sparse_labels"),
    ],
)
def test_flags_are_booleans(framework, name, value):
    if value is None and framework == "keras" and name != "keep_history":
        value = "None"  # which stands for what is inferred
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of DataMapCallback"):
        make(framework, **{name: value})


@pytest.mark.parametrize(
    "value",
    ["abc", 3, {"a": 1}, {1, 2}, [[1], [1, 2]], [], ["a", "a"], ["a", None], [[0], [1]], [2, 1, 0]],
    ids=str,
)
@pytest.mark.parametrize("framework", [*TORCH, "keras"])
def test_classes_name_each_output_once(framework, value):
    with pytest.raises(InvalidParameterError, match="The 'classes' parameter of DataMapCallback"):
        make(framework, classes=value)


@pytest.mark.parametrize("value", ["abc", 3, {1: 2}, {1, 2}, [[1], [1, 2]], np.eye(K)[Y]], ids=str)
@pytest.mark.parametrize("framework", TORCH)
def test_labels_have_one_dimension(framework, value):
    with pytest.raises(InvalidParameterError, match="The 'labels' parameter of DataMapCallback"):
        make(framework, labels=value)


@pytest.mark.parametrize(
    "value", [3, {1, 2}, {1: 2}, ["x", "x"], [1, None], [1.0, np.nan], [[1], [2]], "abc"], ids=str
)
@pytest.mark.parametrize("framework", ALL)
def test_ids_name_each_row_once(framework, value):
    if framework == "transformers" and value == "abc":
        pytest.skip("the name of a column")
    with pytest.raises(InvalidParameterError, match="'sample_ids' parameter of DataMapCallback"):
        make(framework, sample_ids=value)


@pytest.mark.parametrize(
    "params",
    [
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"batch_size": True},
        {"batch_size": "a"},
        {"outputs_to_probabilities": 3},
    ],
    ids=str,
)
def test_parameters_of_keras_are_checked(params):
    with pytest.raises(InvalidParameterError, match=f"'{next(iter(params))}' parameter of DataMap"):
        make("keras", **params)


@pytest.mark.parametrize("value", [3, ["layer"], True], ids=str)
def test_a_submodule_is_given_by_name(value):
    with pytest.raises(InvalidParameterError, match="'forward' parameter of DataMapCallback"):
        make("lightning", forward=value)
    with pytest.raises(
        InvalidParameterError, match=r"name of a submodule of Model.*'layer'.*'net'"
    ):
        fit_lightning(make("lightning", forward="net"))


@pytest.mark.parametrize(
    "dataset",
    [None, 3, "abc", {"x": 1}, {1}, (X, None), (None, Y), (3, Y), (X, "abc"), (X.tolist(), Y)],
    ids=lambda dataset: str(dataset)[:12],
)
def test_the_data_set_of_keras_is_arrays_or_iterable(dataset):
    make("keras")
    module = import_module("sklearn_carto.integrations.keras")
    with pytest.raises(InvalidParameterError, match="The 'dataset' parameter of DataMapCallback"):
        module.DataMapCallback(dataset)


@pytest.mark.parametrize(
    "labels", [None, 3, [None] * N, np.full(N, np.nan), [[1], [1, 2]]], ids=lambda y: str(y)[:12]
)
def test_missing_labels_of_a_data_set_of_keras_are_an_error(labels):
    make("keras")
    module = import_module("sklearn_carto.integrations.keras")
    with pytest.raises(ValueError, match="dataset"):
        fit_keras(module.DataMapCallback([(X, labels)]))


@pytest.mark.parametrize("framework", ALL)
def test_before_a_training_there_is_no_map_and_the_error_says_so(framework):
    callback = make(framework)
    for name in ("data_map_", "dynamics_", "confidence", "variability", "correctness"):
        assert not hasattr(callback, name)
        with pytest.raises(AttributeError, match="recorded yet"):
            getattr(callback, name)


NAMED = {
    "names": (NAMES[Y], NAMES),
    "positions": (Y, NAMES),
    "numbers": (np.array([10, 20, 30])[Y], [10, 20, 30]),
}


@pytest.mark.parametrize(("labels", "classes"), NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("framework", ["lightning", "keras"])
def test_a_label_is_a_name_of_a_column_or_its_position(framework, labels, classes):
    if framework == "lightning":
        callback = fit_lightning(make(framework, labels=labels, classes=classes))
        plain = fit_lightning(make(framework))
    else:
        make(framework)
        module = import_module("sklearn_carto.integrations.keras")
        callback = fit_keras(module.DataMapCallback((X, labels), classes=classes))
        plain = fit_keras(make(framework))
    assert_array_equal(callback.data_map_.labels, np.asarray(classes)[Y])
    assert_array_equal(np.sort(callback.data_map_.classes), np.sort(classes))
    if framework == "keras":  # where nothing is drawn at random
        assert_array_equal(callback.confidence, plain.confidence)


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (Y - 1, None, "must lie between 0 and 2"),
        (Y + 0.5, None, "continuous values"),
        ([1, 2], None, "one entry for each of the 21 rows"),
        (["ant"] * (N - 1) + ["dog"], NAMES, "must be among the classes.*dog"),
        (Y, [1, 2, 3], "must be among the classes"),
        (Y, ["ant", "bee"], "must lie between 0 and 1"),
        ((Y + 1) % K, None, "other labels"),
    ],
    ids=["negative", "halves", "few", "unknown", "numbers", "fewer classes", "shifted"],
)
def test_labels_that_do_not_fit_are_errors_before_a_step_is_taken(labels, classes, message):
    callback = make("lightning", labels=labels, classes=classes)
    with pytest.raises(ValueError, match=message):
        fit_lightning(callback)
    assert not hasattr(callback, "data_map_")


IDS = [f"row {i}" for i in range(N)]


@pytest.mark.parametrize("framework", ["lightning", "keras", "sklearn"])
def test_ids_name_the_rows_of_the_map(framework):
    callback = make(framework, sample_ids=IDS)
    FIT[framework](callback)
    assert callback.data_map_.sample_ids.tolist() == IDS
    assert_array_equal(callback.data_map_.labels, Y)


@pytest.mark.parametrize("framework", ["lightning", "keras", "sklearn"])
def test_ids_of_other_rows_are_an_error(framework):
    callback = make(framework, sample_ids=IDS[1:])
    with pytest.raises(ValueError, match="each of the 21 rows"):
        FIT[framework](callback)


def test_rows_of_weight_zero_are_marked_through_callbacks_of_scikit_learn():
    callback, weight = make("sklearn"), np.ones(N)
    weight[[2, 5]] = 0
    model = LogisticRegression().set_callbacks(callback).fit(X, Y, sample_weight=weight)
    assert_array_equal(np.flatnonzero(callback.data_map_.excluded_mask), [2, 5])
    model.fit(X, Y)
    assert callback.data_map_.excluded_mask is None


def test_a_data_set_of_keras_that_yields_fewer_rows_later_is_an_error():
    class Fewer:
        n_readings = 0

        def __iter__(self):
            self.n_readings += 1
            batches = [(X[:10], Y[:10]), (X[10:], Y[10:])]
            return iter(batches if self.n_readings < 4 else batches[:1])

    make("keras")
    module = import_module("sklearn_carto.integrations.keras")
    with pytest.raises(ValueError, match="yielded 10 of 21 rows after epoch 1"):
        fit_keras(module.DataMapCallback(Fewer()))


def test_a_state_of_keras_is_continued_and_that_of_other_labels_refused_ahead():
    first, second = fit_keras(make("keras")), make("keras")
    second.load_state_dict(first.state_dict())
    fit_keras(second)
    assert second.data_map_.n_epochs == 6
    assert_array_equal(second.dynamics_.true_proba[:, :3], first.dynamics_.true_proba)
    module = import_module("sklearn_carto.integrations.keras")
    other = module.DataMapCallback((X, (Y + 1) % K))
    other.load_state_dict(first.state_dict())
    with pytest.raises(ValueError, match="differs in the labels"):
        fit_keras(other)
    assert other._recorder is None


def test_rows_that_a_sampler_never_draws_are_unseen_with_a_warning():
    torch = pytest.importorskip("torch")
    from sklearn_carto.exceptions import UnseenSamplesWarning

    callback, weights = make("lightning"), np.ones(N)
    weights[[3, 4]] = 0
    sampler = torch.utils.data.WeightedRandomSampler(weights, 5 * N)
    with pytest.warns(UnseenSamplesWarning, match="2 of 21 rows"):
        fit_lightning(callback, shuffle=None, sampler=sampler)
    assert_array_equal(np.flatnonzero(np.isnan(callback.confidence)), [3, 4])


def test_a_test_of_a_checkpoint_is_not_continued_by_the_next_fit(tmp_path):
    lightning = pytest.importorskip("lightning.pytorch")
    callback = fit_lightning(make("lightning"))
    state = callback.state_dict()
    again = make("lightning")
    again.setup(lightning.Trainer, None, "test")
    again.load_state_dict(state)
    again.teardown(lightning.Trainer, None, "test")
    assert fit_lightning(again).data_map_.n_epochs == 3


def test_the_warnings_of_a_map_are_issued_once():
    from sklearn_carto.exceptions import DegenerateMapWarning

    callback = make("keras")
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(K, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(DegenerateMapWarning, match="one epoch was recorded"):
        model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert callback.data_map_ is callback.data_map_
