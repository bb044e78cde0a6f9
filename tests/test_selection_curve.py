"""SelectionCurveDisplay: the scores that frac="auto" compares."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB

from sklearn_carto import (
    CartographyClassifier,
    DataMapSelector,
    DistilledClassifier,
    SelectionCurveDisplay,
)
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(150, random_state=0)
PROXY = CartographyClassifier(SGDClassifier(loss="log_loss", alpha=0.01), n_epochs=3)
SELECTOR = DataMapSelector(PROXY, region="random", frac="auto", cv=3, random_state=0)
NAN = np.nan
CURVE = {
    "frac": np.array([1.0, 0.5, 0.1]),
    "n_rows": np.array([100, 50, 10]),
    "mean_score": np.array([0.8, 0.7, NAN]),
    "mean_difference": np.array([0.0, -0.1, NAN]),
    "standard_error": np.array([0.0, 0.1, NAN]),
    "chosen": np.array([False, True, False]),
    "split0_score": np.array([0.9, 0.8, 0.2]),
    "split1_score": np.array([0.8, 0.8, 0.4]),
    "split2_score": np.array([0.7, 0.5, NAN]),
}


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_scores_lie_over_shares_and_the_chosen_one_is_marked(plt):
    display = SelectionCurveDisplay(CURVE).plot()
    x, mean = display.line_.get_data()
    assert_allclose(x, [100, 50, 10])
    assert_allclose(mean, [0.8, 0.7, 0.3])  # of the two folds that it was scored on
    assert_allclose(np.ravel(display.chosen_.get_data()), [50, 0.7])
    assert_allclose(display.best_.get_ydata(), 0.8)
    ends = [segment[:, 1] for segment in display.bars_[2][0].get_segments()]
    assert_allclose(ends, [[0.8, 0.8], [0.6, 0.8], [0.3, 0.3]])
    fills = [mark.get_markerfacecolor() for mark in display.marks_]
    assert fills == ["#0072b2", "#0072b2", (1, 1, 1)]
    assert "chosen: 50% (50 rows)" in [text.get_text() for text in display.legend_.get_texts()]


def test_intervals_of_scores_in_the_unit_range_stay_in_it(plt):
    wide = {"standard_error": np.array([0.0, 0.5, NAN])}
    for shift, expected in ((0.0, 1.0), (-1.0, 0.2)):
        splits = {f"split{i}_score": CURVE[f"split{i}_score"] + shift for i in range(3)}
        mean = {"mean_score": CURVE["mean_score"] + shift}
        bars = SelectionCurveDisplay({**CURVE, **wide, **splits, **mean}).plot().bars_
        assert_allclose(bars[2][0].get_segments()[1][1, 1], expected)


def test_it_is_drawn_of_a_selector_a_classifier_or_on_given_axes(plt):
    _, ax = plt.subplots()
    model = DistilledClassifier(GaussianNB(), SELECTOR).fit(X, y)
    display = SelectionCurveDisplay.from_selector(model, ax)
    assert display.ax_ is ax
    assert display.results is model.selector_.auto_results_
    chosen = 100 * model.selector_.frac_
    assert_allclose(display.chosen_.get_xdata(), chosen)
    assert SelectionCurveDisplay.from_selector(model.selector_).results is display.results


@pytest.mark.parametrize("region", ["easy", "auto"])
def test_a_selector_without_a_curve_is_refused(region):
    selector = DataMapSelector(PROXY, region=region, cv=2, random_state=0).fit(X, y)
    with pytest.raises(
        ValueError, match=r"'selector' parameter .* must be fitted with frac='auto'"
    ):
        SelectionCurveDisplay.from_selector(selector)
    with pytest.raises(ValueError, match="'results' parameter of SelectionCurveDisplay"):
        SelectionCurveDisplay(getattr(selector, "auto_results_", {}))
