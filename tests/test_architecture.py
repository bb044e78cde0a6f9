"""Floors, names, and what an import loads."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import sklearn_carto

ROOT = Path(sklearn_carto.__file__).parent
FLOORS = [  # from the ground up; a folder imports lower floors only
    {"_version", "exceptions"},
    {"_utils"},
    {"datasets", "_inputs", "_dynamics", "_plot", "_explorer"},
    {"metrics", "_maps", "_logs"},
    {"_recording", "_checkpoint", "logs"},
    {"_watching"},
    {"_selection", "integrations"},
    {"_comparison"},
    {"_cli"},
    {"__main__"},
    {"__init__"},
]
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def room_of(module):
    """Folder or module of the top level that a dotted name within the package lies in."""
    return module.partition(".")[0]


def floor_of(room):
    (floor,) = (i for i, rooms in enumerate(FLOORS) if room in rooms)
    return floor


def dotted(path):
    """Name of a module within the package, without the package's own."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imports_of(path):
    """Names of the modules of this package that a module imports, without the package's own."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, module = name.partition(".")
            if package == "sklearn_carto":
                while module and module not in NAMES:  # a definition, not a module
                    module = module.rpartition(".")[0]
                yield module or "__init__"


NAMES = {dotted(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_only_point_down(path):
    here = room_of(dotted(path))
    for module in imports_of(path):
        there = room_of(module)
        assert there == here or floor_of(there) < floor_of(here), f"{path} imports {module}"


def test_no_files_import_each_other_in_a_circle():
    graph = {dotted(path): set(imports_of(path)) for path in MODULES}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle
    assert len(order) == len(MODULES)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_private_names_of_scikit_learn_are_imported_in_one_module(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "sklearn":
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            assert path.name == "_compat.py" or not any(name.startswith("_") for name in names)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_module_has_a_docstring(path):
    assert ast.get_docstring(ast.parse((ROOT / path).read_text()))


FOLDERS = [path for path in MODULES if path.name == "__init__.py" and len(path.parts) > 1]


@pytest.mark.parametrize("path", FOLDERS, ids=str)
def test_the_init_of_a_folder_is_a_docstring_of_one_line(path):
    (docstring,) = ast.parse((ROOT / path).read_text()).body
    assert isinstance(docstring.value.value, str)
    assert docstring.lineno == docstring.end_lineno


def test_every_folder_has_an_init():
    assert {path.parent for path in MODULES} == {path.parent for path in FOLDERS} | {Path()}


def test_public_names_are_these():
    expected = {
        "CartographyClassifier",
        "CrossDistillation",
        "CrossDistillationDisplay",
        "DataMap",
        "DataMapDisplay",
        "DataMapSelector",
        "DistilledClassifier",
        "LabelIssueDetector",
        "LabelIssues",
        "MapAgreement",
        "MapAgreementDisplay",
        "MapComparison",
        "MapComparisonDisplay",
        "StabilityReport",
        "StabilityReportDisplay",
        "SampleGridDisplay",
        "SelectionCurveDisplay",
        "SubsetComparison",
        "SubsetComparisonDisplay",
        "TrainingDynamics",
        "__version__",
        "apply_corrections",
        "compare_maps",
        "compare_subsets",
        "cross_distillation",
        "datasets",
        "exceptions",
        "find_label_issues",
        "logs",
        "map_agreement",
        "metrics",
        "show_versions",
        "stability_report",
        "sweep_fractions",
        "sweep_replacement",
    }
    assert set(sklearn_carto.__all__) - {"DataMapSampler"} == expected
    for name in sklearn_carto.__all__:
        assert getattr(sklearn_carto, name) is not None


def test_the_package_lists_its_public_names_and_holds_no_other():
    assert dir(sklearn_carto) == sorted(sklearn_carto.__all__)
    held = {name for name in vars(sklearn_carto) if not name.startswith("_")}
    assert held <= {*sklearn_carto.__all__, "integrations"}


def loaded_by(*statements):
    """Libraries that each statement loads, beyond those of the statements before it."""
    steps = "; ".join(f"{statement}; print(*sys.modules)" for statement in statements)
    code = f"import sys, warnings; warnings.simplefilter('ignore'); {steps}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [{name.partition(".")[0] for name in line.split()} for line in run.stdout.splitlines()]
    return [after - before for before, after in pairwise([set(), *lines])]


BOOSTERS = {"xgboost", "lightgbm", "catboost"}
OPTIONAL = BOOSTERS | {"torch", "skorch", "transformers", "lightning", "keras"}
OPTIONAL |= {"matplotlib", "pandas", "polars", "imblearn", "tqdm"}
OPTIONAL |= {"narwhals", "pyarrow", "duckdb", "dask", "pyspark"}
OPTIONAL |= {"datasets", "mlflow", "wandb", "tensorboard"}


@pytest.mark.parametrize("learner", ["sklearn.linear_model.SGDClassifier", "xgboost.XGBClassifier"])
def test_importing_loads_no_optional_library_and_watching_one_loads_no_other(learner):
    module, _, kind = learner.rpartition(".")
    pytest.importorskip(module)
    fit = f"CartographyClassifier({module}.{kind}()).fit(np.eye(40), np.arange(40) % 2)"
    _, by_import, by_watching = loaded_by(
        # scikit-learn itself loads pandas where it is installed
        f"import numpy as np, sklearn.ensemble, {module}",
        "from sklearn_carto import CartographyClassifier",
        fit,
    )
    assert "sklearn_carto" in by_import
    assert not by_import & OPTIONAL
    assert not by_watching & (BOOSTERS | {"torch", "skorch", "transformers", "keras"})


def test_the_changelog_opens_with_this_version():
    changelog = ROOT.parent / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("the changelog is part of the sources, not of an installed package")
    versions = re.findall(r"^## (\S+)", changelog.read_text(), flags=re.MULTILINE)
    assert versions[0] == sklearn_carto.__version__


def test_the_package_imports_no_module_before_a_name_is_used():
    """Names come on first access; no class of scikit-learn is loaded to recognise another."""
    by_package, by_name = loaded_modules(
        "import sklearn_carto", "from sklearn_carto import CartographyClassifier"
    )
    assert {name for name in by_package if name.startswith("sklearn_carto.")} == {
        "sklearn_carto._version",
        "sklearn_carto._utils",
        "sklearn_carto._utils._packages",
    }
    assert not by_package & {"numpy", "scipy", "sklearn"}
    slow = {"ensemble", "neural_network", "neighbors", "manifold", "cluster"}
    assert not by_name & {f"sklearn.{name}" for name in slow}


def test_editors_read_the_names_that_are_imported_at_run_time():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    blocks = [one for one in tree.body if isinstance(one, ast.If)]
    (block,) = (one for one in blocks if ast.unparse(one.test) == "_typing.TYPE_CHECKING")
    homes = {}
    for node in block.body:
        for alias in node.names:
            home = node.module.partition(".")[2]
            homes[alias.name] = home or alias.name
    assert homes.pop("DataMapSampler") == "_selection._sampler"
    assert homes == sklearn_carto._HOMES
    assert {*homes, "__version__"} == {*sklearn_carto.__all__} - {"DataMapSampler"}


def loaded_modules(*statements):
    """Modules that are loaded after each statement, in one fresh interpreter."""
    code = "import sys; " + "; ".join(f"{one}; print(*sys.modules)" for one in statements)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [set(line.split()) for line in run.stdout.splitlines()]
