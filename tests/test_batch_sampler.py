"""The rows of a batch are recorded whatever the order, the workers, and the collate function."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from sklearn_carto._inputs._torch_datasets import rows_behind
from sklearn_carto._recording._batch_sampler import RecordingBatchSampler, recorded_batches, rows_of
from sklearn_carto.exceptions import SampleAlignmentError

ROWS = TensorDataset(torch.arange(23))


def doubled(batch):
    return 2 * torch.stack([row[0] for row in batch])


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": True},
        {"shuffle": True, "num_workers": 2},
        {"shuffle": True, "num_workers": 2, "persistent_workers": True},
        {"shuffle": True, "collate_fn": doubled},
        {"sampler": WeightedRandomSampler(torch.ones(23), 40)},
        {"batch_sampler": [[3, 1], [2], [0, 22, 5]], "batch_size": 1},
    ],
    ids=["shuffled", "two workers", "they persist", "collated", "drawn", "by hand"],
)
def test_the_rows_of_each_batch_are_those_that_arrive(options):
    loader = DataLoader(ROWS, **{"batch_size": 5, **options})
    factor = 2 if "collate_fn" in options else 1
    with recorded_batches(loader) as batch_sampler:
        for _ in range(2):
            for batch in loader:
                values = (batch[0] if isinstance(batch, list) else batch) // factor
                assert batch_sampler.pop_batch(len(values)) == values.tolist()
        assert not batch_sampler.batches


def test_recording_changes_neither_order_nor_loader():
    def order(loader):
        torch.manual_seed(0)
        return [batch[0].tolist() for _ in range(2) for batch in loader]

    loader = DataLoader(ROWS, batch_size=5, shuffle=True)
    sampler, expected = loader.batch_sampler, order(loader)
    with recorded_batches(loader):
        assert order(loader) == expected
        assert len(loader) == 5
    assert loader.batch_sampler is sampler
    with pytest.raises(ValueError, match="stop"), recorded_batches(loader):
        raise ValueError("stop")
    assert loader.batch_sampler is sampler


def test_two_may_record_one_loader():
    loader = DataLoader(ROWS, batch_size=5, shuffle=True)
    with recorded_batches(loader) as one, recorded_batches(loader) as other:
        for batch in loader:
            expected = batch[0].tolist()
            assert one.pop_batch(len(expected)) == expected
            assert other.pop_batch(len(expected)) == expected


def test_workers_that_outlive_a_training_are_recorded_in_the_next_one():
    loader = DataLoader(ROWS, 5, shuffle=True, num_workers=1, persistent_workers=True)
    for _ in range(2):
        with recorded_batches(loader) as batch_sampler:
            for batch in loader:
                assert batch_sampler.pop_batch(len(batch[0])) == batch[0].tolist()


def test_an_interrupted_epoch_leaves_nothing_behind():
    loader = DataLoader(ROWS, batch_size=5, shuffle=True)
    with recorded_batches(loader) as batch_sampler:
        next(iter(loader))
        for batch in loader:
            assert batch_sampler.pop_batch(len(batch[0])) == batch[0].tolist()


class Sampler(list):
    epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch


def test_the_sampler_passes_calls_on_and_can_be_copied():
    batch_sampler = RecordingBatchSampler(Sampler([[0, 1]]))
    batch_sampler.set_epoch(3)
    assert copy.deepcopy(batch_sampler).epoch == 3


def test_attributes_are_those_of_the_sampler_to_read_and_to_set():
    order = Sampler(range(23))
    loader = DataLoader(ROWS, batch_sampler=BatchSampler(order, 5, drop_last=False))
    with recorded_batches(loader), recorded_batches(loader) as batch_sampler:
        assert isinstance(loader.batch_sampler, BatchSampler)
        assert batch_sampler.sampler is order
        assert batch_sampler.batch_size == 5
        batch_sampler.sampler = Sampler(range(10))  # as accelerate restores a state
        assert [len(batch[0]) for batch in loader] == [5, 5]
    assert type(loader.batch_sampler) is BatchSampler
    assert loader.batch_sampler.sampler == list(range(10))


def test_a_sampler_whose_iteration_has_a_state_keeps_it():
    class Counts(list):
        def __iter__(self):
            return Counted(super().__iter__())

    class Counted:
        def __init__(self, batches):
            self.batches, self.n = batches, 0

        def __iter__(self):
            return self

        def __next__(self):
            self.n += 1
            return next(self.batches)

        def state_dict(self):
            return {"n": self.n}

    batches = iter(RecordingBatchSampler(Counts([[0], [1], [2]])))
    assert [next(batches), next(batches)] == [[0], [1]]
    assert batches.state_dict() == {"n": 2}
    assert list(batches) == [[2]]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


@pytest.mark.parametrize(
    ("loader", "why"),
    [
        (DataLoader(Stream()), "IterableDataset"),
        (DataLoader(ROWS, batch_size=None), "batch_size=None"),
        (DataLoader(ROWS, in_order=False), "in any order"),
        ([1, 2], "The list is not a torch DataLoader"),
    ],
    ids=["stream", "rows", "any order", "list"],
)
def test_loaders_whose_rows_cannot_be_determined_are_refused(loader, why):
    with (
        pytest.raises(SampleAlignmentError, match=f"(?s){why}.*DynamicsRecorder"),
        recorded_batches(loader),
    ):
        pass


def test_other_numbers_of_outputs_than_rows_are_refused():
    loader = DataLoader(ROWS, batch_size=5)
    with recorded_batches(loader) as batch_sampler:
        next(iter(loader))
        with pytest.raises(SampleAlignmentError, match=r"5 rows got 4 outputs.*DynamicsRecorder"):
            batch_sampler.pop_batch(4)


def test_samplers_that_yield_names_are_refused():
    class Named(dict):
        def __getitem__(self, name):
            return 1

    loader = DataLoader(Named(), batch_sampler=[["a", "b"]])
    with recorded_batches(loader) as batch_sampler:
        next(iter(loader))
        with pytest.raises(SampleAlignmentError, match="must identify rows by whole numbers"):
            rows_of([batch_sampler.pop_batch(2)])


def test_subsets_are_traced_through_any_nesting():
    inner = Subset(ROWS, list(range(10, 20)))
    part = Subset(inner, [3, 0])
    assert rows_behind(part, lambda whole: whole is ROWS, 23).tolist() == [13, 10]
    assert rows_behind(ROWS, lambda whole: whole is ROWS, 23).tolist() == list(range(23))
    assert rows_behind(part, lambda whole: False, 23) is None
    assert rows_behind(None, lambda whole: True, 23) is None
    assert np.issubdtype(rows_behind(inner, lambda whole: whole is ROWS, 23).dtype, np.integer)


def test_a_subset_may_be_the_whole():
    mine = Subset(ROWS, list(range(10, 20)))
    assert rows_behind(Subset(mine, [3, 0]), lambda whole: whole is mine, 10).tolist() == [3, 0]
    assert rows_behind(mine, lambda whole: whole is mine, 10).tolist() == list(range(10))
