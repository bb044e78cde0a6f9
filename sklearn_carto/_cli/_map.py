"""The command `map`: train on a table, and write its data map."""

from __future__ import annotations

import time

from sklearn_carto._cli._data import describe_data, open_source, read_data
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import make_learner
from sklearn_carto._cli._map_output import (
    FILES,
    describe_map,
    map_facts,
    save_map,
    write_map,
)
from sklearn_carto._cli._output import OutputFolder


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
        from sklearn_carto._cli._chunked import fit_in_chunks

        model, learner, facts, lines = fit_in_chunks(options, messages, folder)
        shown = dict
    else:
        data = read_data(options, messages)
        learner = make_learner(options, data.features, len(data.y))
        model = make_classifier(learner, options, messages)
        messages.say(f"training {learner.name} on {len(data.y)} rows")
        with saved_if_interrupted(model, folder, messages):
            model.fit(data.X, data.y, sample_ids=data.ids)
        facts, lines, shown = data.facts(), describe_data(data), data.shown
    seconds = time.perf_counter() - start
    data_map = model.data_map_
    summary = {"command": "map", **facts, "estimator": learner.name, "seed": options.seed}
    summary |= map_facts(data_map) | {"seconds": round(seconds, 3)}
    write_map(folder, data_map, shown, messages, parquet=parquet)
    folder.write_summary(summary)
    return summary | {"lines": [*lines, f"{learner.name}, {describe_map(summary)[0]}"]}


def make_classifier(learner, options, messages):
    """Return the CartographyClassifier of a learner."""
    from sklearn_carto._watching._classifier import CartographyClassifier

    return CartographyClassifier(
        learner.estimator,
        n_epochs=learner.n_epochs,
        cv=getattr(options, "cv", None),
        random_state=options.seed,
        verbose=messages.verbose,
    )


class saved_if_interrupted:  # noqa: N801  a context
    """Save the map of the complete epochs if the training is interrupted."""

    def __init__(self, model, folder, messages):
        self.model, self.folder, self.messages = model, folder, messages

    def __enter__(self):
        """Begin the training."""

    def __exit__(self, kind, error, trace):
        """Save what was recorded, if the training was interrupted."""
        if kind is not None and getattr(self.model, "interrupted_", False):
            save_map(self.folder, self.model.data_map_)
            self.messages.say(f"map.npz holds the {self.model.n_epochs_} complete epochs")
