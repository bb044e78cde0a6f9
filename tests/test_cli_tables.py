"""Tables of the command line: read as they are, and written as they were read."""

import codecs
import gzip
import json

import pytest

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._formats import find_format, promised_format
from sklearn_carto._cli._opening import open_table
from sklearn_carto._cli._tables import Changes

NAMES = ["text", "a b", "label"]
ROWS = [
    ['with, comma; "quotes"', "007", "x"],
    ["two\nlines", "1e5", "y"],
    ["", "NA", "x"],
    ["naïve 漢字 🙂", "-0.0", "y"],
]


def as_csv(delimiter=",", line_end="\n"):
    def cell(value):
        return '"' + value.replace('"', '""') + '"' if set(value) & set('",;\t|\n') else value

    return "".join(delimiter.join(map(cell, row)) + line_end for row in [NAMES, *ROWS])


def cells(table, names=NAMES):
    return [list(row) for row in zip(*(table.column(name).tolist() for name in names), strict=True)]


@pytest.mark.parametrize(
    "delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gz"])
def test_csv_of_any_dialect_is_written_byte_for_byte(
    tmp_path, delimiter, encoding, line_end, gzipped
):
    data = as_csv(delimiter, line_end).encode(encoding)
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(data) if gzipped else data)
    source = open_table(path)
    assert source.names == NAMES
    table = source.read()
    assert cells(table) == ROWS
    with (tmp_path / "again.csv").open("wb") as file:
        source.write(file, table)
    assert (tmp_path / "again.csv").read_bytes() == data


def test_rows_are_chosen_and_one_cell_is_changed(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(as_csv())
    source = open_table(path)
    with (tmp_path / "again.csv").open("wb") as file:
        source.write(file, source.read(), [1, 3], Changes("label", {3: "z", 0: "w"}))
    again = open_table(tmp_path / "again.csv").read()
    assert cells(again) == [ROWS[1], [*ROWS[3][:2], "z"]]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 10])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_blocks_hold_all_rows_in_order(tmp_path, kind, n_rows):
    source = open_table(written(tmp_path, kind))
    blocks = list(source.blocks(n_rows))
    assert max(block.n_rows for block in blocks) <= n_rows
    assert [row for block in blocks for row in cells(block)] == ROWS
    assert cells(source.read()) == ROWS


def written(folder, kind):
    """Write the table in a format."""
    path = folder / f"table.{kind}"
    if kind == "csv":
        path.write_text(as_csv())
    elif kind == "jsonl":
        lines = (json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) for row in ROWS)
        path.write_text("\n".join(lines) + "\n")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        columns = dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True))
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), path)
    return path


def test_json_lines_are_written_as_they_were_read(tmp_path):
    lines = ['{"b":1.0 , "label": 1}', '{"label":2,"c":{"d":[1]}}', '{"b":1e400,"label":null}']
    path = tmp_path / "table.jsonl"
    path.write_text("\n\n".join(lines))
    source = open_table(path)
    assert source.names == ["b", "label", "c"]
    table = source.read()
    assert table.column("c").tolist() == [None, {"d": [1]}, None]
    with (tmp_path / "again.jsonl").open("wb") as file:
        source.write(file, table, changes=Changes("label", {1: 5}))
    again = (tmp_path / "again.jsonl").read_text().splitlines()
    assert again == [lines[0], '{"label": 5, "c": {"d": [1]}}', lines[2]]


