"""The region of each row of a data map."""

from __future__ import annotations

import numpy as np

from sklearn_carto._utils._quotas import check_frac, n_rows_of
from sklearn_carto._utils._random_state import rule_generator


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
