"""A callback that draws the data map of a Keras model while it trains."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from itertools import islice

import keras
import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_carto._inputs._torch_datasets import is_tensor
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._recording._recorder import DynamicsRecorder
from sklearn_carto._utils._random_state import generators_kept, modes_kept
from sklearn_carto.exceptions import InvalidProbabilitiesError, SampleAlignmentError


class DataMapCallback(keras.callbacks.Callback):
    """Record the training dynamics of a classifier of Keras 3, on any backend.

    At the end of each epoch the model is asked about all rows of a data set, in their order, which
    must be the same each time. The model is trained just as it would be without.

    Parameters
    ----------
    dataset : tuple of arrays, or iterable
        The training rows and their labels, unshuffled: ``(X, y)``, or what gives batches ``(X, y)``
        or ``(X, y, sample_weight)`` in the same order each time it is iterated over: a
        ``keras.utils.PyDataset``, a torch DataLoader without shuffling, a ``tf.data.Dataset``, a
        list.
    outputs_to_probabilities : callable, default=None
        Turns the model's outputs into probabilities, for example ``keras.ops.softmax``. None: they
        are probabilities, or logits where `from_logits` says so. Of a model with several outputs
        it chooses one, too.
    sparse_labels : bool, default=None
        Whether labels are class indices (True) or one-hot lines (False). None: told by their shape.
        Of a model with a single output it says nothing.
    from_logits : bool, default=None
        Whether the model gives logits. None: what its loss says, where the loss knows.
    classes : array-like of shape (n_classes,), default=None
        Names of the outputs, in their order; of a single output, of its classes 0 and 1. None:
        0, 1, ...
    batch_size : int, default=256
        Rows that the model is asked about at a time, where `dataset` is a tuple of arrays.
    keep_history : bool, default=True
        Whether every epoch is kept beside the running statistics.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        What was recorded so far of the last training.
    data_map_ : DataMap
        Its map.
    gold_labels_probabilities : ndarray of shape (n_samples, n_epochs)
        Probability of the label of each row after each epoch; only with ``keep_history=True``.
    confidence, variability, correctness : ndarray of shape (n_samples,)
        Three statistics of the map. `correctness` is the share of the epochs at which the label was
        the most probable class, whatever its probability.

    Notes
    -----
    Each ``fit`` starts a new map. What a training that breaks off has recorded stays.

    The pass leaves the generators of numpy, Python and torch, the metrics of the model and the
    states of its seed generators as they were. A layer of your own that draws without a
    ``keras.random.SeedGenerator``, also when it is asked, is not covered, nor are variables that it
    writes to when asked.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 2.

    Examples
    --------
    >>> import keras
    >>> import numpy as np
    >>> from sklearn_carto.integrations.keras import DataMapCallback
    >>> X = np.random.RandomState(0).rand(40, 4)
    >>> y = (X.sum(axis=1) > 2).astype(int)
    >>> model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    >>> model.compile("sgd", "sparse_categorical_crossentropy")
    >>> maps = DataMapCallback((X, y))
    >>> history = model.fit(X, y, epochs=5, verbose=0, callbacks=[maps])
    >>> maps.data_map_
    <DataMap: 40 rows of 2 classes, 5 epochs>
    """

    def __init__(
        self,
        dataset,
        outputs_to_probabilities=None,
        sparse_labels=None,
        *,
        from_logits=None,
        classes=None,
        batch_size=256,
        keep_history=True,
    ):
        super().__init__()
        if outputs_to_probabilities is not None and not callable(outputs_to_probabilities):
            raise TypeError(
                "outputs_to_probabilities must be a callable; got a "
                f"{type(outputs_to_probabilities).__name__}. If these are the labels: rows and "
                "labels are passed as one tuple, write DataMapCallback((X, y))."
            )
        _check_order(dataset)
        self.dataset = dataset
        self.outputs_to_probabilities = outputs_to_probabilities
        self.sparse_labels = sparse_labels
        self.from_logits = from_logits
        self.classes = classes
        self.batch_size = batch_size
        self.keep_history = keep_history
        self._recorder: DynamicsRecorder = None  # type: ignore[assignment]

    def on_train_begin(self, logs=None):
        """Start a new map."""
        self._recorder = None  # type: ignore[assignment]
        with self._left_as_found():
            self._labels = [_array(y) for _, y in self._batches()]
            again = [_array(y) for _, y in islice(self._batches(), 1)]
        if not self._labels:
            raise ValueError("The dataset of DataMapCallback holds no batch.")
        if not again:
            raise SampleAlignmentError("The dataset of DataMapCallback is used up after one pass.")
        # a shuffle shows here, before an epoch is spent
        self._check_labels_match(0, again[0], "at a second reading than at the first")

    def on_epoch_end(self, epoch, logs=None):
        """Ask the model about all rows, and record the epoch."""
        start = 0
        with self._left_as_found():
            for i, (X, y) in enumerate(self._batches()):
                y = _array(y)
                self._check_labels_match(i, y, f"after epoch {epoch} than before the training")
                outputs = self.model(X, training=False)
                if self.outputs_to_probabilities is not None:
                    outputs = self.outputs_to_probabilities(outputs)
                scores = _scores(outputs, self.model)
                if len(scores) != len(y):
                    raise ValueError(
                        f"Batch {i} of the dataset of DataMapCallback holds {len(y)} labels, but "
                        f"{self.model.name} gave {len(scores)} lines: one of each a row is needed."
                    )
                if self._recorder is None:
                    self._recorder = self._make_recorder(scores, epoch)
                rows = np.arange(start, start + len(scores))
                self._recorder.update(rows, scores)
                start += len(scores)
        self._recorder.end_epoch()

    def _check_labels_match(self, i, y, when):
        if i >= len(self._labels) or not np.array_equal(y, self._labels[i]):
            raise SampleAlignmentError(
                f"The dataset of DataMapCallback gave other labels in batch {i} {when}: rows must "
                "come in the same order each time. Pass it without shuffling; the training may "
                "shuffle."
            )

    def _make_recorder(self, scores, first_epoch):
        n_classes = 2 if scores.ndim == 1 else scores.shape[1]
        classes = np.arange(n_classes) if self.classes is None else np.asarray(self.classes)
        if len(classes) != n_classes:
            raise ValueError(
                f"classes names {len(classes)} classes, but {self.model.name} has {n_classes}."
            )
        from_logits = self._gives_logits()
        if not from_logits and scores.ndim == 2 and "bfloat16" in str(scores.dtype):
            raise InvalidProbabilitiesError(
                f"{self.model.name} gave probabilities in bfloat16, too coarse for rows to sum to "
                'one. Give its last layer dtype="float32", or let it give logits.'
            )
        last_epoch = (self.params or {}).get("epochs")
        columns = np.concatenate([self._columns(y, scores, n_classes) for y in self._labels])
        return DynamicsRecorder(
            len(columns),
            labels=classes[columns],
            classes=classes,
            n_epochs=last_epoch and last_epoch - first_epoch,
            from_logits=from_logits,
            keep_history=self.keep_history,
            record="epoch_end",
        )

    def _columns(self, y, scores, n_classes):
        """Columns of the labels of one batch; its shape, never its length, tells of which kind."""
        one_hot = y.ndim == 2 and y.shape[1] == n_classes and scores.ndim == 2
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1 and not one_hot):
            raise ValueError(
                f"Labels of shape {y.shape} do not fit a model of {n_classes} classes: one label a "
                f"row is needed, an index or a one-hot line of {n_classes}."
            )
        if scores.ndim == 2 and self.sparse_labels == one_hot:
            kind = "one-hot lines" if one_hot else "indices"
            raise ValueError(f"sparse_labels={self.sparse_labels!r}, but the labels are {kind}.")
        if one_hot:
            if ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
                return y.argmax(axis=1)
            raise ValueError(
                "One-hot labels must hold a single 1 a row; several, or shares, have no data map."
            )
        columns = y.reshape(-1)
        if (
            columns.dtype.kind not in "biuf"
            or (columns != columns.astype(int)).any()
            or columns.min() < 0
            or columns.max() >= n_classes
        ):
            raise ValueError(
                f"Labels must be whole numbers from 0 to {n_classes - 1}, as the model has "
                f"{n_classes} classes; got {np.unique(columns)[:10].tolist()}."
            )
        return columns.astype(int)

    def _gives_logits(self):
        if self.outputs_to_probabilities is not None:
            return False
        if self.from_logits is not None:
            return self.from_logits
        losses = keras.tree.flatten(self.model.loss)
        return any(getattr(loss, "from_logits", False) for loss in losses)

    def _batches(self):
        """Iterate over inputs and labels."""
        if isinstance(self.dataset, tuple):
            X, y = self.dataset
            for start in range(0, len(y), self.batch_size):
                rows = slice(start, start + self.batch_size)
                yield keras.tree.map_structure(lambda part, rows=rows: part[rows], X), y[rows]
            return
        by_index = isinstance(self.dataset, keras.utils.PyDataset)
        batches = (
            map(self.dataset.__getitem__, range(len(self.dataset))) if by_index else self.dataset
        )
        for batch in batches:
            if not (isinstance(batch, (tuple, list)) and len(batch) in (2, 3)):
                raise ValueError(
                    "The dataset of DataMapCallback must give batches (X, y) or "
                    f"(X, y, sample_weight); got a {type(batch).__name__}."
                )
            yield batch[0], batch[1]

    def _left_as_found(self):
        """Restore what the pass may draw or set; without gradients."""
        kept = ExitStack()
        kept.enter_context(generators_kept(_device_of(self.model)))
        kept.enter_context(_states_kept(self.model))
        if "torch" in sys.modules:
            import torch

            kept.enter_context(modes_kept(self.model))
            kept.enter_context(torch.no_grad())
        return kept

    @property
    def dynamics_(self):
        """What was recorded so far of the last training."""
        if self._recorder is None or self._recorder.epoch == 0:
            raise AttributeError("No epoch was recorded yet: fit a model with this callback.")
        return self._recorder.dynamics

    @property
    def data_map_(self):
        """The map of what was recorded so far of the last training."""
        return DataMap.from_dynamics(self.dynamics_)

    @property
    def gold_labels_probabilities(self):
        """Probability of the label of each row after each epoch."""
        return self.dynamics_.true_proba

    @property
    def confidence(self):
        """Mean over epochs of the probability of each row's label."""
        return self.data_map_.confidence

    @property
    def variability(self):
        """Standard deviation over epochs of the probability of each row's label."""
        return self.data_map_.variability

    @property
    def correctness(self):
        """Share of the epochs at which each row's label was the most probable class."""
        return self.data_map_.correctness


