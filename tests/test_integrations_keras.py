"""Keras: the map is that of a naive loop, the model trains as ever, and 101 rows stay 101 rows."""

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

from sklearn_carto.exceptions import (
    DoubleSoftmaxWarning,
    InvalidProbabilitiesError,
    SampleAlignmentError,
)
from sklearn_carto.integrations.keras import DataMapCallback

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
N, K, EPOCHS = 101, 5, 4
X = np.random.RandomState(0).normal(size=(N, 6)).astype(np.float32)
Y = (np.arange(N) * 7) % K
ONE_HOT = np.eye(K)[Y]


def make_model(n_outputs=K, activation="softmax", loss="sparse_categorical_crossentropy"):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Dense(n_outputs, activation=activation),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


def fit(model, callback=None, labels=Y, seed=1, **options):
    keras.utils.set_random_seed(seed)
    callbacks = [] if callback is None else [callback]
    settings = {"batch_size": 20, "epochs": EPOCHS, "verbose": 0, "callbacks": callbacks}
    model.fit(X, labels, **settings | options)
    return model


class EvaluateAll(keras.callbacks.Callback):
    """Evaluate all rows at once."""

    def __init__(self):
        super().__init__()
        self.outputs = []

    def on_epoch_end(self, epoch, logs=None):
        outputs = self.model(X, training=False)
        self.outputs.append(keras.ops.convert_to_numpy(keras.ops.stop_gradient(outputs)).copy())


def check(callback, model, probabilities_of=lambda outputs: outputs, labels=Y, columns=Y):
    evaluation = EvaluateAll()
    fit(model, callback, labels=labels, callbacks=[callback, evaluation])
    proba = np.stack([probabilities_of(outputs) for outputs in evaluation.outputs], axis=1)
    true_proba = proba[np.arange(N), :, columns]
    assert_allclose(callback.gold_labels_probabilities, true_proba, atol=1e-6)
    assert_allclose(callback.confidence, true_proba.mean(axis=1), atol=1e-6)
    assert_allclose(callback.variability, true_proba.std(axis=1), atol=1e-6)
    correct = proba.argmax(axis=2) == columns[:, None]
    assert_allclose(callback.correctness, correct.mean(axis=1))
    assert callback.data_map_.record == "epoch_end"
    assert len(callback.data_map_) == N
    return proba, true_proba


def softmax(outputs):
    return np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)


def two(outputs):
    return np.column_stack([1 - outputs, outputs])


def test_the_map_is_that_of_fits_of_one_epoch_each_evaluated_in_between():
    callback, model, proba = DataMapCallback((X, Y), batch_size=30), make_model(), []
    fit(make_model(), callback, shuffle=False)
    keras.utils.set_random_seed(1)
    for epoch in range(EPOCHS):
        settings = {"batch_size": 20, "shuffle": False, "verbose": 0}
        model.fit(X, Y, initial_epoch=epoch, epochs=epoch + 1, **settings)
        proba.append(model.predict_on_batch(X)[np.arange(N), Y])  # predict would draw
    assert_allclose(callback.gold_labels_probabilities, np.stack(proba, axis=1), atol=1e-6)


def test_sparse_labels_and_correctness_by_the_most_probable_class():
    callback = DataMapCallback((X, Y))
    _, true_proba = check(callback, make_model())
    above_half = (true_proba > 0.5).mean(axis=1)
    assert callback.correctness.mean() > above_half.mean() + 0.05


