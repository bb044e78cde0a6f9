"""Uses of every public name, checked by ``mypy --strict`` in test_typing.py and never run."""

import os
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import sklearn_carto
from sklearn_carto import (
    CartographyClassifier,
    CrossDistillation,
    CrossDistillationDisplay,
    DataMap,
    DataMapDisplay,
    DataMapSampler,
    DataMapSelector,
    DistilledClassifier,
    LabelIssueDetector,
    LabelIssues,
    MapAgreement,
    MapAgreementDisplay,
    MapComparison,
    MapComparisonDisplay,
    SampleGridDisplay,
    SelectionCurveDisplay,
    StabilityReport,
    StabilityReportDisplay,
    SubsetComparison,
    SubsetComparisonDisplay,
    TrainingDynamics,
    apply_corrections,
    compare_maps,
    compare_subsets,
    cross_distillation,
    find_label_issues,
    logs,
    map_agreement,
    metrics,
    show_versions,
    stability_report,
    sweep_fractions,
    sweep_replacement,
)
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import CartographyError, CartographyWarning, NotWatchableError
from sklearn_carto.integrations import mlflow, tensorboard, wandb
from sklearn_carto.integrations.torch import DynamicsRecorder

Array = NDArray[Any]


def watch(estimator: Any) -> DataMap:
    X, y, kinds = make_cartography(n_samples=100, frac_mislabelled=0.2, random_state=0)
    assert_type(X, Array)
    assert_type(kinds, Array)
    model = CartographyClassifier(
        estimator, n_epochs=5, keep_history="float16", random_state=np.random.RandomState(0)
    )
    model = CartographyClassifier(estimator, cv=5, checkpoint="folder", verbose=1)
    assert_type(model.fit(X, y, sample_weight=[1.0] * 100), CartographyClassifier)
    assert_type(model.predict(X), Array)
    assert_type(model.predict_proba(X), Array)
    assert_type(model.predict_log_proba(X), Array)
    assert_type(model.decision_function(X), Array)
    assert_type(model.dynamics_, TrainingDynamics)
    assert_type(model.score_map(X, y), DataMap)
    assert_type(model.confidence_, Array)
    assert_type(model.classes_, Array)
    assert_type(model.fit_chunks(lambda: iter([(X, y)]), classes=[0, 1]), CartographyClassifier)
    return model.data_map_


def use_map(data_map: DataMap) -> None:
    by_hand = DataMap(
        confidence=[0.9, 0.5],
        variability=(0.1, 0.4),
        correctness=np.array([1, 0.5]),
        n_epochs=6,
        labels=["a", "b"],
    )
    assert_type(by_hand.confidence, NDArray[np.float64])
    assert_type(by_hand.aum, NDArray[np.float64] | None)
    assert_type(by_hand.n_samples, int)
    assert_type(len(by_hand), int)
    assert_type(data_map.select("ambiguous", 0.33, random_state=0), Array)
    data_map.select({"easy": 0.5, "hard": 0.5}, 0.1, noise_cut={"a": 0.1}, order="score")
    data_map.select(lambda one: one.variability, 0.1, stratify=False, return_ids=True)
    assert_type(data_map.subset([0, 1]), DataMap)
    assert_type(data_map.subset(data_map.confidence > 0.5), DataMap)
    assert_type(data_map.region_labels(), Array)
    assert_type(data_map.stable_share(0.9), float)
    assert_type(DataMap.mean([data_map, data_map]), DataMap)
    data_map.save("map.npz")
    assert_type(DataMap.load("map.npz"), DataMap)
    data_map.to_frame(X=["a"], regions=True).head()
    data_map.to_frame(backend="polars")
    assert_type(data_map.plot(kind="hexbin"), DataMapDisplay)
    assert_type(DataMapDisplay.from_data_map(data_map), DataMapDisplay)
    assert_type(DataMapDisplay(data_map).plot(ax=None, histograms=True, jitter=0.1), DataMapDisplay)
    assert_type(data_map.plot_samples(["a", "b"], "easy", n=2), SampleGridDisplay)


def record() -> DataMap:
    dynamics = TrainingDynamics([0, 1, 1], classes=[0, 1])
    dynamics.update(0, [[0.1, 0.9]] * 3)
    dynamics.update(1, np.zeros((2, 2)), [0, 1], from_logits=True)
    assert_type(dynamics.true_proba, Array)
    assert_type(dynamics.n_epochs, int)
    assert_type(TrainingDynamics.concatenate([dynamics, dynamics]), TrainingDynamics)
    dynamics.save("dynamics.npz")
    assert_type(TrainingDynamics.load("dynamics.npz"), TrainingDynamics)
    recorder = DynamicsRecorder(n_samples=3, labels=[0, 1, 1])
    recorder.update([0, 1], np.zeros((2, 2)))
    recorder.end_epoch()
    recorder.load_state_dict(recorder.state_dict())
    assert_type(DynamicsRecorder.merge([recorder]), DynamicsRecorder)
    assert_type(recorder.data_map(), DataMap)
    assert_type(recorder.dynamics, TrainingDynamics)
    return DataMap.from_dynamics(dynamics, epochs=slice(1, None))


