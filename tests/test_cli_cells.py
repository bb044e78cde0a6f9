"""Labels, ids and cells as the commands read them, and as they write them."""

import datetime
import decimal
import json
import re

import pytest

from tables import fails, people, run, write_csv

FAST = ["--epochs", "2"]


def done(capsys, *arguments):
    code, out, err = run(capsys, *arguments)
    assert code == 0, err
    return out, err


def of_rows(folder, *rows):
    """Write corrections: (row, given label, new label)."""
    lines = ["row,id,given_label,new_label", *(f"{row},,{a},{b}" for row, a, b in rows)]
    path = folder / "c.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


CSV = {
    "quoted": b'"nr","t","label"\n"01","a ""b""","yes"\n"02","","no"\n"03","NA","yes"\n',
    "some-quoted": b'nr,t,label\n01,"x,y",yes\n02,"a\nb","no"\n03,plain,"yes"\n',
    "crlf": b"nr,t,label\r\n01,1.50,yes\r\n02,1e3,no\r\n03,True,yes\r\n",
    "mixed-ends": b"nr,t,label\n01,1.50,yes\r\n02,1e3,no\n03,True,yes\n",
    "blank-lines": b"\nnr,t,label\n\n01,a,yes\n\r\n02,b,no\n03,c,yes\n\n\n",
    "blank-first-cell": b"label,t\nyes,1\n\nno,2\nyes,3\n",
    "no-last-end": b"nr;t;label\n01;1,50;yes\n02; x ;no\n03;-;yes",
    "bom": b'\xef\xbb\xbf"nr"\tt\tlabel\n01\t1\tyes\n02\t\xc3\xa9\tno\n03\t3\tyes\n',
}


@pytest.mark.parametrize("case", CSV)
def test_bytes_of_cells_that_do_not_change_stay(capsys, tmp_path, case):
    """Quotes, blanks and line ends, too; the new cell is quoted if the old one was."""
    table, clean = tmp_path / "a.csv", tmp_path / "b.csv"
    table.write_bytes(CSV[case])
    command = ["apply", table, of_rows(tmp_path, (1, "no", "yes")), "--target", "label"]
    done(capsys, *command, "--out", clean)
    assert clean.read_bytes() == re.sub(rb"\bno\b", b"yes", CSV[case])
    none = of_rows(tmp_path, (1, "no", ""))
    done(capsys, "apply", table, none, "--target", "label", "--out", clean, "--overwrite")
    assert clean.read_bytes() == CSV[case]


