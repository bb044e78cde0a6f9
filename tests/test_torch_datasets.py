"""Torch data sets as rows: labels are read once, without drawing random numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import Dataset, TensorDataset

from sklearn_carto._inputs._containers import n_samples_of, take
from sklearn_carto._inputs._fingerprint import fingerprint
from sklearn_carto._inputs._torch_datasets import check_dataset_labels, is_dataset, labels_of


class Augmented(Dataset):
    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.rand(2) + np.random.rand(), self.labels[i]  # noqa: NPY002


@pytest.mark.parametrize(
    "labels",
    [[0, 2, 1], [torch.tensor(0), torch.tensor([2]), torch.tensor(1)], np.array([0, 2, 1])],
)
def test_labels_are_read_in_order(labels):
    assert labels_of(Augmented(labels)).tolist() == [0, 2, 1]


@pytest.mark.parametrize("name", ["label", "labels", "label_ids"])
def test_labels_of_rows_that_are_mappings_are_read_by_name(name):
    assert labels_of([{"input_ids": [1, 2], name: 1}, {"input_ids": [3], name: 0}]).tolist() == [
        1,
        0,
    ]
    with pytest.raises(ValueError, match="mapping with one of labels, label, label_ids"):
        labels_of([{"input_ids": [1], "target": 1}])


def test_labels_of_tensors_are_read_at_one_go():
    for labels in (torch.tensor([2, 0, 1]), torch.tensor([[2], [0], [1]])):
        assert labels_of(TensorDataset(torch.ones(3, 4), labels)).tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        labels_of(TensorDataset(torch.ones(3), torch.ones(3, 2)))


def test_labels_of_a_table_are_a_column_of_it():
    class Table:
        column_names = ("text", "label")

        def __getitem__(self, name):
            assert name == "label"
            return [2, 0]

    assert labels_of(Table()).tolist() == [2, 0]


def test_reading_labels_leaves_generators_as_they_were():
    torch.manual_seed(0), np.random.seed(0)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    labels_of(Augmented([1, 0]))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


def test_rows_without_one_label_are_an_error_that_names_the_row():
    with pytest.raises(ValueError, match="Row 0 of the TensorDataset must be a pair"):
        labels_of(TensorDataset(torch.ones(3)))
    with pytest.raises(ValueError, match=r"label of row 1 has shape \(2,\)"):
        labels_of(Augmented([0, [1, 2]]))


def test_labels_that_are_no_columns_are_an_error():
    check_dataset_labels(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"must be 0 to 1, .* got \[0, 2\]"):
        check_dataset_labels(np.array([0, 2]))


def test_rows_of_a_dataset_are_a_subset():
    dataset = Augmented([3, 4, 5])
    assert is_dataset(dataset)
    assert not is_dataset([1, 2])
    assert n_samples_of(dataset) == 3
    assert take(dataset, np.array([2, 0])).indices == [2, 0]
    assert take(dataset, slice(0, 3)) is dataset


def test_rows_of_several_inputs_are_rows_of_each():
    left, right = np.arange(6), np.arange(12).reshape(6, 2)
    for selected in (
        take((left, right), np.array([4, 1])),
        tuple(take({"left": left, "right": right}, np.array([4, 1])).values()),
    ):
        assert [part.tolist() for part in selected] == [[4, 1], [[8, 9], [2, 3]]]


def test_the_digest_of_a_dataset_is_of_its_kind_and_length():
    assert fingerprint(Augmented([1, 2])) == fingerprint(Augmented([3, 4]))
    assert fingerprint(Augmented([1, 2])) != fingerprint(Augmented([1, 2, 3]))
    assert fingerprint(Augmented([1, 2])) != fingerprint(TensorDataset(torch.ones(2)))


def test_a_tuple_of_inputs_is_digested_by_its_parts():
    a, b = np.arange(3.0), np.ones((3, 2))
    assert fingerprint((a, b)) == fingerprint((a.copy(), np.asfortranarray(b)))
    assert fingerprint((a, b)) != fingerprint((a + 1, b))
