"""Fields of a data map: what each may hold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sklearn_carto._dynamics._uncertainty import MAP_STATISTICS
from sklearn_carto._maps._region_labels import REGIONS
from sklearn_carto._utils._arrays import as_labels, as_names, as_numbers
from sklearn_carto._utils._compat import InvalidParameterError, StrOptions
from sklearn_carto._utils._validation import Count, check_mask, check_params, describe

MASKS = ("held_out_mask", "excluded_mask")
PER_ROW = (*MAP_STATISTICS, "labels", *MASKS, "sample_ids", "region_probabilities")
REQUIRED = ("confidence", "variability", "correctness")
FACTS = ("n_epochs", "margin_from", "record")
CONSTRAINTS = {
    "n_epochs": [Count(1)],
    "margin_from": [StrOptions({"logits", "probabilities"}), None],
    "record": [StrOptions({"epoch_end", "training", "out_of_fold"})],
    "standard_errors": [Mapping, None],
}
_RANGES = {
    "confidence": (0, 1),
    "variability": (0, 0.5),
    "correctness": (0, 1),
    "forgetting": (0, np.inf),
    "first_learned": (0, np.inf),
    "aum": (-np.inf, np.inf),
    "el2n": (0, np.sqrt(2)),
    "aleatoric": (0, 0.25),
    "loss": (0, np.inf),
    "dual": (0, 1),
    "predictive_entropy": (0, np.inf),  # log of the number of outputs, which classes may not name
    "mutual_information": (0, np.inf),
}
_TOLERANCE = 1e-6  # rounding of single precision


def check_fields(values):
    """Check the fields of a data map, and return them as arrays of its own.

    Parameters
    ----------
    values : dict of str to object
        The value of each field, as the user passed it.

    Returns
    -------
    values : dict of str to object
        The checked values; arrays are copies that cannot be written to.

    Raises
    ------
    InvalidParameterError
        If a value is of the wrong kind, shape or range, or if two do not fit.
    """
    checked = dict(values)
    check_params("DataMap", CONSTRAINTS, values)
    checked["n_epochs"] = int(values["n_epochs"])
    # 1. Statistics: one number for each row, and NaN in all of them where a row was never seen.
    for name in MAP_STATISTICS:
        if values[name] is not None or name in REQUIRED:
            checked[name] = np.array(as_numbers(values[name], name, "DataMap"), dtype=np.float64)
    confidence = checked["confidence"]
    n_samples, unseen = len(confidence), np.isnan(confidence)
    if n_samples == 0:
        raise InvalidParameterError("The 'confidence' parameter of DataMap must hold a row.")
    for name in MAP_STATISTICS:
        if checked[name] is not None:
            _check_statistic(checked[name], name, unseen)
    if checked["aleatoric"] is None:
        spread = confidence * (1 - confidence) - checked["variability"] ** 2
        checked["aleatoric"] = np.maximum(spread, 0.0)
    # 2. What is known of the rows.
    for name in MASKS:
        if values[name] is not None:
            checked[name] = check_mask(values[name], n_samples, name, "DataMap").copy()
    if values["sample_ids"] is not None:
        names = as_names(values["sample_ids"], n_samples, "sample_ids", "DataMap")
        checked["sample_ids"] = names.copy()
    checked["labels"], checked["classes"] = _check_labels(
        values["labels"], values["classes"], n_samples
    )
    checked["standard_errors"] = _check_errors(values["standard_errors"], checked)
    if values["region_probabilities"] is not None:
        checked["region_probabilities"] = _check_region_probabilities(
            values["region_probabilities"], n_samples
        )
    for name in (*PER_ROW, "classes"):
        if checked[name] is not None:
            checked[name].flags.writeable = False
    return checked


def _check_statistic(values, name, unseen):
    low, high = _RANGES[name]
    if values.shape != unseen.shape:
        raise InvalidParameterError(
            f"The {name!r} parameter of DataMap must have shape {unseen.shape}, as confidence has. "
            f"Got {values.shape} instead."
        )
    if not np.array_equal(np.isnan(values), unseen):
        raise InvalidParameterError(
            f"The {name!r} parameter of DataMap must be NaN where confidence is, which stands for "
            f"rows that were never seen, and nowhere else. Got {np.isnan(values).sum()} NaN, and "
            f"{unseen.sum()} in confidence."
        )
    seen = values[~unseen]
    if len(seen) and (seen.min() < low - _TOLERANCE or seen.max() > high + _TOLERANCE):
        hint = " A count of epochs must be divided by n_epochs." if name == "correctness" else ""
        raise InvalidParameterError(
            f"The {name!r} parameter of DataMap must lie in [{low:g}, {high:g}]. Got values in "
            f"[{seen.min():g}, {seen.max():g}] instead.{hint}"
        )


def _check_labels(labels, classes, n_samples):
    """Return labels and classes; None for what is not known."""
    if labels is not None:
        labels = as_labels(labels, "labels", "DataMap").copy()
        if labels.shape != (n_samples,):
            raise InvalidParameterError(
                f"The 'labels' parameter of DataMap must have shape ({n_samples},), as confidence "
                f"has. Got {labels.shape} instead."
            )
    if classes is None:
        return labels, None if labels is None else np.unique(labels)
    classes = as_labels(classes, "classes", "DataMap").copy()
    if len(np.unique(classes)) < len(classes):
        raise InvalidParameterError(
            "The 'classes' parameter of DataMap must name each class once. Got "
            f"{describe(classes.tolist())} instead."
        )
    known = set(classes.tolist())
    unknown = [] if labels is None else [v for v in np.unique(labels).tolist() if v not in known]
    if unknown:
        raise InvalidParameterError(
            "The 'classes' parameter of DataMap must contain each label. Got "
            f"{describe(classes.tolist())}, which lacks {describe(unknown)}."
        )
    return labels, classes


def _check_errors(errors, checked):
    """Return the standard errors of the statistics that the map holds."""
    if errors is None:
        return None
    arrays = {}
    for name, values in errors.items():
        if name not in MAP_STATISTICS or checked[name] is None:
            held = ", ".join(one for one in MAP_STATISTICS if checked[one] is not None)
            raise InvalidParameterError(
                f"The 'standard_errors' parameter of DataMap must name statistics of the map: "
                f"{held}. Got {name!r} instead."
            )
        array = np.array(as_numbers(values, f"standard_errors of {name}", "DataMap"), dtype=float)
        if array.shape != checked[name].shape or (array < 0).any():
            raise InvalidParameterError(
                f"The 'standard_errors' parameter of DataMap must hold one number of at least 0 "
                f"for each of the {len(checked[name])} rows. Got {describe(array)} for {name!r}, "
                f"with a minimum of {array.min(initial=np.inf):g}."
            )
        array.flags.writeable = False
        arrays[name] = array
    return arrays


def _check_region_probabilities(values, n_samples):
    """Return the probability of each region as an array; rows without a region are NaN."""
    name, shape = "region_probabilities", (n_samples, len(REGIONS))
    array = as_numbers(values, name, "DataMap", ndim=2, shape=str(shape)).astype(np.float64)
    if array.shape != shape:
        raise InvalidParameterError(
            f"The {name!r} parameter of DataMap must have shape {shape}, with a column for each "
            f"of {', '.join(REGIONS)}. Got {array.shape} instead."
        )
    placed = array[~np.isnan(array).all(axis=1)]
    if not (np.abs(placed.sum(axis=1) - 1) <= _TOLERANCE).all() or (placed < 0).any():
        raise InvalidParameterError(
            f"The {name!r} parameter of DataMap must hold probabilities that sum to 1 for each "
            f"row, or NaN for a row without a region. Got {describe(array)} instead."
        )
    return array
