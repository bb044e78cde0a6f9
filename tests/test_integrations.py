"""Laws of all watchers and callbacks: warnings, and that the map is made once."""

import os
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto import CartographyClassifier
from sklearn_carto.exceptions import CartographyWarning, DegenerateMapWarning, UnseenSamplesWarning

os.environ.setdefault("KERAS_BACKEND", "torch")
N = 10
X = np.random.RandomState(0).normal(size=(N, 4)).astype(np.float32)
Y = np.arange(N) % 2


def with_classifier(n_epochs):
    from sklearn.linear_model import SGDClassifier

    model = CartographyClassifier(SGDClassifier(loss="log_loss"), n_epochs=n_epochs)
    return model.fit(X, Y)


def with_sklearn(n_epochs):
    pytest.importorskip("sklearn.callback")
    from sklearn.linear_model import LogisticRegression

    from sklearn_carto.integrations.sklearn import DataMapCallback

    callback = DataMapCallback()
    model = LogisticRegression(max_iter=n_epochs).set_callbacks(callback)
    model.fit(X, Y)
    return callback


def with_keras(n_epochs):
    keras = pytest.importorskip("keras")
    from sklearn_carto.integrations.keras import DataMapCallback

    callback = DataMapCallback((X, Y))
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=n_epochs, verbose=0, callbacks=[callback])
    return callback


def with_skorch(n_epochs, drop_last=False):
    torch, skorch = pytest.importorskip("torch"), pytest.importorskip("skorch")
    from sklearn_carto.integrations.skorch import DataMapCallback

    callback = DataMapCallback()
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=2,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=n_epochs,
        batch_size=4,
        iterator_train__drop_last=drop_last,
        train_split=None,
        callbacks=[callback],
        verbose=0,
    )
    net.fit(X, Y)
    return callback


def with_lightning(n_epochs, drop_last=False):
    torch = pytest.importorskip("torch")
    lightning = pytest.importorskip("lightning.pytorch")
    from sklearn_carto.integrations.lightning import DataMapCallback

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 2)

        def forward(self, rows):
            return self.layer(rows)

        def training_step(self, batch, i):
            return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    callback = DataMapCallback()
    settings = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    settings |= {"enable_model_summary": False, "accelerator": "cpu", "callbacks": [callback]}
    rows = torch.utils.data.TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    loader = torch.utils.data.DataLoader(rows, 4, drop_last=drop_last)
    lightning.Trainer(max_epochs=n_epochs, **settings).fit(Model(), loader)
    return callback


def with_transformers(n_epochs, drop_last=False):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from tempfile import mkdtemp

    from sklearn_carto.integrations.transformers import DataMapCallback

    callback = DataMapCallback()
    sizes = {"vocab_size": 20, "dim": 8, "hidden_dim": 8, "n_layers": 1, "n_heads": 2}
    config = transformers.DistilBertConfig(**sizes)
    settings = {"report_to": "none", "save_strategy": "no", "use_cpu": True, "disable_tqdm": True}
    settings |= {"per_device_train_batch_size": 4, "num_train_epochs": n_epochs}
    transformers.Trainer(
        transformers.DistilBertForSequenceClassification(config),
        transformers.TrainingArguments(mkdtemp(), dataloader_drop_last=drop_last, **settings),
        train_dataset=[{"input_ids": [i, i + 1], "labels": i % 2} for i in range(N)],
        callbacks=[callback],
    ).train()
    return callback


def with_recorder(n_epochs, drop_last=False):
    from sklearn_carto.integrations.torch import DynamicsRecorder

    recorder = DynamicsRecorder(N, labels=Y, missing="nan")
    for _ in range(n_epochs):
        n_rows = 8 if drop_last else N
        recorder.update(np.arange(n_rows), X[:n_rows, :2])
        recorder.end_epoch()
    recorder.data_map()
    return recorder


CALLBACKS = [with_sklearn, with_keras, with_skorch, with_lightning, with_transformers]


def raised_by(route, *args):
    """Run a route, and list the library's warnings."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", CartographyWarning)
        result = route(*args)
    return result, raised


@pytest.mark.parametrize("route", [*CALLBACKS, with_classifier, with_recorder])
def test_an_uninformative_map_is_warned_of_once_at_the_line_of_the_user(route):
    _, raised = raised_by(route, 1)
    assert [one.category for one in raised] == [DegenerateMapWarning]
    assert "one epoch was recorded" in str(raised[0].message)
    assert raised[0].filename == __file__


@pytest.mark.parametrize("route", [with_skorch, with_lightning, with_transformers, with_recorder])
def test_unseen_samples_are_warned_of_once_at_the_line_of_the_user(route):
    _, raised = raised_by(route, 1, True)
    assert [one.category for one in raised] == [UnseenSamplesWarning, DegenerateMapWarning]
    assert {one.filename for one in raised} == {__file__}


@pytest.mark.parametrize("route", CALLBACKS)
def test_a_callback_makes_its_map_once_and_holds_its_statistics(route):
    callback, _ = raised_by(route, 3)
    data_map, raised = raised_by(lambda: callback.data_map_)
    assert not raised
    assert callback.data_map_ is data_map
    for name in ("confidence", "variability", "correctness"):
        assert_array_equal(getattr(callback, name), getattr(data_map, name))
