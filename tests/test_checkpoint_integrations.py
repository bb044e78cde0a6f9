"""Checkpoints of other frameworks: a training that resumes has the map of one that did not stop."""

import os
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto._maps._fields import MAP_STATISTICS as FIELDS
from sklearn_carto.exceptions import MissingEpochsWarning

N, K, EPOCHS, SIZE = 60, 3, 5, 15
X = np.random.RandomState(0).normal(size=(N, 6)).astype(np.float32)
Y = (np.arange(N) * 7) % K


class StopError(Exception):
    """The end of a process."""


def assert_same_maps(callback, expected):
    for name in FIELDS:
        own, other = (getattr(one.data_map_, name) for one in (callback, expected))
        assert_array_equal(own, other, err_msg=name)
    assert callback.data_map_.n_epochs == expected.data_map_.n_epochs == EPOCHS


def assert_same_weights(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a, b)


# Keras


@pytest.fixture
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


def fit_keras(keras, order, folder=None, stop_at=None, initial_epoch=0, state=None, weights=None,
              **options):  # fmt: skip
    from sklearn_carto.integrations.keras import DataMapCallback

    class Stops(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == stop_at:
                raise StopError

    keras.utils.set_random_seed(0)
    layers = [keras.Input((6,)), keras.layers.Dense(8, activation="relu")]
    layers += [keras.layers.BatchNormalization(), keras.layers.Dense(K, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    ours = DataMapCallback((X, Y), **options)
    if state is not None:
        ours.load_state_dict(state)
        model.optimizer.build(model.trainable_variables)
        model.load_weights(weights)
    callbacks = {"ours": ours, "stops": Stops()}
    if folder is not None:
        callbacks["backup"] = keras.callbacks.BackupAndRestore(folder)
    callbacks = [callbacks[name] for name in order if name in callbacks]
    try:
        model.fit(
            X, Y, batch_size=SIZE, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=callbacks,
            initial_epoch=initial_epoch,
        )  # fmt: skip
    except StopError:
        assert stop_at is not None
    return [np.array(w) for w in model.get_weights()], ours, model


ORDERS = [("ours", "backup", "stops"), ("backup", "ours", "stops"), ("stops", "backup", "ours")]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("keep_history", [True, False])
def test_a_backup_of_keras_holds_the_recording(order, keep_history, keras, tmp_path):
    weights, expected, _ = fit_keras(keras, order, keep_history=keep_history)
    folder = tmp_path / "backup"
    fit_keras(keras, order, folder, stop_at=3, keep_history=keep_history)
    assert sorted(path.name for path in folder.glob("*.npz")) == [
        "training_dynamics-2.npz",
        "training_dynamics-3.npz",
    ]
    again, callback, _ = fit_keras(keras, order, folder, keep_history=keep_history)
    assert_same_weights(again, weights)
    assert_same_maps(callback, expected)
    assert not folder.exists()  # as Keras leaves it


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_ends_around_a_backup_loses_no_epoch(when, keras, tmp_path, monkeypatch):
    order = ("backup", "ours", "stops")
    weights, expected, _ = fit_keras(keras, order)
    save = keras.callbacks.BackupAndRestore._save_model
    saved = []

    def fails(self):
        if len(saved) < 3 or when == "after":
            save(self)
        saved.append(1)
        if len(saved) == 4:
            raise StopError

    monkeypatch.setattr(keras.callbacks.BackupAndRestore, "_save_model", fails)
    fit_keras(keras, order, tmp_path / "backup", stop_at=-1)
    monkeypatch.undo()
    again, callback, _ = fit_keras(keras, order, tmp_path / "backup")
    assert_same_weights(again, weights)
    assert_same_maps(callback, expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_backup_without_a_recording_is_a_warning_and_one_of_other_rows_an_error(keras, tmp_path):
    folder = tmp_path / "backup"
    fit_keras(keras, ("backup", "stops"), folder, stop_at=3)
    with pytest.warns(MissingEpochsWarning, match="no recording of the first 3 epochs"):
        _, callback, _ = fit_keras(keras, ORDERS[0], folder)
    assert callback.data_map_.n_epochs == EPOCHS - 3
    fit_keras(keras, ORDERS[0], folder, stop_at=3)
    with pytest.raises(ValueError, match="differs in keep_history"):
        fit_keras(keras, ORDERS[0], folder, keep_history=False)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_weights_and_states_of_keras_that_are_saved_by_hand_resume(keras, tmp_path):
    weights, expected, _ = fit_keras(keras, ORDERS[0])
    _, callback, model = fit_keras(keras, ORDERS[0], stop_at=2)
    path = str(tmp_path / "model.weights.h5")
    model.save_weights(path)
    again, resumed, _ = fit_keras(
        keras, ORDERS[0], initial_epoch=2, state=callback.state_dict(), weights=path
    )
    assert_same_weights(again, weights)
    assert_same_maps(resumed, expected)


# Lightning


def fit_lightning(folder=None, stop_at=None, resume=None):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning = pytest.importorskip("lightning.pytorch")
    from sklearn_carto.integrations.lightning import DataMapCallback

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            parts = torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.3)
            self.net = torch.nn.Sequential(*parts, torch.nn.Linear(8, K))

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, i):
            torch.manual_seed(self.global_step)  # which checkpoints of Lightning do not hold
            return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

        def on_train_epoch_start(self):
            if self.current_epoch == stop_at:
                raise StopError

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.05)

    torch.manual_seed(0)
    model, ours = Model(), DataMapCallback()
    callbacks = [ours]
    if folder is not None:
        callbacks.append(
            lightning.callbacks.ModelCheckpoint(folder, save_last=True, every_n_epochs=1)
        )
    quiet = dict.fromkeys(["enable_progress_bar", "enable_model_summary", "logger"], False)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", callbacks=callbacks,
        enable_checkpointing=folder is not None, **quiet,
    )  # fmt: skip
    rows = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    try:
        loader = torch.utils.data.DataLoader(rows, SIZE)
        trainer.fit(model, loader, ckpt_path=resume)
    except StopError:
        assert stop_at is not None
    return [value.numpy().copy() for value in model.state_dict().values()], ours


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_a_checkpoint_of_lightning_holds_the_recording(tmp_path):
    weights, expected = fit_lightning()
    fit_lightning(tmp_path, stop_at=3)
    again, callback = fit_lightning(tmp_path, resume=str(tmp_path / "last.ckpt"))
    assert_same_weights(again, weights)
    assert_same_maps(callback, expected)


