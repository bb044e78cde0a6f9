"""Optional packages: which are installed, and the error where one is missing."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import sklearn_carto
from sklearn_carto._utils._packages import is_installed, require


@pytest.fixture
def folder_named(tmp_path, monkeypatch):
    """Make a folder on the path, with or without code, that has the name of a package."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, code=None):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run-1.txt").write_text("what a run wrote")
        if code is not None:
            (tmp_path / name / "__init__.py").write_text(code)
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        return name

    yield make
    for name in [n for n in sys.modules if n.startswith("carto_package")]:
        del sys.modules[name]


def test_a_folder_without_code_is_not_a_package(folder_named):
    name = folder_named("carto_package_folder")
    importlib.import_module(name)  # Python imports it as a namespace
    assert not is_installed(name)
    message = r'explore requires carto_package_folder, .*"sklearn-carto\[x\]"'
    with pytest.raises(ImportError, match=message):
        require(name, "explore", "sklearn-carto[x]")


def test_a_package_with_code_is_installed(folder_named):
    name = folder_named("carto_package_code", "value = 3\n")
    assert is_installed(name)
    assert require(name, "explore", "sklearn-carto[x]").value == 3


def test_a_module_of_a_package_is_returned_itself():
    assert require("json.decoder", "explore", "sklearn-carto[x]") is sys.modules["json.decoder"]


def test_a_package_that_is_absent_is_not_installed():
    assert not is_installed("carto_package_absent")
    with pytest.raises(ImportError, match=r"sklearn-carto\[x\]"):
        require("carto_package_absent", "explore", "sklearn-carto[x]")


def test_whether_a_package_is_installed_is_found_in_one_place():
    root = Path(sklearn_carto.__file__).parent
    found = {
        path.name for path in root.rglob("*.py") if re.search(r"\bfind_spec\b", path.read_text())
    }
    assert found == {"_packages.py"}
