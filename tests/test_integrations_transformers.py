"""The Hugging Face Trainer: the map is that of a naive loop over the same run, weights as ever."""

import copy
import gc
import threading
import warnings
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers")

from torch.utils.data import IterableDataset
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from sklearn_carto.exceptions import (
    DegenerateMapWarning,
    SampleAlignmentError,
    UnseenSamplesWarning,
)
from sklearn_carto.integrations.transformers import DataMapCallback
from two_ranks import assert_each_holds_all_rows, in_two_ranks

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

N, EPOCHS = 37, 3
RNG = np.random.RandomState(0)
LABELS = np.arange(N) % 3
TOKENS = np.column_stack([np.arange(N) + 3, RNG.randint(3, 40, size=(N, 5))])
SIZES = {"vocab_size": 60, "dim": 16, "hidden_dim": 16, "n_layers": 1, "n_heads": 2}


class Rows(torch.utils.data.Dataset):
    def __init__(self, name="labels", labels=LABELS):
        self.name, self.labels = name, labels

    def __len__(self):
        return N

    def __getitem__(self, i):
        row = {"input_ids": torch.tensor(TOKENS[i]), "attention_mask": torch.ones(6).long()}
        return row | ({self.name: torch.tensor(self.labels[i])} if self.name else {})


def make_model(kind=DistilBertForSequenceClassification, num_labels=3):
    torch.manual_seed(1)
    return kind(DistilBertConfig(**SIZES, num_labels=num_labels))


def train(tmp_path, *callbacks, model=None, rows=None, trainer=Trainer, resume=None, **options):
    model = make_model() if model is None else model
    settings = {"num_train_epochs": EPOCHS, "per_device_train_batch_size": 8, "seed": 7}
    settings |= {"save_strategy": "no", "report_to": "none", "use_cpu": True, "disable_tqdm": True}
    settings |= {"logging_strategy": "no", "learning_rate": 1e-2}
    args = TrainingArguments(str(tmp_path), **settings | options)
    rows = Rows() if rows is None else rows
    runs = trainer(model, args, train_dataset=rows, eval_dataset=rows, callbacks=list(callbacks))
    runs.train(resume_from_checkpoint=resume)
    return runs


BY_LENGTH = (
    {"train_sampling_strategy": "group_by_length"}
    if hasattr(TrainingArguments, "train_sampling_strategy")
    else {"group_by_length": True}  # transformers < 5
)


class RecordingTrainer(Trainer):
    """Record what each row gets first, by its first token, which no other row has."""

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        labels, places = inputs["labels"], inputs["input_ids"][:, 0] - 3
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        if model.training:
            if not hasattr(self, "expected"):
                self.expected = np.full((N, EPOCHS), np.nan)
            proba = torch.softmax(outputs.logits.detach(), dim=1)
            epoch = int(self.state.epoch + 1e-6)
            new = np.isnan(self.expected[places, epoch])  # ranks are padded by rows seen before
            true_proba = proba[torch.arange(len(labels)), labels].numpy()
            self.expected[places[new], epoch] = true_proba[new]
        return (loss, outputs) if return_outputs else loss


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dataloader_num_workers": 2},
        {"gradient_accumulation_steps": 2},
        {"eval_strategy": "epoch"},
        BY_LENGTH,
    ],
    ids=lambda options: next(iter(options), "plain"),
)
def test_map_equals_what_each_row_got_in_training(tmp_path, options):
    callback = DataMapCallback()
    expected = train(tmp_path, callback, trainer=RecordingTrainer, **options).expected
    assert_allclose(callback.dynamics_.true_proba, expected, atol=1e-6)
    assert_allclose(callback.data_map_.variability, expected.std(axis=1), atol=1e-6)
    assert (callback.data_map_.variability > 0).all()
    assert callback.data_map_.record == "training"
    assert_array_equal(callback.data_map_.labels, LABELS)


def test_each_of_two_ranks_holds_the_map_of_all_rows(tmp_path):
    in_two_ranks(train_half, tmp_path)
    assert_each_holds_all_rows(tmp_path)


def train_half(rank, folder):
    """Train on the rows of one rank, and save what the callback and what the Trainer recorded."""
    callback = DataMapCallback()
    runs = train(folder, callback, trainer=RecordingTrainer, ddp_backend="gloo")
    np.save(folder / f"{rank}.npy", callback.dynamics_.true_proba)
    np.save(folder / f"expected{rank}.npy", runs.expected)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_the_model_trains_as_without(tmp_path, n_workers):
    bare = train(tmp_path, dataloader_num_workers=n_workers).model.state_dict()
    callback = DataMapCallback()
    watched = train(tmp_path, callback, dataloader_num_workers=n_workers).model
    for name, value in watched.state_dict().items():
        assert_array_equal(value, bare[name])
    assert not watched._forward_hooks