def select(estimator: Any, X: Array, y: list[str]) -> None:
    selector = DataMapSelector(estimator, region="auto", frac="auto", noise_cut=0.1, cv=3)
    assert_type(selector.fit(X, y), DataMapSelector)
    selector.fit_transform(X, y)
    selector.transform(X)
    assert_type(selector.data_map_, DataMap)
    assert_type(selector.sample_indices_, Array)
    assert_type(selector.get_support(indices=True), Array)
    assert_type(SelectionCurveDisplay.from_selector(selector).plot(), SelectionCurveDisplay)
    distilled = DistilledClassifier(estimator, selector).fit(X, y)
    assert_type(distilled, DistilledClassifier)
    assert_type(distilled.selector_, DataMapSelector)
    assert_type(distilled.predict(X), Array)
    sampler = DataMapSampler(estimator, region="easy", frac=0.5)
    _, labels = sampler.fit_resample(X, y)
    assert_type(labels, Array)


def find(estimator: Any, X: Array, y: Array) -> None:
    issues = find_label_issues(estimator, X, y, cv=3, random_state=0, resume="folder")
    assert_type(issues, LabelIssues)
    assert_type(issues.is_label_issue, Array)
    assert_type(issues.n_issues, int)
    assert_type(issues.with_noise_rate(0.1, fdr=0.2), LabelIssues)
    assert_type(issues.recall_at(10), float)
    assert_type(issues.get_support(), Array)
    assert_type(len(issues), int)
    issues.to_frame(X, backend="polars")
    issues.to_cleanlab(layout="cleanlearning")
    detector = LabelIssueDetector(estimator, neighbors=X, noise_rate=0.1)
    assert_type(detector.fit(X, y, groups=y), LabelIssueDetector)
    assert_type(detector.label_issues_, LabelIssues)
    assert_type(detector.get_support(), Array)


def correct(y: Array, names: list[str]) -> None:
    assert_type(apply_corrections(y, "corrections.json", sample_ids=names), Array)
    assert_type(apply_corrections(names, "a.csv", return_changed=True), tuple[list[str], Array])


def compare(estimator: Any, X: Array, y: Array, one: DataMap) -> None:
    comparison = compare_subsets(
        estimator, X, y, regions=["easy", "ambiguous"], fracs=(0.1, 0.3), ood={"other": (X, y)}
    )
    assert_type(comparison, SubsetComparison)
    assert_type(comparison.results_, dict[str, Array])
    assert_type(comparison.to_latex(), str)
    assert_type(comparison.plot(), SubsetComparisonDisplay)
    comparison.summary(as_frame=True)
    comparison.to_frame()
    assert_type(sweep_fractions(estimator, X, y, fracs=[0.1, 0.2]), SubsetComparison)
    assert_type(sweep_replacement(estimator, X, y, shares=[0.0, 0.5]), SubsetComparison)
    distillation = cross_distillation({"a": estimator}, X, y, frac=0.2, n_jobs=2)
    assert_type(distillation, CrossDistillation)
    assert_type(distillation.matrix(), Array)
    assert_type(distillation.difference_to("full"), Array)
    assert_type(distillation.plot(), CrossDistillationDisplay)
    report = stability_report(estimator, X, y, n_seeds=3)
    assert_type(report, StabilityReport)
    assert_type(report.summary(), dict[str, Array])
    assert_type(report.plot(), StabilityReportDisplay)
    agreement = map_agreement({"a": one, "b": one})
    assert_type(agreement, MapAgreement)
    assert_type(map_agreement([one, one]).most_disputed(5), Array)
    assert_type(agreement.plot(), MapAgreementDisplay)
    moved = compare_maps(one, one, by_position=True)
    assert_type(moved, MapComparison)
    assert_type(moved.most_moved(), Array)
    assert_type(moved.plot(), MapComparisonDisplay)


def measure(p: Array, proba: Array, margin: Array, correct: list[list[bool]]) -> None:
    for measured in (
        metrics.confidence(p),
        metrics.variability(p),
        metrics.correctness(correct),
        metrics.forgetting(correct),
        metrics.first_learned(correct),
        metrics.aum(margin),
        metrics.el2n(p),
        metrics.aleatoric(p),
        metrics.loss(p),
        metrics.dual(p, window=3),
        metrics.predictive_entropy(proba),
        metrics.mutual_information(proba),
    ):
        assert_type(measured, Array)


def read(folder: "os.PathLike[str]") -> None:
    dynamics = logs.read_dynamics([folder, "other"], classes=["a", "b"])
    logs.write_dynamics(dynamics, "folder")
    logs.data_map_from_logs(folder, engine="duckdb")
    logs.select_from_logs(folder, "hard", 0.1)


def track(data_map: DataMap, dynamics: TrainingDynamics) -> None:
    mlflow.log_data_map(data_map, "name", step=1, max_rows=None, histograms=True)
    wandb.log_data_map(data_map, run=None)
    tensorboard.log_data_map(data_map, writer="folder")
    mlflow.log_dynamics(dynamics)
    wandb.log_dynamics(dynamics, "name")
    tensorboard.log_dynamics(dynamics, writer="folder")


def fail() -> CartographyError:
    assert_type(sklearn_carto.__version__, str)
    show_versions()
    sklearn_carto.datasets.make_cartography()
    issubclass(sklearn_carto.exceptions.NotWatchableError, NotWatchableError)
    issubclass(CartographyWarning, UserWarning)
    return NotWatchableError("no classifier")
