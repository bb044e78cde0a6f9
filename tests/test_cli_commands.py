"""The commands of the command line: what they write is what the library computes."""

import csv
import gzip
import json
import shlex

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_carto import DataMap
from tables import fails, people, reviews, run, write_csv

FAST = ["--epochs", "3"]


@pytest.fixture
def table(tmp_path):
    return write_csv(tmp_path / "people.csv", *people())


@pytest.fixture
def texts(tmp_path):
    return write_csv(tmp_path / "reviews.csv", *reviews())


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def done(capsys, *arguments):
    """Run a command that succeeds; returns its stdout and stderr."""
    code, out, err = run(capsys, *arguments)
    assert code == 0, err
    return out, err


@pytest.mark.parametrize("more", [[], ["--cv", "3"], ["--chunks", "--chunk-rows", "20"]], ids=str)
def test_statistics_are_those_of_the_map(capsys, tmp_path, table, more):
    done(capsys, "map", table, "--target", "label", "--out", tmp_path / "out", *FAST, *more)
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    rows = read_csv(tmp_path / "out" / "statistics.csv")
    assert [float(row["confidence"]) for row in rows] == data_map.confidence.tolist()
    assert [row["region"] for row in rows] == data_map.region_labels().tolist()
    assert [row["label"] for row in rows] == [row[-1] for row in people()[1]]
    assert data_map.sample_ids.tolist() == list(range(60))
    assert data_map.n_epochs == 3


@pytest.mark.parametrize("estimator", ["sgd", "mlp", "hgb", "sklearn.naive_bayes:GaussianNB"])
def test_the_seed_determines_the_map(capsys, tmp_path, table, estimator):
    maps = []
    for seed, name in (("0", "a"), ("0", "b"), ("1", "c")):
        arguments = ["map", table, "--target", "label", "--estimator", estimator, *FAST]
        done(capsys, *arguments, "--seed", seed, "--out", tmp_path / name)
        maps.append(DataMap.load(tmp_path / name / "map.npz").confidence)
    assert_array_equal(maps[0], maps[1])
    if estimator in ("sgd", "mlp"):
        assert not np.array_equal(maps[0], maps[2])


def test_lgbm(capsys, tmp_path, table):
    pytest.importorskip("lightgbm")
    arguments = ["map", table, "--target", "label", "--estimator", "lgbm", *FAST]
    out, _ = done(capsys, *arguments, "--out", tmp_path / "out")
    assert "lgbm, 3 epochs" in out


def test_a_single_chunk_is_as_the_table_read_whole(capsys, tmp_path, table):
    """But for the order of the sums of means."""
    arguments = ["map", table, "--target", "label", "--estimator", "sgd", *FAST, "--out"]
    done(capsys, *arguments, tmp_path / "whole")
    done(capsys, *arguments, tmp_path / "chunks", "--chunks")
    whole, chunks = (DataMap.load(tmp_path / name / "map.npz") for name in ("whole", "chunks"))
    np.testing.assert_allclose(chunks.confidence, whole.confidence, rtol=1e-9)


def test_chunks_that_hold_one_class_each_are_told(capsys, tmp_path):
    names, rows = people()
    table = write_csv(tmp_path / "sorted.csv", names, sorted(rows, key=lambda row: row[-1]))
    arguments = ["map", table, "--target", "label", "--chunks", "--chunk-rows", "10", *FAST]
    _, err = done(capsys, *arguments, "--out", tmp_path / "out")
    assert "Shuffle the rows" in err


@pytest.mark.parametrize("more", [[], ["--estimator", "hgb"], ["--chunks"]], ids=str)
def test_texts(capsys, tmp_path, texts, more):
    arguments = ["map", texts, "--target", "label", "--text", "review", *more]
    done(capsys, *arguments, "--out", tmp_path / "out")
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    wrong = np.arange(80) % 20 == 0
    assert data_map.confidence[wrong].mean() < data_map.confidence[~wrong].mean()