@pytest.mark.parametrize("name", ["label", "label_ids", None])
def test_labels_are_found_or_given(tmp_path, name):
    expected, callback = DataMapCallback(), DataMapCallback(labels=None if name else LABELS)
    train(tmp_path, expected)

    class Loss(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
            places = inputs["input_ids"][:, 0] - 3
            return super().compute_loss(model, {**inputs, "labels": torch.tensor(LABELS)[places]})

    train(tmp_path, callback, rows=Rows(name), trainer=Loss)
    assert_array_equal(callback.data_map_.confidence, expected.data_map_.confidence)


def test_missing_labels_are_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"Row 0 of the Rows.*Pass the labels"):
        train(tmp_path, DataMapCallback(), rows=Rows(None))


def test_labels_may_have_names(tmp_path):
    names = np.array(["oak", "ash", "elm"])
    callback, plain = DataMapCallback(labels=names[LABELS], classes=names), DataMapCallback()
    train(tmp_path, callback, plain)
    assert_array_equal(callback.data_map_.confidence, plain.data_map_.confidence)
    assert_array_equal(callback.data_map_.labels, names[LABELS])


def test_a_model_may_have_more_outputs_than_there_are_classes(tmp_path):
    callback = DataMapCallback()
    train(tmp_path, callback, model=make_model(num_labels=5))
    assert callback.data_map_.classes.tolist() == [0, 1, 2, 3, 4]


def test_a_second_training_starts_anew(tmp_path):
    callback, model = DataMapCallback(), make_model()
    train(tmp_path, callback, model=model)
    first = callback.dynamics_
    train(tmp_path, callback, model=model, num_train_epochs=2)
    assert first.n_epochs == EPOCHS
    assert callback.data_map_.n_epochs == 2


def test_a_training_that_resumes_holds_the_epochs_that_it_trained(tmp_path):
    train(tmp_path, num_train_epochs=1, save_strategy="epoch")
    callback = DataMapCallback()
    resumed = train(tmp_path, callback, resume=str(tmp_path / "checkpoint-5"))
    assert resumed.state.epoch == EPOCHS
    assert callback.data_map_.n_epochs == EPOCHS - 1


@pytest.mark.parametrize("max_steps", [12, 3])
def test_an_epoch_that_ends_early_is_left_out(tmp_path, max_steps):
    callback = DataMapCallback()
    expected = train(tmp_path, callback, trainer=RecordingTrainer, max_steps=max_steps).expected
    if max_steps == 12:  # of 5 an epoch
        assert_allclose(callback.dynamics_.true_proba, expected[:, :2], atol=1e-6)
    else:
        with pytest.raises(AttributeError, match="No complete epoch was recorded"):
            callback.data_map_  # noqa: B018


def test_rows_that_are_dropped_count_over_the_epochs_that_saw_them(tmp_path):
    callback = DataMapCallback()
    with pytest.warns(DegenerateMapWarning), pytest.warns(UnseenSamplesWarning):  # in one epoch
        train(tmp_path, callback, dataloader_drop_last=True, num_train_epochs=1)
    assert callback.dynamics_.n_seen.sum() == 32


def test_a_failed_training_leaves_its_epochs_and_the_next_starts_anew(tmp_path):
    class Dies(Trainer):
        def compute_loss(self, *args, **kwargs):
            if self.state.epoch >= 2:
                raise RuntimeError("out of luck")
            return super().compute_loss(*args, **kwargs)

    callback, model = DataMapCallback(), make_model()
    with pytest.raises(RuntimeError, match="out of luck"):
        train(tmp_path, callback, model=model, trainer=Dies)
    assert callback.data_map_.n_epochs == 2
    train(tmp_path, callback, model=model)
    assert callback.data_map_.n_epochs == EPOCHS
    assert not model._forward_hooks


def test_a_loss_that_calls_the_model_twice_is_an_error_and_not_a_wrong_map(tmp_path):
    class Twice(Trainer):
        def compute_loss(self, model, inputs, **kwargs):
            return model(**inputs).loss + model(**inputs).loss

    with pytest.raises(SampleAlignmentError, match=r"called twice for one batch.*compute_loss"):
        train(tmp_path, DataMapCallback(), trainer=Twice)


class Stream(IterableDataset):
    def __iter__(self):
        return (Rows()[i] for i in range(N))


def test_streams_and_token_models_are_refused(tmp_path):
    with pytest.raises(SampleAlignmentError, match=r"(?s)IterableDataset.*DynamicsRecorder"):
        train(tmp_path, DataMapCallback(), rows=Stream(), max_steps=4)

    class Tokens(DistilBertForTokenClassification):
        def forward(self, input_ids, labels):
            return super().forward(input_ids, labels=labels[:, None].repeat(1, 6))

    with pytest.raises(ValueError, match=r"output of Tokens .* got shape \(8, 6, 3\).*each token"):
        train(tmp_path, DataMapCallback(), model=make_model(Tokens))


