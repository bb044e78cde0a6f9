"""The state of the modules of a skorch net: what it needs to predict as it did at an epoch."""

from __future__ import annotations

from copy import deepcopy


def state_of_modules(net):
    """Copy the parameters and buffers of all modules of a net to the CPU, by the module's name."""
    return {
        name: {key: _on_cpu(value) for key, value in module.state_dict().items()}
        for name, module in _modules_of(net).items()
    }


def copy_to_evaluate(net):
    """Copy a net with modules of its own; all else, which evaluation does not change, is shared.

    A copy of everything would fail where the class of the module cannot be pickled.
    """
    copied = net.__class__.__new__(net.__class__)
    vars(copied).update(vars(net))
    vars(copied).update({name: deepcopy(module) for name, module in _modules_of(net).items()})
    return copied


def set_modules(net, state):
    """Set the parameters and buffers of all modules of a net, on the device where these are."""
    for name, module in _modules_of(net).items():
        module.load_state_dict(state[name])


def _modules_of(net):
    from torch import nn

    return {name: value for name, value in vars(net).items() if isinstance(value, nn.Module)}


def _on_cpu(value):
    # a buffer may be any object, as get_extra_state returns it
    return value.detach().to("cpu", copy=True) if hasattr(value, "detach") else deepcopy(value)
