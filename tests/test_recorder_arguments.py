"""Every argument of a recorder is checked at the door; one rule for labels and classes."""

import datetime
import decimal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_carto._recording._class_columns import ClassColumns
from sklearn_carto._recording._recorder import DynamicsRecorder, PositionRecorder
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import CartographyError

SCORES = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.5]])
RAGGED = [[1], [1, 2]]
STRANGE = {
    "none": None, "text": "abc", "number": 3, "float": 1.5, "nan": float("nan"), "flag": True,
    "ragged": RAGGED, "set": {1, 2, 3}, "dict": {"a": 1}, "object": object(), "bytes": b"ab",
    "texts": ["a", "b", "c"], "nones": [None, None, None], "mixed": [0, "a", None],
    "complex": [1j, 2j, 3j], "dates": [datetime.date(2020, 1, 1)] * 3, "cube": np.zeros((2, 2, 2)),
    "generator": (i for i in range(3)), "function": len, "huge": [2**70, 0, 1],
    "decimals": [decimal.Decimal("0.5")] * 3, "lists": [[0], [1], [2]], "nans": [np.nan] * 3,
    "infinite": [np.inf] * 3, "empty": [], "zero": np.array(0), "times": np.zeros(3, "M8[s]"),
    "structured": np.zeros(3, [("a", int)]), "flags": [True, False, True], "negative": [-1, 0, 1],
    "beyond": [0, 1, 3], "many": [0, 1, 2, 0], "few": [0, 1], "half": [0.5, 1.0, 2.0],
}  # fmt: skip
SENSIBLE = {  # what may be any of these by its kind
    "n_samples": {"number"},
    "labels": {
        "none", "texts", "dates", "times", "flags", "negative", "beyond", "half", "decimals",
    },
    "classes": {
        "none", "texts", "dates", "times", "negative", "beyond", "few", "half", "huge", "bytes",
    },
    "n_epochs": {"none", "number"},
    "from_logits": {"flag"},
    "missing": set(),
    "keep_history": {"flag"},
    "held_out_mask": {"none", "flags"},
    "sample_ids": {
        "none", "texts", "negative", "beyond", "half", "huge", "complex", "infinite",
    },
    "record": set(),
}  # fmt: skip


@pytest.mark.parametrize("name", SENSIBLE)
def test_arguments_of_the_constructor_of_a_wrong_kind_are_errors_that_name_it(name):
    for kind in STRANGE.keys() - SENSIBLE[name]:
        with pytest.raises(ValueError, match=name):
            print(kind, DynamicsRecorder(**{"n_samples": 3, name: STRANGE[kind]}))


def recorded(indices, scores, labels, **params):
    recorder = DynamicsRecorder(3, **params)
    recorder.update(indices, scores, labels)
    recorder.end_epoch()
    return recorder.dynamics


def as_tensor(value):
    torch = pytest.importorskip("torch")
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return value


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("name", ["indices", "scores", "labels"])
@pytest.mark.parametrize("ids", [None, ["a", "b", "d"], [7, 8, 9], [0.5, 1.5, 2.5]], ids=str)
def test_arguments_of_update_of_a_wrong_kind_are_errors_of_ours(name, ids, tensors):
    wrap = as_tensor if tensors else lambda value: value
    good = {"indices": [0, 1, 2] if ids is None else ids, "scores": SCORES, "labels": [0, 1, 1]}
    fits = {"labels": {"flags"}, "indices": set(), "scores": {"half"}}[name]
    for kind, value in STRANGE.items():
        if kind in fits:
            continue
        batch = {key: wrap(part) for key, part in good.items()} | {name: wrap(value)}
        with pytest.raises((ValueError, CartographyError)) as caught:
            recorded(**batch, sample_ids=ids)
        words = ("indices", "scores", "labels", "array of shape", "columns", "no batch")
        assert any(word in str(caught.value) for word in words), (kind, caught.value)


def test_a_refused_batch_leaves_the_epoch_as_it_is():
    recorder = DynamicsRecorder(3)
    recorder.update([0, 1], SCORES[:2], [0, 1])
    for bad in ([0, 1], [-1], ["a"], [5], [True]):
        with pytest.raises(ValueError, match="indices"):
            recorder.update(bad, SCORES[2:], [1])
    recorder.update([2], SCORES[2:], [1])
    recorder.end_epoch()
    assert_allclose(recorder.dynamics.true_proba, recorded([0, 1, 2], SCORES, [0, 1, 1]).true_proba)


