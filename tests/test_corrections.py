"""apply_corrections: files that the explorer exported, and labels of every container."""

import csv
import datetime
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from names import name_of
from sklearn_carto import apply_corrections
from sklearn_carto._explorer._guarded_cells import guard_cell, unguard_cell
from sklearn_carto.exceptions import SampleAlignmentError

# text that a spreadsheet takes for a formula, and text that looks guarded
HOSTILE = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "\u3000-2", "\uff1d1", "\uff0b1",
           "\uff0d1", "\uff20a", "'=1", "''=1", "'", "''", "'tis", "'\t=", "\u00a0@x"]  # fmt: skip
PLAIN = ["<b>bold</b>", "a,b", 'a "quoted" one', "two\nlines", "two\r\nlines", "$x_1$", "\u202eabc",
         "null", "a;b", "a\tb"]  # fmt: skip


def correction(row, given, new=None, name=None, **more):
    return {"row": row, "id": name, "given_label": given, "new_label": new, **more}


def write_json(folder, rows, n_samples=3, **more):
    content = {"format": "sklearn_carto.corrections", "version": 1, "n_samples": n_samples}
    path = folder / "corrections.json"
    path.write_text(json.dumps({**content, "rows": rows, **more}), encoding="utf-8")
    return path


def write_csv(folder, rows, n_samples=3, **dialect):
    columns = ["row", "id", "given_label", "new_label", "checked", "region"]
    path = folder / "corrections.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, **dialect)
        writer.writerow(columns)
        for row in rows:
            cells = ["" if row.get(name) is None else str(row[name]) for name in columns]
            writer.writerow([guard_cell(cell) for cell in cells])
    return path


FILES = pytest.mark.parametrize("write", [write_json, write_csv])


@FILES
def test_labels_are_corrected_in_a_copy(tmp_path, write):
    rows = [
        correction(0, "cat", checked=True),
        correction(2, "dog", "cat", region="hard"),
        correction(1, "cat", "cat"),
    ]
    y = np.array(["cat", "cat", "dog"])
    corrected, changed = apply_corrections(y, write(tmp_path, rows), return_changed=True)
    assert corrected.tolist() == ["cat", "cat", "cat"]
    assert changed.tolist() == [2]
    assert y.tolist() == ["cat", "cat", "dog"]


@FILES
def test_a_file_without_rows_changes_nothing(tmp_path, write):
    y = ["a", "b", "a"]
    corrected, changed = apply_corrections(y, str(write(tmp_path, [])), return_changed=True)
    assert corrected == y
    assert corrected is not y
    assert (changed.tolist(), changed.dtype) == ([], np.int64)


def containers():
    labels = ["b", "a", "b"]
    yield "list", labels
    yield "tuple", tuple(labels)
    yield "text", np.array(labels)
    yield "objects", np.array(labels, dtype=object)
    for dtype in ("int64", "uint8", "float32", "bool"):
        yield dtype, np.array([1, 0, 1], dtype=dtype)
    yield "negative", np.array([1, -1, 1])
    yield "bytes", np.array([b"b", b"a", b"b"])
    yield "list of numbers", [np.int64(1), np.int64(0), np.int64(1)]
    yield "days", np.array(["2020-01-02", "2020-01-01", "2020-01-02"], dtype="M8[D]")
    yield "nanoseconds", np.array(["2020-01-02", "2020-01-01", "2020-01-02"], dtype="M8[ns]")
    yield "dates", [datetime.date(2020, 1, 2), datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)]


@FILES
@pytest.mark.parametrize(("name", "y"), containers(), ids=name_of)
def test_the_container_and_the_type_are_kept(tmp_path, write, name, y):
    path = write(tmp_path, [correction(0, str(y[0]), str(y[1])), correction(2, str(y[2]))])
    corrected = apply_corrections(y, path)
    assert type(corrected) is type(y)
    assert getattr(corrected, "dtype", None) == getattr(y, "dtype", None)
    assert_array_equal(np.asarray(corrected), np.asarray([y[1], y[1], y[2]]))
    assert [type(label) for label in corrected] == [type(label) for label in y]


