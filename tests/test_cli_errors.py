"""Bad input of the commands: one line, exit code 2, and what to do."""

import json
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_carto._cli._images import read_images
from sklearn_carto._cli._messages import Messages
from tables import fails, people, reviews, run, write_csv


@pytest.fixture
def table(tmp_path):
    return write_csv(tmp_path / "people.csv", *people())


def of_map(table, *more):
    return ["map", table, "--target", "label", "--epochs", "2", *more]


CASES = {
    "target": (["--target", "labels"], "has no column 'labels', .* Did you mean 'label'"),
    "id": (["--id", "nr"], "no column 'nr', which --id names"),
    "id-doubled": (["--id", "home town"], "have the same id"),
    "text-of-numbers": (["--text", "age"], "'age' .* --text names, holds numbers"),
    "text-is-target": (["--text", "label"], "--text and --target name the same column"),
    "text-missing": (["--text", "review"], "no column 'review', which --text names"),
    "image-is-target": (["--image", "label"], "--image and --target name the same column"),
    "image-no-file": (["--image", "home town"], "60 of 60 images cannot be read: .*row 0"),
    "column-is-target": (["--column", "label"], "--column and --target name the same column"),
    "column-and-ignore": (
        ["--column", "age", "--ignore", "age"],
        "--column and --ignore name the same column 'age'",
    ),
    "column-and-text": (["--column", "age", "--text", "home town"], "--column cannot be combined"),
    "no-columns": (["--ignore", "age", "--ignore", "home town"], "no column to learn from"),
    "estimator": (["--estimator", "svm"], "'svm' is unknown. Choose one of sgd, mlp, hgb, lgbm"),
    "module": (["--estimator", "no_such_module:make"], "cannot be imported: ModuleNotFoundError"),
    "name": (["--estimator", "math:make"], "cannot be imported: AttributeError"),
    "no-factory": (["--estimator", "math:pi"], "must be a function or a class"),
    "raises": (["--estimator", "math:sqrt"], "math:sqrt raised TypeError"),
    "no-classifier": (["--estimator", "builtins:dict"], "returned dict, not a classifier"),
    "not-watchable": (["--estimator", "sklearn.svm:SVC"], "SVC cannot be watched"),
    "chunks-of-trees": (["--chunks", "--estimator", "hgb"], "which hgb does not have. Choose sgd"),
    "chunks-cv": (["--chunks", "--cv", "3"], "--chunks cannot be combined with --cv"),
    "cv": (["--cv", "100"], "100"),
    "delimiter": (["--delimiter", ",,"], "--delimiter must be one character"),
    "encoding": (["--encoding", "utf-99"], "--encoding utf-99 is unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_arguments_that_do_not_fit_the_table(capsys, tmp_path, table, case):
    arguments, match = CASES[case]
    if case == "image-no-file":
        pytest.importorskip("PIL")
    line = fails(capsys, *of_map(table, "--out", tmp_path / "out", *arguments))
    assert re.search(match, line), line
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("command", ["issues", "select", "compare"])
def test_each_command_names_the_nearest_column(capsys, tmp_path, table, command):
    out = tmp_path / ("out.csv" if command == "select" else "out")
    more = ["--region", "easy"] if command == "select" else []
    line = fails(capsys, command, table, "--target", "Label ", "--out", out, *more)
    assert "Did you mean 'label'" in line


TABLES = {
    "missing-file": (None, "does not exist"),
    "empty": (b"", "is empty"),
    "header-alone": (b"age,label\n", "no rows"),
    "one-class": (b"age,label\n1,a\n2,a\n", "one class alone, 'a'"),
    "one-row": (b"age,label\n1,a\n", "one class alone"),
    "no-label": (b"age,label\n1,a\n2,\n3,b\n4,NA\n", "2 of 4 rows have no label .*1, 3"),
    "continuous": (b"age,label\n1,0.5\n2,0.25\n3,1\n", "continuous numbers"),
    "doubled-names": (b"age,label,age\n1,a,1\n", "two columns named 'age'"),
    "image": (b"\x89PNG\r\n\x1a\n", "is a PNG image"),
    "parquet": (b"PAR1" + bytes(9), "is a Parquet file"),
    "ragged": (b"age,label\n1,a\n2,b,c\n", "line 3"),
    "no-columns": (b"label\na\nb\na\n", "no column to learn from"),
    "constant": (b"age,label\n1,a\n1,b\n1,a\n", "no column to learn from"),
}


@pytest.mark.parametrize("command", ["map", "chunks", "issues", "select", "compare"])
@pytest.mark.parametrize("case", TABLES)
def test_tables_that_cannot_be_used(capsys, tmp_path, case, command):
    content, match = TABLES[case]
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_bytes(content)
    more = {"chunks": ["--chunks"], "select": ["--region", "easy"]}.get(command, [])
    out = tmp_path / ("out.csv" if command == "select" else "out")
    command = "map" if command == "chunks" else command
    line = fails(capsys, command, path, "--target", "label", "--out", out, *more)
    assert re.search(match, line), line


def test_rows_without_a_label_can_be_left_out(capsys, tmp_path):
    names, rows = people()
    for row in (0, 7, 30):
        rows[row][-1] = ""
    table = write_csv(tmp_path / "people.csv", names, rows)
    arguments = of_map(table, "--out", tmp_path / "out", "--drop-missing-target")
    for chunks in ([], ["--chunks", "--chunk-rows", "25", "--overwrite"]):
        code, out, err = run(capsys, *arguments, *chunks)
        assert code == 0, err
        assert out.startswith("57 rows")
        lines = (tmp_path / "out" / "statistics.csv").read_text().splitlines()[1:]
        kept = [line.split(",")[1] for line in lines]
        assert kept == [str(i) for i in range(60) if i not in (0, 7, 30)]


def test_files_are_not_replaced_unasked(capsys, tmp_path, table):
    arguments = of_map(table, "--out", tmp_path / "out")
    assert run(capsys, *arguments)[0] == 0
    old = (tmp_path / "out" / "map.npz").read_bytes()
    line = fails(capsys, *arguments, "--seed", "1")
    assert "map.npz" in line
    assert "Pass --overwrite" in line
    assert (tmp_path / "out" / "map.npz").read_bytes() == old
    assert run(capsys, *arguments, "--overwrite")[0] == 0


def test_a_folder_that_is_a_file(capsys, tmp_path, table):
    assert "is a file. Pass a folder" in fails(capsys, *of_map(table, "--out", table))


@pytest.mark.parametrize("out", ["people.csv/out", "/proc/none/out"])
def test_a_path_that_cannot_be_written(capsys, tmp_path, table, out):
    line = fails(capsys, *of_map(table, "--out", tmp_path / out))
    assert out.partition("/out")[0] in line


@pytest.mark.parametrize(
    ("out", "match"),
    {
        ".": "is a folder. Pass the name of a file",
        "out.parquet": "must name a file of CSV",
        "out": "must name a file of CSV",
        "people.csv": "exists already. Pass --overwrite",
        "people.csv/out.csv": "people.csv",
    }.items(),
)
def test_a_table_that_cannot_be_written(capsys, tmp_path, table, out, match):
    arguments = ["select", table, "--target", "label", "--region", "easy"]
    assert match in fails(capsys, *arguments, "--out", tmp_path / out)


@pytest.mark.parametrize(
    ("region", "match"),
    {"eazy": "eazy", "easy=x": "is no mixture", "easy=0.5,hard=0.2": "sum"}.items(),
    ids=["unknown", "no-share", "sum"],
)
def test_regions_that_do_not_exist(capsys, tmp_path, table, region, match):
    arguments = ["select", table, "--target", "label", "--region", region]
    assert match in fails(capsys, *arguments, "--out", tmp_path / "out.csv")


def test_fdr_needs_a_noise_rate(capsys, tmp_path, table):
    arguments = ["issues", table, "--target", "label", "--fdr", "0.1", "--out", tmp_path / "out"]
    assert "--fdr needs --noise-rate" in fails(capsys, *arguments)


def test_a_damaged_map(capsys, tmp_path, table):
    (tmp_path / "map.npz").write_bytes(b"no archive")
    arguments = ["select", table, "--target", "label", "--region", "easy"]
    arguments += ["--out", tmp_path / "out.csv", "--map"]
    assert "map.npz" in fails(capsys, *arguments, tmp_path / "map.npz")
    assert "does not exist" in fails(capsys, *arguments, tmp_path / "none.npz")


def test_a_map_of_another_table(capsys, tmp_path, table):
    assert run(capsys, *of_map(table, "--out", tmp_path / "out"))[0] == 0
    shorter = write_csv(tmp_path / "shorter.csv", *people(50))
    names, rows = people()
    rows[3][-1], rows[5][-1] = "other", "other"
    relabelled = write_csv(tmp_path / "relabelled.csv", names, rows)
    for other, match in ((shorter, "lacks 10 of the 60 rows"), (relabelled, "2 labels of")):
        arguments = ["select", other, "--target", "label", "--region", "easy"]
        arguments += ["--map", tmp_path / "out" / "map.npz", "--out", tmp_path / "x.csv"]
        assert match in fails(capsys, *arguments)


def test_logs_that_are_none(capsys, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "dynamics_epoch_0.jsonl").write_text("{\n")
    for log, match in (
        ("none", "does not exist"), ("folder", "holds no log"), ("dynamics_epoch_0.jsonl", "line 1")
    ):  # fmt: skip
        line = fails(capsys, "from-logs", tmp_path / log, "--out", tmp_path / "out")
        assert match in line
    metrics = {"guid": 1, "confidence": 0.5, "variability": 0.1, "correctness": 2}
    (tmp_path / "td_metrics.jsonl").write_text(json.dumps(metrics))
    line = fails(capsys, "from-logs", tmp_path / "td_metrics.jsonl", "--out", tmp_path / "out")
    assert "--epochs on the command line) must be given for" in line


def test_out_of_distribution_tables_need_the_same_columns_and_labels(capsys, tmp_path, table):
    arguments = ["compare", table, "--target", "label", "--out", tmp_path / "out", "--ood"]
    path = tmp_path / "ood.csv"
    for content, match in {
        "age,label\n1,yes\n": "lacks the column 'home town'",
        "home town,age\nRome,1\n": "no column 'label'",
        "home town,age,label\nRome,1,maybe\n": "holds labels that .* does not: 'maybe'",
    }.items():
        path.write_text(content)
        assert re.search(match, fails(capsys, *arguments, path))


@pytest.fixture
def pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for i in range(12):
        size = (8 + i, 20 - i)
        mode = ["RGB", "L", "RGBA", "P"][i % 4]
        colour = image.new("RGB", size, (20 * i, 0, 255 * (i % 2))).convert(mode)
        colour.save(tmp_path / f"{i}.png")
    rows = [[f"{i}.png", "ab"[i % 2]] for i in range(12)]
    return write_csv(tmp_path / "pictures.csv", ["file", "label"], rows)


def test_images_of_different_sizes_are_resized(capsys, tmp_path, pictures):
    arguments = ["map", pictures, "--target", "label", "--image", "file", "--image-size", "6"]
    code, _, err = run(capsys, *arguments, "--epochs", "2", "--out", tmp_path / "out")
    assert code == 0, err
    assert "images of 12 sizes are resized to 6x6" in err


def test_images_of_16_bits_are_scaled(tmp_path):
    image = pytest.importorskip("PIL.Image")
    greys = np.array([[0, 257, 32_896, 65_535]], dtype=np.uint16)
    image.fromarray(greys.repeat(4, axis=0)).save(tmp_path / "a.png")
    messages = Messages(SimpleNamespace(quiet=True, json=False, debug=False))
    (found,) = read_images(np.array(["a.png"]), tmp_path, 4, messages)
    assert (found == np.array([0, 1, 128, 255])[:, None]).all()


def test_unreadable_images_are_named(capsys, tmp_path, pictures):
    (tmp_path / "3.png").write_text("no image")
    (tmp_path / "5.png").unlink()
    arguments = ["map", pictures, "--target", "label", "--image", "file"]
    line = fails(capsys, *arguments, "--out", tmp_path / "out")
    assert "2 of 12 images cannot be read: 3.png (row 3: UnidentifiedImageError)" in line
    assert "5.png (row 5: FileNotFoundError)" in line


HOSTILE = ["<script>alert(1)</script>", "[red]x[/red]", "$\\frac$", "\x1b[2Jx", "=1+1", '"', "a\nb"]


def test_hostile_labels_and_columns_steer_nothing(capsys, tmp_path):
    """Each name is a label, a value and a column; control characters do not reach the terminal."""
    rows = [[i % 3, HOSTILE[i % 7], HOSTILE[i % 7]] for i in range(70)]
    table = write_csv(tmp_path / "hostile.csv", ["$x$", "<b>\x1b[2J", "label"], rows)
    arguments = [table, "--target", "label", "--out"]
    for command in ("map", "issues", "compare"):
        code, out, err = run(capsys, command, *arguments, tmp_path / command)
        assert code == 0, err
        assert not {c for c in out + err if not c.isprintable() and c != "\n"}
    code, out, err = run(capsys, "map", *arguments, tmp_path / "map", "--json", "--overwrite")
    assert out.isascii()
    text = (tmp_path / "issues" / "issues.csv").read_text()
    assert "'=1+1" in text
    assert ",=1+1" not in text + (tmp_path / "map" / "statistics.csv").read_text()


def test_a_text_longer_than_the_page(capsys, tmp_path):
    names, rows = reviews()
    rows[0][0] += " word" * 100_000
    table = write_csv(tmp_path / "reviews.csv", names, rows)
    arguments = ["map", table, "--target", "label", "--text", "review", "--out", tmp_path / "out"]
    code, _, err = run(capsys, *arguments)
    assert code == 0, err


def test_warnings_of_the_library_are_one_line_each(capsys, tmp_path, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # they are not raised, whatever the process has set
        code, _, err = run(capsys, *of_map(table, "--out", tmp_path / "out", "--epochs", "1"))
    assert code == 0
    assert [line for line in err.splitlines() if line.startswith("warning: ")]
    assert "UserWarning" not in err


def test_an_unknown_error_names_its_class(capsys, tmp_path, table, monkeypatch):
    from sklearn_carto._cli import _map

    def broken(*args):
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(_map, "read_data", broken)
    line = fails(capsys, *of_map(table, "--out", tmp_path / "out"))
    assert line.endswith("ZeroDivisionError: first line second line (--debug shows where)")


def test_no_memory(capsys, tmp_path, table, monkeypatch):
    from sklearn_carto._cli import _map

    def broken(*args):
        raise MemoryError

    monkeypatch.setattr(_map, "read_data", broken)
    assert "Pass --chunks" in fails(capsys, *of_map(table, "--out", tmp_path / "out"))


@pytest.mark.parametrize("command", ["map", "select"])
def test_an_empty_out_is_not_the_folder_of_the_shell(capsys, tmp_path, monkeypatch, table, command):
    monkeypatch.chdir(tmp_path)
    more = ["--region", "easy"] if command == "select" else []
    line = fails(capsys, command, table, "--target", "label", "--out", "", *more)
    assert line.endswith("--out is empty. Pass a name.")
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(("text", "match"), [("", "holds no text"), (". ! ?", "holds no words")])
def test_a_text_without_words(capsys, tmp_path, text, match):
    path = write_csv(tmp_path / "a.csv", ["text", "label"], [[text, "ab"[i % 2]] for i in range(9)])
    command = ["map", path, "--target", "label", "--out", tmp_path / "out"]
    line = fails(capsys, *command, "--text", "text")
    assert re.search(rf"column 'text' of .*a.csv {match}. Pass another --text", line), line
    line = fails(capsys, *command, "--quiet")
    assert "no column to learn from. Columns that are constant or empty" in line


@pytest.mark.parametrize("command", ["map", "select"])
def test_out_below_a_file(capsys, table, command):
    more = ["--region", "easy"] if command == "select" else []
    line = fails(capsys, command, table, "--target", "label", "--out", table / "b" / "c.csv", *more)
    assert "no file can be written into" in line
    assert line.endswith(": Not a directory. Pass another --out.")


OOD = {
    "column": ("text,label\ngood film,pos\n", "ood.csv has no column 'review', which --text names"),
    "no-label": ("review,label\ngood film,\n", "--ood .*ood.csv has no row with a label"),
}  # fmt: skip


@pytest.mark.parametrize("case", OOD)
def test_a_table_out_of_distribution_that_does_not_fit(capsys, tmp_path, case):
    content, match = OOD[case]
    table = write_csv(tmp_path / "a.csv", *reviews())
    (tmp_path / "ood.csv").write_text(content)
    command = ["compare", table, "--target", "label", "--text", "review", "--drop-missing-target"]
    line = fails(capsys, *command, "--ood", tmp_path / "ood.csv", "--out", tmp_path / "out")
    assert re.search(match, line), line


def test_more_folds_than_rows_of_any_class(capsys, tmp_path, table):
    command = ["compare", table, "--target", "label", "--out", tmp_path / "out", "--cv", "59"]
    line = fails(capsys, *command)
    assert re.search(r"--cv 59 is more than the rows of the largest class, \d+. Lower --cv", line)


def test_select_names_no_option_that_it_does_not_have(capsys, tmp_path):
    names, rows = people()
    table = write_csv(tmp_path / "a.csv", names, [*rows, [30, "Oslo", "rare"]])
    command = ["select", table, "--target", "label", "--region", "clean"]
    line = fails(capsys, *command, "--out", tmp_path / "b.csv")
    assert "class 'rare' has 1 of the rows. Merge the class with another" in line
    assert "Lower cv" not in line
