"""Recording changes nothing, and the map holds what the model put out for each row.

Each trainer is run bare, with a callback that does nothing, and with the recording; weights and
random generators are compared bit for bit. Rows carry their number as their first feature, by which
the model itself logs its outputs: the map must agree with this log.
"""

import contextlib
import os
import random
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from sklearn_carto import CartographyClassifier
from sklearn_carto.exceptions import (
    MissingEpochsWarning,
    SampleAlignmentError,
)

N, K, EPOCHS, SIZE = 26, 3, 3, 8
PER_EPOCH = -(-N // SIZE)
RNG = np.random.RandomState(0)
X = np.column_stack([np.arange(N), RNG.normal(size=(N, 4))]).astype(np.float32)
Y = RNG.randint(K, size=N)

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:lightning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings(
        "ignore:.*TrainerState|.*trainer_state", "ignore::UserWarning:torch"
    ),
]

try:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset, Sampler, default_collate
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="needs torch")

if torch is not None:

    class Rows(Dataset):
        """Rows whose first feature is their number."""

        def __init__(self, as_mapping=False):
            self.as_mapping = as_mapping

        def __len__(self):
            return N

        def __getitem__(self, i):
            row = {"x": X[i], "labels": int(Y[i]), "name": f"row {i}", "number": 100 + i}
            return row if self.as_mapping else (row["x"], row["labels"])

    class Net(nn.Module):
        """Log each training output by the number that the row itself carries."""

        def __init__(self, dropout=0.2):
            super().__init__()
            torch.manual_seed(1)
            self.net = nn.Sequential(nn.Linear(4, 6), nn.Dropout(dropout), nn.Linear(6, K))
            self.log = []

        def forward(self, x):
            logits = self.net(x[:, 1:])
            if self.training:
                numbers = x[:, 0].detach().long().tolist()
                self.log.append((numbers, torch.softmax(logits.detach(), dim=1).numpy()))
            return logits

    class SeededByEpoch(Sampler):
        epoch = 0

        def set_epoch(self, epoch):
            self.epoch = epoch

        def __len__(self):
            return N

        def __iter__(self):
            generator = torch.Generator().manual_seed(self.epoch)
            return iter(torch.randperm(N, generator=generator).tolist())

    class Resumable(DataLoader):
        """A loader that a checkpoint continues within an epoch."""

        n_done = n_skipped = 0

        def state_dict(self):
            return {"n_done": self.n_done % len(self)}

        def load_state_dict(self, state):
            self.n_skipped = state["n_done"]

        def __iter__(self):
            self.n_done, self.n_skipped = self.n_skipped, 0
            n_skipped = self.n_done
            for i, batch in enumerate(super().__iter__()):
                if i >= n_skipped:
                    self.n_done += 1
                    yield batch