@pytest.mark.parametrize(
    "dtype", ["int8", "Int64", "category", "object", "string", "float64", "datetime64[ns]"]
)
def test_a_series_of_pandas_keeps_its_index_name_and_type(tmp_path, dtype):
    pandas = pytest.importorskip("pandas")
    labels = {"object": ["b", "a", "b"], "string": ["b", "a", "b"], "category": ["b", "a", "b"]}
    values = labels.get(dtype, [1, 0, 1])
    y = pandas.Series(values, index=[7, 7, 3], name="label").astype(dtype)
    shown = np.asarray(y)  # as the map that was explored holds them
    path = write_json(tmp_path, [correction(2, str(shown[2]), str(shown[1]))])
    corrected = apply_corrections(y, path)
    assert corrected.dtype == y.dtype
    assert corrected.name == "label"
    assert corrected.index.tolist() == [7, 7, 3]
    assert corrected.tolist() == [y.iloc[0], y.iloc[1], y.iloc[1]]
    assert y.tolist() == pandas.Series(values).astype(dtype).tolist()


def test_a_series_of_polars_keeps_its_name_and_type(tmp_path):
    polars = pytest.importorskip("polars")
    for dtype in (polars.String, polars.Enum(["a", "b", "c"]), polars.Categorical):
        y = polars.Series("label", ["b", "a", "b"], dtype=dtype)
        corrected = apply_corrections(y, write_json(tmp_path, [correction(2, "b", "a")]))
        assert (corrected.name, corrected.dtype) == ("label", y.dtype)
        assert corrected.to_list() == ["b", "a", "a"]
        assert y.to_list() == ["b", "a", "b"]
    numbers = polars.Series([1, 0, 1], dtype=polars.Int8)
    corrected = apply_corrections(numbers, write_json(tmp_path, [correction(2, "1", "0")]))
    assert (corrected.dtype, corrected.to_list()) == (polars.Int8, [1, 0, 0])


def test_a_tensor_stays_one(tmp_path):
    torch = pytest.importorskip("torch")
    y = torch.tensor([1, 0, 1], dtype=torch.int32)
    corrected = apply_corrections(y, write_json(tmp_path, [correction(2, "1", "0")]))
    assert (corrected.dtype, corrected.tolist(), y.tolist()) == (torch.int32, [1, 0, 0], [1, 0, 1])


@FILES
@pytest.mark.parametrize("text", [*HOSTILE, *PLAIN], ids=ascii)
def test_any_text_is_a_label_and_an_id_of_both_files(tmp_path, write, text):
    rows = [correction(0, text, "b", "1"), correction(1, "b", text, text)]
    path = write(tmp_path, rows)
    assert apply_corrections([text, "b", "b"], path) == ["b", text, "b"]
    assert apply_corrections(["b", "b", text], path, sample_ids=[text, "2", "1"]) == [
        text,
        "b",
        "b",
    ]


