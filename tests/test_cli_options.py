"""Options of the commands: which are unknown, which exclude each other, which limit the page."""

import json
import re
from argparse import Namespace

import pytest

from sklearn_carto import DataMap
from sklearn_carto._cli._parser import build_parser
from sklearn_carto._cli._regions import parse_region
from tables import fails, people, reviews, run, write_csv

FAST = ["--epochs", "2"]


@pytest.fixture
def table(tmp_path):
    return write_csv(tmp_path / "people.csv", *people())


def of(command, table, folder, *more):
    return [command, table, "--target", "label", "--out", folder / "out", *more]


@pytest.mark.parametrize(
    ("option", "near"),
    {"--traget": "--target", "--target_": "--target", "--estimater": "--estimator"}.items(),
)
def test_a_misspelt_option_is_named(capsys, table, option, near):
    for arguments in ([option, "label"], [f"{option}=label"]):
        code, _, err = run(capsys, "map", table, *arguments)
        assert code == 2
        assert f"error: unknown option {option}. Did you mean {near}? (see" in err


@pytest.mark.parametrize(
    "arguments",
    [["map", "no.csv", "--target", "y", "--out", "o"], ["map", "no.csv"], ["map", "--no"], ["mpa"]],
    ids="-".join,
)
def test_json_holds_the_error(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 2
    found = json.loads(out)
    assert set(found) == {"command", "error", "files"}
    assert err.strip().endswith(f"error: {found['error']}")


def test_json_of_an_error_names_the_finished_files(capsys, tmp_path, table, monkeypatch):
    from sklearn_carto._cli import _map_output

    def broken(*args, **kwargs):
        raise OSError("the disk is full")

    monkeypatch.setattr(_map_output, "write_page", broken)
    code, out, _ = run(capsys, *of("map", table, tmp_path, *FAST, "--json"))
    assert code == 2
    found = json.loads(out)
    assert found["error"] == "the disk is full"
    assert str(tmp_path / "out" / "map.npz") in found["files"]


REGIONS = {
    "unknown": ("ambigous", "--region 'ambigous' is unknown. Did you mean 'ambiguous'"),
    "statistic": ("low-lost", "Did you mean 'low-loss'"),
    "in-mixture": ("eazy=1", "'eazy=1' holds 'eazy', which is unknown. Did you mean 'easy'"),
    "doubled": ("easy=0.5,easy=0.5", "holds 'easy' twice"),
    "sum": ("easy=0.5,hard=0.2", "is no mixture"),
    "nan": ("easy=nan", "is no mixture"),
    "negative": ("easy=-1,hard=2", "is no mixture"),
    "no-share": ("easy=1,", "is no mixture"),
    "of-selector": ("clean=0.5,easy=0.5", "'clean' cannot be a part of a mixture"),
    "empty": ("", "'' is unknown"),
}


@pytest.mark.parametrize("command", ["select", "compare"])
@pytest.mark.parametrize("case", REGIONS)
def test_regions_that_do_not_exist(capsys, tmp_path, table, case, command):
    """The errors name nothing that the command line does not have."""
    region, match = REGIONS[case]
    out = tmp_path / "out.csv" if command == "select" else tmp_path / "out"
    line = fails(capsys, command, table, "--target", "label", "--out", out, "--region", region)
    assert re.search(match, line), line
    assert not re.search("callable|DataMap|mapping", line)


def test_regions_may_be_written_with_underscores_and_capitals():
    assert parse_region(" Easy ") == "easy"
    assert parse_region("high-first_learned") == "high-first-learned"
    assert parse_region("easy=0.25, HARD=0.75") == {"easy": 0.25, "hard": 0.75}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--region", "clean", "--frac", "0.2"], "--region clean takes no --frac"),
        (["--region", "clean", "--map", "m"], "--region clean trains, and takes no --map"),
        (["--region", "prototypes", "--map", "m"], "--region prototypes trains"),
        (["--region", "easy", "--frac", "auto", "--map", "m"], "--frac auto trains"),
        (["--region", "easy", "--noise-cut", "auto", "--map", "m"], "--noise-cut auto trains"),
    ],
    ids=lambda value: "-".join(value).replace("--", "") if isinstance(value, list) else "",
)
def test_options_of_select_that_exclude_each_other(capsys, tmp_path, table, arguments, match):
    command = ["select", table, "--target", "label", "--out", tmp_path / "out.csv"]
    assert match in fails(capsys, *command, *arguments)


