"""find_label_issues: which labels are probably wrong, as a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sklearn_carto._selection._label_issue_detector import LabelIssueDetector
from sklearn_carto._utils._typing import (
    ArrayLike,
    Container,
    CrossValidation,
    Estimator,
    PathType,
    RandomStateType,
)

if TYPE_CHECKING:
    from sklearn_carto._selection._label_issues import LabelIssues


def find_label_issues(
    estimator: Estimator,
    X: Container,
    y: ArrayLike,
    *,
    cv: CrossValidation = 5,
    n_passes: int = 1,
    neighbors: ArrayLike | Literal["auto"] | None = "auto",
    noise_rate: float | None = None,
    fdr: float | None = None,
    groups: ArrayLike | None = None,
    sample_ids: ArrayLike | None = None,
    n_jobs: int | None = None,
    random_state: RandomStateType = None,
    verbose: int = 0,
    resume: PathType | None = None,
) -> LabelIssues:
    """Find the labels of a training set that are probably wrong.

    This is ``LabelIssueDetector(estimator, ...).fit(X, y).label_issues_``.

    Parameters
    ----------
    estimator : estimator
        Classifier to train. If it cannot be watched (see :class:`CartographyClassifier`), the
        out-of-fold probabilities of its final models are used alone. Of a CartographyClassifier,
        `log`, `checkpoint` and `history_dir`, which hold a single training, are ignored.
    X : container of shape (n_samples, n_features)
        Samples, passed to the estimator as they are.
    y : array-like of shape (n_samples,)
        Labels of any type. If `X` is a Hugging Face Dataset, also the name of the column of the
        labels.
    cv : int, cross-validation generator or iterable, default=5
        Determines the folds.
    n_passes : int, default=1
        Number of times that all folds are trained; from the second time on, without the samples
        that are suspect.
    neighbors : "auto", None or array-like of shape (n_samples, n_features), default="auto"
        Features in which the nearest neighbors of a sample are sought. "auto": what the last step
        of a pipeline takes, or else X, where these are numeric.
    noise_rate : float, default=None
        Share of wrong labels, in (0, 1), if it is known.
    fdr : float, default=None
        False-discovery rate of the label issues, in (0, 1), if wrong labels were drawn uniformly
        from the other classes. Requires `noise_rate`.
    groups : array-like of shape (n_samples,), default=None
        Group of each sample. With an int `cv`, each group is kept in one fold.
    sample_ids : array-like of shape (n_samples,), default=None
        A unique id of each sample. If None, the index of a pandas dataframe that has one of its
        own.
    n_jobs : int, default=None
        Number of folds that are trained in parallel. It does not affect the result.
    random_state : int, RandomState instance or None, default=None
        Seeds the folds, the estimator and the breaking of ties.
    verbose : int, default=0
        Whether to show a progress bar for each training.
    resume : str or path-like, default=None
        Folder that keeps what was recorded of each fold once it is trained, from which the same
        call continues, see :class:`LabelIssueDetector`.

    Returns
    -------
    label_issues : LabelIssues
        The label quality of each sample, the label issues and the suggested labels.

    Raises
    ------
    ValueError
        Where :meth:`LabelIssueDetector.fit` raises.

    See Also
    --------
    LabelIssueDetector : The same as an estimator, which also takes sample weights.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import find_label_issues
    >>> X, y = load_iris(return_X_y=True)
    >>> y[:3] = 2  # wrong labels
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01)
    >>> issues = find_label_issues(sgd, X, y, random_state=0)
    >>> issues.suggested_label[:3]
    array([0, 0, 0])
    """
    detector = LabelIssueDetector(
        estimator,
        cv=cv,
        n_passes=n_passes,
        neighbors=neighbors,
        noise_rate=noise_rate,
        fdr=fdr,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
        resume=resume,
    )
    return detector.fit(X, y, groups=groups, sample_ids=sample_ids).label_issues_
