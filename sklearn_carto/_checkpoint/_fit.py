"""The checkpoint of one fit: its folds and seed, its trainings, and what they have recorded."""

from __future__ import annotations

import os
import pickle
import sys
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_carto._checkpoint._folder import CheckpointFolder
from sklearn_carto._checkpoint._generators import (
    generator_states,
    same_states,
    set_generator_states,
)
from sklearn_carto._checkpoint._identity import differing, identity_of
from sklearn_carto._checkpoint._pickles import dump_estimator, load_estimator, references_of
from sklearn_carto._checkpoint._records import (
    begin_recorder,
    pack_entries,
    pack_mean,
    pack_recorder,
    record_entries,
    restore_mean,
    restore_recorder,
)
from sklearn_carto._checkpoint._training import Journal, NoCheckpoint, TrainingCheckpoint
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import last_step, with_last_step
from sklearn_carto._utils._validation import describe
from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import CheckpointError, DamagedCheckpointWarning


def open_checkpoint(classifier, data, recorder, seed, folds, refusal=None):
    """Open the checkpoint of a fit, as a context.

    Parameters
    ----------
    classifier : CartographyClassifier
        Its parameter `checkpoint` is the folder; None: nothing is saved.
    data : TrainingSet
        Samples, labels and arguments of `fit`.
    recorder : RunRecorder
        Knows the labels and the names of the samples.
    seed : int or None
        Seed of the fit.
    folds : list of (ndarray, ndarray)
        Training and test rows of each fold.
    refusal : str, default=None
        Why the training of the estimator cannot be saved.

    Returns
    -------
    checkpoint : FitCheckpoint or NoFitCheckpoint
        With the seed and the folds of the training that it continues.
    """
    if classifier.checkpoint is None:
        return NoFitCheckpoint(seed, folds)
    if refusal:
        raise CheckpointError(refusal)
    path = _check_folder(classifier.checkpoint, type(classifier).__name__)
    identity = identity_of(classifier, data.X, recorder, data.routed)
    folder = CheckpointFolder(path)
    try:
        return FitCheckpoint(folder, classifier, identity, seed, folds)
    except BaseException:
        folder.close()
        raise


def _check_folder(path, owner):
    name = os.path.expanduser(os.fsdecode(path))
    if not name or "\0" in name or (os.path.lexists(name) and not os.path.isdir(name)):
        raise InvalidParameterError(
            f"The 'checkpoint' parameter of {owner} must be the path of a folder, which is made if "
            f"it does not exist. Got {describe(name)} instead."
        )
    return Path(name).absolute()  # the working directory may change


class NoFitCheckpoint:
    """A fit that is not saved, with the interface of :class:`FitCheckpoint`."""

    n_finished = 0  # trainings
    log_run = None  # key of the log of the fit that is continued

    def __init__(self, seed, folds):
        self.seed, self.folds = seed, folds

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def begin(self, recorder, mean):
        """Do nothing."""

    def training(self, number, recorder):
        """Return the checkpoint of a training."""
        return NoCheckpoint(self.seed)