# Hugging Face Trainer


def fit_trainer(folder, stop_at=None, resume=None):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from sklearn_carto.integrations.transformers import DataMapCallback

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            parts = torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.3)
            self.net = torch.nn.Sequential(*parts, torch.nn.Linear(8, K))

        def forward(self, x, labels=None):
            logits = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return N

        def __getitem__(self, i):
            return {"x": X[i], "labels": int(Y[i])}

    class Stops(transformers.TrainerCallback):
        def on_epoch_begin(self, args, state, control, **kwargs):
            if round(state.epoch) == stop_at:
                raise StopError

    torch.manual_seed(0)
    model, ours = Model(), DataMapCallback()
    arguments = transformers.TrainingArguments(
        str(folder), num_train_epochs=EPOCHS, per_device_train_batch_size=SIZE, seed=7,
        save_strategy="epoch", report_to="none", use_cpu=True, disable_tqdm=True,
        learning_rate=0.05, logging_strategy="no",
    )  # fmt: skip
    trainer = transformers.Trainer(
        model, arguments, train_dataset=Rows(), callbacks=[ours, Stops()]
    )
    try:
        trainer.train(resume_from_checkpoint=resume)
    except StopError:
        assert stop_at is not None
    return [value.numpy().copy() for value in model.state_dict().values()], ours


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_a_checkpoint_of_the_trainer_holds_the_recording(tmp_path):
    weights, expected = fit_trainer(tmp_path / "whole")
    fit_trainer(tmp_path / "stopped", stop_at=3)
    again, callback = fit_trainer(tmp_path / "stopped", resume=True)
    assert_same_weights(again, weights)
    assert_same_maps(callback, expected)
