"""Whole states of objects whose own pickle leaves a part out that their training needs.

- A net of skorch leaves to another pickle what is on a device.
- Callbacks of skorch and optimizers of torch keep what is in their ``__getstate__``: EarlyStopping
  drops its best weights, and any optimizer its hooks and the attributes of a subclass.
- Tensors drop their gradients, which a net may accumulate over epochs, and their hooks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from sklearn_carto._inputs._torch_datasets import is_tensor

_TENSOR_HOOKS = {
    "_backward_hooks": "register_hook",
    "_post_accumulate_grad_hooks": "register_post_accumulate_grad_hook",
}


def reduce_whole(obj, is_saved):
    """Return how an object is pickled whole, or None if its own pickle is.

    Parameters
    ----------
    obj : object
        Any object.
    is_saved : callable
        Whether a value can be pickled and loaded: what cannot, such as a progress bar, stays out of
        the state, as in the pickle of the object itself.
    """
    if is_tensor(obj):
        return _reduce_tensor(obj)
    kinds = _kinds()
    if isinstance(obj, kinds["net"]):
        return new_instance, (obj.__class__,), vars(obj), None, None, set_vars
    if isinstance(obj, kinds["partly"]) and _defines_getstate(obj):
        return new_instance, (type(obj),), _whole_state(obj, is_saved)
    return None


def new_instance(kind):
    """Make an instance without its `__init__`."""
    return kind.__new__(kind)


def set_vars(obj, state):
    """Set the attributes of an object, without its `__setstate__`."""
    vars(obj).update(state)


def set_gradient(tensor, state):
    """Set the gradient and the hooks of a tensor."""
    tensor.grad = state["grad"]
    for name, register in _TENSOR_HOOKS.items():
        for hook in state[name]:
            getattr(tensor, register)(hook)


def _kinds():
    """Return the classes of nets, and of what leaves a part of its state out of a pickle."""
    skorch, torch = sys.modules.get("skorch"), sys.modules.get("torch")
    nets = (skorch.NeuralNet,) if skorch else ()
    callbacks = (skorch.callbacks.Callback,) if skorch else ()
    optimizers = (torch.optim.Optimizer,) if torch else ()
    return {"net": nets, "partly": callbacks + optimizers}


def _reduce_tensor(tensor):
    hooks = {name: [*(getattr(tensor, name, None) or {}).values()] for name in _TENSOR_HOOKS}
    state = {"grad": tensor.grad if tensor.is_leaf else None, **hooks}
    if state["grad"] is None and not any(hooks.values()):
        return None
    make, args, *rest = tensor.__reduce_ex__(5)
    return None if rest else (make, args, state, None, None, set_gradient)


def _defines_getstate(obj):
    own = getattr(type(obj), "__getstate__", None)
    return own is not None and own is not getattr(object, "__getstate__", None)


def _whole_state(obj, is_saved):
    """Return the state of an object with the attributes that its own `__getstate__` leaves out."""
    state = obj.__getstate__()
    if not isinstance(state, dict):
        return state
    state = dict(state)
    for name, value in vars(obj).items():
        differs = name not in state or state[name] is not value
        if differs and (_are_tensors(value) or is_saved(value)):
            state[name] = value
    return state


def _are_tensors(value):
    """Whether a value holds tensors only, which need no trial, and may be large."""
    values = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, (Mapping, list)) and len(value) > 0 and all(map(is_tensor, values))