def test_a_single_column_of_free_text_is_learned_from(capsys, tmp_path, texts):
    _, err = done(capsys, "map", texts, "--target", "label", "--out", tmp_path / "a", *FAST)
    assert "column 'review' looks like free text, and is learned from" in err
    done(
        capsys,
        "map",
        texts,
        "--target",
        "label",
        "--text",
        "review",
        "--out",
        tmp_path / "b",
        *FAST,
    )
    a, b = (DataMap.load(tmp_path / name / "map.npz") for name in "ab")
    assert_array_equal(a.confidence, b.confidence)


def test_images(capsys, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for i in range(20):
        image.new("L", (9, 9), 30 + 180 * (i % 2)).save(tmp_path / f"{i}.png")
    rows = [[f"{i}.png", ["dark", "light"][i % 2]] for i in range(20)]
    table = write_csv(tmp_path / "pictures.csv", ["file", "shade"], rows)
    for more in ([], ["--chunks", "--overwrite"]):
        arguments = ["map", table, "--target", "shade", "--image", "file", "--image-size", "4"]
        done(capsys, *arguments, *more, "--out", tmp_path / "out")
        assert DataMap.load(tmp_path / "out" / "map.npz").n_samples == 20


def test_json_is_all_of_stdout_and_what_the_summary_holds(capsys, tmp_path, table):
    arguments = ["map", table, "--target", "label", "--out", tmp_path / "out", *FAST, "--json"]
    out, err = done(capsys, *arguments)
    assert "reading" in err
    summary = json.loads(out)
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"map.npz", "statistics.csv", "summary.json"} <= files
    assert [str(tmp_path / "out" / name) for name in sorted(files)] == sorted(summary.pop("files"))
    assert summary.pop("seconds") > 0  # differs from run to run
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    labels = [row[-1] for row in people()[1]]
    assert summary["classes"] == {"no": labels.count("no"), "yes": labels.count("yes")}
    assert sum(summary["regions"].values()) == summary["n_rows"] == 60


def test_quiet_prints_nothing(capsys, tmp_path, table):
    arguments = ["map", table, "--target", "label", "--out", tmp_path / "out", *FAST, "--quiet"]
    assert done(capsys, *arguments) == ("", "")


def test_pictures_need_matplotlib(capsys, tmp_path, table, without):
    without("matplotlib")
    arguments = ["map", table, "--target", "label", "--out", tmp_path / "out", *FAST]
    _, err = done(capsys, *arguments)
    assert 'python -m pip install "sklearn-carto[plot]"' in err
    assert not (tmp_path / "out" / "map.png").exists()
    assert (tmp_path / "out" / "map.npz").exists()


def test_the_picture_is_a_png(capsys, tmp_path, table):
    pytest.importorskip("matplotlib")
    done(capsys, "map", table, "--target", "label", "--out", tmp_path / "out", *FAST)
    assert (tmp_path / "out" / "map.png").read_bytes().startswith(b"\x89PNG")


def test_issues_are_those_of_the_library_worst_first(capsys, tmp_path, texts):
    arguments = ["issues", texts, "--target", "label", "--text", "review", "--seed", "3"]
    out, _ = done(capsys, *arguments, "--out", tmp_path / "out")
    rows = read_csv(tmp_path / "out" / "issues.csv")
    quality = [float(row["label_quality"]) for row in rows]
    assert quality == sorted(quality)
    assert sorted(int(row["row"]) for row in rows) == list(range(80))
    assert {int(row["row"]) for row in rows[:4]} == {0, 20, 40, 60}
    source = reviews()[1]
    assert all([row["review"], row["given_label"]] == source[int(row["id"])] for row in rows)
    n_issues = sum(row["is_label_issue"] == "True" for row in rows)
    assert f"{n_issues} labels are probably wrong" in out
    assert {row["new_label"] for row in rows} == {""}


