"""The command `compare`: what a smaller training set costs."""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from sklearn_carto._cli._data import describe_data, open_source, read_data
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import make_learner
from sklearn_carto._cli._labels import LabelReader
from sklearn_carto._cli._map_output import write_picture
from sklearn_carto._cli._output import OutputFolder, as_json
from sklearn_carto._cli._regions import parse_region
from sklearn_carto._cli._training import watched

FILES = ["comparison.csv", "fits.csv", "comparison.png", "summary.json"]


def run(options, messages):
    """Compare training sets by cross-validation.

    Parameters
    ----------
    options : argparse.Namespace
        The arguments of the command.
    messages : Messages
        Prints the progress.

    Returns
    -------
    summary : dict
        What --json prints.
    """
    from sklearn_carto._comparison._compare_subsets import compare_subsets
    from sklearn_carto._selection._selector import DataMapSelector

    folder = OutputFolder(options, messages, FILES)
    data = read_data(options, messages)
    ood: dict = {}
    for path in options.ood or ():
        ood[_name_of(path, ood)] = _read_ood(path, data, options, messages)
    most = max(Counter(data.y.tolist()).values())
    if options.cv > most:
        raise CommandError(
            f"--cv {options.cv} is more than the rows of the largest class, {most}. Lower --cv."
        )
    learner = make_learner(options, data.features, len(data.y))
    estimator = learner.estimator
    regions = [parse_region(one) for one in options.region or ("easy", "ambiguous", "hard")]
    check_scoring(options.scoring, data.y)
    trained = watched(learner)
    messages.info(f"training {learner.name} in {options.cv} folds on {len(data.y)} rows")
    comparison = compare_subsets(
        trained if learner.n_epochs else estimator,
        data.X,
        data.y,
        selector=DataMapSelector(trained),
        regions=regions,
        fracs=options.frac or (0.33,),
        cv=options.cv,
        scoring=options.scoring,
        ood=ood or None,
        n_seeds=options.n_seeds,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=messages.verbose,
    )
    table = comparison.summary()
    folder.write_columns("comparison", table, parquet=False)
    folder.write_columns("fits", comparison.results_, parquet=False)
    write_picture(folder, "comparison.png", lambda: comparison.plot().figure_, messages)
    summary = {"command": "compare", **data.facts(), "estimator": learner.name}
    summary |= {"seed": options.seed, "ood": {name: len(y) for name, (_, y) in ood.items()}}
    names = list(table)
    rows = zip(*(values.tolist() for values in table.values()), strict=True)
    summary["comparison"] = [dict(zip(names, map(as_json, row), strict=True)) for row in rows]
    folder.write_summary(summary)
    return summary | {"lines": [*describe_data(data), *str(comparison).splitlines()]}


def check_scoring(name, y):
    """Raise an error if a metric is unknown, or does not take labels of such a kind."""
    from sklearn.dummy import DummyClassifier
    from sklearn.metrics import get_scorer, get_scorer_names

    if name is None:
        return
    if name not in get_scorer_names():
        near = get_close_matches(name, get_scorer_names(), 1)
        hint = f" Did you mean {near[0]}?" if near else " Pass for example balanced_accuracy."
        raise CommandError(f"--scoring {name} is no metric of scikit-learn.{hint}")
    X = np.zeros((len(y), 1))
    try:
        get_scorer(name)(DummyClassifier().fit(X, y), X, y)
    except (ValueError, TypeError) as error:
        way_out = f"{name}_macro" if f"{name}_macro" in get_scorer_names() else "balanced_accuracy"
        raise CommandError(
            f"--scoring {name} cannot score these labels: {str(error).rstrip('.')}. Pass for "
            f"example {way_out}."
        ) from error


def _read_ood(path, data, options, messages):
    """Read a table out of distribution, of the same columns; returns X and y."""
    source = open_source(path, options)
    for name, option in ((data.features.text, "--text"), (data.features.image, "--image")):
        if name is not None:
            source.find(name, option)
    for name in data.features.columns.names if data.features.columns else ():
        if name not in source.names:
            raise CommandError(f"--ood {path} lacks the column {name!r}, which is learned from.")
    table = source.read()
    reader = LabelReader(source, source.find(options.target, "--target"))
    reader.update(table)
    labels = reader.labels(table)
    if labels.n_missing and not options.drop_missing_target:
        reader.check(False)
    if not len(labels.y):
        raise CommandError(f"--ood {path} has no row with a label.")
    alike = labels.y.dtype.kind == data.y.dtype.kind
    known = np.isin(labels.y, data.y) if alike else np.zeros(len(labels.y), dtype=bool)
    if not known.all():
        others = np.unique(labels.y[~known])
        raise CommandError(
            f"--ood {path} holds labels that {data.source.path} does not: "
            f"{', '.join(map(repr, others.tolist()[:5]))}."
        )
    messages.info(f"{path}: {len(labels.y)} rows out of distribution")
    return data.features.read(table, labels.rows, source.path), labels.y


def _name_of(path, taken):
    """Return a name for the scores on a file; letters, digits and underscores alone."""
    stem = re.sub(r"\W+", "_", Path(path).name.split(".")[0], flags=re.ASCII).strip("_") or "ood"
    if stem == "test" or stem.startswith("test_"):  # as the scores on the splits are named
        stem = f"ood_{stem}"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name
