"""Train a model on each fold and record all rows: out of fold, and in fold.

A fold's model is evaluated on the rows that it is tested on and, at no further training, on those
that it trains on.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from sklearn_carto._dynamics._scores import encode_labels
from sklearn_carto._inputs._containers import row_names, take
from sklearn_carto._inputs._kept_outcomes import KeptOutcomes
from sklearn_carto._inputs._labels import check_labels
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._maps._diagnostics import warn_if_uninformative
from sklearn_carto._maps._running_mean import RunningMeanMap
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._partial_results import partial_results_kept
from sklearn_carto._utils._warnings import warn_once
from sklearn_carto._watching._callback_task import NoTask
from sklearn_carto._watching._epoch_evaluation import EpochEvaluator
from sklearn_carto._watching._find import get_watcher
from sklearn_carto._watching._fold_recorder import OutOfFoldRecorder
from sklearn_carto._watching._pipelines import fit_unwatched
from sklearn_carto._watching._run_recorder import RunRecorder
from sklearn_carto._watching._seeds import draw_seed, set_seed
from sklearn_carto._watching._training import train_and_record


class FoldObserver(Protocol):
    """What receives the class scores of one fold, and is returned to the caller.

    Each fold has an observer of its own, made where the fold is trained, so that folds may be
    trained in other processes: observers must be picklable.
    """

    def begin(self, n_epochs: int | None) -> None:
        """Receive the number of epochs ahead of the first one.

        It is an upper bound where a training may stop early, and None if there is none.
        """

    def add(self, fold: int, epoch: int, rows, scores, from_logits: bool) -> None:
        """Receive the class scores of a block of rows at one epoch.

        `rows`, an int array of shape (n_rows,), are positions among all rows: of the test set of
        the fold, or of its training set. Each is received once an epoch; those of the training set
        that the training itself holds out, never. `scores`, of shape (n_rows, n_classes), are
        probabilities or logits in the order of the sorted classes, and must not be modified. A
        class that the training set lacks has a probability of 0.
        """


class FoldRecords(NamedTuple):
    """What was recorded of the models of all folds."""

    out_of_fold_map: DataMap  # each row by the models that did not train on it
    in_fold_map: DataMap | None  # each row by those that did; None if not recorded
    observers: list  # one for each fold; None without a factory


class _FoldRecord(NamedTuple):
    """What was recorded of the model of one fold."""

    out_of_fold: tuple  # arguments of `RunningMeanMap.add`
    in_fold: tuple | None
    observer: Any


def record_folds(
    estimator,
    data,
    folds,
    *,
    n_epochs=None,
    seed=None,
    make_observer=None,
    sample_ids=None,
    n_jobs=None,
    verbose=0,
    kept=None,
):
    """Train a classifier on each fold and record its training dynamics for all rows.

    Parameters
    ----------
    estimator : estimator
        A classifier that can be watched. It is cloned.
    data : TrainingSet
        All samples, labels and arguments of `fit`.
    folds : list of (ndarray, ndarray)
        Positions of the training and of the test rows of each fold, from :func:`make_folds`.
    n_epochs : int, default=None
        Number of epochs to record; None: as of :class:`CartographyClassifier`.
    seed : int, RandomState instance or None, default=None
        Set on every `random_state` of each clone. An instance is drawn from once.
    make_observer : callable, default=None
        Takes the number of a fold, its training and its test rows, and returns its FoldObserver.
    sample_ids : ndarray of shape (n_samples,), default=None
        Names of the rows.
    n_jobs : int, default=None
        Number of folds to train in parallel. Records do not depend on it.
    verbose : int, default=0
        Whether to show progress bars.
    kept : callable, default=None
        Takes a function that encodes the record of a fold, and one that decodes it; returns the
        KeptOutcomes of the folds. Observers then have the methods `state` and `restore`.

    Returns
    -------
    records : FoldRecords
        The maps of all rows, and the observers.
    """
    options = {"n_epochs": n_epochs, "verbose": verbose}
    return _record(
        _record_fold, estimator, data, folds, seed, make_observer, sample_ids, n_jobs, kept, options
    )


def predict_folds(
    estimator,
    data,
    folds,
    *,
    seed=None,
    make_observer=None,
    sample_ids=None,
    n_jobs=None,
    kept=None,
):
    """Train a classifier on each fold and record its predictions for the test rows.

    This is for classifiers that cannot be watched: the final model of a fold is the only epoch,
    and the rows that it trains on are not recorded.

    Parameters
    ----------
    estimator : estimator
        A classifier with `predict_proba` or `decision_function`. It is cloned.
    data : TrainingSet
        All samples, labels and arguments of `fit`.
    folds : list of (ndarray, ndarray)
        Positions of the training and of the test rows of each fold, from :func:`make_folds`.
    seed, make_observer, sample_ids, n_jobs, kept
        As of :func:`record_folds`.

    Returns
    -------
    records : FoldRecords
        The map of one epoch and the observers; there is no `in_fold_map`.
    """
    return _record(
        _predict_fold, estimator, data, folds, seed, make_observer, sample_ids, n_jobs, kept
    )


def _record(
    function, estimator, data, folds, seed, make_observer, sample_ids, n_jobs, kept, options=()
):
    """Call a function that records one fold for each of the folds, and merge their records."""
    y, classes, y_encoded = check_labels(data.y, estimator)
    data = data._replace(y=y)
    whole = RunRecorder(
        y, classes, y_encoded, False,
        sample_ids=sample_ids, record="out_of_fold", excluded_mask=data.excluded_mask(),
    )  # fmt: skip
    seed, options = draw_seed(seed), dict(options)
    kept = KeptOutcomes(None, []) if kept is None else kept(
        _encode_record, partial(_decode_record, folds, make_observer)
    )  # fmt: skip
    finished = kept.load()
    with partial_results_kept(None, finished, len(folds), "folds", kept.path):
        records, collected = run_parallel(
            function,
            [(fold,) for fold in range(len(folds))],
            shared=(estimator, data, whole, folds, seed, make_observer, options),
            n_jobs=n_jobs,
            finished=finished,
            on_finished=kept.store,
        )
    warn_once(collected, f" in {len(folds)} folds")
    out_of_fold_map = _merged([one.out_of_fold for one in records], whole, "out_of_fold")
    known = [one.in_fold for one in records if one.in_fold is not None]
    in_fold_map = _merged(known, whole, "epoch_end") if known else None
    return FoldRecords(out_of_fold_map, in_fold_map, [one.observer for one in records])


def _encode_record(record):
    return record._replace(observer=None if record.observer is None else record.observer.state())


def _decode_record(folds, make_observer, values, fold):
    record = _FoldRecord(*values)
    if record.observer is None:
        return record
    observer = make_observer(fold, *folds[fold])
    observer.restore(record.observer)
    return record._replace(observer=observer)


def mean_map(mean, whole, record="epoch_end"):
    """Make the map of a RunningMeanMap, with what a RunRecorder of all rows knows of them."""
    return mean.data_map(
        labels=whole.labels,
        classes=whole.classes,
        excluded_mask=whole.excluded_mask,
        sample_ids=whole.sample_ids,
        record=record,
    )


def _merged(parts, whole, record):
    mean = RunningMeanMap(whole.n_samples)
    for part in parts:
        mean.add(*part)
    return mean_map(mean, whole, record)


def _fold_recorder(whole, fold, train, test, make_observer, in_fold):
    # a copy: in one process, the folds would share the dynamics
    whole = RunRecorder(
        whole.labels, whole.classes, whole.y_encoded, False,
        record=whole.record, excluded_mask=whole.excluded_mask,
    )  # fmt: skip
    observer = None if make_observer is None else make_observer(fold, train, test)
    return OutOfFoldRecorder(whole, train, test, fold, observer, in_fold=in_fold)


def _record_fold(estimator, data, whole, folds, seed, make_observer, options, fold):
    train, test = folds[fold]
    recorder = _fold_recorder(whole, fold, train, test, make_observer, in_fold=True)
    subset, X_test = data.take(train), take(data.X, test)
    train_and_record(clone(estimator), subset, X_test, recorder, seed, NoTask(), **options)
    return _FoldRecord(recorder.statistics(), recorder.in_fold.statistics(), recorder.observer)


def _predict_fold(estimator, data, whole, folds, seed, make_observer, options, fold):
    train, test = folds[fold]
    recorder = _fold_recorder(whole, fold, train, test, make_observer, in_fold=False)
    model = clone(estimator)
    set_seed(model, seed)
    subset = data.take(train)
    fit_unwatched(model, subset.X, subset.y, subset.routed)
    recorder.begin(1)
    EpochEvaluator(recorder, None, take(data.X, test)).record(model)
    return _FoldRecord(recorder.statistics(), None, recorder.observer)


def record_evaluation(classifier, X, y, X_eval, y_eval, make_observer, params):
    """Record one training of a CartographyClassifier, and its scores of other samples.

    Parameters
    ----------
    classifier : CartographyClassifier
        Its estimator is cloned; the classifier itself is not fitted. Its `cv` must be None and its
        `record` "epoch_end".
    X : container of shape (n_samples, n_features)
        Training samples.
    y : ndarray of shape (n_samples,)
        Their labels.
    X_eval : container of shape (n_samples_eval, n_features)
        Samples that are evaluated, too.
    y_eval : ndarray of shape (n_samples_eval,)
        Their labels, of the same classes.
    make_observer : callable
        Takes the positions of the training and of the other samples, which are counted on, the
        labels of all, encoded, and the number of classes; returns a FoldObserver.
    params : dict
        Arguments of `fit`.

    Returns
    -------
    data_map : DataMap
        Of the training samples, as of :meth:`CartographyClassifier.fit`.
    observer : FoldObserver
        The observer.
    data : TrainingSet
        The training samples, with routed arguments.
    """
    y, classes, y_encoded = check_labels(y, classifier)
    params = dict(params)
    weights, groups, ids = (params.pop(n, None) for n in ("sample_weight", "groups", "sample_ids"))
    watcher = get_watcher(classifier.estimator)
    data = classifier._route(X, y, watcher, params, weights, groups)
    n_samples, n_eval = len(y), len(y_eval)
    train, others = np.arange(n_samples), np.arange(n_samples, n_samples + n_eval)
    y_all = np.concatenate([y_encoded, encode_labels(y_eval, classes)])
    observer = make_observer(train, others, y_all, len(classes))
    whole = RunRecorder(classes[y_all], classes, y_all, False, record="out_of_fold")
    recorder = OutOfFoldRecorder(whole, train, others, 0, observer)
    train_and_record(
        clone(classifier.estimator), data, X_eval, recorder, draw_seed(classifier.random_state),
        NoTask(), n_epochs=classifier.n_epochs, verbose=classifier.verbose,
    )  # fmt: skip
    dynamics = recorder.in_fold.dynamics
    data_map = DataMap.from_dynamics(dynamics)
    warn_if_uninformative(data_map, dynamics, type(last_step(classifier.estimator)).__name__)
    data_map = replace(
        data_map,
        held_out_mask=recorder.in_fold.held_out_mask,
        excluded_mask=data.excluded_mask(),
        sample_ids=row_names(X) if ids is None else ids,
    )
    return data_map, observer, data