def logged(log, n_epochs=EPOCHS, per_epoch=PER_EPOCH):
    """Probability of each row's label in each epoch, by the first output for it; else NaN."""
    p = np.full((N, n_epochs), np.nan)
    for i, (numbers, proba) in enumerate(log):
        for number, row in zip(numbers, proba, strict=True):
            if np.isnan(p[number, i // per_epoch]):
                p[number, i // per_epoch] = row[Y[number]]
    return p


def sorting(rows):
    """Collate rows, sorted by their second feature."""

    def second(row):
        return float((row["x"] if isinstance(row, dict) else row[0])[1])

    return default_collate(sorted(rows, key=second))


def with_replacement():
    generator = torch.Generator().manual_seed(3)
    return torch.utils.data.WeightedRandomSampler(np.arange(N) + 1.0, N, generator=generator)


def seeded():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    if torch is not None:
        torch.manual_seed(0)


def generators():
    """States of the global generators."""
    states = [np.array(random.getstate()[1]), np.random.get_state()[1]]  # noqa: NPY002
    return states if torch is None else [*states, torch.get_rng_state().numpy()]


# Each trainer: train(kind, **options) with kind "bare", "no-op" or "ours" returns the weights and
# the callback, a recorder or None, and the log.


def train_loop(kind, workers=0, sampler=None, collate_fn=None, **given):
    """A torch loop written by hand."""
    from sklearn_carto.integrations.torch import DynamicsRecorder

    model = Net()
    recorder = DynamicsRecorder(N, labels=Y, n_epochs=EPOCHS) if kind == "ours" else None
    loader = DataLoader(
        Rows(), SIZE, shuffle=None if sampler else True, sampler=sampler, num_workers=workers,
        collate_fn=collate_fn, persistent_workers=workers > 0,
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seeded()
    for _ in range(EPOCHS):
        for x, y in loader:
            logits = model(x)
            if recorder is not None:
                recorder.update(x[:, 0].long(), logits, y)
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits, y).backward()
            optimizer.step()
        if recorder is not None:
            recorder.end_epoch()
    return weights_of(model), recorder and Recorded(recorder), model.log


class Recorded:
    """A recorder as if it were a callback."""

    def __init__(self, recorder):
        self.dynamics_, self.data_map_ = recorder.dynamics, recorder.data_map()


def train_skorch(
    kind, record="training", workers=0, sampler=None, collate_fn=None, load=(), callbacks=(),
    max_epochs=EPOCHS, rows=None, state=None,
):  # fmt: skip
    skorch = pytest.importorskip("skorch")
    from sklearn_carto.integrations.skorch import DataMapCallback

    params = {"iterator_train__shuffle": True} if sampler is None else {}
    params |= {"iterator_train__sampler": sampler} if sampler else {}
    params |= {"iterator_train__collate_fn": collate_fn} if collate_fn else {}
    if workers:
        params |= {"iterator_train__num_workers": workers}
        params |= {"iterator_train__persistent_workers": True}
    ours = {"bare": None, "no-op": skorch.callbacks.Callback(), "ours": DataMapCallback(record)}[
        kind
    ]
    if state is not None:
        ours.load_state_dict(state)
    own = [] if ours is None else [("own", ours)]
    model = Net()
    net = skorch.NeuralNetClassifier(
        model, criterion=nn.CrossEntropyLoss, max_epochs=max_epochs, batch_size=SIZE, lr=0.1,
        verbose=0, train_split=None, callbacks=[*callbacks, *own, *load], **params,
    )  # fmt: skip
    seeded()
    net.fit(X if rows is None else rows, Y)
    return weights_of(net.module_), ours if kind == "ours" else None, net.module_.log


def train_trainer(
    kind, folder=None, workers=0, sampler=None, collate_fn=None, resume=None, dropout=0.2,
    ours=None, trainer=None, rows=None, **options,
):  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from sklearn_carto.integrations.transformers import DataMapCallback

    class Model(Net):
        def forward(self, x, labels=None):
            logits = super().forward(x)
            loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
            return {"loss": loss, "logits": logits}

    class Sampled(transformers.Trainer if trainer is None else trainer(transformers.Trainer)):
        def _get_train_sampler(self, *args):
            return sampler

    base = Sampled if sampler is not None or trainer is not None else transformers.Trainer
    if sampler is None and trainer is not None:
        base = trainer(transformers.Trainer)
    settings = {"num_train_epochs": EPOCHS, "per_device_train_batch_size": SIZE, "seed": 7}
    settings |= {"report_to": "none", "use_cpu": True, "disable_tqdm": True}
    settings |= {"logging_strategy": "no", "save_strategy": "no", "learning_rate": 0.1}
    settings |= {"dataloader_num_workers": workers, "dataloader_persistent_workers": workers > 0}
    ours = DataMapCallback() if ours is None else ours
    callback = {"bare": None, "no-op": transformers.TrainerCallback(), "ours": ours}[kind]
    model = Model(dropout)
    seeded()
    runs = base(
        model,
        transformers.TrainingArguments(str(folder), **settings | options),
        train_dataset=Rows(as_mapping=True) if rows is None else rows,
        data_collator=collate_fn,
        callbacks=[] if callback is None else [callback],
    )
    runs.train(resume_from_checkpoint=resume and str(resume))
    return weights_of(model), ours if kind == "ours" else None, model.log


def train_lightning(
    kind, folder=None, workers=0, sampler=None, collate_fn=None, resume=None, dropout=0.2,
    ours=None, loader=None, **options,
):  # fmt: skip
    import logging

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning = pytest.importorskip("lightning.pytorch")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    from sklearn_carto.integrations.lightning import DataMapCallback

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.inner = Net(dropout)

        def forward(self, x):
            return self.inner(x)

        def training_step(self, batch, i):
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        if options.get("validation") is not None:

            def validation_step(self, batch, i):
                self(batch[0])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    ours = DataMapCallback() if ours is None else ours
    callbacks = {"bare": [], "no-op": [lightning.Callback()], "ours": [ours]}[kind]
    if folder is not None:
        saves = lightning.callbacks.ModelCheckpoint(
            folder, filename="{step}", every_n_train_steps=1, save_top_k=-1
        )
        callbacks.append(saves)
    if loader is None:
        loader = DataLoader(
            Rows(), SIZE, shuffle=None if sampler else True, sampler=sampler, num_workers=workers,
            collate_fn=collate_fn, persistent_workers=workers > 0,
        )  # fmt: skip
    settings = {"max_epochs": EPOCHS, "accelerator": "cpu", "logger": False}
    settings |= dict.fromkeys(["enable_progress_bar", "enable_model_summary"], False)
    settings |= {"enable_checkpointing": folder is not None, "num_sanity_val_steps": 0}
    validation = options.pop("validation", None)
    model, trainer = Model(), lightning.Trainer(**settings | options, callbacks=callbacks)
    seeded()
    trainer.fit(model, loader, validation, ckpt_path=resume)
    return weights_of(model), ours if kind == "ours" else None, model.inner.log


def weights_of(model):
    return [value.numpy().copy() for value in model.state_dict().values()]


LOADER_TRAINERS = {
    "loop": train_loop,
    "skorch": train_skorch,
    "skorch, evaluated": lambda kind, folder=None, **o: train_skorch(kind, "epoch_end", **o),
    "Trainer": train_trainer,
    "Lightning": train_lightning,
}


def run(trainer, kind, tmp_path, **options):
    with_folder = {"folder": tmp_path} if trainer == "Trainer" else {}
    result = LOADER_TRAINERS[trainer](kind, **options, **with_folder)
    return *result, generators()


@needs_torch
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.UnseenSamplesWarning")
@pytest.mark.parametrize("options", [{}, {"workers": 2}, {"sampler": True}], ids=str)
@pytest.mark.parametrize("trainer", LOADER_TRAINERS)
def test_a_recorded_training_is_the_bare_one_and_the_map_is_what_the_model_put_out(
    trainer, options, tmp_path
):
    def options_of_run():
        return options | ({"sampler": with_replacement()} if "sampler" in options else {})

    bare, _, log, states = run(trainer, "bare", tmp_path, **options_of_run())
    idle, _, _, idle_states = run(trainer, "no-op", tmp_path, **options_of_run())
    ours, callback, _, our_states = run(trainer, "ours", tmp_path, **options_of_run())
    for one, other in ((idle, bare), (ours, bare), (idle_states, states), (our_states, states)):
        for a, b in zip(one, other, strict=True):
            assert_array_equal(a, b)
    if trainer != "skorch, evaluated":
        assert_allclose(callback.dynamics_.true_proba, logged(log), atol=1e-6)
        assert_array_equal(callback.data_map_.labels, Y)


@needs_torch
@pytest.mark.parametrize("trainer", LOADER_TRAINERS)
def test_a_collate_function_that_sorts_is_an_error_or_gives_the_right_map(trainer, tmp_path):
    error = contextlib.nullcontext()
    if trainer not in ("loop", "skorch, evaluated"):  # these know rows by their numbers, or order
        error = pytest.raises(SampleAlignmentError, match="order")
    with error:
        _, callback, log, _ = run(trainer, "ours", tmp_path, collate_fn=sorting)
        if trainer == "loop":
            assert_allclose(callback.dynamics_.true_proba, logged(log), atol=1e-6)


# -- resumed from a checkpoint --------------------------------------------------------------------


def assert_same_map(found, expected):
    assert found.n_epochs == expected.n_epochs
    names = (
        "confidence",
        "variability",
        "correctness",
        "forgetting",
        "aum",
        "el2n",
        "dual",
        "loss",
    )
    for name in names:
        assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-5, err_msg=name)


def same_weights(one, other):
    return all(map(np.array_equal, one, other))


TRAINER_OPTIONS = {
    "plain": {},
    "workers": {"workers": 2},
    "accumulated, dispatched": {
        "gradient_accumulation_steps": 2,
        "accelerator_config": {"dispatch_batches": True},
    },
    "split": {"accelerator_config": {"split_batches": True, "even_batches": False}},
    "unseeded": {"accelerator_config": {"use_seedable_sampler": False}},
}


@needs_torch
@pytest.mark.parametrize("options", TRAINER_OPTIONS.values(), ids=TRAINER_OPTIONS)
def test_a_trainer_that_resumes_trains_as_without_and_maps_the_whole_run(options, tmp_path):
    whole_weights, whole, log = train_trainer(
        "ours", tmp_path, save_strategy="steps", save_steps=1, **options
    )
    per_epoch = -(-PER_EPOCH // options.get("gradient_accumulation_steps", 1))
    for step in (per_epoch, per_epoch + 1):  # at the end of an epoch, and within the next
        resume = tmp_path / f"checkpoint-{step}"
        idle, _, idle_log = train_trainer("no-op", tmp_path, resume=resume, **options)
        states = generators()
        ours, callback, our_log = train_trainer("ours", tmp_path, resume=resume, **options)
        assert [numbers for numbers, _ in our_log] == [numbers for numbers, _ in idle_log]
        assert same_weights(ours, idle)
        assert same_weights(generators(), states)
        assert callback.data_map_.n_epochs == EPOCHS
        if same_weights(idle, whole_weights):  # the Trainer does not always continue exactly
            assert_same_map(callback.data_map_, whole.data_map_)
        else:
            done = log[: len(log) - len(our_log)]
            assert_allclose(callback.dynamics_.true_proba, logged(done + our_log), atol=1e-6)


LOADERS = {
    "shuffled": lambda: DataLoader(Rows(), SIZE, shuffle=True),
    "seeded by epoch": lambda: DataLoader(Rows(), SIZE, sampler=SeededByEpoch()),
    "resumable": lambda: Resumable(Rows(), SIZE, sampler=SeededByEpoch()),
    "resumable, workers": lambda: Resumable(Rows(), SIZE, sampler=SeededByEpoch(), num_workers=2),
}


@needs_torch
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_a_lightning_fit_that_resumes_trains_as_without_and_maps_the_whole_run(loader, tmp_path):
    whole_weights, whole, log = train_lightning("ours", tmp_path, loader=loader(), dropout=0.0)
    for step in (PER_EPOCH, PER_EPOCH + 1, EPOCHS * PER_EPOCH):
        given = {"resume": tmp_path / f"step={step}.ckpt", "dropout": 0.0}
        idle, _, idle_log = train_lightning("no-op", loader=loader(), **given)
        states = generators()
        ours, callback, our_log = train_lightning("ours", loader=loader(), **given)
        assert [numbers for numbers, _ in our_log] == [numbers for numbers, _ in idle_log]
        assert same_weights(ours, idle)
        assert same_weights(generators(), states)
        if same_weights(idle, whole_weights):
            assert_same_map(callback.data_map_, whole.data_map_)
        else:
            done = log[: len(log) - len(our_log)]
            assert_allclose(callback.dynamics_.true_proba, logged(done + our_log), atol=1e-6)


@needs_torch
def test_a_net_that_loads_a_checkpoint_trains_as_without_and_continues_a_state(tmp_path):
    callbacks = pytest.importorskip("skorch.callbacks")

    def saves():
        return callbacks.Checkpoint(dirname=tmp_path, monitor=None)

    _, first, _ = train_skorch("ours", callbacks=[("saves", saves())], max_epochs=2)
    load = [("load", callbacks.LoadInitState(saves()))]
    idle, _, _ = train_skorch("no-op", load=load, max_epochs=1)
    states = generators()
    ours, again, _ = train_skorch("ours", load=load, max_epochs=1, state=first.state_dict())
    assert same_weights(ours, idle)
    assert same_weights(generators(), states)
    assert_array_equal(again.dynamics_.true_proba[:, :2], first.dynamics_.true_proba)
    assert again.data_map_.n_epochs == 3


@needs_torch
@pytest.mark.parametrize("trainer", ["Trainer", "Lightning"])
def test_the_state_of_other_rows_or_settings_is_refused_before_the_training(trainer, tmp_path):
    if trainer == "Trainer":
        module = pytest.importorskip("sklearn_carto.integrations.transformers")
        train_trainer("ours", tmp_path, save_strategy="epoch")
        checkpoint, train = tmp_path / f"checkpoint-{PER_EPOCH}", train_trainer
    else:
        module = pytest.importorskip("sklearn_carto.integrations.lightning")
        train_lightning("ours", tmp_path)
        checkpoint, train = tmp_path / f"step={PER_EPOCH}.ckpt", train_lightning
    ids = [f"row {i}" for i in range(N)]
    for what, value in (("labels", (Y + 1) % K), ("keep_history", False), ("sample_ids", ids)):
        callback = module.DataMapCallback(**{what: value})
        message = f"same rows, labels and settings.*differs in .*{what}"
        with pytest.raises(ValueError, match=message):
            train("ours", tmp_path, resume=checkpoint, ours=callback)


@needs_torch
@pytest.mark.filterwarnings("ignore:Checkpoint directory")
@pytest.mark.parametrize("trainer", ["Trainer", "Lightning"])
def test_a_checkpoint_without_a_recording_draws_a_warning(trainer, tmp_path):
    if trainer == "Trainer":
        train_trainer("no-op", tmp_path, save_strategy="epoch")
        checkpoint, train = tmp_path / f"checkpoint-{PER_EPOCH}", train_trainer
    else:
        train_lightning("no-op", tmp_path)
        checkpoint, train = tmp_path / f"step={PER_EPOCH}.ckpt", train_lightning
    with pytest.warns(MissingEpochsWarning, match="covers the epochs from here on"):
        _, callback, _ = train("ours", tmp_path, resume=checkpoint)
    assert callback.data_map_.n_epochs == EPOCHS - 1


# -- rows, labels and names -----------------------------------------------------------------------


@needs_torch
def test_a_validation_pass_over_the_same_loader_leaves_the_map_as_it_is():
    loader = DataLoader(Rows(), SIZE, shuffle=True)
    options = {"loader": loader, "validation": loader, "val_check_interval": 0.5}
    _, callback, log = train_lightning("ours", **options)
    assert_allclose(callback.dynamics_.true_proba, logged(log), atol=1e-6)


def none_for_some(rows):
    """Collate all rows but those of a batch with row 5."""
    return None if any(row[0][0] == 5 for row in rows) else default_collate(rows)


@needs_torch
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_batches_that_are_none_shift_no_other():
    _, callback, log = train_lightning("ours", collate_fn=none_for_some)
    numbers = {number for batch, _ in log for number in batch}
    seen = callback.dynamics_.n_seen
    assert seen[5] == 0
    assert 5 not in numbers
    by_row = {number: [] for number in range(N)}
    for batch, proba in log:
        for number, row in zip(batch, proba, strict=True):
            by_row[number].append(row[Y[number]])
    for number, values in by_row.items():
        assert_array_equal(seen[number], len(values))
        if values:
            assert_allclose(callback.data_map_.confidence[number], np.mean(values), atol=1e-6)


def popping(base):
    class Pops(base):
        """A loss that takes the labels out of the batch, as class weights and smoothing do."""

        def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            return nn.functional.cross_entropy(outputs["logits"], labels)

    return Pops


@needs_torch
def test_labels_that_the_loss_of_a_trainer_takes_out_are_compared(tmp_path):
    _, callback, log = train_trainer("ours", tmp_path, trainer=popping)
    assert_allclose(callback.dynamics_.true_proba, logged(log), atol=1e-6)
    with pytest.raises(SampleAlignmentError, match="order"):
        train_trainer("ours", tmp_path, trainer=popping, collate_fn=sorting)


@needs_torch
@pytest.mark.parametrize(
    ("kind", "column", "unused"),
    [("rows", "name", True), ("rows", "number", False), ("hugging face", "name", False),
     ("hugging face", "number", True)],
)  # fmt: skip
def test_a_column_names_the_rows_and_is_not_passed_to_the_model(kind, column, unused, tmp_path):
    module = pytest.importorskip("sklearn_carto.integrations.transformers")
    rows = Rows(as_mapping=True)
    if kind == "hugging face":
        rows = pytest.importorskip("datasets").Dataset.from_list(
            [{name: np.asarray(v).tolist() for name, v in rows[i].items()} for i in range(N)]
        )

    def collate(batch):
        used = [name for name in batch[0] if name in ("x", "labels", column)]
        columns = {name: [row[name] for row in batch] for name in used}
        text = ("name",)
        return {n: v if n in text else as_tensor(v) for n, v in columns.items()}

    def as_tensor(values):
        tensor = torch.as_tensor(np.asarray(values))
        return tensor.float() if tensor.is_floating_point() else tensor

    callback = module.DataMapCallback(sample_ids=column)
    train_trainer(
        "ours", tmp_path, ours=callback, rows=rows, collate_fn=collate, num_train_epochs=2,
        remove_unused_columns=unused,
    )  # fmt: skip
    expected = [f"row {i}" if column == "name" else 100 + i for i in range(N)]
    assert callback.data_map_.sample_ids.tolist() == expected


@needs_torch
def test_a_column_that_does_not_exist_is_an_error(tmp_path):
    module = pytest.importorskip("sklearn_carto.integrations.transformers")
    with pytest.raises(ValueError, match="'sample_ids' parameter .* name of a column.*'uid'"):
        train_trainer("ours", tmp_path, ours=module.DataMapCallback(sample_ids="uid"))


# -- trainers without a loader --------------------------------------------------------------------


def train_keras(kind, folder=None, stop_after=None, **options):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    from sklearn_carto.integrations.keras import DataMapCallback

    class Stops(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == stop_after:
                raise InterruptedError

    log = []

    class Evaluates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            outputs = self.model(X, training=False)
            log.append(keras.ops.convert_to_numpy(keras.ops.stop_gradient(outputs)).copy())

    ours = DataMapCallback((X, Y), batch_size=5, **options)
    callbacks = {"bare": [], "no-op": [keras.callbacks.Callback()], "ours": [ours, Evaluates()]}
    callbacks = callbacks[kind]
    if folder is not None:
        backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
        callbacks = [*callbacks, backup, Stops()]
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(K, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    seeded()
    with contextlib.suppress(InterruptedError):
        model.fit(X, Y, batch_size=SIZE, epochs=EPOCHS, verbose=0, callbacks=callbacks)
    return [np.array(w) for w in model.get_weights()], ours, log


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.MissingEpochsWarning")
@pytest.mark.parametrize("resumed", [False, True])
def test_a_keras_model_trains_as_without_and_the_map_is_what_it_puts_out(resumed, tmp_path):
    def train(kind):
        if not resumed:
            return train_keras(kind)
        folder = tmp_path / kind
        train_keras("no-op", folder, stop_after=1)
        return train_keras(kind, folder)

    results = {}
    for kind in ("bare", "no-op", "ours"):
        results[kind] = (*train(kind), generators())
    for kind in ("no-op", "ours"):
        for a, b in zip(results[kind][0], results["bare"][0], strict=True):
            assert_array_equal(a, b)
        assert same_weights(results[kind][3], results["bare"][3])
    _, callback, log, _ = results["ours"]
    p = np.stack([proba[np.arange(N), Y] for proba in log], axis=1)
    assert p.shape[1] == EPOCHS - resumed
    assert_allclose(callback.dynamics_.true_proba, p, atol=1e-6)


def boosters():
    def xgboost(init=None):
        model = pytest.importorskip("xgboost").XGBClassifier(
            n_estimators=4, subsample=0.5, max_depth=2, random_state=0, n_jobs=1
        )
        return model, {"xgb_model": init}

    def lightgbm(init=None):
        model = pytest.importorskip("lightgbm").LGBMClassifier(
            n_estimators=4, subsample=0.5, subsample_freq=1, min_child_samples=2, random_state=0,
            n_jobs=1, verbose=-1,
        )  # fmt: skip
        return model, {"init_model": init}

    def catboost(init=None):
        model = pytest.importorskip("catboost").CatBoostClassifier(
            iterations=4, subsample=0.5, bootstrap_type="Bernoulli", depth=2, verbose=0,
            random_seed=0, thread_count=1, allow_writing_files=False,
        )  # fmt: skip
        return model, {"init_model": init}

    return {"XGBoost": xgboost, "LightGBM": lightgbm, "CatBoost": catboost}


def raw_scores(model):
    name = type(model).__name__
    option = {"XGB": {"output_margin": True}, "LGB": {"raw_score": True}, "Cat": {}}[name[:3]]
    if name.startswith("Cat"):
        return model.predict(X, prediction_type="RawFormulaVal")
    return model.predict(X, **option)


@pytest.mark.parametrize("make", boosters().values(), ids=boosters())
def test_a_booster_trains_as_without(make):
    bare, _ = make()
    seeded()
    bare.fit(X, Y)
    states = generators()
    seeded()
    model = CartographyClassifier(make()[0]).fit(X, Y)
    assert_array_equal(raw_scores(model.estimator_), raw_scores(bare))
    assert same_weights(generators(), states)
    p = bare.predict_proba(X)[np.arange(N), Y]
    assert_allclose(model.dynamics_.true_proba[:, -1], p, atol=1e-5)


PARTIAL_FIT = {
    "SGD": SGDClassifier(loss="log_loss", alpha=0.1),
    "MLP": MLPClassifier((4,), batch_size=SIZE),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", PARTIAL_FIT.values(), ids=PARTIAL_FIT)
def test_partial_fit_trains_as_the_bare_loop_and_the_map_is_what_it_predicts(estimator):
    from sklearn.base import clone

    bare, p = clone(estimator).set_params(random_state=np.random.RandomState(4)), []
    seeded()
    for _ in range(EPOCHS):
        bare.partial_fit(X, Y, classes=np.arange(K))
        p.append(bare.predict_proba(X)[np.arange(N), Y])
    states = generators()
    seeded()
    ours = CartographyClassifier(clone(estimator), n_epochs=EPOCHS, random_state=None)
    ours.set_params(estimator__random_state=4).fit(X, Y)
    for a, b in zip(arrays_of(ours.estimator_), arrays_of(bare), strict=True):
        assert_array_equal(a, b)
    assert same_weights(generators(), states)
    assert_allclose(ours.dynamics_.true_proba, np.stack(p, axis=1), atol=1e-6)


def arrays_of(model):
    if hasattr(model, "coefs_"):
        return [*model.coefs_, *model.intercepts_]
    return [model.coef_, model.intercept_]
