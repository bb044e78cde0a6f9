"""Watch XGBoost, LightGBM and CatBoost: trained once, by their own `fit`, then replayed.

What a booster says is the sum of what its trees say, so that each stage costs only its own trees.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np

from sklearn_carto._inputs._containers import take
from sklearn_carto._utils._warnings import warn
from sklearn_carto._watching._responses import are_logits, in_class_order, row_blocks
from sklearn_carto._watching._stages import spread
from sklearn_carto.exceptions import HeldOutRowsWarning, NotWatchableError

OFFSETS = ("base_margin", "init_score", "baseline")
MAX_TREES = 60  # of LightGBM, whose leaves are held at once


class Booster:
    """A way to watch the classifier of one library."""

    method = "fit"
    encodes_labels = False
    package: str
    class_name: str
    objective_remedy: str

    def is_one(self, estimator):
        """Whether an estimator is a classifier of this library."""
        package = sys.modules.get(self.package)  # none can exist before the library is imported
        return package is not None and isinstance(estimator, getattr(package, self.class_name))

    def can_watch(self, estimator):
        """Whether this is the way to watch the estimator.

        Raises
        ------
        NotWatchableError
            If it would be, but what the estimator knew at each stage is lost once it is trained.
        """
        if not self.is_one(estimator):
            return False
        reason = self.why_not(estimator)
        if reason:
            raise NotWatchableError(f"{type(estimator).__name__}{reason}")
        return True

    def why_not(self, estimator):
        """End of a sentence that says why its stages are lost; None if they are not."""

    def n_stages(self, estimator):
        """Count the stages behind what the trained estimator predicts."""
        raise NotImplementedError

    def margins(self, estimator, X, ends):
        """Yield the logits of rows after each of some numbers of stages, which ascend."""
        raise NotImplementedError

    def objective(self, estimator):
        """Give the name of the parameter that holds the objective, and its value."""
        return "objective", estimator.objective

    def set_seed(self, estimator, seed):
        """Set a seed on a parameter that scikit-learn's name for it does not reach."""

    def fit(self, estimator, X, y, params, classes):
        """Train the estimator as it trains unwatched."""
        estimator.fit(X, y, **params)

    def watch(self, estimator, X, y, recording, *, n_epochs, seed, params, track, asked=None):
        """Train, then replay the stages; cost linear in the number of trees.

        Parameters
        ----------
        estimator : estimator
            Trained in place.
        X, y : container, ndarray
            The training set; `y` encoded where `encodes_labels`.
        recording : RunRecorder
            Where what is seen goes.
        n_epochs : int or None
            How many evenly spaced stages to record, the last among them; None: all. It never
            changes the training.
        seed : int or None
            Already set on every `random_state` of the estimator.
        params : dict
            Further arguments of `fit`.
        track : callable
            Wraps the loop over blocks of rows, to show progress.
        asked : container, default=None
            The rows that are recorded; None: X.
        """
        asked = X if asked is None else asked
        _check_no_offsets(estimator, params)
        self.set_seed(estimator, seed)
        self.fit(estimator, X, y, params, recording.classes)
        n_stages = self.n_stages(estimator)
        self._check_link(estimator, take(asked, slice(0, min(64, recording.n_samples))))
        answered = recording.classes if self.encodes_labels else estimator.classes_
        ends = (spread(n_epochs, n_stages) + 1).tolist()
        recording.begin(len(ends))
        for rows in track(row_blocks(recording.n_samples, len(recording.classes))):
            for epoch, margins in enumerate(self.margins(estimator, take(asked, rows), ends)):
                scores = in_class_order(margins, answered, recording.classes)
                recording.add_block(epoch, rows, scores, estimator, from_logits=True)

    def _check_link(self, estimator, X):
        """Raise where probabilities are not the softmax of the margins; a few rows tell."""
        (margins,) = self.margins(estimator, X, [self.n_stages(estimator)])
        if not are_logits(margins, estimator.predict_proba(X)):
            name, objective = self.objective(estimator)
            raise NotWatchableError(
                f"{type(estimator).__name__}({name}={objective!r}) cannot be watched: its "
                "probabilities are not the softmax (of two classes: the sigmoid) of what its "
                f"trees add up to. {self.objective_remedy}"
            )


class XGBoost(Booster):
    """XGBClassifier, which is trained on 0..K-1, whatever the user's labels."""

    encodes_labels = True
    package, class_name = "xgboost", "XGBClassifier"
    objective_remedy = "Use objective='binary:logistic' or, of more classes, 'multi:softprob'."

    def encode(self, estimator, y_encoded, n_classes):
        """Give the labels the form that the estimator takes: their y_encoded."""
        return y_encoded

    def why_not(self, estimator):
        if isinstance(estimator, sys.modules["xgboost"].XGBRFClassifier):
            return (
                " grows all its trees in one round, so that there is nothing between the first and "
                "the last. Use scikit-learn's RandomForestClassifier, or XGBClassifier."
            )
        if estimator.booster == "dart":
            return (
                "(booster='dart') rescales earlier trees as it adds new ones, so that what it knew "
                "at a stage is lost. Use booster='gbtree'."
            )
        if estimator.booster == "gblinear":
            return (
                "(booster='gblinear') keeps its last coefficients alone, so that what it knew at a "
                "stage is lost. Use booster='gbtree', or scikit-learn's SGDClassifier."
            )
        return None

    def fit(self, estimator, X, y, params, classes):
        estimator.fit(X, y, **with_coded_eval_set(params, classes))

    def n_stages(self, estimator):
        last = estimator.get_booster().num_boosted_rounds() - 1
        return getattr(estimator, "best_iteration", last) + 1

    def margins(self, estimator, X, ends):
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
            margins = booster.predict(rows, output_margin=True, iteration_range=stages)
            rows.set_base_margin(margins)
            yield margins


