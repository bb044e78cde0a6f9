"""The folder in which a comparison keeps what is finished."""

from __future__ import annotations

from sklearn_carto._inputs._result_folder import ResultFolder
from sklearn_carto._utils._cloning import clone


def open_folder(folder, plan, data, splits, ood, params, n_seeds, random_state):
    """Open the folder of `resume`, or raise an error that names the arguments that differ there."""
    one_model = len(plan.models) == 1
    models = {name if one_model else f"estimators[{name!r}]": m for name, m in plan.models.items()}
    for name, selector in plan.selectors.items():
        settings = clone(selector).set_params(memory=None, n_jobs=None)  # results are the same
        models[name if one_model else f"selector of {name!r}"] = settings
    regions, fracs = ("regions", "fracs") if one_model else ("region", "frac")
    depends_on = {
        "X": data.X,
        "y": data.y,
        regions: [(trial.name, trial.selector, trial.region) for trial in plan.trials],
        fracs: [trial.frac for trial in plan.trials],
        "cv": splits,
        "groups": data.groups,
        "params": params,
        "scoring": plan.scoring,
        "ood": ood,
        "n_seeds": n_seeds,
        "match": plan.match,
        "error_score": plan.error_score,
    }
    return ResultFolder(folder, plan.owner, models, depends_on, random_state)