def test_parquet_keeps_its_types(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    kind = pyarrow.dictionary(pyarrow.int8(), pyarrow.string())  # as pandas writes categories
    label = pyarrow.array(["x", "y", None, "x"]).dictionary_encode().cast(kind)
    when = pyarrow.array([1, 2, 3, 4], pyarrow.timestamp("ns"))
    whole = pyarrow.table({"when": when, "n": pyarrow.array([1, None, 2, 3]), "label": label})
    path = tmp_path / "table.parquet"
    parquet.write_table(whole, path, row_group_size=2)
    source = open_table(path)
    table = source.read()
    assert table.column("n").tolist() == [1, None, 2, 3]
    with (tmp_path / "again.parquet").open("wb") as file:
        source.write(file, table, [0, 3], Changes("label", {0: "y"}))
    again = parquet.read_table(tmp_path / "again.parquet")
    # old versions of pyarrow read every dictionary with indices of 32 bits
    assert again.schema.types == parquet.read_table(path).schema.types
    assert again.column("label").to_pylist() == ["y", "x"]
    assert again.column("when").equals(whole.take([0, 3]).column("when"))


def test_the_longest_text_is_read(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("text,label\n" + "word " * 200_000 + ",a\n")
    assert len(open_table(path).read().column("text")[0]) == 1_000_000


@pytest.mark.parametrize(
    ("name", "promised"),
    {
        "a.csv": "CSV", "a.CSV.gz": "CSV", "a.tsv": "CSV", "a.jsonl.gz": "JSON lines",
        "a.b.parquet": "Parquet", "a.gz": None, "a": None, "a.xlsx": None,
    }.items(),
)  # fmt: skip
def test_a_name_promises_a_format(name, promised):
    assert promised_format(name) == promised


PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FALSE_NAMES = {
    "image": ("a.csv", PNG, "is a PNG image"),
    "image-gz": ("a.csv.gz", gzip.compress(PNG), "is a PNG image"),
    "workbook": ("a.csv", b"PK\x03\x04" + bytes(20), "Excel workbook"),
    "csv": ("a.parquet", b"a,b\n1,2\n", "is not a Parquet file"),
    "parquet": ("a.csv", b"PAR1" + bytes(20), "Rename it to .parquet"),
    "json": ("a.csv", b'{"a": 1}\n', "Rename it to .jsonl"),
    "csv-as-json": ("a.jsonl", b"a,b\n1,2\n", "is not a file of JSON lines"),
    "array": ("a.json", b'[{"a": 1}]', "a JSON array"),
    "empty": ("a.csv", b"", "is empty"),
    "empty-gz": ("a.csv.gz", gzip.compress(b""), "is empty"),
    "cut-gz": ("a.csv.gz", gzip.compress(b"a,b\n" * 9)[:12], "damaged gzip"),
}


@pytest.mark.parametrize("case", FALSE_NAMES)
def test_a_file_that_is_not_what_its_name_promises(tmp_path, case):
    name, content, match = FALSE_NAMES[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=match):
        find_format(tmp_path / name)


@pytest.mark.parametrize("path", ["missing.csv", "."])
def test_no_file(tmp_path, path):
    with pytest.raises(CommandError, match="does not exist|is not a file"):
        find_format(tmp_path / path)


DAMAGED = {
    "header-alone": ("a.csv", b"a,b\n", "a header, but no rows"),
    "doubled-names": ("a.csv", b"a,b,a\n1,2,3\n", r"two columns named 'a' \(columns 1 and 3\)"),
    "ragged": ("a.csv", b"a,b\n1,2\n1,2,3\n", "line 3 of .* has 3 cells, but the header 2"),
    "latin": ("a.csv", "a,b\né,2\n".encode("latin-1"), "not text in UTF-8. Pass --encoding"),
    "noise": ("a.csv", bytes(range(128, 256)), "not text in UTF-8"),
    "open-quote": ("a.csv", b'a,b\n1,2\n3,"4\n5,6\n', "starts at line 3 of .* Close each quote"),
    "text-after-quote": ("a.csv", b'a,b\n1,"2"3\n', "starts at line 2 of .* Close each quote"),
    "blank": ("a.csv", b"\n\n", "is empty"),
    "json": ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2 of .* cannot be read as JSON"),
    "json-list": ("a.jsonl", b'{"a": 1}\n[1]\n', "line 2 of .* is not a JSON object"),
    "json-key-twice": ("a.jsonl", b'{"a": 1, "a": 2}\n', "a key occurs twice"),
    "parquet": ("a.parquet", b"PAR1" + bytes(50), "damaged Parquet file"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_table(tmp_path, case):
    name, content, match = DAMAGED[case]
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=match):
        open_table(tmp_path / name).read()


def test_an_encoding_is_passed(tmp_path):
    (tmp_path / "a.csv").write_bytes("name;b\nJosé;2\n".encode("cp1252"))
    source = open_table(tmp_path / "a.csv", encoding="cp1252")
    assert source.read().column("name").tolist() == ["José"]
    with pytest.raises(CommandError, match="--encoding nonsense is unknown"):
        open_table(tmp_path / "a.csv", encoding="nonsense")


def test_a_delimiter_is_passed(tmp_path):
    (tmp_path / "a.csv").write_text("a:b\n1:2\n")
    assert open_table(tmp_path / "a.csv", delimiter=":").names == ["a", "b"]
    with pytest.raises(CommandError, match="must be one character"):
        open_table(tmp_path / "a.csv", delimiter="::")


def test_a_mark_of_byte_order_is_no_part_of_a_name(tmp_path):
    (tmp_path / "a.csv").write_bytes(codecs.BOM_UTF8 + b"label,b\n1,2\n")
    assert open_table(tmp_path / "a.csv").names == ["label", "b"]


@pytest.mark.parametrize(
    ("name", "found"), {"label": "label", " a b ": "a b", "a b": "a b"}.items(), ids=repr
)
def test_a_column_is_found(tmp_path, name, found):
    source = open_table(written(tmp_path, "csv"))
    assert source.find(name, "--target") == found


@pytest.mark.parametrize(
    ("name", "near"), {"labl": "label", "LABEL": "label", "Text ": "text"}.items(), ids=repr
)
def test_the_nearest_name_of_a_missing_column(tmp_path, name, near):
    source = open_table(written(tmp_path, "csv"))
    with pytest.raises(CommandError, match=f"--target names. Did you mean '{near}'"):
        source.find(name, "--target")
    with pytest.raises(CommandError, match="Its columns are 'text', 'a b', 'label'"):
        source.find("nothing like it", "--target")


def test_parquet_without_pyarrow(tmp_path, without):
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(50))
    without("pyarrow")
    with pytest.raises(
        ImportError, match=r"Reading Parquet requires pyarrow.*sklearn-carto\[logs\]"
    ):
        open_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_line_ends_are_those_of_the_rows_not_of_the_cells(tmp_path, line_end):
    other = "\n" if line_end == "\r\n" else "\r\n"
    content = f'a,b{line_end}1,"x{other}y"{line_end}'.encode()
    (tmp_path / "a.csv").write_bytes(content)
    source = open_table(tmp_path / "a.csv")
    with (tmp_path / "b.csv").open("wb") as file:
        source.write(file, source.read())
    assert (tmp_path / "b.csv").read_bytes() == content