def test_one_hot_labels_with_a_last_batch_of_a_single_row():
    # 101 rows in batches of 20: a last batch squeezed to shape (5,) would be taken for five labels
    batches = [(X[i : i + 20], ONE_HOT[i : i + 20]) for i in range(0, N, 20)]
    assert len(batches[-1][1]) == 1
    callback = DataMapCallback(batches)
    check(callback, make_model(loss="categorical_crossentropy"), labels=ONE_HOT)
    assert callback.gold_labels_probabilities.shape == (N, EPOCHS)


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
@pytest.mark.parametrize(
    ("gives", "sparse_labels"), [("probabilities", False), ("logits", True), ("logits", None)]
)
def test_binary_labels_with_one_output(shape, gives, sparse_labels):
    labels = (Y > 2).astype(np.float32)
    if gives == "probabilities":
        model, read = make_model(1, "sigmoid", "binary_crossentropy"), two
    else:
        model = make_model(1, None, keras.losses.BinaryCrossentropy(from_logits=True))

        def read(outputs):
            return two(1 / (1 + np.exp(-outputs)))

    batches = [(X[i : i + 20], labels.reshape(shape)[i : i + 20]) for i in range(0, N, 20)]
    callback = DataMapCallback(batches, sparse_labels=sparse_labels)
    check(callback, model, read, labels=labels, columns=labels.astype(int))
    assert callback.data_map_.margin_from == gives


def test_logits_are_inferred_from_the_loss_or_turned_into_probabilities():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    by_loss = DataMapCallback((X, Y))
    check(by_loss, make_model(activation=None, loss=loss), softmax)
    assert by_loss.data_map_.margin_from == "logits"
    in_list = DataMapCallback((X, Y))
    fit(make_model(activation=None, loss=[loss]), in_list)
    assert_array_equal(in_list.confidence, by_loss.confidence)
    by_hand = DataMapCallback((X, Y), outputs_to_probabilities=keras.ops.softmax)
    check(by_hand, make_model(activation=None, loss=loss), softmax)
    assert by_hand.data_map_.margin_from == "probabilities"


def test_logits_without_from_logits_are_an_error():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = make_model(activation=None, loss=lambda y, p: loss(y, p))
    with pytest.raises(InvalidProbabilitiesError, match="from_logits=True if they are logits"):
        fit(model, DataMapCallback((X, Y)))
    fit(model, DataMapCallback((X, Y), from_logits=True))
    with pytest.warns(DoubleSoftmaxWarning):
        fit(make_model(), DataMapCallback((X, Y), from_logits=True))


@pytest.mark.parametrize("kind", ["arrays", "list", "loader", "dataset"])
def test_the_model_trains_as_without(kind):
    bare = fit(make_model())
    batches = [(X[i : i + 20], Y[i : i + 20]) for i in range(0, N, 20)]

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(batches)

        def __getitem__(self, i):
            return batches[i]

    if kind == "loader":
        torch = pytest.importorskip("torch")
        rows = torch.utils.data.TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
        given = torch.utils.data.DataLoader(rows, batch_size=20)
    else:
        given = {"arrays": (X, Y), "list": batches, "dataset": Batches()}[kind]
    callback = DataMapCallback(given)
    watched = fit(make_model(), callback)
    for one, other in zip(bare.get_weights(), watched.get_weights(), strict=True):
        assert_array_equal(one, other)
    expected = DataMapCallback((X, Y))
    fit(make_model(), expected)
    assert_allclose(callback.confidence, expected.confidence, atol=1e-6)