def test_a_noise_rate_sets_the_number_of_issues(capsys, tmp_path, texts):
    arguments = ["issues", texts, "--target", "label", "--noise-rate", "0.1", "--json"]
    out, _ = done(capsys, *arguments, "--cv", "3", "--out", tmp_path / "out")
    assert json.loads(out)["n_issues"] == 8


def test_three_commands_from_a_csv_to_a_cleaned_csv(capsys, tmp_path, texts):
    """Four labels in eighty are wrong; a reader of the worst four accepts what is suggested."""
    arguments = [texts, "--target", "label", "--text", "review"]
    done(capsys, "map", *arguments, "--out", tmp_path / "map")
    done(capsys, "issues", *arguments, "--out", tmp_path / "issues")
    review = tmp_path / "issues" / "issues.csv"
    rows = read_csv(review)
    for row in rows[:4]:
        row["new_label"], row["checked"] = row["suggested_label"], "True"
    write_csv(review, list(rows[0]), [row.values() for row in rows])
    clean = tmp_path / "clean.csv"
    out, _ = done(capsys, "apply", texts, review, "--target", "label", "--out", clean)
    assert out.startswith("4 of 80 labels corrected")
    names, expected = reviews()
    for i in (0, 20, 40, 60):
        expected[i][-1] = {"pos": "neg", "neg": "pos"}[expected[i][-1]]
    assert clean.read_text() == write_csv(tmp_path / "expected.csv", names, expected).read_text()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_corrections_of_the_explorer_by_id(capsys, tmp_path, kind):
    """Integers as labels, ids as text, and a row without a label, which is left as it is."""
    path, rows = tmp_path / f"table.{kind}", [["a", 1], ["b", None], ["c", 2], ["d", 1]]
    write_table(path, ["name", "y"], rows)
    export = {"format": "sklearn_carto.corrections", "version": 1, "n_samples": 3}
    entry = {"given_label": "1", "checked": True, "selected": False}
    export["rows"] = [entry | {"row": 2, "id": "d", "new_label": "2"}]
    export["rows"].append(entry | {"row": 0, "id": "a", "new_label": None})
    (tmp_path / "corrections.json").write_text(json.dumps(export))
    arguments = ["apply", path, tmp_path / "corrections.json", "--target", "y", "--id", "name"]
    out, _ = done(capsys, *arguments, "--out", tmp_path / f"clean.{kind}")
    assert out.startswith("1 of 4 labels corrected")
    expected = tmp_path / f"expected.{kind}"
    write_table(expected, ["name", "y"], [["a", 1], ["b", None], ["c", 2], ["d", 2]])
    if kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        assert parquet.read_table(tmp_path / "clean.parquet").equals(parquet.read_table(expected))
    else:
        assert (tmp_path / f"clean.{kind}").read_text() == expected.read_text()


def write_table(path, names, rows):
    if path.suffix == ".csv":
        write_csv(path, names, rows)
    elif path.suffix == ".jsonl":
        objects = (dict(zip(names, row, strict=True)) for row in rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in objects))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("row,id,given_label,new_label\n0,0,no,maybe\n", "Pass --new-classes"),
        ("row,id,given_label,new_label\n0,99,no,yes\n", "--id"),
        ("row,id,given_label,new_label\n0,0,never,yes\n", "never"),
        ("a,b\n1,2\n", "corrections.csv"),
    ],
    ids=["new-class", "id", "given", "no-export"],
)
def test_corrections_that_do_not_fit(capsys, tmp_path, content, match):
    table = write_csv(tmp_path / "table.csv", ["x", "label"], [[1, "no"], [2, "yes"]])
    (tmp_path / "corrections.csv").write_text(content)
    arguments = ["apply", table, tmp_path / "corrections.csv", "--target", "label", "--out"]
    assert match in fails(capsys, *arguments, tmp_path / "clean.csv")
    assert not (tmp_path / "clean.csv").exists()
    if "new-classes" in match:
        done(capsys, *arguments, tmp_path / "clean.csv", "--new-classes")
        assert (tmp_path / "clean.csv").read_text() == "x,label\n1,maybe\n2,yes\n"