def test_a_checkpoint_in_the_middle_of_an_epoch_leaves_that_epoch_out(tmp_path):
    for accumulated, per_epoch in ((1, 5), (2, 3)):
        folder, options = tmp_path / str(accumulated), {"gradient_accumulation_steps": accumulated}
        amid = per_epoch + 1
        train(folder, save_strategy="steps", save_steps=amid, max_steps=amid, **options)
        callback, checkpoint = DataMapCallback(), str(folder / f"checkpoint-{amid}")
        expected = train(
            folder, callback, trainer=RecordingTrainer, resume=checkpoint, **options
        ).expected
        recorded = callback.dynamics_.true_proba
        assert recorded.shape == (N, 1)
        assert not np.isnan(recorded).any()
        # an older Trainer counts its first batches to the epoch before
        found = ~np.isnan(expected[:, 2])
        assert found.sum() > N // 3
        assert_allclose(recorded[found, 0], expected[found, 2], atol=1e-6)
        train(folder, callback, resume=checkpoint, num_train_epochs=2, **options)
        with pytest.raises(AttributeError, match="1 ended before all batches were trained on"):
            callback.data_map_  # noqa: B018


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_failed_training_leaves_nothing_to_the_next(tmp_path, error):
    class Dies(Trainer):
        def compute_loss(self, *args, **kwargs):
            if self.state.global_step == 2:
                raise error
            return super().compute_loss(*args, **kwargs)

    model = make_model()
    with pytest.raises(error):
        train(tmp_path, DataMapCallback(), model=model, trainer=Dies)
    copied = copy.deepcopy(model)  # as a checkpoint is
    train(tmp_path, model=model)
    assert not model._forward_hooks
    callback = DataMapCallback()
    train(tmp_path, callback, model=copied)
    assert callback.data_map_.n_epochs == EPOCHS


def test_a_failed_training_is_released(tmp_path):
    class Dies(Trainer):
        def compute_loss(self, *args, **kwargs):
            super().compute_loss(*args, **kwargs)
            raise RuntimeError("out of luck")

    callback, models = DataMapCallback(), []

    def die():
        models.append(make_model())
        with pytest.raises(RuntimeError, match="out of luck"):
            train(tmp_path, callback, model=models[-1], trainer=Dies)

    die()
    gone = weakref.ref(models.pop())
    gc.collect()
    assert gone() is None
    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    models[0].train()(input_ids=torch.tensor(TOKENS[:3]))  # is not recorded


def test_an_error_of_ours_takes_its_hook_along(tmp_path):
    model = make_model(DistilBertForTokenClassification)
    model.forward = lambda input_ids, labels, attention_mask, **kwargs: (
        DistilBertForTokenClassification.forward(
            model, input_ids, labels=labels[:, None].repeat(1, 6)
        )
    )
    with pytest.raises(ValueError, match="each token"):
        train(tmp_path, DataMapCallback(), model=model)
    assert not model._forward_hooks


def test_batches_that_a_step_leaves_out_are_unseen_and_shift_no_other(tmp_path):
    class Skips(RecordingTrainer):
        def training_step(self, model, inputs, *args, **kwargs):
            if self.state.global_step % 5 == 1:
                return torch.tensor(0.0)
            return super().training_step(model, inputs, *args, **kwargs)

    callback = DataMapCallback()
    expected = train(tmp_path, callback, trainer=Skips).expected
    assert np.isnan(expected).sum() == 8 * EPOCHS
    assert_allclose(callback.dynamics_.true_proba, expected, atol=1e-6)


def test_calls_of_the_model_between_steps_are_not_recorded(tmp_path):
    class Calls(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **kwargs):
            model(input_ids=torch.tensor(TOKENS[:3]))

    callback = DataMapCallback()
    expected = train(tmp_path, Calls(), callback, trainer=RecordingTrainer).expected
    assert_allclose(callback.dynamics_.true_proba, expected, atol=1e-6)


def test_a_map_of_one_epoch_draws_a_warning(tmp_path):
    with pytest.warns(DegenerateMapWarning, match="one epoch was recorded"):
        train(tmp_path, DataMapCallback(), num_train_epochs=1)


def test_epochs_left_out_are_named_where_no_other_is(tmp_path):
    callback = DataMapCallback()
    train(tmp_path, callback, max_steps=3)
    with pytest.raises(AttributeError, match="1 ended before all batches were trained on"):
        callback.data_map_  # noqa: B018


def test_a_regression_is_refused_and_not_drawn_as_two_classes(tmp_path):
    rows = Rows(labels=(LABELS % 2).astype(np.float32))
    with pytest.raises(ValueError, match=r"got regression.*num_labels"):
        train(tmp_path, DataMapCallback(), model=make_model(num_labels=1), rows=rows)
