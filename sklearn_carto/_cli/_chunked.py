"""A table that is read in blocks, for files larger than memory."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from sklearn_carto._cli._data import describe_classes, open_source
from sklearn_carto._cli._errors import CommandError
from sklearn_carto._cli._estimators import is_wide, make_learner, of_categories, of_numbers
from sklearn_carto._cli._features import Features
from sklearn_carto._cli._labels import IdReader, LabelReader
from sklearn_carto._cli._training import make_classifier, saved_if_interrupted

_N_HASHES = 2**18  # features of texts, whose words are not counted first


def fit_in_chunks(options, messages, folder):
    """Train on a table in blocks.

    The table is read twice ahead of the training: for its labels and columns, and for the means of
    its numbers.

    Parameters
    ----------
    options : argparse.Namespace
        The arguments of `map`.
    messages : Messages
        Prints the progress.
    folder : OutputFolder
        Where the map is saved if the training is interrupted.

    Returns
    -------
    model : CartographyClassifier
        Fitted.
    learner : Learner
        What was trained.
    facts : dict
        For the summary.
    lines : list of str
        For the summary.
    """
    rows = ChunkedTable(options, messages)
    learner = make_learner(options, rows.features, rows.n_rows, chunks=True)
    model = make_classifier(learner, options, messages)
    model.set_params(keep_history=False)
    messages.info(f"training {learner.name} on {rows.n_rows} rows, {options.chunk_rows} at a time")
    with saved_if_interrupted(model, folder, messages):
        model.fit_chunks(rows.read, classes=rows.reader.classes())
    counts = {
        str(name): n for name, n in sorted(rows.reader.counts.items(), key=lambda x: str(x[0]))
    }
    facts = {
        "file": str(options.file),
        "target": options.target,
        "n_rows": rows.n_rows,
        "n_left_out": rows.reader.n_missing,
        "classes": counts,
        "learned_from": rows.features.kind,
    }
    return model, learner, facts, [describe_classes(rows.n_rows, counts)]


class ChunkedTable:
    """A table whose blocks are read again at each epoch.

    Parameters
    ----------
    options : argparse.Namespace
        The arguments of `map`.
    messages : Messages
        Prints the progress.

    Attributes
    ----------
    n_rows : int
        Number of rows with a label.
    """

    def __init__(self, options, messages):
        self.options, self.messages = options, messages
        self.source = open_source(options.file, options)
        target = self.source.find(options.target, "--target")
        self.id = None if options.id is None else self.source.find(options.id, "--id")
        self._first_ids = None if self.id is None else IdReader(self.source, self.id)
        self.features = Features(self.source, options, messages)
        messages.info(f"reading {self.source.path} for its labels and columns")
        self.reader = LabelReader(self.source, target)
        self.features.fit(self._counted())
        self.n_rows = sum(self.reader.counts.values())
        self._prepare = self._fit_preparation()

    def read(self):
        """Yield ids, numbers and labels of each block."""
        start = 0
        for table in self._blocks():
            labels = self.reader.labels(table)
            ids = start + labels.rows if self.id is None else self._ids(table)[labels.rows]
            start += table.n_rows
            if len(labels.y):
                X = self.features.read(table, labels.rows)
                yield ids, self._prepare(X), labels.y

    def _blocks(self):
        return self.source.blocks(self.options.chunk_rows)

    def _counted(self):
        """Yield the blocks, count their labels, and check them at the end."""
        n_blocks = n_sorted = 0
        for table in self._blocks():
            before = dict(self.reader.counts)
            self.reader.update(table)
            if self._first_ids is not None:
                self._first_ids.read(table)
            counts = self.reader.counts
            n_blocks += 1
            n_sorted += sum(n > before.get(name, 0) for name, n in counts.items()) == 1
            yield table
        if n_blocks == 0:
            raise CommandError(f"{self.source.path} holds a header, but no rows.")
        self._first_ids = None
        self.reader.check(self.options.drop_missing_target)
        if n_blocks > 1 and n_sorted > n_blocks / 2 and len(self.reader.counts) > 1:
            self.messages.info(
                f"warning: {n_sorted} of {n_blocks} blocks hold a single class, so that the model "
                "learns one class after the other. Shuffle the rows, or raise --chunk-rows"
            )

    def _ids(self, table):
        """Return the ids of a block as text, so that those of all blocks are of one type."""
        cells = table.column(self.id).tolist()
        return np.array([cell.strip() if isinstance(cell, str) else str(cell) for cell in cells])

    def _fit_preparation(self):
        """Return the function that turns what is read of a block into numbers."""
        if self.features.kind == "text":
            from sklearn.feature_extraction.text import HashingVectorizer

            words = HashingVectorizer(
                n_features=_N_HASHES, alternate_sign=False, token_pattern=r"(?u)\b\w+\b"
            )
            return words.transform
        if self.features.kind == "images":
            return lambda X: X
        columns = self.features.columns
        is_category = columns.is_category
        scaler, mean = of_numbers().named_steps.values()
        if not is_category.all():
            for table in self._blocks():
                scaler.partial_fit(columns.encode(table)[:, ~is_category])
            mean.fit(np.zeros((1, int((~is_category).sum()))))
        if not is_category.any():
            return lambda X: mean.transform(scaler.transform(X))
        encoder = of_categories(columns).fit(np.zeros((1, int(is_category.sum()))))

        def prepare(X):
            codes = encoder.transform(X[:, is_category])
            if is_category.all():
                return codes if is_wide(columns) else codes.toarray()
            numbers = mean.transform(scaler.transform(X[:, ~is_category]))
            if is_wide(columns):
                return hstack([csr_matrix(numbers), codes]).tocsr()
            return np.hstack([numbers, codes.toarray()])

        return prepare
