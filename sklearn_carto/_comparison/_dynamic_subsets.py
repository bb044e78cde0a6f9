"""Comparison of dynamic subsets: all rows are kept, and fewer steps are taken."""

from __future__ import annotations

from sklearn_carto._comparison._equal_steps import scale_n_epochs, trains_in_epochs
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._metaestimators import last_step
from sklearn_carto._watching._skorch import is_net
from sklearn_carto.integrations._dynamic_rules import DynamicRegion

FEWER_EPOCHS = "fewer-epochs"


def keeps_all_rows(region):
    """Whether a region of a comparison is no subset of the rows, but a way to train in less."""
    return isinstance(region, DynamicRegion) or (isinstance(region, str) and region == FEWER_EPOCHS)


def check_trains_in_less(region, models, owner):
    """Raise an error if one of some models does not train in epochs, as a region requires.

    Nothing is checked for other regions.
    """
    if not keeps_all_rows(region):
        return
    for model in models:
        last = last_step(model)
        if not isinstance(region, DynamicRegion):
            if not trains_in_epochs(model):
                raise InvalidParameterError(
                    f"The 'regions' parameter of {owner} must not hold {region!r} with "
                    f"{type(last).__name__}, which does not train in epochs, or has no parameter "
                    "for their number."
                )
            continue
        region._check()
        if not is_net(last):
            raise InvalidParameterError(
                f"The 'regions' parameter of {owner} must not hold {region.__name__!r} with "
                f"{type(last).__name__}, whose rows cannot be drawn anew in each epoch. Pass a net "
                "of skorch, or the region 'random'."
            )
        callbacks = [] if last.callbacks is None else last.callbacks
        if isinstance(callbacks, str):
            raise InvalidParameterError(
                f"The 'regions' parameter of {owner} must not hold {region.__name__!r} with a net "
                f"that has callbacks={callbacks!r}. Pass a list of callbacks, or None."
            )
        own = [one[1] if isinstance(one, tuple) else one for one in callbacks]
        if any(isinstance(one, DynamicRegion) for one in own):
            raise InvalidParameterError(
                f"The 'regions' parameter of {owner} must not hold {region.__name__!r} with a net "
                "that has such a callback already. Remove it from the callbacks of the net."
            )


def train_in_less(model, region, frac):
    """Clone a model so that it trains in a share of its steps; of other regions it is returned.

    The model draws a share of the rows in each epoch, or has a share of the epochs.
    """
    if isinstance(region, DynamicRegion):
        model = clone(model)
        net = last_step(model)
        subset = clone(region)
        subset.set_params(frac=frac)
        net.set_params(callbacks=[*(net.callbacks or []), subset])
        return model
    return scale_n_epochs(model, frac) if keeps_all_rows(region) else model