def _array(values):
    if is_tensor(values):
        return values.detach().cpu().numpy()
    return np.asarray(keras.ops.convert_to_numpy(values))


@contextmanager
def _states_kept(model):
    """Leave metrics and seed generators of a model as they are; its weights are no such states."""
    weights = {id(weight) for weight in model.weights}
    states = [state for state in model.variables if id(state) not in weights]
    before = [_array(state).copy() for state in states]
    try:
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)


def _device_of(model):
    """Device of a model, where torch has generators of it."""
    values = [weight.value for weight in model.weights[:1]]
    return values[0].device if values and is_tensor(values[0]) else "cpu"


def _scores(outputs, model):
    if isinstance(outputs, (dict, list, tuple)):
        if len(outputs) != 1:
            raise ValueError(
                f"{model.name} has {len(outputs)} outputs; a data map needs a model with one. "
                "Choose one by outputs_to_probabilities."
            )
        (outputs,) = outputs.values() if isinstance(outputs, dict) else outputs
    scores = outputs if is_tensor(outputs) else _array(outputs)
    if scores.ndim > 2:
        raise ValueError(
            f"{model.name} gave an array of shape {tuple(scores.shape)}; a data map needs one "
            "line of class scores a row, of shape (n_rows, n_classes)."
        )
    return scores.reshape(-1) if scores.shape[1:] == (1,) else scores


def _check_order(dataset):
    """Raise where it is plain that rows do not come in the same order each time, or never end."""
    torch = sys.modules.get("torch")
    sampler = getattr(dataset, "sampler", None)
    if torch is not None and isinstance(sampler, torch.utils.data.RandomSampler):
        why = "shuffles its rows (shuffle=True). Pass a loader of the same rows without shuffling"
    elif hasattr(dataset, "__next__"):
        why = "is used up after one pass. Pass a list of its batches, or arrays"
    elif hasattr(dataset, "cardinality") and int(dataset.cardinality()) == -1:
        why = "never ends (repeat()). Pass it without repetition"
    elif isinstance(dataset, tuple) and len(dataset) != 2:
        why = f"holds {len(dataset)} parts. Pass (X, y)"
    else:
        if isinstance(dataset, tuple):
            check_consistent_length(*keras.tree.flatten(dataset[0]), dataset[1])
        return
    raise SampleAlignmentError(
        f"The dataset of DataMapCallback, a {type(dataset).__name__}, {why}."
    )
