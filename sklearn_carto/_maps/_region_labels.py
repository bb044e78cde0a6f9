"""The region of each row of a data map."""

from __future__ import annotations

import numpy as np

from sklearn_carto._utils._quotas import check_frac, n_rows_of
from sklearn_carto._utils._random_state import draw_seed, rule_generator

REGIONS = ("easy-to-learn", "ambiguous", "hard-to-learn")


def label_regions(data_map, frac, confidence, variability, random_state):
    """Assign each row to a region; for the parameters see :meth:`DataMap.region_labels`."""
    check_frac(frac)
    labels = np.where(data_map.confidence >= confidence, "easy-to-learn", "hard-to-learn")
    present = np.flatnonzero(data_map._present_mask)
    if len(present):
        spread = data_map.variability[present]
        keys = rule_generator(random_state, "region_labels").random_sample(len(present))
        top = np.lexsort((keys, -spread))[: n_rows_of(frac, len(present))]
        labels[present[top[spread[top] >= variability]]] = "ambiguous"
    labels[np.isnan(data_map.confidence)] = "unseen"
    if data_map.excluded_mask is not None:
        labels[data_map.excluded_mask] = "excluded"
    return labels


def region_probabilities(maps, frac, confidence, variability, random_state):
    """Compute the share of several maps of the same rows that place a row in each region.

    Ties are broken alike on all maps, so that maps that agree have stable regions. Returns an array
    of shape (n_samples, 3), with a column for each of `REGIONS`; NaN for rows that are excluded, or
    that a map has not seen.
    """
    seed = draw_seed(random_state)
    labels = np.stack([label_regions(one, frac, confidence, variability, seed) for one in maps])
    shares = np.stack([(labels == region).mean(axis=0) for region in REGIONS], axis=1)
    shares[~np.isin(labels, REGIONS).all(axis=0)] = np.nan
    return shares
