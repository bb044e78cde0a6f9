"""Attach listeners to the events of a skorch net, whose state and parameters hold none of it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from weakref import ref


class _Listeners(NamedTuple):
    attached: list
    waiting: list  # attached by the next training loop


@contextmanager
def attach_listener(net, listener):
    """Pass the events of a net to a listener, after the net's own methods, before callbacks."""
    with listener.resources:
        _listeners_of(net).attached.append(listener)
        try:
            yield
        finally:
            detach_listener(net, listener)
            listener.release()


def attach_on_fit_loop(net, listener, key):
    """Attach a listener to the training loop that a net is about to run, and to no other.

    Parameters
    ----------
    net : NeuralNet
        A net that has just called `on_train_begin`.
    listener : Listener
        Receives the events.
    key : object
        Identifies the caller. An earlier listener of the same key that still waits is replaced.
    """
    listener.key = key
    waiting = _listeners_of(net).waiting
    waiting[:] = [one for one in waiting if one.key is not key] + [listener]


def detach_listener(net, listener):
    """Remove a listener; the last one restores the class of the net."""
    listeners = _listeners_of(net)
    for group in listeners:
        group[:] = [one for one in group if one is not listener]
    if not any(listeners):
        _set_class(net, net.__class__)


def _listeners_of(net):
    """Return the listeners of a net; from the first one on its methods notify them."""
    if not (issubclass(type(net), _Notifying) and type(net)._carto_net() is net):
        _set_class(net, _make_notifying_class(net))
    return type(net)._carto_listeners


_MIXIN: Any = object  # a mixin, whose super() is a net


class _Notifying(_MIXIN):
    """Notify listeners of the events of a net; mixed in ahead of the net's own class."""

    _carto_net: Any  # weak reference to the net: another one may be made of its type
    _carto_listeners: _Listeners

    def _notify_listeners(self, event, *args, **kwargs):
        for listener in self._attached():
            if hasattr(listener, event):  # not every kind handles every event
                getattr(listener, event)(*args, **kwargs)

    def _attached(self):
        kind = type(self)
        return list(kind._carto_listeners.attached) if self is kind._carto_net() else []

    def notify(self, method_name, **kwargs):
        if method_name == "on_epoch_begin":
            self._notify_listeners("before_epoch")
        ends = method_name == "on_epoch_end"
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt:  # of a callback that stops the training
            if ends:
                self._notify_listeners("after_epoch", True)
            raise
        if ends:
            self._notify_listeners("after_epoch", False)

    def get_split_datasets(self, *args, **kwargs):
        datasets = super().get_split_datasets(*args, **kwargs)
        for listener in self._attached():
            if hasattr(listener, "on_split"):
                datasets = listener.on_split(*datasets)
        return datasets

    def on_epoch_begin(self, net, *args, **kwargs):
        super().on_epoch_begin(net, *args, **kwargs)
        self._notify_listeners("on_epoch_begin", *args, **kwargs)

    def on_batch_end(self, net, *args, **kwargs):
        super().on_batch_end(net, *args, **kwargs)
        self._notify_listeners("on_batch_end", *args, **kwargs)

    def on_epoch_end(self, net, *args, **kwargs):
        super().on_epoch_end(net, *args, **kwargs)
        self._notify_listeners("on_epoch_end", *args, **kwargs)

    def get_dataset(self, X, *args, **kwargs):
        dataset = super().get_dataset(X, *args, **kwargs)
        self._notify_listeners("on_dataset", X, dataset)
        return dataset

    def run_single_epoch(self, iterator, training, *args, **kwargs):
        if iterator is not None:
            self._notify_listeners("on_pass_begin", iterator, training)
        return super().run_single_epoch(iterator, training, *args, **kwargs)

    def fit_loop(self, *args, **kwargs):
        kind = type(self)
        waiting = kind._carto_listeners.waiting if self is kind._carto_net() else []
        with ExitStack() as attached:
            while waiting:
                attached.enter_context(attach_listener(self, waiting.pop(0)))
            return super().fit_loop(*args, **kwargs)

    def __reduce_ex__(self, protocol):
        """Copy and pickle the net as an instance of its original class."""
        return self.__class__.__new__, (self.__class__,), self.__getstate__()


def _make_notifying_class(net):
    """Make the subclass of a net's class whose methods notify the listeners of this net.

    Its instances have the same parameters and state; ``net.__class__``, which clones are made of,
    is the net's own class. It is made for each training, since a cache would keep classes alive
    that are redefined, in a notebook for example.
    """
    own = net.__class__
    members = {name: getattr(own, name) for name in ("__module__", "__qualname__", "__doc__")}
    members |= {"_carto_net": ref(net), "_carto_listeners": _Listeners([], [])}
    members["__class__"] = property(lambda net: own, _set_class)
    return type(own)(own.__name__, (_Notifying, own), members)


def _set_class(net, kind):
    object.__dict__["__class__"].__set__(net, kind)
