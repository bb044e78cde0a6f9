"""The command `issues`: the labels that are probably wrong, worst first."""

from __future__ import annotations

import shlex

import numpy as np

from sklearn_carto._cli._data import describe_data, read_data
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import make_learner
from sklearn_carto._cli._map_output import save_map, write_page
from sklearn_carto._cli._output import OutputFolder

FILES = ["issues.csv", "issues.html", "map.npz", "summary.json"]
_SHOWN = (
    *("label_quality", "is_label_issue", "suggested_label", "suggested_proba", "given_proba"),
    "error_proba",
)


def run(options, messages):
    """Find labels that are probably wrong.

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
    if options.fdr is not None and options.noise_rate is None:
        raise CommandError("--fdr needs --noise-rate.")
    folder = OutputFolder(options, messages, FILES)
    data = read_data(options, messages)
    learner = make_learner(options, data.features, len(data.y))
    messages.info(f"training {learner.name} in {options.cv} folds on {len(data.y)} rows")
    issues = find_issues(learner, data, options, messages)
    folder.write_columns("issues", columns_of(issues, data), parquet=False)
    if issues.data_map is not None:
        save_map(folder, issues.data_map)
        write_page(folder, "issues.html", issues.data_map, data.shown, messages, issues=issues)
    summary = {"command": "issues", **data.facts(), "estimator": learner.name}
    summary |= {"seed": options.seed, "n_issues": issues.n_issues}
    folder.write_summary(summary)
    line = f"{issues.n_issues} labels are probably wrong; issues.csv holds all rows, worst first"
    command = ["sklearn-carto", "apply", str(options.file), str(folder.path / "issues.csv")]
    command += ["--target", options.target]
    for name in ("id", "delimiter", "encoding"):
        given = getattr(options, name)
        command += [] if given is None else [f"--{name}", given]
    following = (
        "next: fill in the column new_label of issues.csv, or relabel in issues.html and export, "
        f"then {shlex.join(command)} --out FILE"
    )
    return summary | {"lines": [*describe_data(data), line], "next": following}


def find_issues(learner, data, options, messages):
    """Find the label issues of a table."""
    from sklearn_carto._selection._find_label_issues import find_label_issues
    from sklearn_carto._watching._classifier import CartographyClassifier
    from sklearn_carto._watching._find import can_watch

    estimator = learner.estimator
    if learner.n_epochs is not None and can_watch(estimator):
        estimator = CartographyClassifier(estimator, n_epochs=learner.n_epochs)
    return find_label_issues(
        estimator,
        data.X,
        data.y,
        cv=options.cv,
        n_passes=options.n_passes,
        noise_rate=options.noise_rate,
        fdr=options.fdr,
        sample_ids=data.ids,
        n_jobs=options.n_jobs,
        random_state=options.seed,
        verbose=messages.verbose,
    )


def columns_of(issues, data):
    """Return the columns of issues.csv, worst first.

    `row`, `id`, `given_label`, `new_label` and `checked` are those that `apply` reads; the columns
    of the table follow. A name that is taken gets an underscore.
    """
    order = np.concatenate([issues.ranking, np.flatnonzero(np.isnan(issues.label_quality))])
    columns = {
        "row": np.arange(issues.n_samples),
        "id": data.ids,
        "given_label": issues.given_label,
        "new_label": np.full(issues.n_samples, "", dtype=object),
        "checked": np.zeros(issues.n_samples, dtype=bool),
    }
    columns |= {name: getattr(issues, name) for name in _SHOWN}
    columns = {name: values for name, values in columns.items() if values is not None}
    for name, cells in data.features.cells(data.table, data.rows).items():
        shown = name
        while shown in columns:
            shown += "_"
        columns[shown] = cells
    return {name: values[order] for name, values in columns.items()}
