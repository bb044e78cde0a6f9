"""Watch XGBoost, LightGBM and CatBoost: trained once, by their own `fit`, then replayed.

The logits of a booster are the sum of those of its trees, so that each stage costs only the
prediction of its trees.
"""

from __future__ import annotations

import sys
from functools import partial
from inspect import getattr_static
from itertools import accumulate, pairwise

import numpy as np

from sklearn_carto._checkpoint._training import NO_CHECKPOINT
from sklearn_carto._utils._warnings import warn
from sklearn_carto._watching._epoch_evaluation import first_samples
from sklearn_carto._watching._replay import ReplayWatcher, at_ends, evenly_spaced, replay
from sklearn_carto._watching._responses import are_logits
from sklearn_carto.exceptions import HeldOutRowsWarning, NotWatchableError

# arguments of `fit` with scores that the trees of XGBoost, LightGBM and CatBoost start from
OFFSETS = ("base_margin", "init_score", "baseline")
# Trees of LightGBM whose leaves are predicted at once: many, so that samples are read seldom; for
# the largest block, 65,536 samples, their indices take 16 MB and their values 31 MB.
MAX_TREES = 60


class BoosterWatcher(ReplayWatcher):
    """Watch the classifier of one library; each boosting round is an epoch.

    Attributes
    ----------
    package, class_name : str
        Where the classifier is defined.
    objectives : tuple of str
        Objectives whose probabilities are the softmax (or sigmoid) of the sum of the trees.
    objective_remedy : str
        How to choose one of these.
    """

    package: str
    class_name: str
    objectives: tuple[str, ...]
    objective_names: tuple[str, ...] = ("objective",)  # of its parameter and the aliases of it
    objective_remedy: str

    def can_watch(self, estimator):
        package = sys.modules.get(self.package)  # no instance exists before the library is imported
        return package is not None and isinstance(estimator, getattr(package, self.class_name))

    def n_stages(self, estimator):
        """Count the stages that the predictions of the trained estimator are made of."""
        raise NotImplementedError

    def logits(self, estimator, X, ends):
        """Yield the logits of samples after each of some ascending numbers of stages."""
        raise NotImplementedError

    def why_other_objective(self, estimator):
        """Return why probabilities are not the softmax of the sum of the trees, or None."""
        params, kind = estimator.get_params(), type(estimator)
        original = getattr(sys.modules[self.package], self.class_name)
        if getattr_static(kind, "predict_proba") is not getattr_static(original, "predict_proba"):
            return (
                f"{kind.__name__} redefines predict_proba, so that its probabilities at a stage "
                f"are unknown. Use {self.class_name}."
            )
        for name in self.objective_names:
            objective = params.get(name)
            if objective is not None and objective not in self.objectives:
                return self._why_no_link(estimator, name, objective)
        return None

    def _why_no_link(self, estimator, name, value):
        return (
            f"{type(estimator).__name__}({name}={value!r}) cannot be watched: its probabilities "
            "are not the softmax (of two classes: the sigmoid) of the sum of its trees. "
            f"{self.objective_remedy}"
        )

    def set_seed(self, estimator, seed):
        """Set a seed on a parameter that is not called `random_state`."""

    def watch(self, estimator, X, y, recorder, **options):
        _check_no_offsets(estimator, options["params"])
        if not options["checkpoint"].continues:
            self.set_seed(estimator, options["seed"])
        super().watch(estimator, X, y, recorder, **options)

    def evaluate(
        self, estimator, X, recorder, *, n_epochs, models, track, X_train=None,
        checkpoint=NO_CHECKPOINT,
    ):  # fmt: skip
        # 1. Check that sums of trees are logits.
        n_stages = self.n_stages(estimator)
        self._check_link(estimator, first_samples(X, recorder.n_samples), n_stages)

        # 2. Replay the stages; the cost is linear in the number of trees.
        ends, logits_at = evenly_spaced(n_epochs, n_stages), partial(self.logits, estimator)
        classes = recorder.trained_classes if self.encodes_labels else estimator.classes_
        parts = recorder.parts(X_train, X)
        replay(estimator, parts, track, logits_at, ends, classes, True, checkpoint)

    def _check_link(self, estimator, X, n_stages):
        """Raise where probabilities are not the softmax (or sigmoid) of the sum of the trees."""
        (logits,) = self.logits(estimator, X, [n_stages])
        if not are_logits(logits, estimator.predict_proba(X)):
            raise NotWatchableError(
                self._why_no_link(estimator, "objective", getattr(estimator, "objective", "?"))
            )


