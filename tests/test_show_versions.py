"""show_versions: what it prints."""

import platform
import subprocess
import sys
from importlib.metadata import version

import numpy as np

import sklearn_carto
from sklearn_carto import show_versions


def test_the_versions_are_those_that_run(capsys):
    show_versions()
    lines = {line.strip() for line in capsys.readouterr().out.splitlines()}
    assert f"sklearn-carto: {sklearn_carto.__version__}" in lines
    assert f"numpy: {np.__version__}" in lines
    assert f"scikit-learn: {version('scikit-learn')}" in lines
    assert f"executable: {sys.executable}" in lines
    assert f"machine: {platform.platform()}" in lines
    assert any(line.startswith("Thread pool") for line in lines)


def test_a_package_that_is_not_installed_is_named(capsys, monkeypatch):
    from sklearn_carto._utils import _show_versions

    monkeypatch.setattr(_show_versions, "_OPTIONAL", ("no-such-package", "numpy"))
    show_versions()
    assert "Not installed: no-such-package\n" in capsys.readouterr().out


def test_no_optional_package_is_imported():
    code = "import sys, sklearn_carto; sklearn_carto.show_versions(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.splitlines()[-1].split())
    assert not loaded & {"torch", "matplotlib", "transformers", "xgboost", "keras", "mlflow"}
