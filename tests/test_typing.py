"""What py.typed promises: public signatures have types, and type checkers find them."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_carto
from test_docs import INTEGRATIONS

USES = Path(__file__).parent / "typed_use.py"
# whose types no public signature names
UNTYPED = ("torch", "skorch", "pandas", "polars", "pyarrow", "narwhals", "matplotlib", "sklearn")
UNTYPED += ("imblearn", "joblib", "scipy")

MODULES = ("datasets", "exceptions", "logs", "metrics")


def public_names():
    for name in sklearn_carto.__all__:
        if name not in (*MODULES, "__version__"):
            yield name
    for module in MODULES:
        yield from (f"{module}.{name}" for name in getattr(sklearn_carto, module).__all__)


def functions_of(thing):
    """Return the public functions of a function, or of a class and its parents in this package."""
    if not isinstance(thing, type):
        return [thing]
    found = []
    for parent in thing.__mro__:
        if parent.__module__.startswith("sklearn_carto"):
            for name, value in vars(parent).items():
                value = value.fget if isinstance(value, property) else value
                function = getattr(value, "fn", getattr(value, "__func__", value))
                if inspect.isfunction(function) and (name == "__init__" or name[0] != "_"):
                    found.append(inspect.unwrap(function))
    return [one for one in found if one.__module__.startswith("sklearn_carto")]


def without_types(function):
    """Return the parameters of a function, and "return", that have no type."""
    if function.__name__ == "<lambda>":  # of a property whose class declares the type
        return []
    signature = inspect.signature(function)
    parameters = [one for name, one in signature.parameters.items() if name not in ("self", "cls")]
    missing = [one.name for one in parameters if one.annotation is one.empty]
    return missing + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("name", sorted(public_names()))
def test_every_parameter_and_result_of_a_public_name_has_a_type(name):
    thing = sklearn_carto
    for part in name.split("."):
        thing = getattr(thing, part)
    found = {one.__qualname__: without_types(one) for one in functions_of(thing)}
    assert not {function: names for function, names in found.items() if names}


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_every_parameter_and_result_of_an_integration_has_a_type(name):
    pytest.importorskip(INTEGRATIONS[name])
    module, _, kind = name.partition(".")
    thing = getattr(importlib.import_module(f"sklearn_carto.integrations.{module}"), kind)
    found = {one.__qualname__: without_types(one) for one in functions_of(thing)}
    assert not {function: names for function, names in found.items() if names}


def test_the_file_of_uses_names_all_that_is_public():
    uses = USES.read_text()
    names = {*sklearn_carto.__all__, "DataMapSampler", *sklearn_carto.metrics.__all__}
    names |= {*sklearn_carto.logs.__all__, *sklearn_carto.datasets.__all__}
    assert not {name for name in names if name not in uses}


@pytest.fixture(scope="module")
def check_types(tmp_path_factory):
    """Return a function that checks a file as one who has installed the package would."""
    pytest.importorskip("mypy")
    pytest.importorskip("imblearn")
    folder = tmp_path_factory.mktemp("mypy")
    # what is reported of installed packages are only the uses, not their sources
    settings = "[mypy]\nstrict = True\n[mypy-sklearn_carto.*]\nfollow_imports = silent\n"
    for package in UNTYPED:  # and they take a minute to read
        settings += f"[mypy-{package}.*]\nfollow_imports = skip\n"
    (folder / "mypy.ini").write_text(settings)
    place = Path(sklearn_carto.__file__).parent.parent
    if (place / "pyproject.toml").exists():  # installed packages are found without a path
        settings = settings.replace("strict", f"mypy_path = {place}\nstrict", 1)
        (folder / "mypy.ini").write_text(settings)

    def check(path):
        command = [sys.executable, "-m", "mypy", f"--config-file={folder / 'mypy.ini'}"]
        command += [f"--cache-dir={folder / 'cache'}", "--no-error-summary", str(path)]
        run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        return (run.stdout + run.stderr).splitlines()

    return check


def test_the_uses_of_all_public_names_are_typed(check_types):
    assert check_types(USES) == []


WRONG = {  # and what is wrong with it, in the words of mypy
    "DataMap(confidence=[0.5], variability=[0.1], correctness=[1])": '"n_epochs"',
    'DataMap.load("map.npz").select("easy")': '"frac"',
    'DataMap.load("map.npz").to_frame(backend="panda")': "arg-type",
    'DataMap.load("map.npz").confidnce': "attr-defined",
    'find_label_issues(None, [[0]], [0], noise_rate="high")': "arg-type",
    'DataMapSelector(frac="half")': "arg-type",
    "sklearn_carto.DataMaps": "attr-defined",
}


def test_wrong_uses_are_found(check_types, tmp_path):
    lines = ["import sklearn_carto", "from sklearn_carto import *", "", *WRONG]
    (tmp_path / "wrong.py").write_text("\n".join(lines) + "\n")
    found = check_types(tmp_path / "wrong.py")
    for number, (line, words) in enumerate(WRONG.items(), start=4):
        assert any(f":{number}: " in one and words in one for one in found), line