class XGBoostWatcher(BoosterWatcher):
    """Watch XGBClassifier, which is trained on 0 to n_classes - 1 whatever the labels."""

    encodes_labels = True
    package, class_name = "xgboost", "XGBClassifier"
    objectives = ("binary:logistic", "multi:softprob", "multi:softmax", "reg:logistic")
    objective_remedy = "Use objective='binary:logistic' or, of more classes, 'multi:softprob'."

    def refuses(self, estimator):
        name = type(estimator).__name__
        if isinstance(estimator, sys.modules["xgboost"].XGBRFClassifier):
            return (
                f"{name} grows all its trees in one round, so that there is nothing between the "
                "first and the last. Use scikit-learn's RandomForestClassifier, or XGBClassifier."
            )
        if estimator.booster == "dart":
            return (
                f"{name}(booster='dart') rescales earlier trees as it adds new ones, so that its "
                "predictions at a stage are lost. Use booster='gbtree'."
            )
        if estimator.booster == "gblinear":
            return (
                f"{name}(booster='gblinear') keeps its last coefficients only, so that its "
                "predictions at a stage are lost. Use booster='gbtree', or scikit-learn's "
                "SGDClassifier."
            )
        return self.why_other_objective(estimator)

    def encode(self, estimator, y, classes):
        return np.searchsorted(np.unique(y), y)  # a fold may lack a class, which XGBoost refuses

    def fit(self, estimator, X, y, params, classes):
        estimator.fit(X, y, **encode_eval_set(params, classes))

    def n_stages(self, estimator):
        last = estimator.get_booster().num_boosted_rounds() - 1
        return getattr(estimator, "best_iteration", last) + 1

    def logits(self, estimator, X, ends):
        import xgboost

        booster = estimator.get_booster()
        rows = xgboost.DMatrix(
            X,
            missing=estimator.missing,
            nthread=estimator.n_jobs,
            feature_types=estimator.feature_types,
            enable_categorical=estimator.enable_categorical,
        )
        for stages in pairwise([0, *ends]):
            logits = booster.predict(rows, output_margin=True, iteration_range=stages)
            rows.set_base_margin(logits)
            yield logits


