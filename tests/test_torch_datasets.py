"""Torch data sets as rows: labels are read once, without drawing random numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import ConcatDataset, Dataset, StackDataset, Subset, TensorDataset

from sklearn_carto._inputs._containers import n_samples_of, take
from sklearn_carto._inputs._fingerprint import fingerprint, value_fingerprint
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


ROWS, LABELS = torch.arange(8.0).reshape(4, 2), torch.tensor([0, 1, 0, 1])


def tensors(shift=0.0):
    return TensorDataset(ROWS + shift, LABELS.clone())


def slices(dataset, idx=0):
    return pytest.importorskip("skorch.helper").SliceDataset(dataset, idx=idx)


def of_skorch(shift=0.0):
    dataset = pytest.importorskip("skorch.dataset").Dataset
    return dataset((ROWS + shift).numpy(), LABELS.numpy())


def table(**columns):
    return pytest.importorskip("datasets").Dataset.from_dict(columns)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        (tensors, tensors, lambda: tensors(1)),
        (lambda: Subset(tensors(), [1, 2]), lambda: Subset(tensors(), np.array([1, 2])), tensors),
        (
            lambda: Subset(Subset(tensors(), [3, 1]), [0]),
            lambda: Subset(Subset(tensors(), [3, 1]), [0]),
            lambda: Subset(Subset(tensors(), [3, 1]), [1]),
        ),
        (
            lambda: ConcatDataset([tensors(), tensors(1)]),
            lambda: ConcatDataset([tensors(), tensors(1)]),
            lambda: ConcatDataset([tensors(1), tensors()]),
        ),
        (
            lambda: StackDataset(a=tensors(), b=tensors(1)),
            lambda: StackDataset(a=tensors(), b=tensors(1)),
            lambda: StackDataset(a=tensors(1), b=tensors()),
        ),
        (lambda: slices(tensors()), lambda: slices(tensors()), lambda: slices(tensors(), 1)),
        (of_skorch, of_skorch, lambda: of_skorch(1)),
        (
            lambda: table(ids=[[1, 2], [3]], text=["a", "b"]),
            lambda: table(ids=[[9], [1, 2], [3]], text=["z", "a", "b"]).select([1, 2]),
            lambda: table(ids=[[1], [2, 3]], text=["a", "b"]),
        ),
        (
            lambda: table(x=[1.0, None]),
            lambda: table(x=[1.0, None]).with_format("numpy"),
            lambda: table(x=[1.0, 0.0]),
        ),
    ],
    ids=["tensors", "subset", "nested", "concat", "stack", "slices", "skorch", "table", "missing"],
)
def test_data_sets_are_known_by_what_their_rows_are_read_from(one, same, other):
    assert value_fingerprint(one()) == value_fingerprint(same()) is not None
    assert fingerprint(one()) != fingerprint(other())


class Slotted(Dataset):
    __hash__ = None

    def __eq__(self, other):
        return True

    def __len__(self):
        return 2


def test_other_data_sets_are_known_by_identity_and_never_by_value():
    for make in (lambda: Augmented([1, 2]), Slotted, lambda: table(x=[1]).with_transform(dict)):
        dataset, other = make(), make()
        assert fingerprint(dataset) == fingerprint(dataset) != fingerprint(other)
        assert value_fingerprint(dataset) is None
        assert value_fingerprint({"a": [dataset]}) is None


def test_parts_of_a_data_set_known_by_identity_are_told_apart():
    dataset = Augmented([1, 2, 3])
    assert fingerprint(Subset(dataset, [0, 1])) == fingerprint(Subset(dataset, [0, 1]))
    assert fingerprint(Subset(dataset, [0, 1])) != fingerprint(Subset(dataset, [1, 2]))
    assert fingerprint(slices(dataset)[:2]) != fingerprint(slices(dataset)[1:])


@pytest.mark.parametrize(
    "values",
    [
        torch.eye(3).to_sparse(),
        torch.ones(2, dtype=torch.bfloat16),
        torch.ones(2, dtype=torch.complex64).conj(),
        torch.ones(2, requires_grad=True),
    ],
    ids=["coo", "bfloat16", "conjugate", "gradient"],
)
def test_tensors_of_every_layout_are_known_by_value(values):
    with torch.no_grad():
        assert value_fingerprint(values) == value_fingerprint(values.clone()) is not None
        assert fingerprint(values) != fingerprint(torch.zeros_like(values))


def test_rows_of_a_table_are_a_table():
    rows = table(x=[1, 2, 3], y=["a", "b", "c"])
    assert take(rows, np.array([2, 0])).to_dict() == {"x": [3, 1], "y": ["c", "a"]}
    assert take(rows, np.array([True, False, True]))["x"][:] == [1, 3]


def test_inputs_of_skorch_keep_their_type():
    helper = pytest.importorskip("skorch.helper")
    inputs = helper.SliceDict(a=np.arange(3), b=np.ones((3, 2)))
    selected = take(inputs, np.array([2, 0]))
    assert type(selected) is helper.SliceDict
    assert selected["a"].tolist() == [2, 0]


def test_a_tuple_of_inputs_is_digested_by_its_parts():
    a, b = np.arange(3.0), np.ones((3, 2))
    assert fingerprint((a, b)) == fingerprint((a.copy(), np.asfortranarray(b)))
    assert fingerprint((a, b)) != fingerprint((a + 1, b))


def test_the_format_of_a_table_counts():
    table = pytest.importorskip("datasets").Dataset.from_dict({"x": [0.1, 0.2]})
    single = table.with_format("numpy", dtype=np.float32)
    assert value_fingerprint(single) == value_fingerprint(
        table.with_format("numpy", dtype=np.float32)
    )
    for other in (table, table.with_format("numpy", dtype=np.float64)):
        assert value_fingerprint(single) != value_fingerprint(other)


def test_the_length_of_a_data_set_of_skorch_counts():
    make = pytest.importorskip("skorch.dataset").Dataset
    assert value_fingerprint(make(np.arange(4.0))) != value_fingerprint(
        make(np.arange(4.0), length=2)
    )
