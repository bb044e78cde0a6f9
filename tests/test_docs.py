"""Public docstrings, the README's code, and the examples."""

import importlib
import os
import re
import runpy
import sys
from pathlib import Path

import pytest

import sklearn_carto

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


INTEGRATIONS = {  # and what each needs
    "torch.DynamicsRecorder": "torch",
    "torch.DynamicSubsetSampler": "torch",
    "skorch.DataMapCallback": "skorch",
    "skorch.DynamicSubset": "skorch",
    "transformers.DataMapCallback": "transformers",
    "lightning.DataMapCallback": "lightning",
    "keras.DataMapCallback": "keras",
    "sklearn.DataMapCallback": "sklearn.callback",
    "mlflow.log_data_map": "mlflow",
    "mlflow.log_dynamics": "mlflow",
    "wandb.log_data_map": "wandb",
    "wandb.log_dynamics": "wandb",
    "tensorboard.log_data_map": "tensorboard",
    "tensorboard.log_dynamics": "tensorboard",
}


def methods_of(thing):
    return [
        method
        for method, value in vars(thing).items()
        if not method.startswith("_")
        and callable(getattr(value, "__func__", value))
        and not isinstance(value, property)
        and not method.startswith(("set_", "on_"))  # events are those of the framework
    ]


MODULES = ("metrics", "datasets", "exceptions", "logs")


def public_objects():
    names = [n for n in sklearn_carto.__all__ if n not in MODULES]
    for name in names:
        if name == "__version__":
            continue
        yield f"sklearn_carto.{name}"
        thing = getattr(sklearn_carto, name)
        if isinstance(thing, type):
            yield from (f"sklearn_carto.{name}.{method}" for method in methods_of(thing))
    for module in ("metrics", "datasets", "logs"):
        functions = getattr(sklearn_carto, module).__all__
        yield from (f"sklearn_carto.{module}.{function}" for function in functions)


IGNORED = {
    "GL01",  # summaries start on the first line
    "EX01",  # methods are shown in the example of their class
    "SA01",
    "RT02",  # what is returned has a name, also when it is one thing
    "ES01",
    "PR02",  # delegated methods: numpydoc does not see through available_if
}


@pytest.mark.parametrize("name", sorted(public_objects()))
def test_docstrings_are_numpydoc(name):
    validate = pytest.importorskip("numpydoc.validate")
    errors = [e for e in validate.validate(name)["errors"] if e[0] not in IGNORED]
    assert not errors


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_docstrings_of_integrations_are_numpydoc(name):
    pytest.importorskip(INTEGRATIONS[name])
    validate = pytest.importorskip("numpydoc.validate")
    module, _, kind = name.partition(".")
    thing = getattr(importlib.import_module(f"sklearn_carto.integrations.{module}"), kind)
    assert ">>> " in thing.__doc__
    whole = f"sklearn_carto.integrations.{name}"
    for part in (whole, *(f"{whole}.{method}" for method in methods_of(thing))):
        errors = [e for e in validate.validate(part)["errors"] if e[0] not in IGNORED]
        assert not errors, part


@pytest.mark.parametrize("name", [n for n in public_objects() if n.count(".") == 1])
def test_public_names_have_a_runnable_example(name):
    thing = getattr(sklearn_carto, name.partition(".")[2])
    assert ">>> " in thing.__doc__


USED = {  # packages that the library imports where code has one of these words
    "matplotlib": r"\.plot\(|\.plot_samples\(|Display",
    "PIL": r"\bimages=",
    "pandas": r"to_frame\(|to_cleanlab\(",
    "pyarrow": r"\blog=|sklearn_carto\.logs",
    "narwhals": r"from_logs",
    "polars": r"from_logs",
    "distributed": "dask",
    "imblearn": "DataMapSampler",
}


def skip_without_what_is_needed(code):
    """Skip a test if a package is absent that code imports, or that the library needs for it."""
    imported = re.findall(r"^\s*(?:from|import) ([\w.]+)", code, flags=re.MULTILINE)
    for name in imported:
        name = name.replace("sklearn_carto.integrations.", "")
        if name.partition(".")[0] not in ("sklearn", "sklearn_carto"):
            pytest.importorskip(name.partition(".")[0])
    for package, words in USED.items():
        if re.search(words, code):
            pytest.importorskip(package)


def python_blocks():
    return re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
@pytest.mark.parametrize("number", range(len(python_blocks())))
def test_the_readmes_code_runs(number, tmp_path, monkeypatch):
    code = python_blocks()[number]
    skip_without_what_is_needed(code)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, f"README block {number}", "exec"), {})


def pages_with_code():
    pages = sorted((ROOT / "docs").glob("*.md"))
    return [page for page in pages if "```python\n" in page.read_text()]


def test_code_of_pages_is_run_or_is_no_python():
    for page in sorted((ROOT / "docs").glob("*.md")):
        kinds = set(re.findall(r"^ *(?:```|~~~)([^`\n]+)$", page.read_text(), flags=re.MULTILINE))
        directives = {kind for kind in kinds if kind.startswith("{")}
        assert kinds - directives <= {"python", "shell", "text"}, page.name
        assert not any("code" in kind for kind in directives), page.name


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
@pytest.mark.parametrize("page", pages_with_code(), ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_from_its_top_to_its_end(page, tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    skip_without_what_is_needed("\n".join(blocks))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"block {number} of {page.name}", "exec"), names)


def test_the_readme_has_exactly_the_two_commands():
    lines = [line for line in README.splitlines() if line.startswith("python -m pip install -e")]
    install = 'python -m pip install -e ".[{}]" -c constraints.txt && '
    assert lines == [
        install.format("plot") + "python examples/plot_1_first_map.py",
        install.format("test") + "python -m pytest -n auto",
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("plot_*.py")), ids=lambda p: p.stem
)
@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
def test_examples_run(path, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    for package in ("skorch", "imblearn", "transformers", "tokenizers", "pandas"):
        if re.search(f"^(from|import) {package}", path.read_text(), flags=re.MULTILINE):
            pytest.importorskip(package)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("SKLEARN_CARTO_DATA", raising=False)  # the sentences are generated
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert os.listdir(tmp_path)