def test_corrections_of_a_map_without_ids_go_by_position(capsys, tmp_path):
    table = write_csv(tmp_path / "table.csv", ["x", "label"], [[1, "no"], [2, "yes"]])
    (tmp_path / "c.csv").write_text("row,id,given_label,new_label\n1,,yes,no\n")
    done(
        capsys, "apply", table, tmp_path / "c.csv", "--target", "label", "--out", tmp_path / "o.csv"
    )
    assert (tmp_path / "o.csv").read_text() == "x,label\n1,no\n2,no\n"


def test_a_table_may_be_replaced_by_the_corrected_one(capsys, tmp_path):
    table = write_csv(tmp_path / "table.csv", ["x", "label"], [[1, "no"], [2, "yes"]])
    (tmp_path / "c.csv").write_text("row,id,given_label,new_label\n1,1,yes,no\n")
    arguments = ["apply", table, tmp_path / "c.csv", "--target", "label", "--out", table]
    done(capsys, *arguments, "--overwrite")
    assert table.read_text() == "x,label\n1,no\n2,no\n"


@pytest.mark.parametrize("region", ["ambiguous", "easy=0.5,hard=0.5", "clean", "high-loss"])
def test_selected_rows_are_those_of_the_library(capsys, tmp_path, table, region):
    arguments = ["select", table, "--target", "label", "--region", region]
    arguments += [] if region == "clean" else ["--frac", "0.25"]
    out, _ = done(capsys, *arguments, *FAST, "--out", tmp_path / "part.csv", "--json")
    lines = (tmp_path / "part.csv").read_text().splitlines()
    whole = table.read_text().splitlines()
    assert lines[0] == whole[0]
    places = iter(whole[1:])
    assert all(line in places for line in lines[1:])  # in their order
    n_selected = json.loads(out)["n_selected"]
    assert n_selected == len(lines) - 1
    assert n_selected == 15 or region == "clean"


def test_a_saved_map_selects_as_the_training_does(capsys, tmp_path, table):
    done(capsys, "map", table, "--target", "label", "--out", tmp_path / "out", *FAST)
    arguments = ["select", table, "--target", "label", "--region", "ambiguous", "--frac", "0.3"]
    done(capsys, *arguments, *FAST, "--out", tmp_path / "trained.csv")
    done(capsys, *arguments, "--map", tmp_path / "out" / "map.npz", "--out", tmp_path / "map.csv")
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    rows = np.sort(data_map.select("ambiguous", 0.3, random_state=0))
    whole = table.read_text().splitlines()
    expected = [whole[0], *(whole[row + 1] for row in rows)]
    assert (tmp_path / "map.csv").read_text().splitlines() == expected


@pytest.mark.parametrize("more", [[], ["--chunks"]], ids=["whole", "chunks"])
def test_a_saved_map_finds_its_rows_by_their_ids(capsys, tmp_path, more):
    """In another order, and into a compressed file."""
    names, rows = people()
    rows = [[100 - i, *row] for i, row in enumerate(rows)]
    table = write_csv(tmp_path / "people.csv", ["nr", *names], rows)
    options = ["--target", "label", "--id", "nr"]
    done(capsys, "map", table, *options, "--out", tmp_path / "out", *FAST, *more)
    turned = write_csv(tmp_path / "turned.csv", ["nr", *names], rows[::-1])
    arguments = ["select", turned, *options, "--map", tmp_path / "out" / "map.npz"]
    arguments += ["--region", "hard", "--frac", "0.2"]
    done(capsys, *arguments, "--out", tmp_path / "hard.csv.gz")
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    ids = data_map.select("hard", 0.2, random_state=0, return_ids=True).astype(int)
    lines = gzip.decompress((tmp_path / "hard.csv.gz").read_bytes()).decode().splitlines()
    assert [int(line.split(",")[0]) for line in lines[1:]] == sorted(ids.tolist())


