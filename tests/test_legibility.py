"""Pictures that can be read: nothing is covered, merged, cut off or left without its unit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_carto import DataMap, StabilityReport, map_agreement
from test_texts_of_plots import (
    DISPLAYS,
    SIZES,
    make_agreement,
    make_arrows,
    make_comparison,
    make_crossed,
    make_curve,
    make_map,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402

from sklearn_carto._plot._colours import compute_contrast  # noqa: E402


def new_axes(size, n=1):
    if SIZES[size] is None:
        return None
    return plt.subplots(1, n, figsize=SIZES[size], layout="constrained")[1]


@pytest.mark.parametrize("size", SIZES)
def test_hexagons_are_regular_in_any_figure(size):
    display = make_map(n=400).plot(ax=new_axes(size), kind="hexbin")
    display.figure_.canvas.draw()
    corners = display.ax_.transData.transform(display.points_.get_paths()[0].vertices)
    width, height = np.ptp(corners, axis=0)
    assert_allclose(width / height, np.sqrt(3) / 2, rtol=0.3)  # one corner points upward


def test_contours_close_beyond_the_last_row():
    three = {"confidence": [0.9, 0.5, 0.1], "variability": [0.1, 0.4, 0.1]}
    data_map = DataMap(correctness=[1, 0.5, 0], n_epochs=6, **three)
    display = data_map.plot(kind="kde")
    display.figure_.canvas.draw()
    x = np.concatenate([path.vertices[:, 0] for path in display.contours_.get_paths()])
    y = np.concatenate([path.vertices[:, 1] for path in display.contours_.get_paths()])
    around = x[(y > 0.45) & (y < 0.55)]  # of the row at 0.4
    assert_allclose(around.max() - 0.4, 0.4 - around.min(), atol=0.01)
    box = display.region_texts_[1].get_bbox_patch().get_window_extent()
    assert box.x0 > display.ax_.transData.transform((x.max(), 0))[0]


@pytest.mark.parametrize("confidence", [[0.9], [0.2, 0.5, 0.9] * 40], ids=["one row", "one epoch"])
def test_rows_without_spread_are_seen_in_contours(confidence):
    zero = np.zeros(len(confidence))
    data_map = DataMap(
        confidence=np.array(confidence), variability=zero, correctness=1 - zero, n_epochs=1
    )
    display = data_map.plot(ax=new_axes("small"), kind="kde")
    display.figure_.canvas.draw()
    vertices = [path.vertices for path in display.contours_.get_paths() if len(path.vertices)]
    shown = np.ptp(display.ax_.transData.transform(np.concatenate(vertices)), axis=0)
    assert shown.min() > 0.03 * display.ax_.get_window_extent().width


def test_excluded_rows_are_thinned_out_as_the_others(random_map):
    data_map = random_map(5000, excluded_mask=np.arange(5000) % 2 == 0)
    for given, most in (({"kind": "kde"}, 300), ({"max_samples": 100}, 100)):
        display = data_map.plot(**given)
        assert len(display.excluded_points_.get_offsets()) == most
        assert f"{most} of 2,500 rows of weight 0 drawn" in display.note_.get_text()
        assert "weight 0 (2,500)" in [
            text.get_text() for text in display.ax_.get_legend().get_texts()
        ]


def test_histograms_count_rows_in_whole_numbers():
    few, many = make_map(n=3), make_map(n=30_000)
    for data_map in (few, many):
        display = data_map.plot(histograms=True)
        display.figure_.canvas.draw()
        for axes in display.histogram_axes_.values():
            assert axes.get_ylabel() == "rows"
            written = [label.get_text() for label in axes.get_yticklabels()]
            assert written == [f"{value:,.0f}" for value in axes.get_yticks()]
            assert_allclose(axes.get_yticks(), np.round(axes.get_yticks()))


def test_no_two_training_sets_look_alike():
    display = make_comparison([f"rule {i}" for i in range(30)], scores=("test_accuracy",))(None)
    looks = {
        (marks[0].get_color(), marks[0].get_marker())
        for (_, region), marks in display.marks_.items()
        if region != "full"
    }
    assert len(looks) == 31


def test_marks_stay_beside_their_own_share():
    names = [f"rule {i}" for i in range(12)]
    display = make_comparison(names, (0.3, 0.33, 0.5), scores=("test_accuracy",))(None)
    shares = np.array([30, 33, 50])
    for (_, region), marks in display.marks_.items():
        if region != "full":
            places = [mark.get_xdata()[0] for mark in marks]
            nearest = np.abs(np.log(places)[:, None] - np.log(shares)).argmin(axis=1)
            assert list(nearest) == [0, 1, 2]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "make", [make_curve, lambda: make_arrows("arrows")], ids=["curve", "arrows"]
)
def test_legends_cover_no_data(make, size):
    display = make()(new_axes(size))
    display.figure_.canvas.draw()
    legends = [display.ax_.get_legend(), *display.figure_.legends]
    (legend,) = filter(None, legends)
    assert not legend.get_window_extent().overlaps(display.ax_.get_window_extent())


@pytest.mark.parametrize("name", DISPLAYS)
def test_texts_of_a_slide_are_large(name):
    n_axes, make = DISPLAYS[name]
    display = make()(new_axes("slide", n_axes))
    display.figure_.canvas.draw()
    axes = getattr(display, "axes_", None)
    for ax in [display.ax_] if axes is None else axes:
        labels = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels()]
        for label in labels:
            assert label.get_fontsize() >= 11


def test_lines_and_markers_grow_with_the_texts():
    small, large = (make_curve()(new_axes(size)) for size in ("small", "slide"))
    assert large.chosen_.get_markersize() > 1.2 * small.chosen_.get_markersize()
    assert large.line_.get_linewidth() > 1.2 * small.line_.get_linewidth()
    handles = [display.legend_.get_lines()[1].get_markersize() for display in (small, large)]
    assert handles[1] > 1.2 * handles[0]


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_cells_of_a_matrix_are_framed(style):
    with plt.style.context(style):
        for display in (make_crossed(["a", "b"])(None), make_agreement(["a", "b"])(None)):
            axes = getattr(display, "axes_", [getattr(display, "ax_", None)])
            for ax in axes:
                background = to_rgb(ax.get_facecolor())
                lines = [to_rgb(line.get_color()) for line in ax.lines]
                lines += [to_rgb(spine.get_edgecolor()) for spine in ax.spines.values()]
                assert len(lines) >= 6
                assert min(compute_contrast(line, background) for line in lines) >= 3


def test_zero_has_no_sign_in_a_matrix():
    display = make_agreement(["a", "b"])(None)
    image = display.images_["regions"]
    written = [text.get_text() for text in image.axes.texts]
    assert written == ["0.00", "0.00"]
    assert display.colorbar_.ax.get_ylabel() == "agreement"


def test_a_thinned_out_map_of_a_report_states_how_many_rows_it_draws(random_map):
    maps = [random_map(200, seed=seed, labels=None) for seed in range(3)]
    report = StabilityReport(maps, DataMap.mean(maps), map_agreement(maps), seeds=[0, 1, 2])
    assert "50 of 200 rows drawn" in report.plot(max_samples=50).axes_[2].get_title()
    assert "drawn" not in report.plot().axes_[2].get_title()


def test_arrows_are_thin_in_any_figure():
    for size in SIZES:
        display = make_arrows("arrows")(new_axes(size))
        display.figure_.canvas.draw()
        for arrows in display.arrows_.values():
            points = arrows.width * {"inches": 72}[arrows.units]
            assert 1 <= points <= 2


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_an_image_is_framed_where_it_has_the_colour_of_the_figure(style):
    with plt.style.context(style):
        for shade in (0, 255):
            images = np.full((60, 8, 8), shade, dtype=np.uint8)
            display = make_map().plot_samples(images, n=2)
            for ax in display.axes_:
                for spine in ax.spines.values():
                    assert spine.get_visible()
                    frame = to_rgb(spine.get_edgecolor())
                    assert compute_contrast(frame, to_rgb(display.figure_.get_facecolor())) >= 3