def test_a_refused_block_of_tensors_is_refused_again_until_the_epoch_is_discarded(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("sklearn_carto._recording._accumulator.MAX_WAITING", 1)
    recorder, rows = DynamicsRecorder(3), torch.arange(3)
    with pytest.raises(ValueError, match="between 0 and 2"):
        recorder.update(rows + 1, torch.tensor(SCORES), torch.tensor([0, 1, 1]))
    with pytest.raises(ValueError, match="between 0 and 2"):
        recorder.end_epoch()
    recorder.update(rows, torch.tensor(SCORES), torch.tensor([0, 1, 1]))
    recorder.end_epoch()
    assert recorder.epoch == 1


@pytest.mark.parametrize(
    ("ids", "other"),
    [([1, 2, 3], [True, 2, 3]), ([1, 2, 3], ["1", "2", "3"]), (["1", "2", "3"], [1, 2, 3])],
    ids=str,
)
def test_names_of_another_type_name_no_row(ids, other):
    with pytest.raises(ValueError, match="indices must be among sample_ids"):
        recorded(np.array(other, dtype=object), SCORES, [0, 1, 1], sample_ids=ids)


KINDS = ["float64", "float32", "float16", "list", "objects", "torch.float64", "torch.float32",
         "torch.float16", "torch.bfloat16"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_any_precision_are_recorded(kind):
    if kind.startswith("torch"):
        torch = pytest.importorskip("torch")
        scores = torch.tensor(SCORES, dtype=getattr(torch, kind.partition(".")[2]))
    elif kind == "list":
        scores = SCORES.tolist()
    else:
        scores = SCORES.astype(object if kind == "objects" else kind)
    expected = recorded([0, 1, 2], SCORES, [0, 1, 1]).true_proba
    assert_allclose(recorded([0, 1, 2], scores, [0, 1, 1]).true_proba, expected, atol=1e-6)


@pytest.mark.parametrize("frame", ["pandas", "polars"])
def test_columns_of_frames_are_recorded(frame):
    library = pytest.importorskip(frame)
    kind = {"dtype": "Int64"} if frame == "pandas" else {}
    rows, labels = library.Series([0, 1, 2], **kind), library.Series([0, 1, 1], **kind)
    scores = library.DataFrame(SCORES, columns=["a", "b"]) if frame == "pandas" else SCORES
    expected = recorded([0, 1, 2], SCORES, [0, 1, 1]).true_proba
    assert_array_equal(recorded(rows, scores, labels).true_proba, expected)


@pytest.mark.parametrize("kind", ["sparse", "meta"])
def test_tensors_without_dense_data_are_errors(kind):
    torch = pytest.importorskip("torch")
    scores = torch.tensor(SCORES)
    scores = scores.to_sparse() if kind == "sparse" else scores.to("meta")
    with pytest.raises(InvalidParameterError, match="'scores' .* must be a dense tensor"):
        recorded([0, 1, 2], scores, [0, 1, 1])


@pytest.mark.parametrize("recorders", [None, 3, "ab", [1], DynamicsRecorder(2), [None], {}, [[]]])
def test_what_is_no_recorder_is_not_merged(recorders):
    with pytest.raises(ValueError, match="recorder"):
        DynamicsRecorder.merge(recorders)


def test_of_a_row_that_comes_twice_the_first_draw_counts():
    for as_type in (np.asarray, as_tensor):
        recorder = DynamicsRecorder(2)
        recorder.update([0, 0, 1], as_type(SCORES), [0, 0, 1])
        recorder.update([1, 0], as_type(SCORES[:2]), [1, 0])
        recorder.end_epoch()
        expected = recorded([0, 1, 2], SCORES, [0, 1, 1]).true_proba
        assert_allclose(recorder.dynamics.true_proba, expected[[0, 2]])


def test_rows_that_have_names_may_be_passed_by_position():
    recorder = PositionRecorder(3, labels=[0, 1, 1], sample_ids=["x", "y", "z"])
    recorder.update(np.array([2, 0, 1]), SCORES[[2, 0, 1]])
    recorder.end_epoch()
    assert_allclose(recorder.dynamics.true_proba, recorded([0, 1, 2], SCORES, [0, 1, 1]).true_proba)
    assert recorder.dynamics.sample_ids.tolist() == ["x", "y", "z"]


# Labels and classes: names, or positions where names are not numbers.
CLASSES = {
    "texts": ["b", "a", "c"], "tens": [20, 10, 30], "halves": [0.5, -1.0, 7.5],
    "positions": [0, 1, 2], "digits": ["0", "1", "2"],
    "dates": np.array(["2021", "2020", "2022"], dtype="M8[Y]"), "floats": [0.0, 1.0, 2.0],
}  # fmt: skip
COLUMNS = np.array([2, 0, 0, 1])


@pytest.mark.parametrize("names", CLASSES.values(), ids=CLASSES)
def test_labels_are_names_of_columns(names):
    columns = ClassColumns(names, "Owner")
    assert_array_equal(columns.encode(np.asarray(names)[COLUMNS]), COLUMNS)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32, "tensor"])