@pytest.mark.parametrize("option", ["--region", "--frac", "--noise-cut"])
def test_folds_of_select_that_a_class_is_too_small_for(capsys, tmp_path, option):
    names, rows = people()
    rare = write_csv(tmp_path / "rare.csv", names, [*rows, [30, "Oslo", "rare"]])
    command = ["select", rare, "--target", "label", "--out", tmp_path / "out.csv", option, "auto"]
    line = fails(capsys, *command, *([] if option == "--region" else ["--region", "easy"]))
    assert f"{option} auto trains in 4 folds, but class 'rare' has 1 of the rows" in line
    assert line.endswith(f"or pass another {option}.")


def test_folds_of_map_that_a_class_is_too_small_for(capsys, tmp_path, table):
    line = fails(capsys, *of("map", table, tmp_path, "--cv", "50"))
    assert re.search(r"--cv 50 trains in 50 folds, but class '\w+' has \d+ of the rows\. ", line)
    assert line.endswith("or lower --cv.")


METRICS = {
    "f1_makro": "--scoring f1_makro is no metric of scikit-learn. Did you mean f1_macro?",
    "f1": "--scoring f1 cannot score these labels: .* Pass for example f1_macro.",
    "r2": "--scoring r2 cannot score these labels: .* Pass for example balanced_accuracy.",
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_that_do_not_take_the_labels(capsys, tmp_path, table, name):
    line = fails(capsys, *of("compare", table, tmp_path, "--scoring", name))
    assert re.search(METRICS[name], line), line


CLASSIFIERS = {
    "sklearn.linear_model:SGDRegressor": "is SGDRegressor, which is not a classifier",
    "sklearn.cluster:KMeans": "is KMeans, which is not a classifier",
    "sklearn.neighbors:KNeighborsClassifier": "cannot be watched while it trains. Choose one of",
}


@pytest.mark.parametrize("command", ["map", "select", "compare"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_estimators_that_cannot_be_watched(capsys, tmp_path, table, name, command):
    out = tmp_path / "out.csv" if command == "select" else tmp_path / "out"
    more = ["--region", "easy"] if command == "select" else []
    arguments = [command, table, "--target", "label", "--out", out, "--estimator", name]
    line = fails(capsys, *arguments, *more)
    assert f"--estimator {name} {CLASSIFIERS[name]}" in line


@pytest.mark.parametrize("estimator", ["sgd", "hgb"])
@pytest.mark.parametrize("command", ["map", "issues", "select", "compare"])
def test_texts_without_a_word_that_occurs_twice(capsys, tmp_path, command, estimator):
    rows = [[f"a{i} b{i} c{i}", "xy"[i % 2]] for i in range(1000)]
    table = write_csv(tmp_path / "a.csv", ["text", "label"], rows)
    out = tmp_path / "out.csv" if command == "select" else tmp_path / "out"
    more = ["--region", "easy"] if command == "select" else []
    arguments = [command, table, "--target", "label", "--text", "text", "--out", out, *FAST]
    line = fails(capsys, *arguments, *more, "--estimator", estimator)
    found = re.search(r"no word of column 'text' of .*a.csv occurs in 2 of the (\d+) texts", line)
    assert found is not None, line
    assert found.group(1) == ("1000" if command in ("map", "select") else "800")
    assert "Pass another --text, or leave it out to learn from columns" in line


def test_folds_without_a_word(capsys, tmp_path):
    """One text in forty has words: the fold that tests it trains on empty texts."""
    rows = [["" if i else "one two three", "xy"[i % 2]] for i in range(40)]
    table = write_csv(tmp_path / "a.csv", ["text", "label"], rows)
    line = fails(capsys, *of("issues", table, tmp_path, "--text", "text", "--cv", "4", *FAST))
    assert "no word of column 'text' of" in line
    assert "occurs in the 30 texts that a model is trained on" in line


@pytest.fixture
def pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for i in range(20):
        image.effect_noise((16, 16), 90).save(tmp_path / f"{i}.png")
    rows = [[f"{i}.png", "ab"[i % 2]] for i in range(20)]
    return write_csv(tmp_path / "pictures.csv", ["file", "label"], rows)


@pytest.mark.parametrize("command", ["map", "issues", "explore"])
def test_the_limit_of_thumbnails_can_be_raised(capsys, tmp_path, pictures, command):
    """As the warning advises."""
    options = ["--image", "file", "--image-size", "16", "--overwrite"]
    done = ["map", pictures, "--target", "label", "--out", tmp_path / "out", *options, *FAST]
    if command == "explore":
        assert run(capsys, *done)[0] == 0
        done = ["explore", tmp_path / "out" / "map.npz", pictures, *options]
        done += ["--out", tmp_path / "page.html"]
    elif command == "issues":
        done = ["issues", *done[1:], "--cv", "2"]
    code, _, err = run(capsys, *done, "--thumbnail-mb", "0.002")
    assert code == 0
    assert re.search(r"Thumbnails of \d+ of 20 rows .* exceed 0.002 MB. Raise the limit", err), err
    for more in (["--thumbnail-mb", "1"], ["--thumbnail-mb", "0.01", "--thumbnail-size", "8"]):
        code, _, err = run(capsys, *done, *more)
        assert code == 0
        assert "Thumbnails" not in err


def test_limits_of_thumbnails_that_are_none():
    parser = build_parser()
    command = ["explore", "map.npz", "--out", "page.html"]
    for option, values in {
        "--thumbnail-mb": "0 -1 x nan inf",
        "--thumbnail-size": "7 257 x",
    }.items():
        for value in values.split():
            with pytest.raises(Exception, match=option):
                parser.parse_args([*command, option, value])
    assert isinstance(parser.parse_args([*command, "--thumbnail-mb", "0.5"]), Namespace)


def test_a_page_of_another_table_is_told(capsys, tmp_path, table):
    assert run(capsys, *of("map", table, tmp_path, *FAST))[0] == 0
    other = write_csv(tmp_path / "other.csv", *people(seed=5))
    command = ["explore", tmp_path / "out" / "map.npz", "--out", tmp_path / "page.html"]
    _, _, err = run(capsys, *command, table)
    assert "warning" not in err
    code, _, err = run(capsys, *command, other, "--overwrite")
    assert code == 0, err
    assert re.search("warning: no column of .*other.csv holds the labels of .*map.npz", err)


def test_a_map_that_is_a_folder(capsys, tmp_path):
    line = fails(capsys, "explore", tmp_path, "--out", tmp_path / "page.html")
    assert "is a folder. Pass the map.npz" in line


def test_an_out_that_no_file_can_have(capsys, tmp_path, table):
    line = fails(capsys, "map", table, "--target", "label", "--out", "a\0b")
    assert "--out holds the character NUL" in line


def test_all_files_of_a_seed_are_the_same(capsys, tmp_path):
    table = write_csv(tmp_path / "a.csv", *reviews())
    for command in ("map", "issues"):
        contents = []
        for name in ("one", "two"):
            arguments = [command, table, "--target", "label", "--out", tmp_path / name / command]
            assert run(capsys, *arguments, *FAST, "--seed", "3")[0] == 0
            files = sorted((tmp_path / name / command).iterdir())
            contents.append({path.name: path.read_bytes() for path in files})
        assert contents[0] == contents[1]
    assert DataMap.load(tmp_path / "one" / "map" / "map.npz").n_samples == 80


def test_files_and_options_have_any_order():
    parser = build_parser()
    for text in ("--out p m.npz t.csv", "m.npz --out p t.csv", "m.npz t.csv --out p"):
        options = parser.parse_args(["explore", *text.split()])
        assert (options.map, options.file, options.out) == ("m.npz", "t.csv", "p")
    options = parser.parse_args(
        ["explore", "m.npz", "--out", "p", "--column", "a", "--column", "b"]
    )
    assert (options.file, options.column) == (None, ["a", "b"])
    options = parser.parse_args(
        ["apply", "t.csv", "--target", "y", "c.csv", "--out", "b.csv", "--id", "nr"]
    )
    assert (options.file, options.corrections, options.id) == ("t.csv", "c.csv", "nr")