def test_a_new_label_is_quoted_where_it_must_be(capsys, tmp_path):
    table = write_csv(tmp_path / "a.csv", ["label", "x"], [["no", 1], ["yes", 2], ["no", 3]])
    corrections = of_rows(tmp_path, (0, "no", '"a,b"'), (1, "yes", '"say ""hi"""'))
    command = ["apply", table, corrections, "--target", "label", "--new-classes", "--out"]
    done(capsys, *command, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == 'label,x\n"a,b",1\n"say ""hi""",2\nno,3\n'


def test_a_label_that_the_encoding_lacks(capsys, tmp_path):
    table = tmp_path / "a.csv"
    table.write_bytes("x,label\n1,é\n2,è\n".encode("latin-1"))
    command = ["apply", table, of_rows(tmp_path, (0, "é", "日本")), "--target", "label"]
    command += ["--encoding", "latin-1", "--new-classes", "--out", tmp_path / "b.csv"]
    line = fails(capsys, *command)
    assert re.search("日本 cannot be written in iso8859-1, .* Convert the table to UTF-8", line)
    assert not (tmp_path / "b.csv").exists()


DAY = datetime.date(2024, 1, 1)
ZERO, ONE = decimal.Decimal("0.00"), decimal.Decimal("1.00")
SECONDS = ("1970-01-01 00:00:01", "1970-01-01 00:00:02")
TYPES = {  # type, two cells, their texts
    "date": ("date32", (DAY, DAY.replace(day=2)), ("2024-01-01", "2024-01-02")),
    "nanoseconds": ("timestamp", (1_000_000_001, 2_000_000_002), SECONDS),
    "decimal": ("decimal128", (ZERO, ONE), ("0.00", "1.00")),
    "float": ("float32", (0.0, 1.0), ("0", "1")),
    "boolean": ("bool_", (False, True), ("False", "True")),
    "unsigned": ("uint64", (2**63, 2**63 + 1), (str(2**63), str(2**63 + 1))),
    "category": ("dictionary", ("a", "b"), ("a", "b")),
}  # fmt: skip


@pytest.mark.parametrize("case", TYPES)
def test_a_column_of_parquet_keeps_its_type_and_values(capsys, tmp_path, case):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    kind, (a, b), (text_a, text_b) = TYPES[case]
    types = {
        "timestamp": lambda: pyarrow.timestamp("ns"),
        "decimal128": lambda: pyarrow.decimal128(5, 2),
        "dictionary": lambda: pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
    }
    kind = types[kind]() if kind in types else getattr(pyarrow, kind)()
    cells = pyarrow.array([a, b, b, None], kind)
    parquet.write_table(pyarrow.table({"label": cells}), tmp_path / "a.parquet")
    corrections = of_rows(tmp_path, (2, text_b, text_a))
    command = ["apply", tmp_path / "a.parquet", corrections, "--target", "label", "--out"]
    done(capsys, *command, tmp_path / "b.parquet")
    given, found = (parquet.read_table(tmp_path / f"{x}.parquet").column("label") for x in "ab")
    assert found.type == given.type  # kind, but for older versions of pyarrow
    assert found.to_pylist() == pyarrow.array([a, b, a, None], kind).to_pylist()


def test_a_new_class_that_the_type_cannot_hold(capsys, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    cells = pyarrow.array([DAY, DAY.replace(day=2)])
    path = tmp_path / "a.parquet"
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"label": cells}), path)
    command = ["apply", path, of_rows(tmp_path, (0, DAY, "soon")), "--target", "label"]
    line = fails(capsys, *command, "--new-classes", "--out", tmp_path / "b.parquet")
    assert re.search("'soon' cannot be written into column 'label' of .*, which holds date32", line)


def lines_of(folder, labels):
    path = folder / "a.jsonl"
    rows = (f'{{"a": {i * 7 % 13}, "label": {labels[i % len(labels)]}}}\n' for i in range(40))
    path.write_text("".join(rows))
    return path


MIXED = {
    "number-text": (["1", '"1"'], "labels 1 and '1', which are of different types"),
    "boolean-number": (["true", "1", '"x"'], "labels True and 1, which are of different types"),
    "float-text": (["1.0", '"1"', "2"], "labels 1.0 and '1', which are of different types"),
    "infinite": (["Infinity", "2"], "holds infinite numbers"),
    "lists": (["[1]", "[2]"], r"lists, objects or bytes, such as \[1\]"),
}


@pytest.mark.parametrize("more", [[], ["--chunks"]], ids=["whole", "chunks"])
@pytest.mark.parametrize("case", MIXED)
def test_labels_of_different_types_are_not_taken_for_one(capsys, tmp_path, case, more):
    labels, match = MIXED[case]
    command = ["map", lines_of(tmp_path, labels), "--target", "label", "--out", tmp_path / "out"]
    line = fails(capsys, *command, *more)
    assert re.search(match, line), line


def test_labels_of_several_types_keep_them(capsys, tmp_path):
    path = lines_of(tmp_path, ["1", '"x"', "2.0"])
    done(capsys, "issues", path, "--target", "label", "--out", tmp_path / "out", *FAST, "--cv", "2")
    corrections = of_rows(tmp_path, (0, "1", "2"), (1, "x", "1"))
    done(capsys, "apply", path, corrections, "--target", "label", "--out", tmp_path / "b.jsonl")
    old, new = path.read_text().splitlines(), (tmp_path / "b.jsonl").read_text().splitlines()
    assert [json.loads(line)["label"] for line in new[:3]] == [2.0, 1, 2.0]
    assert new[2:] == old[2:]


