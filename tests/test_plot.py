"""Displays: what is drawn where, and what is left alone."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier

from sklearn_carto import (
    CartographyClassifier,
    DataMap,
    DataMapDisplay,
    DataMapSelector,
    MapAgreementDisplay,
    SubsetComparison,
    SubsetComparisonDisplay,
    map_agreement,
    sweep_replacement,
)
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.datasets import make_cartography
from sklearn_carto.exceptions import UndefinedIntervalWarning

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")
to_rgb = matplotlib.colors.to_rgb


def places_of(points):
    return {tuple(place) for place in np.asarray(points.get_offsets()).round(9).tolist()}


@pytest.mark.parametrize("kind", ["scatter", "hexbin", "kde"])
@pytest.mark.parametrize("n_epochs", [3, 40])
def test_every_kind_draws_at_every_number_of_epochs(random_map, kind, n_epochs):
    display = random_map(n_epochs=n_epochs).plot(kind=kind, histograms=True)
    display.figure_.canvas.draw()
    assert display.ax_.get_xlabel() == "variability"
    assert display.ax_.get_ylabel() == "confidence"
    assert list(display.histogram_axes_) == ["confidence", "variability", "correctness"]
    assert (display.contours_ is not None) == (kind == "kde")


def test_variability_runs_across_confidence_upward_and_correctness_colours(random_map):
    data_map = random_map(50)
    display = data_map.plot()
    offsets = np.asarray(display.points_.get_offsets())
    order = np.argsort(offsets[:, 0])
    rows = np.argsort(data_map.variability)
    assert_allclose(offsets[order, 0], data_map.variability[rows])
    assert_allclose(offsets[order, 1], data_map.confidence[rows])
    assert_allclose(display.points_.get_array()[order], data_map.correctness[rows])


def test_few_epochs_have_a_colour_for_each_value_of_correctness(random_map):
    few, many = random_map(n_epochs=4).plot(), random_map(n_epochs=40).plot()
    assert_allclose(few.colorbar_.get_ticks(), [0, 0.25, 0.5, 0.75, 1])
    colours = {tuple(few.points_.cmap(few.points_.norm(value))) for value in (0.0, 0.25, 0.5, 1.0)}
    assert len(colours) == 4
    assert many.points_.cmap.N == 256


def test_luminance_of_the_colours_falls_with_correctness():
    # a reader who sees no colour still sees which rows are right more often
    one = {"confidence": [0.5], "variability": [0.1], "correctness": [1.0]}
    cmap = DataMap(n_epochs=20, **one).plot().points_.cmap
    luminance = cmap(np.linspace(0, 1, 50))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(luminance) < 0).all()


def test_regions_are_named_at_their_corners(random_map):
    display = random_map().plot()
    places = {text.get_text(): text.get_position() for text in display.region_texts_}
    assert places["easy-to-learn"][1] > places["ambiguous"][1] > places["hard-to-learn"][1]
    assert places["ambiguous"][0] > places["easy-to-learn"][0]
    assert random_map().plot(region_names=False).region_texts_ == []


def test_thinning_is_seeded_and_stated_on_the_plot(random_map):
    data_map = random_map(3000)
    first, again, other = (
        data_map.plot(max_samples=100, random_state=seed).points_ for seed in (0, 0, 1)
    )
    assert len(first.get_offsets()) == 100
    assert_array_equal(first.get_offsets(), again.get_offsets())
    assert places_of(first) != places_of(other)
    assert "100 of 3,000 rows" in data_map.plot(max_samples=100).note_.get_text()
    assert data_map.plot().note_ is None


def test_thinning_never_drops_a_region():
    # two hard rows among a thousand easy ones
    confidence = np.r_[np.full(1000, 0.9), 0.05, 0.06]
    variability = np.r_[np.linspace(0, 0.4, 1000), 0.01, 0.01]
    data_map = DataMap(
        confidence=confidence, variability=variability, correctness=confidence, n_epochs=20
    )
    for seed in range(5):
        offsets = np.asarray(data_map.plot(max_samples=9, random_state=seed).points_.get_offsets())
        assert len(offsets) == 9
        assert (offsets[:, 1] < 0.1).any()


def test_points_shrink_as_rows_grow_in_number(random_map):
    few, many = random_map(150).plot(), random_map(20_000).plot()
    assert few.points_.get_sizes()[0] > 5 * many.points_.get_sizes()[0]


def test_points_are_drawn_in_random_order():
    # rows sorted by class would else hide the class that comes first
    values = np.linspace(0.01, 0.99, 200)
    data_map = DataMap(confidence=values, variability=values / 2, correctness=values, n_epochs=20)
    drawn = np.asarray(data_map.plot().points_.get_offsets())[:, 1]
    assert not np.array_equal(drawn, values)
    assert_allclose(np.sort(drawn), values)


def test_rows_never_seen_are_left_out_with_a_note(random_map):
    confidence = np.array([0.9, np.nan, 0.1])
    data_map = DataMap(
        confidence=confidence, variability=confidence / 2, correctness=confidence, n_epochs=20
    )
    display = data_map.plot(histograms=True)
    assert len(display.points_.get_offsets()) == 2
    assert "1 rows never seen" in display.note_.get_text()
    nothing = np.array([np.nan])
    with pytest.raises(ValueError, match="nothing to draw"):
        DataMap(confidence=nothing, variability=nothing, correctness=nothing, n_epochs=1).plot()


def test_contours_hold_their_share_of_the_rows(random_map):
    data_map = random_map(20_000)
    outside = len(data_map.plot(kind="kde").points_.get_offsets())
    assert 0.03 < outside / 20_000 < 0.07


def test_a_map_without_variability_can_be_drawn():
    for kind in ("scatter", "hexbin", "kde"):
        data_map = DataMap(
            confidence=[0.2, 0.8], variability=[0.0, 0.0], correctness=[0.0, 1.0], n_epochs=1
        )
        data_map.plot(kind=kind).figure_.canvas.draw()


def test_histograms_count_every_row(random_map):
    display = random_map(3000).plot(histograms=True, max_samples=100)
    for axes in display.histogram_axes_.values():
        assert sum(bar.get_height() for bar in axes.patches) == 3000


def test_the_callers_axes_are_used_and_no_style_is_touched(random_map):
    before = dict(matplotlib.rcParams)
    figure, axes = plt.subplots(1, 2)
    display = random_map().plot(ax=axes[1], histograms=True)
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == [figure.number]


def test_histograms_beside_axes_that_are_no_subplot_are_refused(random_map):
    ax = plt.figure().add_axes([0.1, 0.1, 0.8, 0.8])
    data_map = random_map()
    with pytest.raises(ValueError, match="made by subplots"):
        data_map.plot(ax=ax, histograms=True)


def test_the_callers_style_wins(random_map):
    display = random_map().plot(s=7, alpha=0.25, cmap="viridis")
    assert display.points_.get_sizes()[0] == 7
    assert display.points_.get_alpha() == 0.25
    assert_allclose(display.points_.cmap(0), matplotlib.colormaps["viridis"](0))
    assert random_map().plot(kind="hexbin", gridsize=5).points_ is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "violin"}, "'kind' parameter of DataMapDisplay.plot must be a str among"),
        ({"kind": None}, "'kind' parameter"),
        ({"max_samples": 2}, "'max_samples' parameter of DataMapDisplay.plot"),
        ({"max_samples": 100.0}, "'max_samples' parameter"),
        ({"histograms": "yes"}, "'histograms' parameter of DataMapDisplay.plot"),
        ({"region_names": None}, "'region_names' parameter"),
        ({"standard_errors": "confidence"}, "'standard_errors' parameter"),
        ({"cmap": "viridiss"}, "'cmap' parameter of DataMapDisplay.plot .* mean 'viridis'"),
        ({"cmap": 3}, "'cmap' parameter"),
        ({"cmap": ["red", "blue"]}, "'cmap' parameter"),
        ({"random_state": "zero"}, "'random_state' parameter"),
        (
            {"ax": "left"},
            "'ax' parameter of plot must be matplotlib Axes, one for each map.* Got 'left'",
        ),
        ({"ax": plt}, "'ax' parameter of plot"),
        ({"x": [1, 2]}, "unexpected argument 'x'"),
        ({"data": {}}, "unexpected argument 'data'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["scatter", "hexbin"])
def test_what_cannot_be_drawn_is_refused_and_opens_no_figure(random_map, given, message, kind):
    data_map = random_map()
    with pytest.raises(InvalidParameterError, match=message):
        data_map.plot(**{"kind": kind} | given)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("thing", [None, "map", 3, {}, np.zeros((3, 3)), DataMap], ids=str)
def test_displays_take_what_they_draw_and_nothing_else(thing):
    if thing is not DataMap:
        with pytest.raises(InvalidParameterError, match="'data_map' .* must be a DataMap"):
            DataMapDisplay(thing)
    with pytest.raises(InvalidParameterError, match="'agreement' .* must be a MapAgreement"):
        MapAgreementDisplay(thing)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"statistics": "confidence"}, "'statistics' parameter of MapAgreementDisplay.plot"),
        ({"statistics": None}, "'statistics' parameter"),
        ({"statistics": [3]}, "Unknown statistic 3"),
        ({"cmap": "nope"}, "'cmap' parameter of MapAgreementDisplay.plot"),
        ({"ax": [1, 2, 3]}, "'ax' parameter of plot"),
    ],
    ids=str,
)
def test_an_agreement_is_drawn_with_arguments_that_fit(random_map, given, message):
    agreement = map_agreement([random_map(labels=None, seed=seed) for seed in range(2)])
    with pytest.raises(InvalidParameterError, match=message):
        agreement.plot(**given)
    assert plt.get_fignums() == []


def test_rows_of_weight_zero_are_light_crosses_and_count_nowhere(random_map):
    data_map = random_map(100)
    excluded = np.arange(100) < 30
    display = replace(data_map, excluded_mask=excluded).plot(histograms=True)
    display.figure_.canvas.draw()
    assert places_of(display.points_) == places_of(data_map.subset(~excluded).plot().points_)
    assert places_of(display.excluded_points_) == places_of(
        data_map.subset(excluded).plot().points_
    )
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["weight 0 (30)"]
    for axes in display.histogram_axes_.values():
        assert sum(bar.get_height() for bar in axes.patches) == 70
    hexagons = replace(data_map, excluded_mask=excluded).plot(kind="hexbin")
    alone = data_map.subset(~excluded).plot(kind="hexbin")
    assert_allclose(hexagons.points_.get_array(), alone.points_.get_array())
    assert hexagons.note_.get_text() == "30 rows of weight 0"
    nobody = replace(data_map, excluded_mask=np.ones(100, dtype=bool))
    with pytest.raises(ValueError, match="nothing to draw"):
        nobody.plot()


@pytest.mark.parametrize("container", [np.array, list])
def test_a_value_for_each_row_goes_to_its_row(random_map, container):
    # points are drawn in random order, and not all of them
    data_map = random_map(200)
    display = data_map.plot(
        c=container(data_map.confidence), s=container(data_map.variability), max_samples=100
    )
    drawn = np.asarray(display.points_.get_offsets())
    assert_allclose(display.points_.get_array(), drawn[:, 1])
    assert_allclose(display.points_.get_sizes(), drawn[:, 0])
    assert display.colorbar_ is None  # it would be labelled as that of correctness


def sides_of(hexagons):
    return np.array([np.ptp(path.vertices[:, 0]) for path in hexagons.get_paths()])


@pytest.mark.parametrize(
    "given", [{"mincnt": 3}, {"gridsize": 7}, {"extent": (0, 0.5, 0, 1)}, {"xscale": "linear"}]
)
def test_hexagons_grow_with_their_counts_in_any_geometry(random_map, given):
    display = random_map().plot(kind="hexbin", **given)
    display.figure_.canvas.draw()
    assert len(sides_of(display.points_)) == len(display.points_.get_array())


def test_a_hexagon_of_one_row_has_the_full_colour_and_half_the_size():
    # one hard row, and a thousand easy ones at one place
    x, confidence = np.r_[np.full(1000, 0.1), 0.3], np.r_[np.full(1000, 0.9), 0.1]
    data_map = DataMap(confidence=confidence, variability=x, correctness=confidence, n_epochs=20)
    display = data_map.plot(kind="hexbin")
    display.figure_.canvas.draw()
    hexagons = display.points_
    assert_allclose(np.sort(hexagons.get_array()), [0.1, 0.9])
    small, large = np.sort(sides_of(hexagons))
    assert 0.4 <= small / large <= 0.5
    assert_allclose(hexagons.get_facecolor()[:, 3], 1.0)
    entries = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert entries == ["1 row", "1,000 rows"]


@pytest.mark.parametrize("kind", ["hexbin", "kde"])
def test_rows_held_out_lie_over_hexagons_and_contours_and_count_in_none(random_map, kind):
    data_map = random_map(2000)
    held_out = np.arange(2000) < 400
    display = replace(data_map, held_out_mask=held_out).plot(kind=kind)
    alone = data_map.subset(~held_out).plot(kind=kind)
    if kind == "hexbin":
        assert_allclose(display.points_.get_array(), alone.points_.get_array())
    else:
        assert places_of(display.points_) == places_of(alone.points_)
        assert_allclose(display.image_.get_array(), alone.image_.get_array())
    assert len(display.held_out_points_.get_offsets()) == 300
    assert "300 of 400 held-out rows drawn" in display.note_.get_text()
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[-1] == "held out (400)"


def test_contours_enclose_the_mean_correctness_of_the_rows_near():
    # two clouds, one always right and one never
    rng = np.random.RandomState(0)
    right = np.repeat([1.0, 0.0], 2000)
    confidence = np.clip(0.2 + 0.6 * right + rng.normal(0, 0.03, 4000), 0, 1)
    data_map = DataMap(
        confidence=confidence,
        variability=rng.uniform(0.1, 0.2, 4000),
        correctness=right,
        n_epochs=20,
    )
    display = data_map.plot(kind="kde")
    display.figure_.canvas.draw()
    low, high, bottom, top = display.image_.get_extent()
    means = display.image_.get_array()
    across = int(means.shape[1] * (0.15 - low) / (high - low))
    for place, expected in ((0.2, 0.0), (0.8, 1.0)):
        upward = int(means.shape[0] * (place - bottom) / (top - bottom))
        assert_allclose(means[upward, across], expected, atol=0.01)
    assert display.image_.norm is display.points_.norm
    assert display.image_.get_clip_path() is not None
    assert data_map.plot(kind="kde", color="black").image_ is None


@pytest.mark.parametrize(
    ("n_epochs", "expected"),
    [
        (1, "0.0 1.0"),
        (2, "0.0 0.5 1.0"),
        (4, "0.00 0.25 0.50 0.75 1.00"),
        (3, "0 1/3 2/3 1"),
        (8, "0 1/8 2/8 3/8 4/8 5/8 6/8 7/8 1"),
    ],
)
def test_ticks_are_written_as_the_values_that_they_stand_at(random_map, n_epochs, expected):
    colorbar = random_map(n_epochs=n_epochs).plot().colorbar_
    assert [text.get_text() for text in colorbar.ax.get_yticklabels()] == expected.split()
    assert_allclose(colorbar.get_ticks(), np.arange(n_epochs + 1) / n_epochs)


def test_the_mean_of_maps_of_few_epochs_has_values_between(random_map):
    maps = [random_map(n_epochs=n, labels=None) for n in (2, 3)]
    assert DataMap.mean(maps).plot().points_.cmap.N == 256  # 5/12, for example
    assert maps[0].plot().points_.cmap.N == 3


def test_the_shape_of_a_point_shows_a_third_of_correctness():
    correctness = np.array([0.0, 0.3, 1 / 3, 0.6, 2 / 3, 1.0])
    data_map = DataMap(
        confidence=correctness, variability=correctness / 3, correctness=correctness, n_epochs=60
    )
    points = data_map.plot().points_
    height = np.asarray(points.get_offsets())[:, 1]
    shapes = [len(path) for path in np.array(points.get_paths(), dtype=object)[np.argsort(height)]]
    triangle, square, circle = (
        len(matplotlib.markers.MarkerStyle(marker).get_path()) for marker in "vso"
    )
    assert shapes == [triangle, triangle, square, square, circle, circle]
    assert len(data_map.plot(marker="o").points_.get_paths()) == 1
    assert len(data_map.plot(color="black").points_.get_paths()) == 1


@pytest.mark.parametrize("marker", ["x", "+", "o"])
def test_a_marker_of_the_caller_is_seen(random_map, marker):
    points = random_map().plot(marker=marker).points_
    assert points.get_linewidths()[0] > 0


def test_rows_at_one_place_are_counted_on_the_plot():
    # after one epoch of a classifier without probabilities
    confidence = np.r_[np.zeros(30), np.ones(70)]
    settings = {"variability": 0 * confidence, "correctness": confidence, "n_epochs": 1}
    data_map = DataMap(confidence=confidence, **settings)
    assert data_map.plot().note_.get_text() == "70 rows at one place"
    assert data_map.plot(kind="hexbin").note_ is None
    spread = DataMap(confidence=np.linspace(0, 1, 100), **settings)
    assert spread.plot().note_ is None


def test_jitter_shifts_the_points_within_its_range_and_inside_the_axes():
    confidence = np.r_[np.zeros(30), np.ones(70)]
    data_map = DataMap(
        confidence=confidence, variability=0 * confidence, correctness=confidence, n_epochs=1
    )
    display = data_map.plot(jitter=0.1)
    places = np.asarray(display.points_.get_offsets())
    assert len(places_of(display.points_)) == 100
    shift = places[:, 1] - places[:, 1].round()
    assert 0.05 < np.abs(shift).max() <= 0.1
    assert 0.025 < np.abs(places[:, 0]).max() <= 0.05
    inside = display.ax_.viewLim
    assert all(inside.contains(x, y) for x, y in places)
    assert display.note_.get_text() == "jittered by up to 0.1"
    again = data_map.plot(jitter=0.1)
    assert_array_equal(again.points_.get_offsets(), places)


def test_error_bars_of_many_rows_are_thinned_out_over_the_map(random_map):
    mean = DataMap.mean([random_map(2000, seed=seed, labels=None) for seed in range(2)])
    display = mean.plot(standard_errors=True)
    across, _ = display.crosses_.lines[2]
    centers = np.array([line.mean(axis=0) for line in across.get_segments()])
    assert 50 <= len(centers) <= 13**2
    assert display.note_.get_text() == f"error bars of {len(centers)} rows"
    # one in each part that holds rows: the extremes of the map have theirs
    for values, drawn in ((mean.variability, centers[:, 0]), (mean.confidence, centers[:, 1])):
        assert drawn.max() > np.quantile(values, 0.99)
        assert drawn.min() < np.quantile(values, 0.01)


@pytest.mark.parametrize("kind", ["scatter", "hexbin", "kde"])
def test_an_unknown_argument_is_an_error_of_the_display(random_map, kind):
    data_map = random_map()
    with pytest.raises(TypeError, match=r"argument 'histogram'. Did you mean 'histograms'"):
        data_map.plot(kind=kind, histogram=True)
    with pytest.raises(TypeError, match=r"'charm'. Known are ax, kind, .* matplotlib's"):
        data_map.plot(kind=kind, charm=1)
    # matplotlib's own arguments, properties and short names go through
    data_map.plot(kind=kind, zorder=3, ls="-", edgecolors="black", gid="points")


def test_rows_held_out_are_hollow_and_named_in_a_legend(random_map):
    data_map = random_map(50)
    held_out = np.arange(50) < 10
    display = replace(data_map, held_out_mask=held_out).plot()
    display.figure_.canvas.draw()
    confidence = np.asarray(display.held_out_points_.get_offsets())[:, 1]
    assert_allclose(np.sort(confidence), np.sort(data_map.confidence[:10]))
    assert len(display.points_.get_offsets()) == 40
    assert len(display.held_out_points_.get_facecolor()) == 0
    order = [np.flatnonzero(data_map.confidence == value)[0] for value in confidence]
    colours = display.points_.to_rgba(data_map.correctness[order])
    assert_allclose(display.held_out_points_.get_edgecolor()[:, :3], colours[:, :3])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["held out (10)"]
    for alike in (np.ones(50, dtype=bool), np.zeros(50, dtype=bool)):
        display = replace(data_map, held_out_mask=alike).plot()
        assert display.held_out_points_ is None
        assert display.ax_.get_legend() is None
    black = replace(data_map, held_out_mask=held_out).plot(color="black").held_out_points_
    assert_allclose(black.get_edgecolor()[:, :3], 0.0)


def test_estimators_are_drawn_by_their_map():
    X, y = load_iris(return_X_y=True)
    clf = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
    for estimator in (CartographyClassifier(clf), DataMapSelector(random_state=0)):
        display = DataMapDisplay.from_estimator(estimator.fit(X, y))
        assert display.data_map is estimator.data_map_
    unfitted, mapless = CartographyClassifier(clf), LogisticRegression(max_iter=1000).fit(X, y)
    with pytest.raises(NotFittedError):
        DataMapDisplay.from_estimator(unfitted)
    with pytest.raises(TypeError, match="must have a data_map_.* Got LogisticRegression"):
        DataMapDisplay.from_estimator(mapless)


def made_up(fracs=(0.33,), n_splits=4, **params):
    """Full .9, random .8; "good" is better than random in every split, "same" is not."""
    gains = {"full": 0.1, "random": 0.0, "good": 0.05, "same": 0.0}
    rows = [
        (region, frac if region != "full" else 1.0, split, 0.8 + gain + 0.01 * split)
        for frac in fracs
        for region, gain in gains.items()
        for split in range(n_splits)
        if region != "full" or frac == fracs[0]
    ]
    region, frac, split, score = (np.array(column) for column in zip(*rows, strict=True))
    score = score + np.where(region == "same", 0.02 * (split % 2 - 0.5), 0.0)
    score = score + np.where(region == "good", 0.001 * split, 0.0)
    ones = np.ones(len(rows))
    results = {"region": region, "frac": frac, "split": split, "seed": 0 * split}
    results |= {"n_train": 100 * frac, "test_accuracy": score, "usps_accuracy": score / 2}
    results |= {"fit_time": ones, "score_time": ones, "map_time": ones}
    return SubsetComparison(results, test_ratio=0.25, **params)


def test_one_fraction_is_a_row_for_each_training_set_and_a_panel_for_each_score():
    display = made_up().plot()
    display.figure_.canvas.draw()
    assert len(display.axes_) == 2
    names = [text.get_text() for text in display.axes_[0].get_yticklabels()]
    assert names == ["full", "random", "good", "same"]
    (mark,) = display.marks_["test_accuracy", "full"]
    assert_allclose(mark.get_xdata(), np.mean([0.9, 0.91, 0.92, 0.93]))
    assert_allclose(display.references_["test_accuracy", "full"].get_xdata(), mark.get_xdata()[0])


def test_marks_are_filled_where_the_difference_to_random_is_clear():
    display = made_up().plot(score="test_accuracy")
    fills = {
        region: display.marks_["test_accuracy", region][0].get_markerfacecolor()
        for region in ("good", "same")
    }
    assert to_rgb(fills["same"]) == (1, 1, 1)
    assert to_rgb(fills["good"]) != (1, 1, 1)


def test_a_legend_explains_lines_and_markers():
    display = made_up().plot()
    handles = display.legend_.legend_handles
    assert [handle.get_label() for handle in handles] == [
        *("full", "random", "differs from random", "may equal random", "95% interval")
    ]
    assert [handle.get_linestyle() for handle in handles[:2]] == ["-", "--"]
    filled, hollow = (to_rgb(handle.get_markerfacecolor()) for handle in handles[2:4])
    assert hollow == (1, 1, 1)
    assert filled != (1, 1, 1)
    without_intervals = made_up(n_splits=1)
    with pytest.warns(UndefinedIntervalWarning):
        assert len(without_intervals.plot().legend_.legend_handles) == 2


@pytest.mark.parametrize("known", [[], ["test_accuracy"]], ids=str)
def test_intervals_of_scores_with_a_known_range_are_drawn_within_it(known):
    comparison = made_up(unit_scores=known)
    far = 0.03 * comparison.results_["split"]
    comparison.results_["test_accuracy"] = comparison.results_["test_accuracy"] + far
    high = comparison.summary()["mean_high"].max()
    assert high > 1
    display = comparison.plot(score="test_accuracy")
    segments = display.bars_["test_accuracy", "full"].lines[2][0].get_segments()
    assert_allclose(segments[0][:, 0].max(), 1.0 if known else high)


def test_several_fractions_are_lines_over_the_share():
    display = made_up(fracs=(0.5, 0.1, 0.25)).plot(score="test_accuracy")
    display.figure_.canvas.draw()
    (ax,) = display.axes_
    assert [text.get_text() for text in ax.get_xticklabels()] == ["10", "25", "50"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        *("full", "random", "good", "same"),
        *("differs from random", "may equal random", "95% interval"),
    ]
    assert len(display.marks_["test_accuracy", "good"]) == 3
    line = display.references_["test_accuracy", "random"]
    assert (np.diff(line.get_xdata()) > 0).all()


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.UndefinedIntervalWarning")
def test_one_split_is_drawn_without_intervals():
    display = made_up(n_splits=1).plot()
    display.figure_.canvas.draw()
    (mark,) = display.marks_["test_accuracy", "good"]
    assert to_rgb(mark.get_markerfacecolor()) == (1, 1, 1)


def test_axes_and_scores_of_a_comparison_are_checked():
    comparison = made_up()
    _, axes = plt.subplots(1, 2)
    display = SubsetComparisonDisplay.from_comparison(comparison, ax=axes)
    assert_array_equal(display.axes_, axes)
    with pytest.raises(ValueError, match="ax must hold 2 axes, one for each score; got 1"):
        comparison.plot(ax=axes[0])
    with pytest.raises(ValueError, match="one or several of test_accuracy, usps_accuracy"):
        comparison.plot(score="accuracy")


def test_one_colour_for_all_points_needs_no_colour_bar(random_map):
    display = random_map().plot(color="black")
    assert display.colorbar_ is None
    assert_allclose(display.points_.get_facecolor()[:, :3], 0.0)


def test_a_replacement_sweep_is_drawn_over_the_share_that_is_replaced():
    X, y, _ = make_cartography(150, random_state=0)
    settings = {"cv": 3, "random_state": 0, "frac": 0.2, "shares": (0, 0.5, 1)}
    selector = DataMapSelector(SGDClassifier(loss="log_loss", alpha=0.01))
    sweep = sweep_replacement(LogisticRegression(), X, y, selector=selector, **settings)
    display = sweep.plot()
    marks = display.marks_["test_score", "mixtures"]
    assert_allclose([mark.get_xdata()[0] for mark in marks], [0, 50, 100])
    summary = sweep.summary()
    assert_allclose([mark.get_ydata()[0] for mark in marks], summary["mean"][2:])
    assert display.axes_[0].get_xlabel().startswith("share of the budget")


def test_agreement_is_drawn_with_correlation_above_and_overlap_below(random_map):
    maps = {name: random_map(seed=i, labels=None) for i, name in enumerate("abc")}
    agreement = map_agreement(maps)
    display = agreement.plot(statistics=["aum"])
    assert list(display.images_) == ["aum", "regions"]
    matrix = display.images_["aum"].get_array()
    assert_allclose(matrix[0, 2], agreement.rank_correlation_["aum"][0, 2])
    assert_allclose(matrix[2, 0], agreement.overlap_["aum"][2, 0])
    assert_allclose(display.images_["regions"].get_array()[1, 0], agreement.mutual_info_[1, 0])
    title = " ".join(display.axes_[0].get_title().split())
    assert title.startswith("aum rank correlation above, overlap below the diagonal (chance")
    with pytest.raises(ValueError, match="Unknown statistic 'charm'"):
        agreement.plot(statistics=["charm"])
    with pytest.raises(
        ValueError, match="ax must hold 3 axes, one for each statistic and one for the regions"
    ):
        agreement.plot(ax=plt.subplots()[1])


def test_standard_errors_of_a_mean_are_drawn_as_crosses(random_map):
    maps = [random_map(50, seed=seed, labels=None) for seed in range(3)]
    mean = DataMap.mean(maps)
    display = mean.plot(standard_errors=True)
    across, upward = display.crosses_.lines[2]
    drawn = display.points_.get_offsets()
    lengths = [np.ptp(line[:, 0]) for line in across.get_segments()]
    rows = [np.flatnonzero(np.isclose(mean.variability, x))[0] for x in drawn[:, 0]]
    assert_allclose(lengths, 2 * mean.standard_errors["variability"][rows])
    lengths = [np.ptp(line[:, 1]) for line in upward.get_segments()]
    assert_allclose(lengths, 2 * mean.standard_errors["confidence"][rows])
    with pytest.raises(ValueError, match="holds no standard errors"):
        maps[0].plot(standard_errors=True)


def test_axes_of_three_dimensions_are_refused():
    figure = plt.figure()
    share = np.linspace(0, 1, 6)
    data_map = DataMap(confidence=share, variability=share / 2, correctness=share, n_epochs=2)
    with pytest.raises(InvalidParameterError, match="'ax' parameter .* two dimensions"):
        data_map.plot(ax=figure.add_subplot(projection="3d"))
