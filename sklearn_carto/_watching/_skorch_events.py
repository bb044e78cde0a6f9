"""What we do at the events of a skorch net's training loop, and how we hear of them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager

import numpy as np

from sklearn_carto._inputs._containers import n_samples_of
from sklearn_carto._inputs._torch_datasets import WAY_OUT, is_dataset, is_tensor, rows_behind
from sklearn_carto._recording._accumulator import EpochAccumulator, concat_epochs
from sklearn_carto._recording._batch_sampler import recorded_batches, rows_of
from sklearn_carto._utils._random_state import generators_kept, modes_kept
from sklearn_carto._watching._skorch_outputs import (
    Evaluator,
    OutputFormat,
    first_output,
    infer_output_format,
)
from sklearn_carto.exceptions import SampleAlignmentError


def make_listener(net, X, recording, asked=None, tick=None):
    """Make the listener that a recording asks for.

    Parameters
    ----------
    net : NeuralNet
        The net that is about to train.
    X : container of shape (n_samples, ...)
        The rows that it trains on.
    recording : RunRecorder
        Where what is heard goes; its `record` says how.
    asked : container, default=None
        The rows that are recorded; None: X.
    tick : callable, default=None
        Called as each epoch begins or ends, to show progress.

    Returns
    -------
    listener : Listener
        To be handed to :func:`attach_listener`.
    """
    kind = InTraining if recording.record == "training" else AtEpochEnd
    return kind(net, X, recording, asked, tick)


class Listener:
    """Count epochs, and record what is heard of each as it ends; subclasses hear."""

    events: tuple = ("on_epoch_begin", "on_epoch_end")

    def __init__(self, net, X, recording, asked=None, tick=None):
        self.net, self.X, self.recording, self.asked = net, X, recording, asked
        self.tick = tick or (lambda: None)
        self.n_samples = n_samples_of(X)
        self.dataset = None  # what the net made of X, or, where it converts X, made first
        self.first = recording.n_epochs  # above 0 where a training goes on
        self.n_begun = self.n_ended = self.first
        self.reading: OutputFormat = None  # type: ignore[assignment]
        self.question: Evaluator = None  # type: ignore[assignment]
        self.accumulators: dict = {}  # one for each set of rows that is heard
        self.open = ExitStack()

    def on_epoch_begin(self, dataset_train=None, dataset_valid=None, **kwargs):
        """Find, ahead of the first epoch, which rows are held out."""
        if self.n_begun == self.first:
            self.tick()
            self.train_rows = self._rows_behind(dataset_train)
            self.valid_rows = self._rows_behind(dataset_valid)
            if self.train_rows is None:
                raise SampleAlignmentError(
                    f"The rows that {type(self.net).__name__} trains on cannot be traced to the "
                    f"rows of X: train_split gave a {type(dataset_train).__name__} of "
                    f"{len(dataset_train)} rows that is no torch Subset of X ({self.n_samples} "
                    "rows)."
                )
            held_out = ~np.isin(np.arange(self.n_samples), self.train_rows)
            self.recording.begin(self.net.max_epochs, held_out if held_out.any() else None)
        self.n_begun += 1
        self.accumulators = {}

    def on_pass_begin(self, iterator, training):
        """Note the loader of a pass over training or validation rows."""

    def on_epoch_end(self, **kwargs):
        """Record the epoch."""
        self._hear_all()
        if not self.accumulators:
            raise SampleAlignmentError(f"{type(self.net).__name__} trained on no batch at all.")
        gathered = concat_epochs([accumulator.part() for accumulator in self.accumulators.values()])
        from_logits = self.reading.from_logits
        self.recording.add_scores(self.n_ended, gathered, self.net, from_logits=from_logits)
        self.n_ended += 1
        self.tick()

    def release(self):
        """Hold nothing of the training any longer, which a disguise may outlive for a while."""
        for name in ("net", "X", "dataset", "asked", "question"):
            setattr(self, name, None)

    def finish(self):
        """End; an epoch that skorch let a Ctrl-C break off is an interrupt after all."""
        if self.n_begun > self.n_ended:
            raise KeyboardInterrupt

    def _hear_all(self):
        """Complete what was heard of the epoch."""

    def _add(self, key, locate, batch, output):
        accumulator = self.accumulators.get(key)
        if accumulator is None:
            if self.reading is None:
                self.reading, shape = infer_output_format(self.net, first_output(output))
                self.recording.check_width(shape, self.net, self.reading.from_logits)
            accumulator = EpochAccumulator(*self.reading, own=True, locate=locate)
            self.accumulators[key] = accumulator
        accumulator.add(batch, None, output)

    def _rows_behind(self, dataset):
        def is_whole(whole):
            return whole is self.dataset or whole is self.X or getattr(whole, "X", None) is self.X

        return rows_behind(dataset, is_whole, self.n_samples)


class AtEpochEnd(Listener):
    """Ask for all rows in a pass of its own, with the net in evaluation mode."""

    def _hear_all(self):
        with generators_kept(self.net.device), modes_kept(*vars(self.net).values()):
            if self.question is None:
                asked = self.X if self.asked is None else self.asked
                self.question = Evaluator(self.net, asked, self.recording.n_samples)
            for rows, output in self.question.outputs():
                self._add("asked", self._locate, rows, output)

    def _locate(self, blocks):
        rows = np.concatenate(blocks)
        return rows, self.recording.y_encoded[rows]


class InTraining(Listener):
    """Hear the outputs of the training pass, and for held-out rows those of the validation pass."""

    events = ("on_epoch_begin", "on_batch_end", "on_epoch_end")

    def __init__(self, *args):
        super().__init__(*args)
        self.tees: dict = {}  # loaders may live as long as the training, with workers of their own
        self.tee = None
        from skorch import NeuralNet

        # where nobody vouches that each batch is trained on in turn, or that y is what X holds
        own_loop = self.net.__class__.run_single_epoch is not NeuralNet.run_single_epoch
        self.checks_labels = own_loop or is_dataset(self.X)

    def on_pass_begin(self, iterator, training):
        """Listen to the rows of the loader."""
        heard = self.train_rows if training else self.valid_rows
        if heard is None:  # validation data from elsewhere
            return
        if id(iterator) not in self.tees:
            tee = self.open.enter_context(recorded_batches(iterator))
            self.tees[id(iterator)] = iterator, tee
        self.tee = self.tees[id(iterator)][1]

    def on_batch_end(self, batch=None, training=None, y_pred=None, **kwargs):
        """Hear a batch."""
        locate = self._locate_train if training else self._locate_valid
        if not training and self.valid_rows is None:
            return
        if self.tee is None or y_pred is None:
            what = "run_single_epoch" if self.tee is None else "y_pred"
            raise SampleAlignmentError(
                f"The training loop of {type(self.net).__name__} is one of its own, without "
                f"skorch's {what}, so that it cannot be heard. Use record='epoch_end'. {WAY_OUT}"
            )
        output = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        named = self.tee.pop_batch(output.shape[0])
        if self.checks_labels:
            self._check_labels_match(batch, locate([named])[1])
        self._add(training, locate, named, output)

    def _check_labels_match(self, batch, expected):
        """Raise where a batch holds other labels than the rows that its sampler named."""
        if not (isinstance(batch, (tuple, list)) and len(batch) == 2 and is_tensor(batch[1])):
            return
        labels = batch[1].detach().float().cpu().numpy().reshape(-1)
        if len(labels) != len(expected) or (labels != labels.round()).any():
            return  # labels of a kind of its own, shares for example
        if not np.array_equal(labels, expected):
            why = (
                "y is not what the Dataset holds, or the collate function changes it"
                if is_dataset(self.X)
                else "its run_single_epoch leaves out batches or changes their order, or "
                "get_dataset or the collate function change labels"
            )
            raise SampleAlignmentError(
                f"A batch that {type(self.net).__name__} trained on holds other labels than the "
                f"rows that its loader named: {why}. Use record='epoch_end'. {WAY_OUT}"
            )

    def _locate_train(self, batches):
        rows = self.train_rows[rows_of(batches)]
        return rows, self.recording.y_encoded[rows]

    def _locate_valid(self, batches):
        rows = self.valid_rows[rows_of(batches)]
        return rows, self.recording.y_encoded[rows]


@contextmanager
def attach_listener(net, listener):
    """Let a listener hear the events of a net, after the net's own methods, before callbacks.

    Parameters
    ----------
    net : NeuralNet
        The net.
    listener : Listener
        Who hears.
    """
    with listener.open:
        _swap_class(net, [*_listeners(net, "hearing"), listener], _listeners(net, "waiting"))
        try:
            yield
        finally:
            detach_listener(net, listener)
            listener.release()


def attach_on_fit_loop(net, listener, owner):
    """Let a listener hear the loop that a net is about to run, and nothing after it.

    Parameters
    ----------
    net : NeuralNet
        A net that has just called `on_train_begin`.
    listener : Listener
        Who hears.
    owner : object
        For whom; whoever waits for the same owner still waits for a loop that never came.
    """
    listener.owner = owner
    others = [one for one in _listeners(net, "waiting") if one.owner is not owner]
    _swap_class(net, _listeners(net, "hearing"), [*others, listener])


def detach_listener(net, listener):
    """Let a listener hear nothing more of a net, nor wait for it.

    Parameters
    ----------
    net : NeuralNet
        The net; once nobody listens it is of its own class again.
    listener : Listener
        Who heard.
    """
    heard = (_listeners(net, "hearing"), _listeners(net, "waiting"))
    _swap_class(net, *([one for one in some if one is not listener] for some in heard))


def _listeners(net, kind):
    return getattr(type(net), f"_{kind}_listeners", [])


def _swap_class(net, hearing, waiting):
    """Make a net an instance of a subclass of its class, through whose methods listeners hear.

    Nothing is added to its parameters, its callbacks or its state; it says to be of its own class,
    and a clone, a copy or a pickle made meanwhile (by a checkpoint, say) is.
    """
    plain = net.__class__
    if not (hearing or waiting):
        _set_class(net, plain)
        return

    def hear(event):
        own = getattr(plain, event)
        told = [getattr(listener, event) for listener in hearing if event in listener.events]

        def on_event(self, net_, **kwargs):
            own(self, net_, **kwargs)
            if self is net:
                for listen in told:
                    listen(**kwargs)

        return on_event

    def run_single_epoch(self, iterator, training, *args, **kwargs):
        if self is net and iterator is not None:
            for listener in hearing:
                listener.on_pass_begin(iterator, training)
        return plain.run_single_epoch(self, iterator, training, *args, **kwargs)

    def get_dataset(self, X, *args, **kwargs):
        dataset = plain.get_dataset(self, X, *args, **kwargs)
        for listener in hearing if self is net else ():
            if X is listener.X or listener.dataset is None:
                listener.dataset = dataset
        return dataset

    def fit_loop(self, *args, **kwargs):
        if self is not net:
            return plain.fit_loop(self, *args, **kwargs)
        with ExitStack() as heard:
            _swap_class(net, hearing, [])
            for listener in waiting:
                heard.enter_context(attach_listener(net, listener))
            return self.fit_loop(*args, **kwargs)

    def __reduce_ex__(self, protocol):
        return plain.__new__, (plain,), self.__getstate__()

    members = {event: hear(event) for listener in hearing for event in listener.events}
    members |= {"run_single_epoch": run_single_epoch, "get_dataset": get_dataset}
    if waiting:
        members["fit_loop"] = fit_loop
    members |= {
        "__reduce_ex__": __reduce_ex__,
        "__class__": property(lambda self: plain, _set_class),
    }
    members |= {"_hearing_listeners": hearing, "_waiting_listeners": waiting}
    members |= {"__module__": plain.__module__, "__doc__": plain.__doc__}
    members["__qualname__"] = plain.__qualname__
    _set_class(net, type(plain)(plain.__name__, (plain,), members))


def _set_class(net, kind):
    object.__dict__["__class__"].__set__(net, kind)  # net.__class__ tells of the plain class alone
