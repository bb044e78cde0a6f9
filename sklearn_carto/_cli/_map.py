"""The command `map`: train on a table, and write its data map."""

from __future__ import annotations

import time

from sklearn_carto._cli._chunked import fit_in_chunks
from sklearn_carto._cli._data import describe_data, open_source, read_data
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import make_learner
from sklearn_carto._cli._map_output import (
    FILES,
    describe_map,
    map_facts,
    write_map,
)
from sklearn_carto._cli._output import OutputFolder
from sklearn_carto._cli._training import check_folds, make_classifier, saved_if_interrupted


def run(options, messages):
    """Draw the data map of a table.

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
    parquet = open_source(options.file, options).format == "Parquet"
    statistics = "statistics.parquet" if parquet else "statistics.csv"
    folder = OutputFolder(options, messages, [*FILES, statistics])
    start = time.perf_counter()
    if options.chunks:
        if options.cv:
            raise CommandError("--chunks cannot be combined with --cv.")
        model, learner, facts, lines = fit_in_chunks(options, messages, folder)
        shown = dict
    else:
        data = read_data(options, messages)
        if options.cv is not None:
            check_folds(data.y, options.cv, f"--cv {options.cv}", "lower --cv")
        learner = make_learner(options, data.features, len(data.y))
        model = make_classifier(learner, options, messages)
        messages.info(f"training {learner.name} on {len(data.y)} rows")
        with saved_if_interrupted(model, folder, messages):
            model.fit(data.X, data.y, sample_ids=data.ids)
        facts, lines, shown = data.facts(), describe_data(data), data.shown
    seconds = time.perf_counter() - start
    data_map = model.data_map_
    summary = {"command": "map", **facts, "estimator": learner.name, "seed": options.seed}
    summary |= map_facts(data_map) | {"seconds": round(seconds, 3)}
    dynamics = None if options.chunks else model.dynamics_
    write_map(folder, data_map, shown, messages, parquet=parquet, dynamics=dynamics)
    folder.write_summary(summary)
    return summary | {"lines": [*lines, f"{learner.name}, {describe_map(summary)[0]}"]}
