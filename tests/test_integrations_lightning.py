"""Lightning: the map is that of a naive loop over the same run, and the model trains as ever."""

import contextlib
import copy
import logging
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightning = pytest.importorskip("lightning.pytorch")

from torch import nn
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from sklearn_carto.exceptions import (
    DegenerateMapWarning,
    SampleAlignmentError,
    UnseenSamplesWarning,
)
from sklearn_carto.integrations.lightning import DataMapCallback
from two_ranks import assert_each_holds_all_rows, in_two_ranks

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:lightning", "ignore::FutureWarning")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

N, EPOCHS = 53, 4
X = torch.randn(N, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(N) % 3
ROWS = TensorDataset(X, Y)


class Model(lightning.LightningModule):
    def __init__(self, inner=False):
        super().__init__()
        torch.manual_seed(1)
        self.inner = inner
        self.net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
        self.expected = torch.full((N, EPOCHS), torch.nan)

    def forward(self, rows):
        return self.net(rows)

    def training_step(self, batch, i):
        rows, labels = batch
        output = self.net(rows) if self.inner else self(rows)
        proba = torch.softmax(output.detach(), dim=1)
        places = (X[:, None] == rows).all(dim=2).float().argmax(dim=0)  # by the rows themselves
        if self.current_epoch < EPOCHS:
            self.expected[places, self.current_epoch] = proba[torch.arange(len(labels)), labels]
        return nn.functional.cross_entropy(output, labels)

    def validation_step(self, batch, i):
        self.log("loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(*callbacks, model=None, loader=None, **options):
    model = Model() if model is None else model
    settings = {"max_epochs": EPOCHS, "accelerator": "cpu", "logger": False}
    settings |= {"enable_checkpointing": False, "enable_progress_bar": False}
    settings |= {"enable_model_summary": False, "callbacks": list(callbacks)}
    trainer = lightning.Trainer(**settings | options)
    loader = DataLoader(ROWS, 8, shuffle=True) if loader is None else loader
    torch.manual_seed(0)
    trainer.fit(model, loader, DataLoader(ROWS, 8))
    return model


@pytest.mark.parametrize("n_workers", [0, 2])
def test_map_equals_what_each_row_got_in_training(n_workers):
    callback = DataMapCallback()
    loader = DataLoader(ROWS, 8, shuffle=True, num_workers=n_workers)
    model = train(callback, loader=loader)
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)
    assert_allclose(
        callback.data_map_.variability, model.expected.std(dim=1, correction=0), atol=1e-6
    )
    assert callback.data_map_.record == "training"
    assert_array_equal(callback.data_map_.labels, Y)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_the_model_trains_as_without(n_workers):
    def weights(*callbacks):
        loader = DataLoader(ROWS, 8, shuffle=True, num_workers=n_workers)
        return train(*callbacks, loader=loader).net.state_dict()

    bare, watched = weights(), weights(DataMapCallback())
    for name, value in bare.items():
        assert_array_equal(value, watched[name])


@pytest.mark.parametrize("forward", [None, "net"])
def test_each_of_two_ranks_holds_the_map_of_all_rows(tmp_path, forward):
    in_two_ranks(partial(train_half, forward=forward), tmp_path)
    assert_each_holds_all_rows(tmp_path)


def train_half(rank, folder, forward):
    """Train on the rows of one rank, and save what the callback and what the model recorded."""
    callback = DataMapCallback(forward)
    model = train(callback, strategy="ddp", devices=2)
    np.save(folder / f"{rank}.npy", callback.dynamics_.true_proba)
    np.save(folder / f"expected{rank}.npy", model.expected.numpy())


def test_a_submodule_is_recorded_by_its_name():
    callback = DataMapCallback(forward="net")
    model = train(callback, model=Model(inner=True))
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)
    with pytest.raises(SampleAlignmentError, match=r"Model was not called.*forward='net'"):
        train(DataMapCallback(), model=Model(inner=True))


def test_a_second_training_starts_anew_and_leaves_no_hook():
    callback, model = DataMapCallback(), Model()
    train(callback, model=model)
    train(callback, model=model, max_epochs=2)
    assert callback.data_map_.n_epochs == 2
    assert not model._forward_hooks