def test_compare(capsys, tmp_path, table):
    ood = write_csv(tmp_path / "more people.csv", *people(seed=1))
    arguments = ["compare", table, "--target", "label", "--ood", ood, "--ood", ood, "--cv", "3"]
    arguments += ["--region", "easy", "--frac", "0.5", *FAST, "--json"]
    out, _ = done(capsys, *arguments, "--out", tmp_path / "out")
    summary = json.loads(out)
    assert summary["ood"] == {"more_people": 60, "more_people_2": 60}
    regions = [row["region"] for row in summary["comparison"] if row["score"] == "test_score"]
    assert regions == ["full", "random", "easy"]
    assert len(read_csv(tmp_path / "out" / "fits.csv")) == 9
    table_ = read_csv(tmp_path / "out" / "comparison.csv")
    assert [row["region"] for row in table_[:3]] == regions
    assert {row["score"] for row in table_} == {
        "test_score",
        "more_people_score",
        "more_people_2_score",
    }


def test_logs_of_the_reference_implementation(capsys, tmp_path):
    for epoch, p in enumerate((0.0, 2.0)):
        line = json.dumps({"guid": 7, f"logits_epoch_{epoch}": [p, 0.0], "gold": 0})
        (tmp_path / f"dynamics_epoch_{epoch}.jsonl").write_text(line + "\n")
    done(capsys, "from-logs", tmp_path, "--out", tmp_path / "out")
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    expected = (0.5 + 1 / (1 + np.exp(-2))) / 2
    np.testing.assert_allclose(data_map.confidence, [expected], rtol=1e-6)
    # a pattern, and a folder with Parquet files of something else below it
    done(capsys, "from-logs", tmp_path / "dynamics_epoch_*.jsonl", "--out", tmp_path / "out 2")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(b"")
    done(capsys, "from-logs", tmp_path, "--out", tmp_path / "out 3")
    for folder in ("out 2", "out 3"):
        again = DataMap.load(tmp_path / folder / "map.npz")
        np.testing.assert_array_equal(again.confidence, data_map.confidence)


def test_logs_of_this_library(capsys, tmp_path):
    pytest.importorskip("pyarrow")
    from sklearn.linear_model import SGDClassifier

    from sklearn_carto import CartographyClassifier
    from sklearn_carto.datasets import make_cartography

    X, y, _ = make_cartography(60, random_state=0)
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    model = CartographyClassifier(sgd, n_epochs=3, log=tmp_path / "log").fit(X, y)
    done(capsys, "from-logs", tmp_path / "log", "--out", tmp_path / "out")
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    np.testing.assert_allclose(data_map.confidence, model.confidence_, rtol=1e-6)
    assert (tmp_path / "out" / "statistics.parquet").exists()


