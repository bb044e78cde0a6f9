"""stability_report: how far a data map is the result of chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from sklearn.utils import check_random_state

from sklearn_carto._comparison._arguments import SETTINGS
from sklearn_carto._comparison._stability_results import StabilityReport
from sklearn_carto._dynamics._running import STATISTICS
from sklearn_carto._inputs._containers import check_same_length, row_names
from sklearn_carto._inputs._kept_outcomes import KeptOutcomes
from sklearn_carto._inputs._result_folder import ResultFolder
from sklearn_carto._maps._agreement import map_agreement
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._selection._proxy import as_proxy, without_folders
from sklearn_carto._utils._arrays import same_entries
from sklearn_carto._utils._cloning import clone
from sklearn_carto._utils._parallel import run_parallel
from sklearn_carto._utils._partial_results import partial_results_kept
from sklearn_carto._utils._progress import progress
from sklearn_carto._utils._quotas import check_frac
from sklearn_carto._utils._typing import ArrayLike, Container, Estimator, PathType, RandomStateType
from sklearn_carto._utils._validation import Count, Number, validate_params
from sklearn_carto._utils._warnings import warn, warn_once
from sklearn_carto._watching._classifier import CartographyClassifier
from sklearn_carto._watching._find import get_watcher
from sklearn_carto.exceptions import IdenticalMapsWarning


@validate_params(
    n_seeds=[Count(2)],
    threshold=[Number(0, 1, closed="right")],
    params=[Mapping, None],
    **{name: SETTINGS[name] for name in ("n_jobs", "random_state", "verbose", "resume")},
)
def stability_report(
    estimator: Estimator,
    X: Container,
    y: ArrayLike,
    *,
    n_seeds: int = 5,
    frac: float = 0.33,
    threshold: float = 0.8,
    groups: ArrayLike | None = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: RandomStateType = None,
    verbose: int = 0,
    resume: PathType | None = None,
) -> StabilityReport:
    """Report how far the data map of an estimator depends on its seed.

    The estimator is trained once for each of several seeds, on the same samples. What differs
    between these maps is chance: the initial weights, the order of the samples, and with `cv` the
    folds. It is not the uncertainty of having drawn these samples.

    Parameters
    ----------
    estimator : estimator
        The classifier whose training is recorded, or a :class:`CartographyClassifier` with its
        `n_epochs`, `record` and `cv`. Its `random_state` is set to each seed; its `log`,
        `checkpoint` and `history_dir`, which hold a single training, are not used.
    X : container of shape (n_samples, n_features)
        The samples.
    y : array-like of shape (n_samples,)
        Labels.
    n_seeds : int, default=5
        Number of trainings, at least 2.
    frac : float, default=0.33
        Share of the rows, in (0, 1]: the rows of each region whose overlap is measured, and the
        largest share of ambiguous rows in :meth:`DataMap.region_labels`.
    threshold : float, default=0.8
        Lowest probability of its region for a row to be stable, in (0, 1].
    groups : array-like of shape (n_samples,), default=None
        Group labels of the samples, as in `fit` of :class:`CartographyClassifier`.
    params : dict, default=None
        Further arguments of `fit`, such as `sample_weight` and `sample_ids`; for a pipeline
        ``<step>__<name>``, or routed metadata.
    n_jobs : int, default=None
        Number of trainings that run in parallel. It does not affect the result.
    random_state : int, RandomState instance or None, default=None
        Determines the seeds. Pass an int for reproducible output across multiple function calls.
    verbose : int, default=0
        Whether to show a progress bar.
    resume : str or path-like, default=None
        Folder that keeps the map of each seed once it is drawn, so that the same call continues
        from there after an error, an interrupt or a reboot; also with more seeds, another `frac` or
        `threshold`. Data, estimator, `params` and `random_state` must be the same; else an error
        names what differs. With ``random_state=None``, the folder keeps a seed.

    Returns
    -------
    report : StabilityReport
        The maps, their mean with the probability of each region, and their agreement, to print,
        plot or read.

    Raises
    ------
    NotWatchableError
        If the estimator cannot be watched.
    TerminatedWorkerError
        If a worker process ended. The attribute `partial_results` of this and of any other error or
        interrupt that ends the trainings is the list of the maps that were drawn, or None.
    ValueError
        If an argument is invalid.
    TypeError
        If the estimator takes no argument of the name of one of `params`.

    Warns
    -----
    IdenticalMapsWarning
        If the maps of all seeds are the same, as those of a deterministic estimator are.
    DegenerateMapWarning
        If maps are uninformative. This and other warnings of this library are issued once for all
        seeds, with their number.

    See Also
    --------
    map_agreement : Agreement of maps that are drawn already, also of several models.
    DataMap.mean : The mean of several maps.

    References
    ----------
    .. [1] S. Swayamdipta et al., "Dataset Cartography", EMNLP 2020, section 6.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_carto import stability_report
    >>> X, y = load_iris(return_X_y=True)
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.1)
    >>> report = stability_report(sgd, X, y, n_seeds=3, random_state=0)
    >>> report.mean_map_.region_probabilities.shape
    (150, 3)
    >>> 0.5 < report.stable_share_ <= 1
    True
    """
    # 1. Check the estimator and the arguments, before anything is trained.
    check_frac(frac)
    watched = isinstance(estimator, CartographyClassifier)
    get_watcher(estimator.estimator if watched else estimator)
    model = without_folders(as_proxy(estimator))
    model.set_params(keep_history=False, keep_models=False)
    if y is not None:
        check_same_length(X, y)
    params = {**(params or {}), **({} if groups is None else {"groups": groups})}

    # 2. Train once for each seed.
    folder = None
    if resume is not None:
        depends_on = {"X": X, "index of X": row_names(X), "y": y, "params": params}
        unseeded = clone(model).set_params(random_state=None, verbose=0)
        folder = ResultFolder(
            resume, "stability_report", {"estimator": unseeded}, depends_on, random_state
        )
        random_state = folder.random_state
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n_seeds)
    of_seeds = [f"seed{seed}" for seed in seeds.tolist()]
    kept = KeptOutcomes(folder, of_seeds, encode=_fields_of, decode=_map_of)
    finished = kept.load()
    with partial_results_kept(list, finished, n_seeds, "seeds", kept.path):
        maps, collected = run_parallel(
            _draw_map,
            [(seed,) for seed in seeds.tolist()],
            shared=(model, X, y, params),
            n_jobs=n_jobs,
            finished=finished,
            on_finished=kept.store,
            show=partial(progress, description="seeds", verbose=verbose),
        )
    warn_once(collected, f" in {n_seeds} seeds")
    if all(_are_same(maps[0], other) for other in maps[1:]):
        warn(
            f"The data maps of all {n_seeds} seeds are the same: the training of "
            f"{type(model.estimator).__name__} does not depend on its random_state, so that this "
            "report does not measure how stable the map is. Set cv of a CartographyClassifier, "
            "whose folds depend on the seed, or sample rows or features in the estimator.",
            IdenticalMapsWarning,
        )

    # 3. Compare the maps.
    names = {f"seed {i}": one for i, one in enumerate(maps)}
    tie_seed = int(seeds[0])
    return StabilityReport(
        maps,
        DataMap.mean(maps, frac=frac, random_state=tie_seed),
        map_agreement(names, frac=frac, random_state=tie_seed),
        seeds=seeds,
        threshold=threshold,
    )


def _draw_map(model, X, y, params, seed):
    return clone(model).set_params(random_state=seed).fit(X, y, **params).data_map_


def _fields_of(data_map):
    """Return the fields of a map that are given, for `resume`."""
    values = {field.name: getattr(data_map, field.name) for field in fields(data_map)}
    if values["standard_errors"] is not None:
        values["standard_errors"] = dict(values["standard_errors"])
    return {name: value for name, value in values.items() if value is not None}


def _map_of(values, number):
    return DataMap(**values)


def _are_same(one, other):
    return all(same_entries(getattr(one, name), getattr(other, name)) for name in STATISTICS)
