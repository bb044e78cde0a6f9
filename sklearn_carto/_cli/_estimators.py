"""The classifiers that the command line trains, with what turns a table into numbers."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sklearn_carto._cli._errors import CommandError
from sklearn_carto._utils._packages import require

NAMES = ("sgd", "mlp", "hgb", "lgbm")
_N_TREES = 50
_N_WORDS = 500  # of texts, for hgb, which takes dense features
_WIDE = 1000  # columns, from which on they are sparse


class Learner(NamedTuple):
    """A classifier, and for how many epochs it is trained."""

    name: str
    estimator: Any
    n_epochs: int | None  # None: as the estimator is set


def make_learner(options, features, n_rows, *, chunks=False):
    """Return the classifier that --estimator names.

    Parameters
    ----------
    options : argparse.Namespace
        `estimator` and `epochs` are read.
    features : Features
        What is learned from.
    n_rows : int
        Number of rows.
    chunks : bool, default=False
        Whether it is trained in parts, on numbers that are prepared elsewhere.

    Returns
    -------
    learner : Learner
        The classifier, in a pipeline unless `chunks`.
    """
    name = options.estimator
    if name == "auto":
        name = (
            "sgd" if chunks else {"text": "sgd", "images": "mlp", "columns": "hgb"}[features.kind]
        )
    if ":" in name:
        model = _from_factory(name)
        learner = Learner(name, model, options.epochs)
    elif name not in NAMES:
        raise CommandError(
            f"--estimator {name!r} is unknown. Choose one of {', '.join(NAMES)}, or "
            "module:factory, such as mymodels:make_classifier."
        )
    else:
        learner = _known(name, options.epochs, features, n_rows)
    if chunks:
        if not hasattr(learner.estimator, "partial_fit"):
            raise CommandError(
                f"--chunks trains an estimator that has partial_fit, which {name} does not have. "
                "Choose sgd or mlp."
            )
        return learner
    from sklearn.pipeline import make_pipeline

    steps = _preparation(features, learner.name, n_rows)
    estimator = make_pipeline(*steps, learner.estimator) if steps else learner.estimator
    return learner._replace(estimator=estimator)


def _known(name, epochs, features, n_rows):
    if name == "sgd":
        from sklearn.linear_model import SGDClassifier

        # of tf-idf, scikit-learn's default of 1e-4 leaves almost no variability
        alpha = 1e-5 if features.kind == "text" else 1e-4
        return Learner(name, SGDClassifier(loss="log_loss", alpha=alpha), epochs)
    if name == "mlp":
        from sklearn.neural_network import MLPClassifier

        return Learner(name, MLPClassifier((64,), learning_rate_init=0.003), epochs)
    leaf = max(1, min(20, n_rows // 20))
    if name == "lgbm":
        lightgbm = require("lightgbm", "--estimator lgbm", "sklearn-carto[boosting]")
        model = lightgbm.LGBMClassifier(
            n_estimators=epochs or _N_TREES, min_child_samples=leaf, verbose=-1
        )
        return Learner(name, model, None)
    from sklearn.ensemble import HistGradientBoostingClassifier

    is_category = features.columns.is_category if features.kind == "columns" else np.zeros(1, bool)
    boosting = HistGradientBoostingClassifier(
        max_iter=epochs or _N_TREES,
        early_stopping=False,
        min_samples_leaf=leaf,
        categorical_features=is_category if is_category.any() else None,
    )
    return Learner(name, boosting, None)


def _preparation(features, name, n_rows):
    """Return the steps ahead of the classifier."""
    if features.kind == "text":
        return _of_text(name, n_rows, f"column {features.text!r} of {features.path}")
    if features.kind == "images" or name == "hgb":  # which takes categories and missing values
        return []
    from sklearn.compose import ColumnTransformer

    categories = np.flatnonzero(features.columns.is_category)
    numbers = np.flatnonzero(~features.columns.is_category)
    parts = []
    if len(numbers):
        parts.append(("numbers", of_numbers(), numbers))
    if len(categories):
        parts.append(("categories", of_categories(features.columns), categories))
    return [ColumnTransformer(parts, sparse_threshold=float(is_wide(features.columns)))]


def is_wide(columns):
    """Return whether encoded columns are so many that they are held as a sparse matrix."""
    return sum(columns.n_codes()) > _WIDE


def of_numbers():
    """Return the scaling of numbers; those that are missing get the mean."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mean = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return make_pipeline(StandardScaler(), mean)


def of_categories(columns):
    """Return the encoder of columns of categories, with all their codes."""
    from sklearn.preprocessing import OneHotEncoder

    codes = [np.arange(n, dtype=float) for n in columns.n_codes()]
    return OneHotEncoder(categories=codes, handle_unknown="ignore")


def _of_text(name, n_rows, column):
    from sklearn.feature_extraction.text import TfidfVectorizer

    from sklearn_carto._cli._words import Words

    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        min_df=2 if n_rows >= 1000 else 1,
        max_features=100_000,
        token_pattern=r"(?u)\b\w+\b",
    )
    words = Words(vectorizer, column)
    if name != "hgb":
        return [words]
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.preprocessing import FunctionTransformer

    return [words, SelectKBest(chi2, k=_N_WORDS), FunctionTransformer(_dense, accept_sparse=True)]


def _dense(X):
    return X.toarray()


def _from_factory(text):
    """Return the classifier that a function, a class or an object of a module is or returns."""
    module, _, path = text.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    from sklearn.base import is_classifier

    option = f"--estimator {text}"
    try:
        thing = importlib.import_module(module)
        for name in path.split("."):
            thing = getattr(thing, name)
    except Exception as error:  # whatever the module raises
        raise CommandError(f"{option} cannot be imported: {_named(error)}.") from error
    if isinstance(thing, type) or not hasattr(thing, "fit"):
        if not callable(thing):
            raise CommandError(f"{option} must be a function or a class that returns a classifier.")
        try:
            thing = thing()
        except Exception as error:  # whatever the function raises
            raise CommandError(f"{option} raised {_named(error)}.") from error
    if isinstance(thing, type) or not all(hasattr(thing, name) for name in ("fit", "get_params")):
        raise CommandError(
            f"{option} returned {type(thing).__name__}, not a classifier with fit and get_params."
        )
    if not is_classifier(thing):
        raise CommandError(f"{option} is {type(thing).__name__}, which is not a classifier.")
    return thing


def _named(error):
    return f"{type(error).__name__}: {error}"
