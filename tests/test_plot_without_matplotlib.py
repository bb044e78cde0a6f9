"""Displays where matplotlib is absent: what to install."""

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier

from sklearn_carto import compare_subsets


def test_plot_of_a_map_names_what_to_install(without, random_map):
    without("matplotlib")
    with pytest.raises(ImportError, match=r"DataMapDisplay\.plot requires matplotlib"):
        random_map().plot()


@pytest.mark.filterwarnings("ignore:The data map is uninformative")
def test_plot_of_a_comparison_names_what_to_install(without):
    without("matplotlib")
    sgd = SGDClassifier(loss="log_loss", random_state=0)
    comparison = compare_subsets(sgd, *load_iris(return_X_y=True), regions=["random"], cv=2)
    with pytest.raises(ImportError, match=r"SubsetComparisonDisplay\.plot requires matplotlib"):
        comparison.plot()