@pytest.mark.parametrize("text", [*HOSTILE, *PLAIN, ""], ids=ascii)
def test_a_guarded_cell_is_restored_and_begins_no_formula(text):
    guarded = guard_cell(text)
    assert unguard_cell(guarded) == text
    assert guarded.strip("\t\r\n \u3000\u00a0")[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20")


def test_numbers_agree_by_value(tmp_path):
    path = write_json(tmp_path, [correction(0, "3", "8"), correction(1, "8.0")])
    assert apply_corrections([3.0, 8.0, 3.0], path) == [8.0, 8.0, 3.0]
    large = [2**53, 2**53 + 1, 1]  # the same as floats
    with pytest.raises(SampleAlignmentError, match="Row 0"):
        apply_corrections(large, write_json(tmp_path, [correction(0, str(large[1]), "1")]))


@FILES
def test_rows_are_found_by_their_ids(tmp_path, write):
    path = write(tmp_path, [correction(0, "a", "b", "x7"), correction(2, "b", "a", "x9")])
    ids = ["x9", "x1", "x8", "x7"]  # another order, and a row more
    y, changed = apply_corrections(list("bbba"), path, sample_ids=ids, return_changed=True)
    assert y == list("abbb")
    assert changed.tolist() == [0, 3]


def test_ids_are_of_any_type(tmp_path):
    path = write_json(tmp_path, [correction(0, "a", "b", "7"), correction(1, "b", "a", "-3")])
    y = apply_corrections(np.array(list("abb")), path, sample_ids=np.array([7, -3, 5]))
    assert y.tolist() == ["b", "a", "b"]


@FILES
@pytest.mark.parametrize(
    ("rows", "given", "error", "match"),
    [
        ([correction(1, "c", "a")], {}, SampleAlignmentError,
         r"Row 1 has the label 'b' in y, but 'c' in .*corrections\.\w+\. Pass the labels"),
        ([correction(1, "c")], {}, SampleAlignmentError, "Row 1 has the label 'b'"),
        ([correction(1, "a", "b")], {}, SampleAlignmentError,
         "Row 1 has the label 'b' in y, but 'a' .*corrected already"),
        ([correction(0, "a", "b"), correction(3, "a", "b")], {}, SampleAlignmentError,
         r"corrects row 3, but y has 3 rows"),
        ([correction(0, "a", "b"), correction(0, "a", "b")], {}, ValueError, "holds row 0 twice"),
        ([correction(0, "a", "c")], {}, ValueError,
         "corrects row 0 to 'c', which is no class of y: 'a', 'b'. Pass new_classes=True"),
        ([correction(0, "a", "B")], {}, ValueError, "no class of y"),
        ([correction(0, "a", "b")], {"sample_ids": [5, 6, 7]}, SampleAlignmentError,
         r"row 0 of .* has no id. Leave out sample_ids"),
        ([correction(0, "a", "b", "x")], {"sample_ids": [5, 6, 7]}, SampleAlignmentError,
         "has the id 'x', but none of the sample_ids has this text"),
        ([correction(0, "a", "b", "1")], {"sample_ids": [1, "1", 2]}, SampleAlignmentError,
         "has the id '1', but 2 of the sample_ids have this text"),
        ([correction(0, "a", "b", "5"), correction(2, "a", "b", "5")],
         {"sample_ids": [5, 6, 7]}, SampleAlignmentError, "holds the id '5' twice"),
        ([correction(1, "a", "b", "6")], {"sample_ids": [5, 6, 7]}, SampleAlignmentError,
         r"Row 1 \(id '6'\) has the label 'b'"),
    ],
    ids=name_of,
)  # fmt: skip
def test_corrections_of_other_rows_or_labels_are_errors(tmp_path, write, rows, given, error, match):
    y = np.array(["a", "b", "a"])
    path = write(tmp_path, rows)
    with pytest.raises(error, match=match):
        apply_corrections(y, path, **given)
    assert y.tolist() == ["a", "b", "a"]


def test_the_number_of_rows_must_agree_where_they_are_found_by_position(tmp_path):
    path = write_json(tmp_path, [correction(0, "a", "b", "x")], n_samples=4)
    with pytest.raises(SampleAlignmentError, match=r"of 4 rows, but y has 3.*sample_ids"):
        apply_corrections(["a", "b", "a"], path)
    assert apply_corrections(["a", "b", "a"], path, sample_ids=["x", "y", "z"]) == ["b", "b", "a"]


def test_text_of_two_classes_is_ambiguous(tmp_path):
    y = np.array([1, "1", "a"], dtype=object)
    with pytest.raises(ValueError, match=r"row 2 to '1', which is the text of several.*1, '1'"):
        apply_corrections(y, write_json(tmp_path, [correction(2, "a", "1")]))
    path = write_json(tmp_path, [correction(0, "1", "a"), correction(1, "1")])
    assert apply_corrections(y, path).tolist() == ["a", "1", "a"]


@pytest.mark.parametrize(
    ("y", "new", "expected"),
    [
        (["a", "b"], "cc", "cc"),
        (np.array(["a", "b"]), "long one", "long one"),
        (np.array(["a", "b"], dtype=object), "", ""),
        (np.array([1, 0]), "2", 2),
        (np.array([1, 0], dtype=np.uint8), "255", 255),
        ([1, 0], "-7", -7),
        ([1.0, 0.0], "2", 2.0),
    ],
    ids=name_of,
)
def test_new_classes_are_taken_if_asked_for(tmp_path, y, new, expected):
    path = write_json(tmp_path, [correction(0, str(y[0]), new)], n_samples=2)
    with pytest.raises(ValueError, match="no class of y"):
        apply_corrections(y, path)
    corrected = apply_corrections(y, path, new_classes=True)
    assert corrected[0] == expected
    assert type(corrected[0]) is type(y[0])
    assert corrected[1] == y[1]


@pytest.mark.parametrize(
    ("y", "new"),
    [
        (np.array([1, 0]), "a"),
        (np.array([1, 0]), "2.5"),
        (np.array([1, 0]), "1_0"),
        (np.array([1, 0]), " 2"),
        (np.array([1, 0]), "\uff12"),
        (np.array([1, 0], dtype=np.uint8), "256"),
        (np.array([1, 0], dtype=np.uint8), "-1"),
        ([1.0, 0.0], "nan"),
        ([1.0, 0.0], "1e999"),
        (np.array([True, False]), "2"),
        ([True, False], "maybe"),
        (np.array(["2020-01-02", "2020-01-01"], dtype="M8[D]"), "2020-01-03"),
        (np.array([b"a", b"b"]), "c"),
        (np.array([1, "a"], dtype=object), "2"),
        ([("a", 1), ("b", 2)], "c"),
    ],
    ids=name_of,
)
def test_new_classes_must_have_the_type_of_the_others(tmp_path, y, new):
    path = write_json(tmp_path, [correction(0, str(y[0]), new)], n_samples=2)
    with pytest.raises(ValueError, match="The type of y cannot hold it"):
        apply_corrections(y, path, new_classes=True)


def test_new_classes_of_categories(tmp_path):
    pandas = pytest.importorskip("pandas")
    y = pandas.Series(["b", "a", "b"], dtype=pandas.CategoricalDtype(["b", "a", "unused"]))
    corrected = apply_corrections(y, write_json(tmp_path, [correction(0, "b", "unused")]))
    assert corrected.tolist() == ["unused", "a", "b"]
    path = write_json(tmp_path, [correction(0, "b", "c")])
    with pytest.raises(ValueError, match="no class of y"):
        apply_corrections(y, path)
    corrected = apply_corrections(y, path, new_classes=True)
    assert corrected.tolist() == ["c", "a", "b"]
    assert corrected.cat.categories.tolist() == ["b", "a", "unused", "c"]
    polars = pytest.importorskip("polars")
    fixed = polars.Series(["b", "a", "b"], dtype=polars.Enum(["a", "b"]))
    with pytest.raises(ValueError, match="cannot hold it"):
        apply_corrections(fixed, path, new_classes=True)


def test_labels_may_be_missing_in_rows_that_are_not_corrected(tmp_path):
    path = write_json(tmp_path, [correction(2, "b", "a")])
    assert apply_corrections(["a", None, "b"], path) == ["a", None, "a"]
    assert apply_corrections(np.array(["a", np.nan, "b"], dtype=object), path)[2] == "a"
    pandas = pytest.importorskip("pandas")
    y = pandas.Series([1, None, 3], dtype="Int64")
    path = write_json(tmp_path, [correction(2, "3", "1")])
    assert apply_corrections(y, path).tolist() == [1, pandas.NA, 1]


GOOD = {"format": "sklearn_carto.corrections", "version": 1, "n_samples": 3, "rows": []}
ROW = {"row": 0, "id": None, "given_label": "a", "new_label": None}


def changed(**more):
    return json.dumps({**GOOD, **more})


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("row,given_label,new_label\n0,a,b\n", "is no JSON"),
        (changed(rows=[ROW])[:-20], "a part of it is missing"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "does not say that its format"),
        ("3", "does not say that its format"),
        (changed(format="other"), "does not say that its format"),
        (changed(version=2), "has version 2 of the format; this library reads version 1"),
        (changed(version="1"), "has the version '1'"),
        (changed(version=True), "has the version True"),
        (changed(version=0), "has the version 0"),
        (changed(n_samples=None), "lacks 'n_samples' or 'rows'"),
        (changed(n_samples=-1), "lacks 'n_samples' or 'rows'"),
        (changed(rows={}), "lacks 'n_samples' or 'rows'"),
        (changed(rows=[3]), "entry 0 of 'rows'"),
        (changed(rows=[ROW, {"row": 1}]), "lacks .*entry 1 of 'rows'"),
        (changed(rows=[{**ROW, "row": "0"}]), "holds '0' as a row in entry 0"),
        (changed(rows=[{**ROW, "row": True}]), "holds True as a row"),
        (changed(rows=[{**ROW, "row": -1}]), "holds -1 as a row"),
        (changed(rows=[{**ROW, "row": 0.0}]), "holds 0.0 as a row"),
        (changed(rows=[{**ROW, "new_label": 3}]), "holds 3 as 'new_label' of row 0"),
        (changed(rows=[{**ROW, "id": 3}]), "holds 3 as 'id' of row 0"),
        (changed(rows=[{**ROW, "given_label": ["a"]}]), "as 'given_label' of row 0"),
    ],
    ids=lambda text: ascii(text)[-60:],
)
def test_a_file_of_json_that_is_no_export_is_named(tmp_path, text, match):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)c\.json is no file of corrections.*{match}"):
        apply_corrections(["a", "b", "a"], path)