class LightGBM(Booster):
    """LGBMClassifier."""

    package, class_name = "lightgbm", "LGBMClassifier"
    objective_remedy = "Use objective='binary' with sigmoid=1 or, of more classes, 'multiclass'."

    def why_not(self, estimator):
        params = estimator.get_params()
        kinds = {params.get(name) for name in ("boosting_type", "boosting", "boost")}
        if "dart" in kinds:
            return (
                "(boosting_type='dart') rescales earlier trees as it adds new ones, so that what "
                "it knew at a stage is lost. Use boosting_type='gbdt'."
            )
        if kinds & {"rf", "random_forest"}:
            return (
                "(boosting_type='rf') averages its trees, so that its stages do not add up. Use "
                "boosting_type='gbdt', or scikit-learn's RandomForestClassifier."
            )
        return None

    def objective(self, estimator):
        return "objective", estimator.objective_

    def n_stages(self, estimator):
        best = estimator.best_iteration_ or 0  # 0 or less: training was not stopped early
        return best if best > 0 else estimator.booster_.current_iteration()

    def margins(self, estimator, X, ends):
        margins, wanted = 0.0, set(ends)
        for end, added in enumerate(self._added(estimator, X, ends[-1]), 1):
            margins = margins + added
            if end in wanted:
                yield margins

    def _added(self, estimator, X, n_stages):
        """Yield what each stage adds to the logits.

        Leaves are asked for, many trees at once, and looked up: a call for each stage would spend
        most of its time on reading the rows again. Linear trees have no one value a leaf.
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


class CatBoost(Booster):
    """CatBoostClassifier."""

    package, class_name = "catboost", "CatBoostClassifier"
    objective_remedy = "Use loss_function='Logloss' or, of more classes, 'MultiClass'."

    def why_not(self, estimator):
        params = estimator.get_params()
        for name in ("model_shrink_rate", "langevin", "posterior_sampling"):
            if params.get(name):
                return (
                    f"({name}={params[name]!r}) shrinks earlier trees as it adds new ones, so that "
                    f"what it knew at a stage is lost. Leave {name} out."
                )
        return None

    def objective(self, estimator):
        return "loss_function", estimator.get_all_params()["loss_function"]

    def set_seed(self, estimator, seed):
        if seed is not None and "random_state" not in estimator.get_params():
            estimator.set_params(random_seed=int(seed))

    def fit(self, estimator, X, y, params, classes):
        held_out = estimator.get_params().get("eval_fraction")
        if held_out:
            warn(
                f"{type(estimator).__name__} holds out {held_out:.0%} of the rows and does not say "
                "which, so that the map holds them unmarked. Pass an eval_set of other rows in the "
                "place of eval_fraction for a map of rows that it trained on alone.",
                HeldOutRowsWarning,
            )
        estimator.fit(X, y, **params)

    def n_stages(self, estimator):
        return estimator.tree_count_

    def margins(self, estimator, X, ends):
        stages = estimator.staged_predict(
            X,
            prediction_type="RawFormulaVal",
            ntree_end=ends[-1],
            thread_count=estimator.get_params().get("thread_count") or -1,
        )
        wanted = set(ends)
        yield from (margins for end, margins in enumerate(stages, 1) if end in wanted)


XGBOOST = XGBoost()
WAYS = (XGBOOST, LightGBM(), CatBoost())


def with_coded_eval_set(params, classes):
    """Give the labels of each `eval_set` among the arguments of `fit` as y_encoded, as `y` is.

    Parameters
    ----------
    params : dict
        Arguments of `fit`, of a pipeline too.
    classes : ndarray of shape (n_classes,)
        What the y_encoded stand for, sorted.

    Returns
    -------
    params : dict
        A copy.

    Raises
    ------
    ValueError
        If a label is none of the classes.
    """
    return {
        name: [(X, _codes(y, classes)) for X, y in value]
        if name.rpartition("__")[2] == "eval_set" and value is not None
        else value
        for name, value in params.items()
    }


def _codes(y, classes):
    y = np.asarray(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"eval_set holds labels that no training row has: {unknown.tolist()}. Leave these rows "
            "out of eval_set."
        )
    return np.searchsorted(classes, y)


def _check_no_offsets(estimator, params):
    """Raise where trees learn what is left over an offset, which `predict_proba` does not know."""
    for name in OFFSETS:
        if params.get(name) is not None:
            raise NotWatchableError(
                f"{type(estimator).__name__}.fit({name}=...) cannot be watched: its trees learn "
                "what is left over these scores, which predict_proba does not add. Leave it out."
            )