def test_gradients_may_be_accumulated():
    callback = DataMapCallback()
    model = train(callback, accumulate_grad_batches=3)
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_labels_of_any_type_may_be_given():
    names = np.array(["oak", "ash", "elm"])
    callback, plain = DataMapCallback(labels=names[Y], classes=names), DataMapCallback()
    train(callback, plain)
    assert_array_equal(callback.data_map_.confidence, plain.data_map_.confidence)
    assert_array_equal(callback.data_map_.labels, names[Y])
    with pytest.raises(ValueError, match="one entry for each of the 53 rows"):
        train(DataMapCallback(labels=[0, 1]))


def test_rows_that_an_epoch_leaves_out_count_over_the_others():
    callback = DataMapCallback()
    model = train(callback, loader=DataLoader(ROWS, 8, shuffle=True, drop_last=True))
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)
    assert np.isnan(callback.dynamics_.true_proba).sum() == 5 * EPOCHS
    with pytest.warns(UnseenSamplesWarning, match="5 of 53 rows"):
        train(DataMapCallback(), loader=DataLoader(ROWS, 8, drop_last=True))
    callback = DataMapCallback()
    with pytest.warns(UnseenSamplesWarning):
        model = train(callback, limit_train_batches=0.6)
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_an_epoch_that_ends_early_is_left_out():
    callback = DataMapCallback()
    with pytest.warns(DegenerateMapWarning, match="one epoch was recorded"):
        model = train(callback, max_epochs=-1, max_steps=10)  # of 7 an epoch
    assert_allclose(callback.dynamics_.true_proba, model.expected[:, :1], atol=1e-6)


def test_a_failed_training_leaves_its_epochs():
    class Dies(Model):
        def training_step(self, batch, i):
            if self.current_epoch == 2:
                raise RuntimeError("out of luck")
            return super().training_step(batch, i)

    callback, model = DataMapCallback(), Dies()
    with pytest.raises(RuntimeError, match="out of luck"):
        train(callback, model=model)
    assert callback.data_map_.n_epochs == 2
    assert not model._forward_hooks


def test_the_length_of_the_training_may_be_requested_ahead():
    class Planned(Model):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            steps = self.trainer.estimated_stepping_batches  # makes the loader
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
            return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    for n_workers in (0, 2):
        callback = DataMapCallback()
        loader = DataLoader(ROWS, 8, shuffle=True, num_workers=n_workers)
        model = train(callback, model=Planned(), loader=loader)
        assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_batches_that_a_step_leaves_out_are_unseen_and_shift_no_other():
    class Skips(Model):
        def training_step(self, batch, i):
            return None if i == 2 else super().training_step(batch, i)

    callback = DataMapCallback()
    model = train(callback, model=Skips())
    assert model.expected.isnan().sum() == 8 * EPOCHS
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_of_an_optimizer_that_evaluates_again_the_first_output_counts():
    class Again(Model):
        def configure_optimizers(self):
            return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)

        def training_step(self, batch, i):
            before = self.expected.clone()
            loss = super().training_step(batch, i)
            self.expected = torch.where(before.isnan(), self.expected, before)
            return loss

    callback = DataMapCallback()
    model = train(callback, model=Again())
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_two_calls_in_one_step_are_an_error_and_not_a_wrong_map():
    class Twice(Model):
        def training_step(self, batch, i):
            return super().training_step(batch, i) + self(batch[0]).square().mean()

    model = Twice()
    with pytest.raises(SampleAlignmentError, match=r"called twice for one batch.*forward='net'"):
        train(DataMapCallback(), model=model)
    assert not model._forward_hooks


def test_a_loader_may_be_replaced_by_one_of_the_same_rows_alone():
    class Reloads(Model):
        def __init__(self, rows_of_epoch):
            super().__init__()
            self.rows_of_epoch = rows_of_epoch

        def train_dataloader(self):
            return DataLoader(self.rows_of_epoch(self.current_epoch), 8, shuffle=True)

    def fit(rows_of_epoch):
        callback, model = DataMapCallback(), Reloads(rows_of_epoch)
        options = {"max_epochs": EPOCHS, "reload_dataloaders_every_n_epochs": 1}
        options |= {"logger": False, "enable_checkpointing": False, "accelerator": "cpu"}
        options |= {"enable_progress_bar": False, "enable_model_summary": False}
        lightning.Trainer(callbacks=[callback], **options).fit(model)
        return callback.dynamics_.true_proba, model.expected

    half = list(range(20))
    for same in (lambda i: ROWS, lambda i: TensorDataset(X, Y)):
        recorded, expected = fit(same)
        assert_allclose(recorded, expected, atol=1e-6)
    recorded, expected = fit(lambda i: Subset(ROWS, half))
    assert_allclose(recorded, expected[:20], atol=1e-6)
    for other in (
        lambda i: Subset(ROWS, [row + 3 * i for row in half]),  # of the same labels
        lambda i: TensorDataset(X[i : 20 + i], Y[i : 20 + i]),
    ):
        with pytest.raises(SampleAlignmentError, match="replaced by one of other rows"):
            fit(other)