HEAD = "row,id,given_label,new_label\n"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n1,2\n", "lacks one of the columns row, given_label, new_label"),
        ("row,row,given_label,new_label\n", "lacks one of the columns"),
        (changed(), "lacks one of the columns"),
        (HEAD + "0,,a", "holds 3 cells in record 2, for 4 columns; it may have been cut off"),
        (HEAD + "0,,a,b,c\n", "holds 5 cells"),
        (HEAD + '0,,a,"b', "a part of it is missing"),
        (HEAD + "x,,a,b\n", "holds 'x' as a row in record 2"),
        (HEAD + "-1,,a,b\n", "holds '-1' as a row"),
        (HEAD + "1.0,,a,b\n", "holds '1.0' as a row"),
        (HEAD + ",,a,b\n", "holds '' as a row"),
        (HEAD + "\u0663,,a,b\n", "as a row"),
        (HEAD + "9" * 30 + ",,a,b\n", "as a row"),
        ("\0" * 50, "lacks one of the columns"),
    ],
    ids=lambda text: ascii(text)[-60:],
)
def test_a_file_of_csv_that_is_no_export_is_named(tmp_path, text, match):
    path = tmp_path / "c.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"(?s)c\.csv is no file of corrections.*{match}"):
        apply_corrections(["a", "b", "a"], path)


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(ValueError, match="is not text in UTF-8"):
        apply_corrections(["a", "b", "a"], path)


