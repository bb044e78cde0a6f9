"""The commands that the README and the pages show run, in their order."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from tables import people, reviews, run, write_csv

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(page):
    """Return the commands of a page, each a list of words."""
    blocks = re.findall(r"```shell\n(.*?)```", page.read_text(), flags=re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("sklearn-carto ")]


PAGES = [page for page in PAGES if page.exists() and commands_of(page)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Make the files that the commands name, and go to their folder."""
    write_csv(tmp_path / "reviews.csv", *reviews())
    write_csv(tmp_path / "products.csv", *reviews(seed=1))
    names, rows = people()
    write_csv(tmp_path / "people.csv", [*names[:2], "notes", "income"], [
        [*row[:2], "nothing of note here", row[2]] for row in rows
    ])  # fmt: skip
    (tmp_path / "training_dynamics").mkdir()
    for epoch in range(3):
        lines = [
            json.dumps({"guid": i, f"logits_epoch_{epoch}": [epoch, i], "gold": i % 2})
            for i in range(20)
        ]
        path = tmp_path / "training_dynamics" / f"dynamics_epoch_{epoch}.jsonl"
        path.write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_from_its_top_to_its_end(capsys, folder, page):
    for _, *arguments in commands_of(page):
        code, _, err = run(capsys, *arguments)
        assert code == 0, (arguments, err)
        assert (folder / arguments[arguments.index("--out") + 1]).exists()


def test_the_page_shows_every_command():
    shown = {arguments[1] for arguments in commands_of(ROOT / "docs" / "command_line.md")}
    assert shown == {"map", "issues", "select", "compare", "from-logs", "explore", "apply"}


def test_the_newcomers_way_cleans_a_table(capsys, folder):
    """Between its second and third command, the reader accepts the four worst suggestions."""
    first, second, third = commands_of(ROOT / "docs" / "command_line.md")[:3]
    for arguments in (first, second):
        assert run(capsys, *arguments[1:])[0] == 0
    path = folder / "issues" / "issues.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:4]:
        row["new_label"] = row["suggested_label"]
    write_csv(path, list(rows[0]), [row.values() for row in rows])
    code, out, err = run(capsys, *third[1:])
    assert code == 0, err
    assert out.startswith("4 of 80 labels corrected")
    with (folder / "clean.csv").open(newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert labels == [["neg", "pos"][i % 2] for i in range(80)]
