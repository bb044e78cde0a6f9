"""show_versions: what a report of an error should name."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from sklearn_carto._version import __version__

_REQUIRED = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl")
_OPTIONAL = (
    *("matplotlib", "pandas", "polars", "pyarrow", "narwhals", "duckdb", "dask", "pyspark"),
    *("imbalanced-learn", "xgboost", "lightgbm", "catboost", "torch", "skorch", "transformers"),
    *("accelerate", "lightning", "keras", "datasets", "mlflow", "mlflow-skinny", "wandb"),
    *("tensorboard", "rich", "tqdm", "cleanlab"),
)


def show_versions() -> None:
    """Print the versions of this library, of Python and of the packages that it uses.

    Paste the output into a report of an error. Packages are not imported, but for those that are
    required, whose thread pools are listed.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn.

    Examples
    --------
    >>> from sklearn_carto import show_versions
    >>> show_versions()
    <BLANKLINE>
    System:
        python: ...
    """
    system = {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
    }
    required = {"sklearn-carto": __version__} | {name: _version_of(name) for name in _REQUIRED}
    found = {name: _version_of(name) for name in _OPTIONAL}
    optional = {name: held for name, held in found.items() if held is not None}
    _print("System", system)
    _print("Python dependencies", required)
    _print("Optional packages", optional or {"none": ""})
    absent = [name for name, held in found.items() if held is None]
    if absent:
        print(f"\nNot installed: {', '.join(absent)}")
    for pool in _thread_pools():
        _print(f"Thread pool {pool.pop('user_api', '')}", pool)


def _version_of(package):
    """Return the version of an installed package without its import; None if there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _thread_pools():
    """Return the thread pools of the libraries that scikit-learn loads."""
    import sklearn.utils.extmath  # noqa: F401  loads BLAS and OpenMP
    from threadpoolctl import threadpool_info

    return threadpool_info()


def _print(title, facts):
    width = max(map(len, facts))
    print(f"\n{title}:")
    for name, value in facts.items():
        print(f"{name:>{width + 4}}: {value}")