class LightGBMWatcher(BoosterWatcher):
    """Watch LGBMClassifier."""

    package, class_name = "lightgbm", "LGBMClassifier"
    objectives = ("binary", "multiclass", "softmax")
    objective_names = ("objective", "objective_type", "app", "application", "loss")
    objective_remedy = "Use objective='binary' with sigmoid=1 or, of more classes, 'multiclass'."

    def refuses(self, estimator):
        name, params = type(estimator).__name__, estimator.get_params()
        kinds = {params.get(alias) for alias in ("boosting_type", "boosting", "boost")}
        if "dart" in kinds:
            return (
                f"{name}(boosting_type='dart') rescales earlier trees as it adds new ones, so that "
                "its predictions at a stage are lost. Use boosting_type='gbdt'."
            )
        if kinds & {"rf", "random_forest"}:
            return (
                f"{name}(boosting_type='rf') averages its trees, so that its stages do not add up. "
                "Use boosting_type='gbdt', or scikit-learn's RandomForestClassifier."
            )
        sigmoid = params.get("sigmoid")
        if sigmoid is not None and sigmoid != 1:
            return self._why_no_link(estimator, "sigmoid", sigmoid)
        return self.why_other_objective(estimator)

    def n_stages(self, estimator):
        best = estimator.best_iteration_ or 0  # 0 or less: training was not stopped early
        return best if best > 0 else estimator.booster_.current_iteration()

    def logits(self, estimator, X, ends):
        return at_ends(accumulate(self._increments(estimator, X, ends[-1])), ends)

    def _increments(self, estimator, X, n_stages):
        """Yield what each stage adds to the logits.

        Leaf indices of many trees are predicted at once and their values looked up: a call for each
        stage would spend most of its time on reading the samples again. Leaves of linear trees have
        no single value.
        """
        params = estimator.get_params()
        if params.get("linear_tree") or params.get("linear_trees"):
            for stage in range(n_stages):
                one = {"start_iteration": stage, "num_iteration": 1}
                yield estimator.predict(X, raw_score=True, **one)
            return
        n_trees = estimator.booster_.num_model_per_iteration()  # of one stage
        step = max(1, MAX_TREES // n_trees)
        for start in range(0, n_stages, step):
            some = {"start_iteration": start, "num_iteration": min(step, n_stages - start)}
            leaves = np.asarray(estimator.predict(X, pred_leaf=True, **some))
            columns = np.ascontiguousarray(leaves.reshape(len(leaves), -1).T)
            trees = [
                _leaf_values(estimator.booster_, start * n_trees + i, column)
                for i, column in enumerate(columns)
            ]
            for i in range(0, len(trees), n_trees):
                yield trees[i] if n_trees == 1 else np.column_stack(trees[i : i + n_trees])


def _leaf_values(booster, tree, leaves):
    values = [booster.get_leaf_output(tree, leaf) for leaf in range(leaves.max() + 1)]
    return np.array(values)[leaves]


class CatBoostWatcher(BoosterWatcher):
    """Watch CatBoostClassifier."""

    package, class_name = "catboost", "CatBoostClassifier"
    objectives = ("Logloss", "CrossEntropy", "MultiClass")
    objective_names = ("loss_function", "objective")
    objective_remedy = "Use loss_function='Logloss' or, of more classes, 'MultiClass'."

    def refuses(self, estimator):
        params = estimator.get_params()
        for name in ("model_shrink_rate", "langevin", "posterior_sampling"):
            if params.get(name):
                return (
                    f"{type(estimator).__name__}({name}={params[name]!r}) shrinks earlier trees as "
                    "it adds new ones, so that its predictions at a stage are lost. Leave "
                    f"{name} out."
                )
        return self.why_other_objective(estimator)

    def set_seed(self, estimator, seed):
        if seed is not None and "random_state" not in estimator.get_params():
            estimator.set_params(random_seed=int(seed))

    def fit(self, estimator, X, y, params, classes):
        held_out = estimator.get_params().get("eval_fraction")
        if held_out:
            warn(
                f"{type(estimator).__name__} holds out {held_out:.0%} of the rows and does not "
                "store which, so that they are not marked in the data map. Pass an eval_set of "
                "other rows instead of eval_fraction to record training rows only.",
                HeldOutRowsWarning,
            )
        estimator.fit(X, y, **params)

    def n_stages(self, estimator):
        return estimator.tree_count_

    def logits(self, estimator, X, ends):
        stages = estimator.staged_predict(
            X,
            prediction_type="RawFormulaVal",
            ntree_end=ends[-1],
            thread_count=estimator.get_params().get("thread_count") or -1,
        )
        return at_ends(stages, ends)


XGBOOST = XGBoostWatcher()
BOOSTERS = (XGBOOST, LightGBMWatcher(), CatBoostWatcher())


def encode_eval_set(params, classes):
    """Encode the labels of each `eval_set` among the arguments of `fit`, also of a pipeline."""
    return {
        name: [(X, _encode(y, classes)) for X, y in value]
        if name.rpartition("__")[2] == "eval_set" and value is not None
        else value
        for name, value in params.items()
    }


def _encode(y, classes):
    y = np.asarray(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"eval_set holds labels that no training row has: {unknown.tolist()}. Leave these rows "
            "out of eval_set."
        )
    return np.searchsorted(classes, y)


def _check_no_offsets(estimator, params):
    """Raise where trees are fitted on top of scores that `predict_proba` does not add."""
    for name in OFFSETS:
        if params.get(name) is not None:
            raise NotWatchableError(
                f"{type(estimator).__name__}.fit({name}=...) cannot be watched: its trees are "
                "fitted on top of these scores, which predict_proba does not add. Leave it out."
            )