def test_what_a_spreadsheet_does_to_a_file_is_understood(tmp_path):
    rows = [correction(0, "True", "False"), correction(2, "False", "True")]
    path = write_csv(tmp_path, rows, delimiter=";", lineterminator="\r\n")
    text = "\ufeff" + path.read_text().replace("True", "TRUE").replace("False", "FALSE") + "\n\n"
    path.write_text(text, encoding="utf-8")
    assert apply_corrections([True, False, False], path) == [False, False, True]


def test_a_path_that_is_no_file_of_corrections(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.json does not exist"):
        apply_corrections(["a"], tmp_path / "no.json")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileNotFoundError, match="is not a regular file"):
        apply_corrections(["a"], tmp_path / "folder.csv")
    with pytest.raises(ValueError, match=r"'path' parameter .* ends in \.json or \.csv"):
        apply_corrections(["a"], tmp_path / "y.xlsx")


@pytest.mark.parametrize(
    "y",
    [None, "abc", 3, {"a": 1}, {1, 2}, np.zeros((3, 2)), np.float64(3), [["a"], ["b"], ["c"]], len],
    ids=name_of,
)
def test_labels_of_no_container_are_errors(tmp_path, y):
    with pytest.raises(ValueError, match="The 'y' parameter of apply_corrections must"):
        apply_corrections(y, write_json(tmp_path, []))


def test_no_labels_have_no_corrections(tmp_path):
    path = write_json(tmp_path, [], n_samples=0)
    assert apply_corrections([], path) == []
    assert apply_corrections(np.array([], dtype=int), path).dtype == int
