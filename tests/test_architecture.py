"""Floors, names, and what an import loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_carto

ROOT = Path(sklearn_carto.__file__).parent
FLOORS = {
    "_version": 0,
    "exceptions": 0,
    "_compat": 0,
    "_progress": 0,
    "_generators": 0,
    "_warning": 0,
    "_torch_datasets": 1,
    "_row_tee": 1,
    "_containers": 2,
    "_labels": 1,
    "_observation": 1,
    "_running": 1,
    "_archive": 1,
    "_budget": 1,
    "_degeneracy": 1,
    "_folds": 1,
    "_routing": 1,
    "_pipelines": 1,
    "_fingerprint": 2,
    "_gathering": 2,
    "_judging": 2,
    "_statistics": 1,
    "_frames": 1,
    "datasets": 1,
    "metrics": 2,
    "_regions": 2,
    "_plot": 2,  # draws what it is handed, and computes nothing that belongs to a map
    "_dynamics": 3,
    "_averaging": 3,
    "_subset_comparison": 3,
    "_data_map": 4,
    "_roster": 3,
    "_recorder": 5,
    "_hearing": 6,
    "_watching": 5,
    "_delegation": 5,
    "_noise": 5,
    "_agreement": 5,
    "integrations": 7,
    "_answering": 6,
    "_matching": 6,
    "_classifier": 6,
    "_probe": 7,
    "_search": 8,
    "_selector": 9,
    "_sampler": 10,
    "_distilled": 10,
    "_trials": 11,
    "_comparison": 12,
    "_sweeps": 13,
    "_cross_distillation": 13,
    "__init__": 14,
}
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def floor_of(path):
    return FLOORS[path.with_suffix("").parts[0]]


def imports_of(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "sklearn_carto":
                yield from (f"sklearn_carto.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_only_point_down(path):
    here = path.with_suffix("").parts[0]
    for name in imports_of(path):
        package, _, rest = name.partition(".")
        there = rest.partition(".")[0]
        if package == "sklearn_carto" and there != here:
            assert FLOORS[there] < FLOORS[here], f"{path} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_private_names_of_scikit_learn_come_through_one_door(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "sklearn":
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            assert path.name == "_compat.py" or not any(name.startswith("_") for name in names)


def test_public_names_are_these():
    expected = {
        "CartographyClassifier",
        "CrossDistillation",
        "CrossDistillationDisplay",
        "DataMap",
        "DataMapDisplay",
        "DataMapSelector",
        "DistilledClassifier",
        "MapAgreement",
        "MapAgreementDisplay",
        "SubsetComparison",
        "SubsetComparisonDisplay",
        "TrainingDynamics",
        "__version__",
        "compare_subsets",
        "cross_distillation",
        "datasets",
        "exceptions",
        "map_agreement",
        "metrics",
        "sweep_fractions",
        "sweep_replacement",
    }
    assert set(sklearn_carto.__all__) - {"DataMapSampler"} == expected
    for name in sklearn_carto.__all__:
        assert getattr(sklearn_carto, name) is not None


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_importing_loads_no_optional_library():
    # scikit-learn itself loads pandas where it is installed
    by_us = loaded_by("import sklearn_carto") - loaded_by("import sklearn.ensemble")
    assert not by_us & {"torch", "skorch", "matplotlib", "pandas", "polars", "imblearn", "tqdm"}
    assert not by_us & {"xgboost", "lightgbm", "catboost", "transformers", "lightning", "keras"}


@pytest.mark.parametrize("way", ["sklearn.linear_model.SGDClassifier", "xgboost.XGBClassifier"])
def test_watching_one_library_loads_no_other(way):
    module, _, kind = way.rpartition(".")
    pytest.importorskip(module)
    watch = (
        "import sklearn_carto, warnings, numpy as np; warnings.simplefilter('ignore'); "
        f"from {module} import {kind}; "
        f"sklearn_carto.CartographyClassifier({kind}()).fit(np.eye(40), np.arange(40) % 2)"
    )
    before = loaded_by(f"import sklearn.ensemble, {module}")
    others = {"torch", "skorch", "xgboost", "lightgbm", "catboost", "transformers", "keras"}
    assert not (loaded_by(watch) - before) & others


def test_the_changelog_opens_with_this_version():
    changelog = ROOT.parent / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("the changelog is part of the sources, not of an installed package")
    versions = re.findall(r"^## (\S+)", changelog.read_text(), flags=re.MULTILINE)
    assert versions[0] == sklearn_carto.__version__