class Noise(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(3)
        self.level = keras.metrics.Mean(name="level")

    def call(self, inputs):
        noise = keras.random.normal(keras.ops.shape(inputs), seed=self.seed_generator)
        if keras.backend.backend() != "jax":  # where metrics inside layers do not train
            self.level.update_state(noise)
        return inputs + noise


def test_a_layer_that_draws_when_evaluated_draws_in_training_as_without():
    def make():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([Noise(), keras.layers.Dense(K, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    bare, watched = fit(make()), fit(make(), DataMapCallback((X, Y)))
    for one, other in zip(bare.variables, watched.variables, strict=True):
        assert_array_equal(one, other)


def test_a_torch_loader_is_not_iterated_over_before_the_training():
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    before = torch.get_rng_state()
    DataMapCallback(torch.utils.data.DataLoader(rows))  # an iterator would draw a seed
    assert torch.equal(torch.get_rng_state(), before)


def test_a_tensorflow_dataset_is_taken_unless_it_shuffles_or_never_ends():
    tf = pytest.importorskip("tensorflow")
    rows = tf.data.Dataset.from_tensor_slices((X, ONE_HOT))
    callback, expected = DataMapCallback(rows.batch(20)), DataMapCallback((X, Y))
    fit(make_model(), callback, callbacks=[callback, expected])
    assert callback.gold_labels_probabilities.shape == (N, EPOCHS)
    assert_allclose(callback.confidence, expected.confidence, atol=1e-6)
    with pytest.raises(SampleAlignmentError, match="labels of batch 0 have changed at the second"):
        fit(make_model(), DataMapCallback(rows.shuffle(N).batch(20)))
    with pytest.raises(SampleAlignmentError, match="never ends"):
        DataMapCallback(rows.batch(20).repeat())


def test_half_precision_is_taken_but_for_probabilities_too_coarse_to_sum_to_one():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        of_logits, of_probabilities = make_model(activation=None, loss=loss), make_model()
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    check(DataMapCallback((X, Y)), of_logits, lambda outputs: softmax(outputs.astype(np.float32)))
    with pytest.raises(InvalidProbabilitiesError, match='dtype="float32" for its last layer'):
        fit(of_probabilities, DataMapCallback((X, Y)))


def test_a_second_fit_starts_anew():
    callback, model = DataMapCallback((X, Y)), make_model()
    fit(model, callback)
    first = callback.gold_labels_probabilities
    fit(model, callback, initial_epoch=2)
    assert first.shape == (N, EPOCHS)
    assert callback.gold_labels_probabilities.shape == (N, 2)
    assert callback.dynamics_._planned_epochs == 2


def test_several_inputs_and_weights_of_rows_are_taken():
    left, right = keras.Input((3,)), keras.Input((3,))
    outputs = keras.layers.Dense(K, activation="softmax")(keras.layers.Concatenate()([left, right]))
    model = keras.Model([left, right], outputs)
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    inputs = [X[:, :3], X[:, 3:]]
    callbacks = DataMapCallback((inputs, Y)), DataMapCallback([(inputs, Y, np.ones(N))])
    model.fit(inputs, Y, epochs=2, verbose=0, callbacks=list(callbacks))
    assert_allclose(callbacks[0].confidence, callbacks[1].confidence, atol=1e-6)


def test_classes_name_the_outputs():
    names = np.array(["e", "d", "c", "b", "a"])
    callback = DataMapCallback((X, Y), classes=names)
    fit(make_model(), callback)
    assert_array_equal(callback.data_map_.labels, names[Y])


def test_history_is_a_choice():
    callback, kept = DataMapCallback((X, Y), keep_history=False), DataMapCallback((X, Y))
    fit(make_model(), callback, callbacks=[callback, kept])
    assert_array_equal(callback.variability, kept.variability)
    with pytest.raises(ValueError, match="keep_history=False did not keep"):
        callback.gold_labels_probabilities  # noqa: B018


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_training_leaves_its_epochs(error):
    class Dies(keras.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            if callback._recorder is not None and callback._recorder.epoch == 2:
                raise error

    callback = DataMapCallback((X, Y))
    with pytest.raises(error):
        fit(make_model(), callbacks=[callback, Dies()])
    assert callback.data_map_.n_epochs == 2


@pytest.mark.parametrize(
    ("n_in_order", "when"),
    [(1, "at the second iteration"), (3, "after epoch 1")],
)
def test_rows_in_another_order_each_time_are_an_error(n_in_order, when):
    class Shuffled:
        def __init__(self):
            self.rng, self.n_readings = np.random.RandomState(0), 0

        def __iter__(self):
            self.n_readings += 1
            order = np.arange(N)
            if self.n_readings > n_in_order:
                self.rng.shuffle(order)
            return iter([(X[order], Y[order])])

    with pytest.raises(SampleAlignmentError, match=f"labels of batch 0 have changed {when}"):
        fit(make_model(), DataMapCallback(Shuffled()))


def test_datasets_in_no_order_or_without_end_are_refused():
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    with pytest.raises(
        SampleAlignmentError, match=r"DataLoader shuffles its rows \(shuffle=True\)"
    ):
        DataMapCallback(torch.utils.data.DataLoader(rows, shuffle=True))
    with pytest.raises(SampleAlignmentError, match="generator is exhausted after one pass"):
        DataMapCallback((X, Y) for _ in range(1))
    with pytest.raises(SampleAlignmentError, match="tuple has 3 parts"):
        DataMapCallback((X, Y, Y))

    class Once:
        rows = iter([(X, Y)])

        def __iter__(self):
            return self.rows

    with pytest.raises(SampleAlignmentError, match="exhausted after one pass"):
        fit(make_model(), DataMapCallback(Once()))

    class Endless(list):
        def cardinality(self):
            return -1

    with pytest.raises(SampleAlignmentError, match="never ends"):
        DataMapCallback(Endless())


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (np.eye(4)[Y % 4], {}, r"model of 5 classes .* got shape \(101, 4\)"),
        (0.9 * ONE_HOT, {}, "single 1 in each row"),
        (Y + 1, {}, "whole numbers from 0 to 4"),
        (Y - 0.5, {}, "whole numbers from 0 to 4"),
        (ONE_HOT, {"sparse_labels": True}, "but the labels are one-hot encoded"),
        (Y, {"sparse_labels": False}, "but the labels are class indices"),
        (Y.astype(str), {}, "whole numbers from 0 to 4"),
        (Y, {"classes": ["a", "b"]}, "classes must name the 5 classes of sequential.*; got 2"),
        (Y[:50], {}, "inconsistent numbers of samples"),
    ],
    ids=["width", "shares", "range", "halves", "one-hot", "sparse", "names", "classes", "fewer"],
)
def test_labels_that_do_not_fit_are_errors(labels, options, message):
    with pytest.raises(ValueError, match=message):
        fit(make_model(), DataMapCallback((X, labels), batch_size=N, **options))


def test_batches_of_more_inputs_than_labels_are_an_error():
    with pytest.raises(ValueError, match=r"sequential.* got 101 rows for the 50 labels of batch 0"):
        fit(make_model(), DataMapCallback([(X, Y[:50])]))


def test_datasets_of_other_things_and_maps_of_nothing_are_errors():
    with pytest.raises(ValueError, match="must yield batches"):
        fit(make_model(), DataMapCallback([X]))
    with pytest.raises(ValueError, match="must hold at least one batch"):
        fit(make_model(), DataMapCallback([]))
    with pytest.raises(AttributeError, match="No epoch was recorded yet"):
        DataMapCallback((X, Y)).data_map_  # noqa: B018


def test_labels_as_a_second_argument_are_an_error_that_shows_the_tuple():
    with pytest.raises(TypeError, match=r"a ndarray.*one tuple: DataMapCallback\(\(X, y\)\)"):
        DataMapCallback(X, Y)


@pytest.mark.parametrize(
    "pack", [lambda out: {"digit": out}, lambda out: [out]], ids=["dict", "list"]
)
def test_a_model_whose_single_output_is_in_a_container_is_watched(pack):
    def make(pack):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((6,))
        outputs = keras.layers.Dense(K, activation="softmax")(inputs)
        model = keras.Model(inputs, pack(outputs))
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    bare, packed = DataMapCallback((X, Y)), DataMapCallback((X, Y))
    fit(make(lambda out: out), bare)
    fit(make(pack), packed)
    assert_array_equal(packed.confidence, bare.confidence)
