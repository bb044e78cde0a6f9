"""Continue the training of a skorch net that a checkpoint holds."""

from __future__ import annotations

import sys
from contextlib import suppress
from inspect import Parameter, signature

import numpy as np


def why_not_continued(net):
    """Return why the training of a net cannot be continued from a checkpoint, or None."""
    name, hf = type(net).__name__, sys.modules.get("skorch.hf")
    if hf is not None and isinstance(net, hf.AccelerateMixin):
        return (
            f"{name} trains with accelerate, which wraps its module, optimizer and batches in a "
            "manner that a checkpoint cannot hold. Use a net without AccelerateMixin, or set "
            "checkpoint=None."
        )
    callbacks = net.callbacks if isinstance(net.callbacks, (list, tuple)) else ()
    for callback in callbacks:
        callback = callback[1] if isinstance(callback, tuple) else callback
        if getattr(type(callback), "__module__", "").startswith("sklearn_carto."):
            return (
                f"{type(callback).__name__} attaches itself to a whole training of {name}, not to "
                "one that is continued. Remove it from the callbacks, or set checkpoint=None."
            )
    for method in ("fit", "partial_fit"):
        if not getattr(type(net), method).__module__.startswith("skorch."):
            return (
                f"{name} redefines {method}, which a training that is continued would not call. "
                "Move what it does to initialize or to a callback, or set checkpoint=None."
            )
    return None


def continue_fit(net, X, y, params, checkpoint):
    """Do what the `fit` of a net does from the epoch that a checkpoint holds.

    Returns whether an epoch remained to be trained.
    """
    n_left = net.max_epochs - checkpoint.n_done
    trains = n_left > 0 and not checkpoint.facts["stopped"]
    if trains:
        with suppress(KeyboardInterrupt):  # as partial_fit does
            net.fit_loop(X, y, epochs=n_left, **_routing(net), **params)
    else:
        checkpoint.restore_generators(net.device)
    net.notify("on_train_end", X=X, y=y)
    return trains


def _routing(net):
    """Return what `fit` passes to `fit_loop` beside its arguments, since skorch 1.4."""
    parameter = signature(net.fit_loop).parameters.get("_routing_method")
    known = parameter is not None and parameter.kind is Parameter.KEYWORD_ONLY
    return {"_routing_method": "fit"} if known else {}


def rows_to_keep(rows, n_samples):
    """Return rows as a checkpoint keeps them: None if they are all, in order."""
    whole = rows is not None and np.array_equal(rows, np.arange(n_samples))
    return "all" if whole else rows


def as_split(dataset, kept, now, rows, n_samples):
    """Return the part of a data set that holds the rows that a checkpoint kept.

    `now` is the part that the net has split off, with these `rows`: it is returned if they are the
    same, or if none were kept, since they are not of the data set.
    """
    if kept is None:
        return now
    kept = np.arange(n_samples) if isinstance(kept, str) else kept
    if rows is not None and np.array_equal(rows, kept):
        return now
    from torch.utils.data import Subset

    return Subset(dataset, kept.tolist())