class FitCheckpoint(NoFitCheckpoint):
    """The checkpoint of one fit.

    Parameters
    ----------
    folder : CheckpointFolder
        Where it is saved.
    classifier : CartographyClassifier
        What is fitted.
    identity : dict
        From :func:`identity_of`.
    seed : int or None
        Seed of a new fit.
    folds : list of (ndarray, ndarray)
        Its folds.

    Attributes
    ----------
    n_finished : int
        Number of trainings that an earlier run has finished, in order.
    """

    def __init__(self, folder, classifier, identity, seed, folds):
        super().__init__(seed, folds)
        self.folder, self.identity, self.verbose = folder, identity, classifier.verbose
        self.original = classifier.estimator
        self.cv_is_list = _is_list(classifier.cv)
        self.started = generator_states()  # by the process
        self.generators = None  # to be restored
        self.whole: Any = None  # the recorder of all samples
        self.resumed: Any = None  # number of the training that is continued
        self.journal = Journal(self._flush)
        self.n_models = 0  # in the journal
        found, self.parts = folder.latest()
        self.run: dict = found or {}
        self.log_run = self.run.get("log_run")
        if found is None:
            self._start(seed, folds)
        else:
            self._check_identity()
            self._continue(folds)
        self._warn()

    def __exit__(self, *error):
        self.folder.close()

    def _start(self, seed, folds):
        self.folder.start_anew()
        parts = {f"{i}.{name}": rows for i, fold in enumerate(folds)
                 for name, rows in zip(("train", "test"), fold, strict=True)}  # fmt: skip
        seed = None if seed is None else int(seed)
        self.folder.write_blob("plan", {"seed": seed, "n_folds": len(folds)}, parts)

    def _continue(self, folds):
        plan, parts = self.folder.read_blob("plan")
        stored = [(parts[f"{i}.train"], parts[f"{i}.test"]) for i in range(plan["n_folds"])]
        pairs = zip(stored, folds, strict=True) if len(stored) == len(folds) else []
        same = len(stored) == len(folds) and all(
            np.array_equal(a, b) for pair in pairs for a, b in zip(*pair, strict=True)
        )
        if self.cv_is_list and not same:
            raise self._other_fit(["the folds of cv"])
        self.seed, self.folds = plan["seed"], stored
        self.resumed = self.n_finished = self.run["training"]
        if "generators" in self.parts:
            self.generators = pickle.loads(self.parts["generators"])
        if self.verbose:
            print(f"{self.folder.path}: {self._where()}", file=sys.stderr, flush=True)

    def _check_identity(self):
        names = differing(self.run["identity"], self.identity)
        if names:
            raise self._other_fit([*map(self._explained, names)])

    def _explained(self, name):
        """Add to the name of what differs how it comes to be the same."""
        torch, param = sys.modules.get("torch"), name.partition("estimator__")[2]
        if torch and param and isinstance(_param_of(self.original, param), torch.nn.Module):
            name += " (its weights are compared: seed torch before it is made, or pass its class)"
        return name

    def _other_fit(self, names):
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        several = {"the number of samples", "the samples X"} & {*names}
        return CheckpointError(
            f"The checkpoint in {self.folder.path} is one of another fit, which differs in {shown}."
            " Pass the same data and parameters to continue it; to train from the beginning, set "
            "checkpoint to another folder, or delete this one."
            + (" In a cross-validation or a search, set checkpoint=None." if several else "")
        )

    def _where(self):
        """State where the training continues."""
        if not self.run:
            return "training starts from the beginning"
        if self.run["is_finished"]:
            return "the complete fit is loaded"
        n_folds, of = len(self.folds), ""
        if self.resumed < n_folds:
            of = f" of fold {self.resumed + 1} of {n_folds}"
        return f"training{of} continues after {self.run['n_done']} complete {self.run['steps']}"

    def _warn(self):
        problems = "; ".join(dict.fromkeys(self.folder.problems))
        if problems:
            warn(
                f"The checkpoint in {self.folder.path} is damaged ({problems}): {self._where()}.",
                DamagedCheckpointWarning,
            )

    def begin(self, recorder, mean):
        """Restore what was recorded of all samples, and the mean of finished folds."""
        self.whole = recorder
        begin_recorder("whole", recorder, self.run, self.parts)
        restore_recorder("whole", recorder, self.run, self.parts)
        self.models = []
        for facts, parts in self.folder.journal():
            record_entries(recorder.dynamics, facts["entries"], parts)
            self.models += [parts[f"model.{i}"] for i in range(facts["n_models"])]
        self.n_models = len(self.models)
        if self.n_finished:
            restore_mean(mean, *self.folder.read_blob(f"folds-{self.n_finished - 1}"))

    def training(self, number, recorder):
        """Return the checkpoint of a training, which may continue one that was saved.

        Parameters
        ----------
        number : int
            Number of the fold, or the number of folds.
        recorder : RunRecorder
            What the training records with; what was recorded is restored.
        """
        training = TrainingCheckpoint(self, number, recorder)
        of_whole = recorder is self.whole or getattr(recorder, "whole", None) is self.whole
        if self.whole.keep_history and of_whole:
            recorder.journal = self.journal
        if number == self.resumed:
            self._resume(training)
        return training

    def _resume(self, training):
        number, recorder, blobs = training.number, training.recorder, self.folder.blobs
        training.n_done, training.n_rows = self.run["n_done"], self.run["n_rows"]
        training.is_finished = self.run["is_finished"]
        training.references = references_of(clone(self.original))
        pickled = self.parts.get("bundle")
        if f"model-{number}" in blobs:
            training.is_trained = True
            pickled = self.folder.read_blob(f"model-{number}")[1]["bundle"]
        if pickled is not None:
            bundle = load_estimator(pickled, training.references)
            training.estimator, training.facts = bundle["estimator"], bundle["facts"]
        if f"inputs-{number}" in blobs:
            parts = self.folder.read_blob(f"inputs-{number}")[1]
            inputs = load_estimator(parts["inputs"], training.references)
            pipeline, training.inputs = inputs["pipeline"], inputs["inputs"]
            training.estimator = with_last_step(pipeline, training.estimator)
        if recorder is not self.whole and "own" in self.run:
            begin_recorder("own", recorder, self.run, self.parts)
            restore_recorder("own", _inner(recorder), self.run, self.parts)
        if recorder.models is not None:
            recorder.models[:] = [
                load_estimator(pickled, training.references) for pickled in self.models
            ]
        self.parts, self.models = {}, []

    def restore_generators(self, device):
        """Set the generators as they were when the state was saved, once."""
        if self.generators is not None:
            set_generator_states(self.generators, device)
            self.generators = None

    def save_inputs(self, training, inputs):
        """Save the transformed inputs of a training, and the pipeline that transformed them."""
        both = {"pipeline": training.watched, "inputs": inputs}
        pickled = dump_estimator(both, training.references, "What the transformers return")
        self.folder.write_blob(f"inputs-{training.number}", {}, {"inputs": pickled})

    def save_model(self, training):
        """Save an estimator that is trained, before its stages are replayed."""
        pickled = self._bundle(training, training.watched)
        self.folder.write_blob(f"model-{training.number}", {}, {"bundle": pickled})
        self.save(training)

    def save(self, training):
        """Save the state of a training that goes on."""
        parts = {}
        if not training.is_trained:
            parts["bundle"] = self._bundle(training, training.watched)
        self._write(training, training.number, training.n_done, parts)

    def finish(self, training, estimator, mean):
        """Save the end of a training; with `mean`, of the folds so far, the next one may begin."""
        number = training.number
        parts: dict = {}
        has_inputs = self.folder.blobs.pop(f"inputs-{number}", None) is not None
        if mean is not None:
            self.folder.blobs.pop(f"model-{number}", None)
            self.folder.blobs.pop(f"folds-{number - 1}", None)
            self.folder.write_blob(f"folds-{number}", *pack_mean(mean))
            self._write(training, number + 1, 0, parts)
        else:
            if has_inputs:  # what was saved is the last step alone
                self.folder.blobs.pop(f"model-{number}", None)
            if has_inputs or not training.is_trained:
                parts["bundle"] = self._bundle(training, estimator)
            self._write(training, number, training.n_done, parts)

    def _bundle(self, training, estimator):
        if f"inputs-{training.number}" in self.folder.blobs:  # which hold the transformers
            estimator = last_step(estimator)
        bundle = {"estimator": estimator, "facts": training.facts}
        is_first, training.is_tried = not training.is_tried, True
        return dump_estimator(bundle, training.references, type(estimator).__name__, is_first)

    def _write(self, training, number, n_done, parts):
        models = training.recorder.models or []
        pickled = [
            dump_estimator(model, training.references, "The model of an epoch")
            for model in models[self.n_models :]
        ]
        if self.journal or pickled:
            self._flush(pickled)
        is_over = number > training.number
        facts = {
            "identity": self.identity,
            "training": number,
            "n_done": n_done,
            "n_rows": training.n_rows if n_done else 0,
            "steps": "blocks of samples" if training.is_trained else "epochs",
            "is_finished": training.is_finished and not is_over,
            "log_run": None if self.whole.log is None else self.whole.log.run,
        }
        states = generator_states(training.device)
        if "device" in states or not same_states(states, self.started):
            parts["generators"] = pickle.dumps(states)
        pack_recorder("whole", self.whole, facts, parts)
        if not is_over and training.recorder is not self.whole:
            pack_recorder("own", _inner(training.recorder), facts, parts)
        self.folder.write_state(facts, parts)

    def _flush(self, models=()):
        """Append what waits to the journal."""
        entries, parts = pack_entries(self.journal)
        parts |= {f"model.{i}": pickled for i, pickled in enumerate(models)}
        self.folder.append({"entries": entries, "n_models": len(models)}, parts)
        self.n_models += len(models)
        self.journal.clear()


def _inner(recorder):
    """Return the recorder whose dynamics are those of a training alone."""
    return getattr(recorder, "in_fold", recorder)


def _param_of(estimator, name):
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return params.get(name)


def _is_list(cv):
    return not (cv is None or isinstance(cv, Integral) or hasattr(cv, "split"))