def test_integers_of_any_length_are_labels(capsys, tmp_path):
    path = lines_of(tmp_path, [str(10**25), "2"])
    out, _ = done(capsys, "map", path, "--target", "label", "--out", tmp_path / "out", *FAST)
    assert f"{10**25} (20), 2 (20)" in out


def test_bytes_are_no_labels(capsys, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"x": [1, 2, 1, 3], "label": [b"a", b"b", b"a", b"b"]})
    pytest.importorskip("pyarrow.parquet").write_table(table, path)
    line = fails(capsys, "map", path, "--target", "label", "--out", tmp_path / "out")
    assert "lists, objects or bytes, such as b'a'" in line


@pytest.mark.parametrize("n_rows", [3, 10])
def test_each_row_with_a_label_of_its_own(capsys, tmp_path, n_rows):
    rows = [[i % 2, f"c{i}"] for i in range(n_rows)]
    table = write_csv(tmp_path / "a.csv", ["x", "label"], rows)
    line = fails(capsys, "map", table, "--target", "label", "--out", tmp_path / "out")
    assert f"holds as many labels as rows ({n_rows} different ones" in line


def test_half_of_a_character_is_no_text(capsys, tmp_path):
    path = lines_of(tmp_path, ['"x"', r'"y\ud83d"'])
    line = fails(capsys, "map", path, "--target", "label", "--out", tmp_path / "out")
    assert r"line 2 of" in line
    assert r"holds half of a character, '\ud83d'" in line
    path = lines_of(tmp_path, ['"x"', r'"y\ud83d\ude00"'])
    out, _ = done(capsys, "map", path, "--target", "label", "--out", tmp_path / "out", *FAST)
    assert "y\U0001f600 (20)" in out


CHUNKS = {"whole": [], "chunks": ["--chunks"], "small": ["--chunks", "--chunk-rows", "20"]}


@pytest.mark.parametrize("mode", CHUNKS)
@pytest.mark.parametrize(
    ("place", "value", "match"),
    [(44, "", "holds no id in 1 row, among them 44"), (44, "3", "rows 3 and 44 .*same id '3'")],
    ids=["missing", "doubled"],
)
def test_ids_that_are_none(capsys, tmp_path, mode, place, value, match):
    names, rows = people()
    rows = [[value if i == place else i, *row] for i, row in enumerate(rows)]
    table = write_csv(tmp_path / "a.csv", ["nr", *names], rows)
    command = ["map", table, "--target", "label", "--id", "nr", "--out", tmp_path / "out"]
    line = fails(capsys, *command, *CHUNKS[mode])
    assert re.search(match, line), line


@pytest.mark.parametrize(
    "data",
    [bytes(100), "x,label\n1,a\n".encode("utf-16-be"), "x,label\n1,a\n".encode("utf-32-le")],
    ids=["zeros", "utf-16", "utf-32"],
)
def test_a_file_of_zeros_is_no_text(capsys, tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    command = ["map", tmp_path / "a.csv", "--target", "label", "--out", tmp_path / "out"]
    assert "a.csv is not text in UTF-8. Pass --encoding" in fails(capsys, *command)


def test_utf_32_after_a_mark(capsys, tmp_path):
    path = write_csv(tmp_path / "a.csv", *people())
    path.write_bytes(path.read_text().encode("utf-32"))
    done(capsys, "map", path, "--target", "label", "--out", tmp_path / "out", *FAST)


def test_corrections_without_a_new_label_are_told(capsys, tmp_path):
    table = write_csv(tmp_path / "a.csv", ["x", "label"], [[1, "no"], [2, "yes"], [3, "no"]])
    command = ["apply", table, of_rows(tmp_path, (0, "no", "")), "--target", "label", "--out"]
    out, err = done(capsys, *command, tmp_path / "b.csv")
    assert "0 of 3 labels corrected" in out
    assert re.search("warning: no row of .*c.csv has a new label. Fill in its column", err)
    of_rows(tmp_path, (0, "no", "yes"))
    _, err = done(capsys, *command, tmp_path / "b.csv", "--overwrite")
    assert err == ""
