"""The site: its reference is whole, and its figures are those of the pages."""

import importlib.util
import re
from pathlib import Path

import pytest

import sklearn_carto

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MODULES = ("metrics", "logs", "datasets")
FRAMEWORKS = ("torch", "skorch", "transformers", "lightning", "keras", "sklearn")
TRACKERS = ("mlflow", "wandb", "tensorboard")


def entries(text):
    """Return the full names that the tables of a page of the reference list."""
    found, module = [], None
    for block in re.split(r"^\.\. ", text, flags=re.MULTILINE):
        if block.startswith("currentmodule::"):
            module = block.split()[1]
        if block.startswith("autosummary::"):
            names = re.findall(r"^   ([A-Za-z_][\w.]*)$", block, flags=re.MULTILINE)
            found += [f"{module}.{name}" for name in names]
    return found


def public_names():
    own = (*sklearn_carto.__all__, "DataMapSampler")  # which is absent without imbalanced-learn
    names = {n for n in own if n not in (*MODULES, "exceptions", "__version__")}
    names |= {f"{m}.{name}" for m in MODULES for name in getattr(sklearn_carto, m).__all__}
    for framework in FRAMEWORKS + TRACKERS:  # without importing them
        code = (ROOT / f"sklearn_carto/integrations/{framework}.py").read_text()
        listed = re.search(r"^__all__ = \[(.*?)\]", code, flags=re.MULTILINE | re.DOTALL)
        of_module = re.findall(r'"(\w+)"', listed[1]) if listed else ["DataMapCallback"]
        names |= {f"integrations.{framework}.{name}" for name in of_module}
    return {f"sklearn_carto.{name}" for name in names}


def test_the_reference_lists_every_public_name_once():
    listed = entries((DOCS / "reference.rst").read_text())
    assert sorted(listed) == sorted(public_names())


def test_all_modules_of_integrations_are_looked_at():
    modules = (ROOT / "sklearn_carto" / "integrations").glob("[a-z]*.py")
    assert {path.stem for path in modules} == {*FRAMEWORKS, *TRACKERS}


def test_the_reference_holds_all_errors_and_warnings():
    assert re.search(
        r"automodule:: sklearn_carto\.exceptions\n   :members:",
        (DOCS / "reference.rst").read_text(),
    )
    assert all(
        getattr(sklearn_carto.exceptions, n).__doc__ for n in sklearn_carto.exceptions.__all__
    )


def copied_tables(text):
    """Yield the source of each table that a page copies from another one, and its rows."""
    for source, table in re.findall(r"<!-- as in: (\S+) -->\n((?:\|.*\n)+)", text):
        yield source, table.splitlines()


def test_the_figures_of_the_guide_are_those_of_the_pages():
    tables = list(copied_tables((DOCS / "guide.md").read_text()))
    assert len(tables) == 3
    for source, rows in tables:
        page = (DOCS / source).read_text()
        if source == "selection.md":  # the guide shows a third of the rows
            page = page.partition("### 33% of the rows")[2].partition("\n### ")[0]
        lines = page.splitlines()
        assert [row for row in rows if row not in lines] == []


@pytest.mark.parametrize("source", ["selection.md", "label_errors.md", "dynamic_subsets.md"])
def test_the_page_of_figures_finds_the_tables_that_it_shows(source):
    page = (DOCS / "accuracy.md").read_text()
    options = re.search(rf"include\}} {source}\n:start-after: (.*)\n:end-before: (.*)\n", page)
    start, end = (option.strip('"') for option in options.groups())
    text = (DOCS / source).read_text()
    assert text.count(start) == text.count(end) == 1
    assert text.partition(start)[2].partition(end)[0].count("\n|---") >= 1


def test_every_page_is_in_a_table_of_contents():
    pages = {path.stem for path in DOCS.glob("*.md")} | {"reference"}
    listed = set()
    for path in DOCS.glob("*.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", path.read_text(), flags=re.DOTALL):
            lines = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {re.sub(r".*<(.*)>", r"\1", line) for line in lines}
    assert pages - listed == {"index"}


@pytest.fixture
def check_links():
    spec = importlib.util.spec_from_file_location("check_links", DOCS / "check_links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_to_absent_files_and_places_are_found(tmp_path, check_links):
    links = {
        "there.html#here": None,
        "there.html#nowhere": "no such place in the page",
        "absent.html": "no such file",
        "#start": None,
        "there.html?digest=1": None,
        "https://scikit-learn.org/stable/": None,
        "http:/one": "not the address of a site",
        "https://scikit-learn.org/$.html": "not the address of a site",
    }
    tags = "".join(f'<a href="{link}">x</a>' for link in links)
    (tmp_path / "index.html").write_text(f'<p id="start">{tags}</p>')
    (tmp_path / "there.html").write_text('<h2 id="here">x</h2><img src="data:,">')
    broken, others = check_links.broken_links(tmp_path)
    expected = [f"index.html: {link}: {problem}" for link, problem in links.items() if problem]
    assert broken == expected
    assert others == sorted(link for link in links if ":" in link)