@pytest.mark.parametrize("name", ["texts", "positions", "digits", "dates", "floats"])
def test_whole_numbers_are_positions_where_names_are_no_numbers(name, kind):
    labels = as_tensor(COLUMNS) if kind == "tensor" else COLUMNS.astype(kind)
    assert_array_equal(ClassColumns(CLASSES[name], "Owner").encode(labels), COLUMNS)


@pytest.mark.parametrize("name", ["tens", "halves"])
def test_positions_are_no_labels_where_names_are_numbers(name):
    for labels in (COLUMNS, as_tensor(COLUMNS)):
        with pytest.raises(ValueError, match="labels must be among the classes"):
            ClassColumns(CLASSES[name], "Owner").encode(labels)


@pytest.mark.parametrize("names", [[1, 0], [2.0, 0.0, 1.0], [True, False], [0, 2, 1]], ids=str)
def test_positions_in_another_order_are_no_names(names):
    with pytest.raises(InvalidParameterError, match="positions of the columns in another order"):
        ClassColumns(names, "Owner")


@pytest.mark.parametrize("names", [["1", "0"], ["1", "2", "3"], ["a", "1"]], ids=str)
def test_whole_numbers_are_ambiguous_where_names_look_like_other_numbers(names):
    columns = ClassColumns(names, "Owner")
    assert columns.encode(np.array(names[::-1])).tolist() == list(range(len(names)))[::-1]
    for labels in (np.array([0, 1]), as_tensor([0, 1])):
        with pytest.raises(ValueError, match="could also be positions"):
            columns.encode(labels)


@pytest.mark.parametrize(
    ("names", "labels"),
    [(["a", "b"], ["a", "x"]), (["a", "b"], [0, 2]), (["a", "b"], [-1, 0]), ([3, 7], [3, 4]),
     (["a", "b"], [0.5, 1.0]), ([0, 1], ["0", "1"]), ([0, 1], [None, 0]), ([0, 1], [np.nan, 0]),
     (["a", "b"], [["a"], ["b"]])],
    ids=str,
)  # fmt: skip
def test_labels_that_belong_to_no_column_are_errors(names, labels):
    values = np.empty(2, dtype=object)
    values[:] = labels

    def record(given):
        recorder = DynamicsRecorder(2, classes=names, labels=values if given else None)
        recorder.update([0, 1], np.zeros((2, 2)), None if given else values)

    for given in (False, True):
        with pytest.raises(ValueError, match="labels"):
            record(given)


@pytest.mark.parametrize("given", ["labels", "update"])
@pytest.mark.parametrize("kind", ["names", "positions"])
def test_the_map_holds_names_whatever_the_labels_are(given, kind):
    names = np.array(["no", "yes"])
    labels = np.array([0, 1, 1]) if kind == "positions" else names[[0, 1, 1]]
    recorder = DynamicsRecorder(3, classes=names, labels=labels if given == "labels" else None)
    recorder.update([0, 1, 2], SCORES, labels if given == "update" else None)
    recorder.end_epoch()
    assert recorder.dynamics.labels.tolist() == ["no", "yes", "yes"]
    assert_allclose(recorder.dynamics.true_proba, recorded([0, 1, 2], SCORES, [0, 1, 1]).true_proba)


def test_rows_may_be_named_by_tuples():
    names = [("a", 1), ("a", 2), ("b", 1)]
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    recorder = DynamicsRecorder(3, labels=[0, 0, 1], sample_ids=names, from_logits=False)
    recorder.update(names[::-1], probabilities)
    recorder.end_epoch()
    assert_allclose(recorder.dynamics.true_proba[:, 0], [0.7, 0.8, 0.1])
    with pytest.raises(ValueError, match="sample_ids"):
        recorder.update([("z", 1)], probabilities[:1])


def test_tuples_name_no_positions():
    recorder = DynamicsRecorder(2, labels=[0, 1], from_logits=False)
    with pytest.raises(ValueError, match="indices"):
        recorder.update([(0, 1), (1, 0)], np.full((2, 2), 0.5))
