"""Displays where matplotlib is absent: what to install."""

import pytest

from sklearn_carto import DataMapDisplay, SubsetComparisonDisplay


@pytest.mark.parametrize("display", [DataMapDisplay(None), SubsetComparisonDisplay(None)])
def test_plot_without_matplotlib_names_what_to_install(without, display):
    without("matplotlib")
    name = type(display).__name__
    with pytest.raises(ImportError, match=rf"{name}\.plot requires matplotlib"):
        display.plot()
