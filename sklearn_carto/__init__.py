"""Dataset cartography for scikit-learn: which rows teach a model, confuse it, or are wrong."""

import typing as _typing
from importlib import import_module as _import_module

from sklearn_carto._utils._packages import is_installed as _is_installed
from sklearn_carto._version import __version__

# read by editors; at run time __getattr__ imports each name on first access
if _typing.TYPE_CHECKING:
    from sklearn_carto import datasets, exceptions, logs, metrics
    from sklearn_carto._comparison._compare_subsets import compare_subsets
    from sklearn_carto._comparison._cross_distillation import CrossDistillation, cross_distillation
    from sklearn_carto._comparison._stability import stability_report
    from sklearn_carto._comparison._stability_results import StabilityReport
    from sklearn_carto._comparison._subset_comparison import SubsetComparison
    from sklearn_carto._comparison._sweeps import sweep_fractions, sweep_replacement
    from sklearn_carto._dynamics._training_dynamics import TrainingDynamics
    from sklearn_carto._explorer._corrections import apply_corrections
    from sklearn_carto._maps._agreement import MapAgreement, map_agreement
    from sklearn_carto._maps._comparison import MapComparison, compare_maps
    from sklearn_carto._maps._data_map import DataMap
    from sklearn_carto._plot._agreement import MapAgreementDisplay
    from sklearn_carto._plot._comparison import SubsetComparisonDisplay
    from sklearn_carto._plot._cross_distillation import CrossDistillationDisplay
    from sklearn_carto._plot._data_map import DataMapDisplay
    from sklearn_carto._plot._map_comparison import MapComparisonDisplay
    from sklearn_carto._plot._samples import SampleGridDisplay
    from sklearn_carto._plot._selection_curve import SelectionCurveDisplay
    from sklearn_carto._plot._stability import StabilityReportDisplay
    from sklearn_carto._selection._distilled import DistilledClassifier
    from sklearn_carto._selection._find_label_issues import find_label_issues
    from sklearn_carto._selection._label_issue_detector import LabelIssueDetector
    from sklearn_carto._selection._label_issues import LabelIssues
    from sklearn_carto._selection._sampler import DataMapSampler
    from sklearn_carto._selection._selector import DataMapSelector
    from sklearn_carto._utils._show_versions import show_versions
    from sklearn_carto._watching._classifier import CartographyClassifier

_HOMES = {  # public name: the module that defines it, or is it
    "CartographyClassifier": "_watching._classifier",
    "CrossDistillation": "_comparison._cross_distillation",
    "CrossDistillationDisplay": "_plot._cross_distillation",
    "DataMap": "_maps._data_map",
    "DataMapDisplay": "_plot._data_map",
    "DataMapSelector": "_selection._selector",
    "DistilledClassifier": "_selection._distilled",
    "LabelIssueDetector": "_selection._label_issue_detector",
    "LabelIssues": "_selection._label_issues",
    "MapAgreement": "_maps._agreement",
    "MapAgreementDisplay": "_plot._agreement",
    "MapComparison": "_maps._comparison",
    "MapComparisonDisplay": "_plot._map_comparison",
    "SampleGridDisplay": "_plot._samples",
    "SelectionCurveDisplay": "_plot._selection_curve",
    "StabilityReport": "_comparison._stability_results",
    "StabilityReportDisplay": "_plot._stability",
    "SubsetComparison": "_comparison._subset_comparison",
    "SubsetComparisonDisplay": "_plot._comparison",
    "TrainingDynamics": "_dynamics._training_dynamics",
    "apply_corrections": "_explorer._corrections",
    "compare_maps": "_maps._comparison",
    "compare_subsets": "_comparison._compare_subsets",
    "cross_distillation": "_comparison._cross_distillation",
    "datasets": "datasets",
    "exceptions": "exceptions",
    "find_label_issues": "_selection._find_label_issues",
    "logs": "logs",
    "map_agreement": "_maps._agreement",
    "metrics": "metrics",
    "show_versions": "_utils._show_versions",
    "stability_report": "_comparison._stability",
    "sweep_fractions": "_comparison._sweeps",
    "sweep_replacement": "_comparison._sweeps",
}

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
    "SampleGridDisplay",
    "SelectionCurveDisplay",
    "SubsetComparison",
    "SubsetComparisonDisplay",
    "TrainingDynamics",
    "__version__",
    "apply_corrections",
    "compare_maps",
    "compare_subsets",
    "cross_distillation",
    "datasets",
    "exceptions",
    "find_label_issues",
    "logs",
    "map_agreement",
    "metrics",
    "show_versions",
    "stability_report",
    "sweep_fractions",
    "sweep_replacement",
]
if _is_installed("imblearn"):
    __all__ += ["DataMapSampler"]  # noqa: PLE0604  imported on first access, by __getattr__


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


if not _typing.TYPE_CHECKING:  # to type checkers a misspelt name is an error

    def __getattr__(name):
        """Import a public name on first access; DataMapSampler also needs imbalanced-learn."""
        if name == "DataMapSampler":
            from sklearn_carto._utils._packages import require

            require("imblearn", "DataMapSampler", "sklearn-carto[imblearn]")
            from sklearn_carto._selection._sampler import DataMapSampler

            return DataMapSampler
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = _import_module(f"{__name__}.{_HOMES[name]}")
        value = home if _HOMES[name] == name else getattr(home, name)
        globals()[name] = value
        return value
