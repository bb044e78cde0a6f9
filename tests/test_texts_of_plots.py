"""Texts of the displays: inside the figure, apart from each other, in any size of it."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from sklearn_carto import (
    CrossDistillation,
    DataMap,
    SelectionCurveDisplay,
    StabilityReport,
    SubsetComparison,
    compare_maps,
    map_agreement,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.text import Text  # noqa: E402

SIZES = {"small": (3.5, 2.6), "default": None, "slide": (13.3, 7.5)}
HOSTILE = ["$a$ \\frac{", "_hidden", '<b>bold</b> & "q"', "x" * 70, "two\nlines", "%#~^"]
SCORE = "test_$x_{a long name of a metric that does not end where one expects it"


def shown_texts(figure):
    """The texts that a figure shows, with their boxes in pixels."""
    figure.canvas.draw()
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = np.sort(axis.get_view_interval()) + [-1e-9, 1e-9]
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    shown = {}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            shown[text] = (text.get_bbox_patch() or text).get_window_extent()
    return shown


def check_texts(figure):
    shown = list(shown_texts(figure).items())
    assert shown
    inside = figure.bbox.padded(1)
    for i, (text, box) in enumerate(shown):
        written = text.get_text()
        assert inside.x0 <= box.x0, f"{written!r} is cut off"
        assert inside.y0 <= box.y0, f"{written!r} is cut off"
        assert box.x1 <= inside.x1, f"{written!r} is cut off"
        assert box.y1 <= inside.y1, f"{written!r} is cut off"
        for other, its in shown[:i]:
            across = min(box.x1, its.x1) - max(box.x0, its.x0)
            upward = min(box.y1, its.y1) - max(box.y0, its.y0)
            assert min(across, upward) <= 1, f"{written!r} lies on {other.get_text()!r}"


def make_map(seed=0, n=60, n_epochs=20, **given):
    rng = np.random.RandomState(seed)
    share = rng.randint(n_epochs + 1, size=n) / n_epochs
    variability = np.sqrt(share * (1 - share)) * rng.uniform(0.5, 1, n)
    return DataMap(
        confidence=np.clip(share + rng.normal(0, 0.02, n), 0, 1),
        variability=variability,
        correctness=share,
        n_epochs=n_epochs,
        labels=rng.choice(HOSTILE[:2], n),
        **given,
    )


def make_half_held_out(kind, **given):
    mask = np.arange(60) % 2 == 0
    data_map = make_map(held_out_mask=mask, excluded_mask=np.arange(60) % 7 == 0)
    return lambda ax: data_map.plot(ax=ax, kind=kind, **given)


def make_comparison(names, fracs=(0.33,), scores=("test_accuracy", "far_accuracy")):
    rows = [
        (name, frac if name != "full" else 1.0, split)
        for name in ["full", "random", *names]
        for frac in fracs
        for split in range(3)
        if name != "full" or frac == fracs[0]
    ]
    region, frac, split = (np.array(column) for column in zip(*rows, strict=True))
    rng, ones = np.random.RandomState(0), np.ones(len(rows))
    results = {"region": region, "frac": frac, "split": split, "seed": 0 * split}
    results |= {"n_train": 100 * frac, "fit_time": ones, "score_time": ones, "map_time": ones}
    results |= {score: rng.uniform(0.7, 0.9, len(rows)) for score in scores}
    return SubsetComparison(results, test_ratio=0.25).plot


def make_crossed(names, score="test_score"):
    rows = [(r, m, s) for r in [*names, "random", "full"] for m in names for s in range(3)]
    reference, model, split = (np.array(column) for column in zip(*rows, strict=True))
    ones, rng = np.ones(len(rows)), np.random.RandomState(0)
    results = {"reference_model": reference, "model": model, "split": split, "seed": 0 * split}
    results |= {"frac": ones / 3, "n_train": ones, "fit_time": ones, "score_time": ones}
    results |= {"map_time": ones, score: rng.uniform(0.7, 0.71, len(rows)) + (reference == "full")}
    return CrossDistillation(results, test_ratio=0.5, region="ambiguous", frac=1 / 3).plot


def make_curve():
    frac = np.geomspace(1, 0.02, 12)
    results = {"frac": frac, "n_rows": (1500 * frac).astype(int), "mean_score": 0.9 + frac / 20}
    results |= {"mean_difference": frac, "standard_error": 0.1 * frac, "chosen": frac == frac[3]}
    results |= {f"split{i}_score": 0.9 + frac / 20 for i in range(2)}
    results["mean_score"][-1] = results["split1_score"][-1] = np.nan
    return SelectionCurveDisplay(results).plot


def make_report():
    maps = [replace(make_map(seed), labels=None) for seed in range(3)]
    report = StabilityReport(maps, DataMap.mean(maps), map_agreement(maps), seeds=[0, 1, 2])
    return lambda ax: report.plot(ax=ax)


def make_arrows(kind):
    changed = replace(make_map(1), labels=make_map(0).labels[::-1].copy())
    comparison = compare_maps(make_map(), changed, by_position=True)
    return lambda ax: comparison.plot(ax=ax, kind=kind)


def make_agreement(names):
    maps = [replace(make_map(seed), labels=None) for seed in range(len(names))]
    agreement = map_agreement(dict(zip(names, maps, strict=True)))
    return lambda ax: agreement.plot(ax=ax)


def make_mean():
    mean = DataMap.mean([replace(make_map(seed, 400), labels=None) for seed in range(3)])
    return lambda ax: mean.plot(ax=ax, standard_errors=True)


DISPLAYS = {  # number of axes, and what makes the function that draws
    "map": (1, lambda: lambda ax: make_map().plot(ax=ax, histograms=True)),
    "few epochs": (1, lambda: lambda ax: make_map(n_epochs=2).plot(ax=ax, jitter=0.05)),
    "scatter": (1, lambda: make_half_held_out("scatter")),
    "hexbin": (1, lambda: make_half_held_out("hexbin", histograms=True)),
    "kde": (1, lambda: make_half_held_out("kde", histograms=True)),
    "standard errors": (1, make_mean),
    "agreement": (3, lambda: make_agreement(["a", "b"])),
    "hostile agreement": (3, lambda: make_agreement(HOSTILE)),
    "transitions": (1, lambda: make_arrows("transitions")),
    "arrows": (1, lambda: make_arrows("arrows")),
    "stability": (3, make_report),
    "curve": (1, make_curve),
    "one fraction": (2, lambda: make_comparison(["easy", "ambiguous", "hard"])),
    "fractions": (2, lambda: make_comparison(["easy", "ambiguous", "hard"], (0.1, 0.2, 0.5))),
    "hostile names": (1, lambda: make_comparison(HOSTILE, scores=[SCORE])),
    "hostile lines": (1, lambda: make_comparison(HOSTILE, (0.1, 0.5), scores=[SCORE])),
    "crossed": (1, lambda: make_crossed(["sgd", "mlp"])),
    "hostile crossed": (1, lambda: make_crossed(HOSTILE, SCORE)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", DISPLAYS)
def test_texts_lie_inside_the_figure_and_apart(name, size):
    n_axes, make = DISPLAYS[name]
    ax = None
    if SIZES[size] is not None:
        _, ax = plt.subplots(1, n_axes, figsize=SIZES[size], layout="constrained")
    check_texts(make()(ax).figure_)


@pytest.mark.parametrize("name", ["map", "hexbin", "transitions", "curve", "crossed"])
def test_texts_follow_a_figure_whose_size_changes(name):
    figure = DISPLAYS[name][1]()(None).figure_
    before = {text: text.get_fontsize() for text in shown_texts(figure)}
    figure.set_size_inches(3.5, 2.6)
    check_texts(figure)
    shrunk = [text.get_fontsize() < size for text, size in before.items() if text.figure]
    assert np.mean(shrunk) > 0.5


def test_texts_of_the_map_fit_without_a_layout_too():
    _, ax = plt.subplots(figsize=(3.5, 2.6))
    check_texts(make_half_held_out("scatter")(ax).figure_)


@pytest.mark.parametrize("kind", ["scatter", "hexbin", "kde"])
@pytest.mark.parametrize("size", SIZES)
def test_no_text_of_the_map_covers_a_row(kind, size):
    ax = None
    if SIZES[size] is not None:
        _, ax = plt.subplots(figsize=SIZES[size], layout="constrained")
    display = make_half_held_out(kind)(ax)
    display.figure_.canvas.draw()
    data_map = display.data_map
    places = np.stack([data_map.variability, data_map.confidence], axis=1)
    places = display.ax_.transData.transform(places)
    texts = [*display.region_texts_, display.note_, display.ax_.get_legend()]
    for text in filter(None, texts):
        box = getattr(text, "get_bbox_patch", lambda: None)() or text
        assert not box.get_window_extent().count_contains(places), text
    assert [text.get_bbox_patch() is not None for text in display.region_texts_] == 3 * [True]


def test_limits_that_the_caller_sets_stay():
    display = make_map().plot()
    display.ax_.set(xlim=(0, 0.2), ylim=(0.5, 1))
    display.figure_.set_size_inches(4, 3)
    display.figure_.canvas.draw()
    assert display.ax_.get_xlim() == (0, 0.2)
    assert display.ax_.get_ylim() == (0.5, 1)


def test_a_figure_can_be_cleared_pickled_and_drawn_again():
    display = make_map().plot()
    copy = pickle.loads(pickle.dumps(display.figure_))
    copy.set_size_inches(3.5, 2.6)
    check_texts(copy)
    display.ax_.clear()
    display.figure_.set_size_inches(3.5, 2.6)
    display.figure_.canvas.draw()
    display.figure_.clear()
    display.figure_.set_size_inches(7, 5)
    display.figure_.canvas.draw()


def test_a_map_can_be_drawn_in_a_subfigure():
    figure = plt.figure(layout="constrained", figsize=(10, 4))
    left, right = figure.subfigures(1, 2)
    for part in (left, right):
        make_map().plot(ax=part.subplots(), histograms=True)
    check_texts(figure)
