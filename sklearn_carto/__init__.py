"""Dataset cartography for scikit-learn: which rows teach a model, confuse it, or are wrong."""

from importlib.util import find_spec as _find_spec

from sklearn_carto import datasets, exceptions, logs, metrics
from sklearn_carto._comparison._compare_subsets import compare_subsets
from sklearn_carto._comparison._cross_distillation import CrossDistillation, cross_distillation
from sklearn_carto._comparison._stability import stability_report
from sklearn_carto._comparison._stability_results import StabilityReport
from sklearn_carto._comparison._subset_comparison import SubsetComparison
from sklearn_carto._comparison._sweeps import sweep_fractions, sweep_replacement
from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
from sklearn_carto._maps._agreement import MapAgreement, map_agreement
from sklearn_carto._maps._comparison import MapComparison, compare_maps
from sklearn_carto._maps._data_map import DataMap
from sklearn_carto._plot._agreement import MapAgreementDisplay
from sklearn_carto._plot._comparison import SubsetComparisonDisplay
from sklearn_carto._plot._cross_distillation import CrossDistillationDisplay
from sklearn_carto._plot._data_map import DataMapDisplay
from sklearn_carto._plot._map_comparison import MapComparisonDisplay
from sklearn_carto._plot._selection_curve import SelectionCurveDisplay
from sklearn_carto._plot._stability import StabilityReportDisplay
from sklearn_carto._selection._distilled import DistilledClassifier
from sklearn_carto._selection._find_label_issues import find_label_issues
from sklearn_carto._selection._label_issue_detector import LabelIssueDetector
from sklearn_carto._selection._label_issues import LabelIssues
from sklearn_carto._selection._selector import DataMapSelector
from sklearn_carto._version import __version__
from sklearn_carto._watching._classifier import CartographyClassifier

__all__ = [
    "CartographyClassifier",
    "CrossDistillation",
    "CrossDistillationDisplay",
    "DataMap",
    "DataMapDisplay",
    "DataMapSelector",
    "DistilledClassifier",
    "LabelIssueDetector",
    "LabelIssues",
    "MapAgreement",
    "MapAgreementDisplay",
    "MapComparison",
    "MapComparisonDisplay",
    "StabilityReport",
    "StabilityReportDisplay",
    "SelectionCurveDisplay",
    "SubsetComparison",
    "SubsetComparisonDisplay",
    "TrainingDynamics",
    "__version__",
    "compare_maps",
    "compare_subsets",
    "cross_distillation",
    "datasets",
    "exceptions",
    "find_label_issues",
    "logs",
    "map_agreement",
    "metrics",
    "stability_report",
    "sweep_fractions",
    "sweep_replacement",
]
if _find_spec("imblearn") is not None:
    __all__ += ["DataMapSampler"]  # noqa: PLE0604  imported on first access, by __getattr__


def __dir__():
    """List the public names."""
    return __all__


def __getattr__(name):
    """Import what needs imbalanced-learn on first access."""
    if name == "DataMapSampler":
        from sklearn_carto._utils._compat import require

        require("imblearn", "DataMapSampler", "sklearn-carto[imblearn]")
        from sklearn_carto._selection._sampler import DataMapSampler

        return DataMapSampler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