def test_parquet_in_parquet_out(capsys, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "people.parquet"
    write_table(path, *people())
    done(capsys, "map", path, "--target", "label", "--out", tmp_path / "out", *FAST)
    statistics = parquet.read_table(tmp_path / "out" / "statistics.parquet")
    data_map = DataMap.load(tmp_path / "out" / "map.npz")
    assert statistics.column("confidence").to_pylist() == data_map.confidence.tolist()
    done(
        capsys, "select", path, "--target", "label", "--region", "random", "--frac", "0.5",
        "--map", tmp_path / "out" / "map.npz", "--out", tmp_path / "half.parquet",
    )  # fmt: skip
    assert parquet.read_table(tmp_path / "half.parquet").num_rows == 30


def test_map_and_issues_write_pages(capsys, tmp_path, texts):
    arguments = [texts, "--target", "label", "--text", "review", "--out"]
    for command in ("map", "issues"):
        out, _ = done(capsys, command, *arguments, tmp_path / command)
        page = tmp_path / command / f"{command}.html"
        assert f"wrote {page}" in out
        assert page.read_text().lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("with_table", [False, True], ids=["alone", "table"])
def test_explore(capsys, tmp_path, table, with_table):
    done(capsys, "map", table, "--target", "label", "--out", tmp_path / "out", *FAST)
    more = [table, "--target", "label"] if with_table else []
    arguments = ["explore", tmp_path / "out" / "map.npz", *more, "--out", tmp_path / "page.html"]
    done(capsys, *arguments)
    assert (tmp_path / "page.html").stat().st_size > 1000


def test_explore_needs_the_table_of_its_columns(capsys, tmp_path, table):
    done(capsys, "map", table, "--target", "label", "--out", tmp_path / "out", *FAST)
    arguments = ["explore", tmp_path / "out" / "map.npz", "--out", tmp_path / "page.html"]
    assert "Pass its FILE, too" in fails(capsys, *arguments, "--text", "age")
    assert "must end in .html" in fails(capsys, *arguments[:2], "--out", tmp_path / "page.txt")


def test_explore_compares_the_labels_of_the_table(capsys, tmp_path, table):
    done(capsys, "map", table, "--target", "label", "--out", tmp_path / "out", *FAST)
    other = write_csv(tmp_path / "other.csv", *people(seed=5))
    more = [other, "--target", "label", "--out", tmp_path / "page.html"]
    line = fails(capsys, "explore", tmp_path / "out" / "map.npz", *more)
    assert "labels of" in line
    assert "other.csv differ from those of" in line
    assert not (tmp_path / "page.html").exists()


def test_ids_are_not_taken_for_the_numbers_of_rows(capsys, tmp_path):
    """Ids from 1: without --id, each correction would be that of the row after it."""
    names, rows = people()
    path = write_csv(
        tmp_path / "a.csv", ["nr", *names], [[i + 1, *row] for i, row in enumerate(rows)]
    )
    i = next(i for i in range(1, 60) if rows[i][-1] == rows[i - 1][-1])
    new = "no" if rows[i][-1] == "yes" else "yes"
    line = f"row,id,given_label,new_label\n{i - 1},{i},{rows[i][-1]},{new}\n"
    (tmp_path / "c.csv").write_text(line)
    command = ["apply", path, tmp_path / "c.csv", "--target", "label", "--out", tmp_path / "b.csv"]
    assert "Pass the --id that the map was drawn with" in fails(capsys, *command)
    done(capsys, *command, "--id", "nr")
    changed = [
        a
        for a, b in zip(
            path.read_text().splitlines(),
            (tmp_path / "b.csv").read_text().splitlines(),
            strict=True,
        )
        if a != b
    ]
    assert [one.split(",")[0] for one in changed] == [str(i)]


def test_a_table_out_of_distribution_may_be_named_test(capsys, tmp_path, table):
    other = write_csv(tmp_path / "test.csv", *people(seed=3))
    command = ["compare", table, "--target", "label", "--ood", other, "--out", tmp_path / "out"]
    done(capsys, *command, "--region", "easy", "--cv", "2", *FAST)
    scores = {row["score"] for row in read_csv(tmp_path / "out" / "comparison.csv")}
    assert scores == {"test_score", "ood_test_score"}


def test_the_next_command_of_issues_can_be_run(capsys, tmp_path):
    names, rows = people()
    path = tmp_path / "a b.csv"
    lines = ["|".join(["nr", *names]), *(f"{i}é|{a}|{b}|{c}" for i, (a, b, c) in enumerate(rows))]
    path.write_bytes("\n".join(lines).encode("latin-1"))
    given = ["--target", "label", "--id", "nr", "--delimiter", "|", "--encoding", "latin-1"]
    out, _ = done(capsys, "issues", path, *given, "--out", tmp_path / "out", "--cv", "2", *FAST)
    command = shlex.split(out.splitlines()[-1].split("then sklearn-carto ")[1])
    assert command[-1] == "FILE"
    out, _ = done(capsys, *command[:-1], tmp_path / "clean.csv")
    assert out.startswith("0 of 60 labels corrected")
