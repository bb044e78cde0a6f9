"""Each callback writes the log of its training, and a training is the same with and without it."""

import os
from tempfile import mkdtemp

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from test_callback_parameters import ALL, FIT, X, Y, make

pytest.importorskip("pyarrow")

from sklearn_carto import CartographyClassifier, DataMap
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import LogConflictError
from sklearn_carto.logs import read_dynamics

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning"),
]


def fit_transformers(callback, checkpoint=None, **options):
    """Train a head on the rows by the Trainer of Hugging Face."""
    options = {"output_dir": mkdtemp(), **options}
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, x, labels):
            logits = self.layer(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    settings = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "use_cpu": True}
    settings |= {"num_train_epochs": 3, "logging_strategy": "no", "learning_rate": 0.1}
    rows = [{"x": torch.as_tensor(X[i]), "labels": int(Y[i])} for i in range(len(Y))]
    arguments = transformers.TrainingArguments(**settings | options)
    trainer = transformers.Trainer(Model(), arguments, train_dataset=rows, callbacks=[callback])
    trainer.train(resume_from_checkpoint=checkpoint)
    return callback


def fit_skorch(callback):
    torch, skorch = pytest.importorskip("torch"), pytest.importorskip("skorch")
    torch.manual_seed(0)
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=4, module__out_features=3, max_epochs=3, lr=0.5,
        criterion=torch.nn.CrossEntropyLoss, callbacks=[callback], verbose=0, batch_size=8,
        train_split=None,
    )  # fmt: skip
    net.fit(X, Y)
    return callback


FITS = {**FIT, "skorch": fit_skorch, "transformers": fit_transformers}
FRAMEWORKS = [*ALL, "skorch"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_log_of_a_callback_is_what_it_recorded(framework, tmp_path):
    ids = [f"row {i}" for i in range(len(Y))]
    callback = FITS[framework](make(framework, log=tmp_path, sample_ids=ids))
    read, recorded = read_dynamics(tmp_path), callback.dynamics_
    assert read.sample_ids.tolist() == ids
    assert (read.record, read.margin_from) == (recorded.record, recorded.margin_from)
    assert_array_equal(read.labels, recorded.labels)
    assert_array_equal(read.true_proba, recorded.true_proba)
    maps = DataMap.from_dynamics(read), callback.data_map_
    for name in STATISTICS:
        assert_array_equal(*(getattr(one, name) for one in maps))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_log_does_not_change_what_a_callback_records(framework, tmp_path):
    if framework in ("lightning", "keras", "transformers", "skorch"):
        import torch

        torch.manual_seed(1)
    logged = FITS[framework](make(framework, log=tmp_path))
    if framework in ("lightning", "keras", "transformers", "skorch"):
        torch.manual_seed(1)
    plain = FITS[framework](make(framework))
    assert_array_equal(logged.dynamics_.true_proba, plain.dynamics_.true_proba)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_log_of_another_training_is_an_error_before_an_epoch_is_spent(framework, tmp_path):
    FITS[framework](make(framework, log=tmp_path))
    before = sorted(os.listdir(tmp_path))
    again = make(framework, log=tmp_path)
    with pytest.raises(LogConflictError, match="holds the log of another run, of"):
        FITS[framework](again)
    assert not hasattr(again, "data_map_")
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("value", [3, True, [], object()], ids=["number", "flag", "list", "object"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_log_is_the_path_of_a_folder(framework, value):
    with pytest.raises(InvalidParameterError, match="'log' parameter of DataMapCallback"):
        FITS[framework](make(framework, log=value))


@pytest.mark.parametrize("framework", ["keras", "skorch"])
def test_a_callback_whose_state_was_loaded_continues_its_log(framework, tmp_path):
    first = FITS[framework](make(framework, log=tmp_path))
    second = make(framework, log=tmp_path)
    second.load_state_dict(first.state_dict())
    FITS[framework](second)
    assert second.dynamics_.n_epochs == 6
    assert_array_equal(read_dynamics(tmp_path).true_proba, second.dynamics_.true_proba)


def test_a_trainer_that_resumes_within_an_epoch_continues_its_log(tmp_path):
    # version 4 shuffles the rest of such an epoch as that of the first one, recorded or not
    pytest.importorskip("transformers", minversion="5")
    options = {"output_dir": str(tmp_path / "out"), "save_strategy": "steps", "save_steps": 4}
    first = fit_transformers(make("transformers", log=tmp_path / "log"), **options)
    assert first.dynamics_.n_epochs == 3
    last = tmp_path / "out" / "checkpoint-4"  # three steps are an epoch
    second = fit_transformers(make("transformers", log=tmp_path / "log"), str(last), **options)
    assert_array_equal(second.dynamics_.true_proba, first.dynamics_.true_proba)
    assert_array_equal(read_dynamics(tmp_path / "log").true_proba, first.dynamics_.true_proba)


@pytest.mark.parametrize("record", ["training", "epoch_end"])
def test_a_net_logs_its_held_out_rows_and_either_kind_of_record(record, tmp_path):
    torch, skorch = pytest.importorskip("torch"), pytest.importorskip("skorch")
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear, module__in_features=4, module__out_features=3, max_epochs=3, lr=0.5,
        criterion=torch.nn.CrossEntropyLoss, verbose=0, batch_size=8, iterator_train__shuffle=True,
        train_split=skorch.dataset.ValidSplit(3),
    )  # fmt: skip
    model = CartographyClassifier(net, record=record, random_state=0, log=tmp_path).fit(X, Y)
    read = read_dynamics(tmp_path)
    assert 0 < read.held_out_mask.sum() < len(Y)
    assert_array_equal(read.held_out_mask, model.dynamics_.held_out_mask)
    assert_array_equal(read.true_proba, model.dynamics_.true_proba)
    assert np.isfinite(read.loss).all()
    assert read.record == record
