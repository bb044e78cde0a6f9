"""The region "prototypes": samples near the centers of clusters of the features."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import StandardScaler

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._validation import describe

# Both keep the cost linear in the number of samples. More of either gained nothing.
N_COMPONENTS = 32
MAX_CLUSTERS = 100


def embed(features, X, random_state=None):
    """Project numeric features on their first singular vectors, for distances between samples.

    Parameters
    ----------
    features : ndarray or CSR matrix of shape (n_samples, n_features), or None
        Numeric features; None raises an error that names `X`.
    X : container of shape (n_samples, n_features)
        The samples that they are taken from.
    random_state : int, RandomState instance or None, default=None
        Seeds the projection.

    Returns
    -------
    embedded : ndarray of shape (n_samples, n_components)
        The projection: of dense features, with standardized columns and missing values replaced by
        the mean of the column; of sparse features, as they are.
    """
    if features is None:
        raise InvalidParameterError(
            "The 'region' parameter 'prototypes' needs numeric features, as an array, a sparse "
            f"matrix or a data frame. Got X = {describe(X)}. Choose another region."
        )
    if not issparse(features):
        features = np.where(np.isfinite(features), features, np.nan).astype(np.float64)
        features = np.nan_to_num(StandardScaler().fit_transform(features))  # the mean is 0
    if features.shape[1] <= N_COMPONENTS:
        return features.toarray() if issparse(features) else features
    n_components = min(N_COMPONENTS, *features.shape)
    return TruncatedSVD(n_components, random_state=random_state).fit_transform(features)


def prototype_scores(embedded, y, candidates, frac, random_state=None):
    """Score samples so that those nearest to the centers of clusters come first.

    The candidates of each class are clustered by k-means [1]_, into as many clusters as samples are
    selected, at most 100. The nearest sample of each cluster comes first, then the second nearest
    of each, and so on.

    Parameters
    ----------
    embedded : ndarray of shape (n_samples, n_components)
        Coordinates of the samples.
    y : ndarray of shape (n_samples,)
        Their labels.
    candidates : ndarray of shape (n_candidates,)
        Indices of the samples that may be selected; others come last.
    frac : float
        Share of the samples to select.
    random_state : int, RandomState instance or None, default=None
        Seeds the clustering.

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        Minus the rank of a sample within its cluster, from 0.

    References
    ----------
    .. [1] B. Sorscher et al., "Beyond neural scaling laws: beating power law scaling via data
       pruning", NeurIPS 2022, section 6.

    Examples
    --------
    >>> embedded = np.array([[0.0], [0.1], [0.3], [5.0], [5.1], [5.3]])
    >>> scores = prototype_scores(embedded, np.zeros(6), np.arange(6), 1 / 3, random_state=0)
    >>> np.flatnonzero(scores == 0)
    array([1, 4])
    """
    seed = draw_seed(random_state)
    scores = np.full(len(y), -float(len(y)))
    for label in np.unique(y[candidates]):
        rows = candidates[y[candidates] == label]
        n_wanted = max(1, round(frac * int((y == label).sum())))
        n_clusters = min(n_wanted, MAX_CLUSTERS, len(np.unique(embedded[rows], axis=0)))
        kmeans = KMeans(n_clusters, n_init=1, max_iter=20, random_state=seed)
        distances = kmeans.fit_transform(embedded[rows]).min(axis=1)
        order = np.lexsort((distances, kmeans.labels_))
        sizes = np.bincount(kmeans.labels_, minlength=n_clusters)
        firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)  # position of the first of the cluster
        scores[rows[order]] = firsts - np.arange(len(rows))
    return scores
