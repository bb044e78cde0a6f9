"""Train an estimator on data that are read chunk by chunk, and record its training dynamics."""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from sklearn_carto._dynamics._history import check_history_dir
from sklearn_carto._dynamics._observation import Observation
from sklearn_carto._inputs._containers import take
from sklearn_carto._inputs._labels import as_label_column
from sklearn_carto._logs._parquet_log import EpochLog
from sklearn_carto._utils._compat import InvalidParameterError, callbacks_of
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._progress import progress
from sklearn_carto._watching._chunk_rows import OWNER, ChunkRows, located, read_chunks
from sklearn_carto._watching._find import get_watcher
from sklearn_carto._watching._partial_fit import DEFAULT_N_EPOCHS, PartialFitWatcher
from sklearn_carto._watching._response import Response
from sklearn_carto._watching._responses import response_method, row_blocks
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._seeds import set_seed
from sklearn_carto.exceptions import NotWatchableError


class ChunkTraining:
    """One training on chunks, recorded at the end of each epoch.

    The model of an epoch is evaluated while the chunks of the next one are read, before the model
    itself is trained on them, so that the data are read once an epoch, and once more at the end.

    Parameters
    ----------
    classifier : CartographyClassifier
        Its parameters are used; it is not changed.
    estimator : estimator
        A clone of its estimator, which is trained in place.
    factory : callable
        Returns an iterable of (X, y) or of (ids, X, y), the same rows at each call.
    classes : array-like of shape (n_classes,) or None
        The classes. None: they are found in a reading of their own.
    seed : int or None
        Set on every `random_state`.

    Attributes
    ----------
    recorder : RunRecorder or None
        What was recorded; None as long as the rows are not known.
    """

    def __init__(self, classifier, estimator, factory, classes, seed):
        self.estimator, self.factory, self.seed = estimator, factory, seed
        self.verbose, self.keep_models = classifier.verbose, classifier.keep_models
        self.n_epochs = DEFAULT_N_EPOCHS if classifier.n_epochs is None else classifier.n_epochs
        log = classifier.log
        log = None if log is None else EpochLog(log, type(classifier).__name__)
        if log is not None:  # ahead of the first reading
            log.check_free()
            log.check_writable()
        self._options = {
            "keep_history": classifier.keep_history,
            "uncertainty": classifier.uncertainty,
            "history_dir": classifier.history_dir,
            "log": log,
        }
        self.rows = ChunkRows(_check_classes(classes, classifier))
        self.recorder: RunRecorder = None  # type: ignore[assignment]
        self._n_readings = 0

    def run(self):
        """Train for all epochs."""
        set_seed(self.estimator, self.seed)
        balanced = getattr(self.estimator, "class_weight", None) == "balanced"
        if self.rows.classes is None or balanced:  # the weights of the classes depend on all labels
            for chunk in self._read():
                self.rows.place(chunk)
            self._end_reading()
        fit = PartialFitWatcher().begin(self.estimator, self.rows.labels)
        model, steps = None, range(self.n_epochs + 1)
        for epoch in progress(steps, description="epochs", verbose=self.verbose):
            parts: list[tuple] = []
            for chunk in self._read():
                rows = self.rows.place(chunk)
                with located(chunk.where, chunk.X):
                    if model is not None:
                        parts += self._evaluate(model, epoch - 1, chunk.X, rows)
                    if epoch < self.n_epochs:
                        fit(chunk.X, chunk.y, self.rows.classes)
            self._end_reading()
            if parts:
                self._record(model, epoch - 1, parts)
            is_last = epoch >= self.n_epochs - 1
            model = self.estimator if is_last else deepcopy(self.estimator)

    def _read(self):
        return read_chunks(self.factory, self._n_readings, self.estimator)

    def _end_reading(self):
        self.rows.end_reading(self._n_readings)
        self._n_readings += 1
        if self.recorder is None:
            self.recorder = RunRecorder(
                self.rows.labels, self.rows.classes, self.rows.y_encoded,
                sample_ids=self.rows.sample_ids, **self._options,
            )  # fmt: skip
            self.recorder.begin(self.n_epochs)
            self.recorder.open_log()
            self.recorder.models = [] if self.keep_models else None

    def _evaluate(self, model, epoch, X, rows):
        """Return rows, observation and probabilities of each block of a chunk."""
        method, recorder = response_method(model), self.recorder
        response = self._response(model, epoch)
        response.check_classes(recorder.trained_classes)
        found = []
        for block in row_blocks(len(rows), len(recorder.classes)):
            scores = getattr(model, method)(take(X, block))
            found.append((rows[block], *recorder._observe(response, rows[block], scores, model)))
        return found

    def _record(self, model, epoch, parts):
        """Record a whole epoch, so that an interrupted one is not recorded in part."""
        rows, observations, probas = zip(*parts, strict=True)
        order = np.argsort(np.concatenate(rows), kind="stable")  # all rows, each once
        columns = zip(*observations, strict=True)
        whole = Observation(*(np.concatenate(values)[order] for values in columns))
        proba = np.concatenate(probas)[order] if self.recorder.uncertainty else None
        from_logits = self._response(model, epoch).from_logits
        self.recorder.whole_epochs = True
        self.recorder._add(epoch, whole, slice(None), from_logits, proba)
        if self.recorder.models is not None:
            self.recorder.models.append(deepcopy(model))

    def _response(self, model, epoch):
        from_logits = response_method(model) == "decision_function"
        classes = getattr(model, "classes_", None)
        return Response(type(model).__name__, epoch, from_logits, classes)


def check_chunks(classifier, factory):
    """Raise an error if a CartographyClassifier cannot be fitted on chunks, or these are none."""
    estimator = classifier.estimator
    watcher, name = get_watcher(estimator), type(last_step(estimator)).__name__
    if last_step(estimator) is not estimator:
        raise NotWatchableError(
            f"{OWNER} trains an estimator with partial_fit, which a pipeline that ends in {name} "
            "does not have. Transform the samples in the factory, with transformers that are "
            f"fitted before, and watch {name} itself."
        )
    if not isinstance(watcher, PartialFitWatcher):
        raise NotWatchableError(
            f"{OWNER} trains an estimator with partial_fit of its own, one call for each chunk, "
            f"which {name} does not have: it trains on all samples at once, or in a loop of its "
            "own. Choose for example SGDClassifier or MLPClassifier. For a net of skorch, pass fit "
            "a torch Dataset that reads its samples from disk."
        )
    if not callable(factory):
        raise InvalidParameterError(
            f"The 'factory' parameter of {OWNER} must be a callable that returns an iterable "
            f"of chunks. Got {type(factory).__name__} instead. A generator is read once only: pass "
            "the function that makes it."
        )
    for parameter, value in (("cv", None), ("record", "epoch_end"), ("checkpoint", None)):
        if getattr(classifier, parameter) != value:
            raise ValueError(
                f"{OWNER} supports {parameter}={value!r} only. Got "
                f"{getattr(classifier, parameter)!r}."
            )
    check_history_dir(classifier.history_dir, classifier.keep_history, type(classifier).__name__)
    if callbacks_of(classifier):
        raise ValueError(f"{OWNER} does not support callbacks. Remove those of the classifier.")


def _check_classes(classes, classifier):
    """Return the classes sorted, or None."""
    if classes is None:
        return None
    labels = as_label_column(classes, classifier)
    found = np.unique(labels)
    if len(found) < len(labels) or len(found) < 2:
        raise InvalidParameterError(
            f"The 'classes' parameter of {OWNER} must hold at least two classes, each once. Got "
            f"{labels.tolist()[:10]}."
        )
    return found