def test_two_callbacks_may_record_a_loader_that_is_reloaded():
    one, other = DataMapCallback(), DataMapCallback(forward="net")
    loader = DataLoader(ROWS, 8, shuffle=True)
    sampler = loader.batch_sampler

    class Reloads(Model):
        def train_dataloader(self):
            return loader

    model = Reloads()
    options = {"max_epochs": EPOCHS, "reload_dataloaders_every_n_epochs": 1, "logger": False}
    options |= dict.fromkeys(("enable_checkpointing", "enable_progress_bar"), False)
    options |= {"enable_model_summary": False, "accelerator": "cpu"}
    lightning.Trainer(callbacks=[one, other], **options).fit(model)
    for callback in (one, other):
        assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)
    assert loader.batch_sampler is sampler


def test_the_model_can_be_copied_while_it_is_recorded():
    copies = []

    class Copies(Model):
        def training_step(self, batch, i):
            copies.append(copy.deepcopy(self.net))
            return super().training_step(batch, i)

    train(DataMapCallback(forward="net"), model=Copies())
    copies[-1](X)  # is not recorded


def test_a_forward_pass_that_failed_once_may_be_tried_again():
    class Retries(Model):
        def forward(self, rows):
            self.tried = not getattr(self, "tried", False)
            if self.tried:
                raise MemoryError
            return super().forward(rows)

        def training_step(self, batch, i):
            with contextlib.suppress(MemoryError):
                self(batch[0])
            return super().training_step(batch, i)

        def validation_step(self, batch, i):
            pass

    callback = DataMapCallback()
    model = train(callback, model=Retries())
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_one_loader_in_a_list_is_one_loader():
    callback = DataMapCallback()

    class Listed(Model):
        def training_step(self, batch, i):
            return super().training_step(batch[0] if len(batch) == 1 else batch, i)

    model = train(callback, model=Listed(), loader=[DataLoader(ROWS, 8, shuffle=True)])
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)


def test_labels_that_are_whole_numbers_of_another_type_are_classes():
    rows = TensorDataset(X, Y.double())

    class Casts(Model):
        def training_step(self, batch, i):
            return super().training_step((batch[0], batch[1].long()), i)

    callback = DataMapCallback()
    model = train(callback, model=Casts(), loader=DataLoader(rows, 8, shuffle=True))
    assert_allclose(callback.dynamics_.true_proba, model.expected, atol=1e-6)
    with pytest.raises(ValueError, match="target of regression"):
        train(DataMapCallback(), loader=DataLoader(TensorDataset(X, X[:, 0]), 8))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(ROWS)


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (DataLoader(Stream(), 8), "IterableDataset"),
        (
            {"a": DataLoader(ROWS, 8), "b": DataLoader(ROWS, 8)},
            "must train on a single loader; got 2",
        ),
    ],
    ids=["stream", "two"],
)
def test_loaders_whose_rows_cannot_be_determined_are_refused(loader, message):
    with pytest.raises(SampleAlignmentError, match=f"(?s){message}.*DynamicsRecorder"):
        train(DataMapCallback(), loader=loader)


def test_token_models_and_maps_of_nothing_are_errors():
    class Tokens(Model):
        def forward(self, rows):
            return super().forward(rows)[:, None].expand(-1, 2, -1)

        def training_step(self, batch, i):
            return self(batch[0]).square().mean()

        def validation_step(self, batch, i):
            pass

    with pytest.raises(ValueError, match=r"output of Tokens .* got shape \(8, 2, 3\).*each token"):
        train(DataMapCallback(), model=Tokens())
    with pytest.raises(AttributeError, match="No complete epoch was recorded"):
        DataMapCallback().data_map_  # noqa: B018
