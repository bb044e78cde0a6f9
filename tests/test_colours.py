"""Colours of the displays: told apart by colour-blind readers, on light and on dark axes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402

from sklearn_carto._plot._colours import (  # noqa: E402
    choose_ink,
    compute_contrast,
    get_theme,
    make_colormap,
)

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation
# of Color Vision Deficiency", IEEE TVCG 2009, at severity 1; for linear red, green and blue
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
STYLES = {"default": "white", "dark_background": "black"}


def as_seen(colours, vision):
    """Colours of shape (n, 3) in CIELAB (D65), as a reader sees them."""
    colours = np.asarray(colours, dtype=float)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = linear @ np.transpose(to_xyz) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def difference(one, other):
    """CIEDE2000 of two colours in CIELAB (Sharma, Wu and Dalal, 2005)."""
    (light_1, a_1, b_1), (light_2, a_2, b_2) = one, other
    mean = (np.hypot(a_1, b_1) + np.hypot(a_2, b_2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    chroma_1, chroma_2 = np.hypot(stretch * a_1, b_1), np.hypot(stretch * a_2, b_2)
    hue_1 = np.degrees(np.arctan2(b_1, stretch * a_1)) % 360
    hue_2 = np.degrees(np.arctan2(b_2, stretch * a_2)) % 360
    turn = (hue_2 - hue_1 + 180) % 360 - 180 if chroma_1 * chroma_2 else 0.0
    hue = (hue_1 + turn / 2) % 360 if chroma_1 * chroma_2 else hue_1 + hue_2
    light, chroma = (light_1 + light_2) / 2, (chroma_1 + chroma_2) / 2
    cos = {
        k: np.cos(np.radians(k * hue + shift)) for k, shift in ((1, -30), (2, 0), (3, 6), (4, -63))
    }
    t = 1 - 0.17 * cos[1] + 0.24 * cos[2] + 0.32 * cos[3] - 0.20 * cos[4]
    by_light = (light_2 - light_1) / (
        1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    )
    by_chroma = (chroma_2 - chroma_1) / (1 + 0.045 * chroma)
    by_hue = (
        2 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    )
    angle = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    twist = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(angle))
    return np.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + twist * by_chroma * by_hue)


@pytest.fixture(params=STYLES)
def theme(request):
    with plt.style.context(request.param):
        theme = get_theme(plt.subplots()[1])
    assert theme.background == to_rgb(STYLES[request.param])
    return theme


def test_the_difference_of_colours_is_that_of_its_authors():
    # rows 1, 7, 17 and 25 of table 1
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ]
    for one, other, expected in pairs:
        assert_allclose(difference(one, other), expected, atol=1e-4)
    assert_allclose(as_seen([[1, 1, 1]], "normal"), [[100, 0, 0]], atol=0.01)


@pytest.mark.parametrize("vision", VISION)
def test_neighbouring_shades_of_correctness_are_told_apart(theme, vision):
    seen = as_seen([to_rgb(colour) for colour in theme.ramp], vision)
    assert len(seen) == 11  # as many as ten epochs need
    steps = [difference(one, other) for one, other in zip(seen[:-1], seen[1:], strict=True)]
    assert min(steps) >= 4


@pytest.mark.parametrize("vision", VISION)
def test_any_two_colours_of_training_sets_are_told_apart(theme, vision):
    colours = [*map(to_rgb, theme.palette), theme.foreground]
    seen = as_seen(colours, vision)
    for i, one in enumerate(seen):
        assert all(difference(one, other) >= 10 for other in seen[:i])


def test_all_colours_contrast_with_the_background(theme):
    for colour in [*theme.ramp, *theme.palette, "#0072b2", "#d55e00"]:
        assert compute_contrast(to_rgb(colour), theme.background) >= 3
    assert compute_contrast(theme.mark, theme.background) >= 3
    assert compute_contrast(theme.weak, theme.background) >= 4.5
    assert compute_contrast(theme.foreground, theme.background) >= 4.5


def test_luminance_tells_correctness_to_a_reader_who_sees_no_colour(theme):
    luminance = [compute_contrast(to_rgb(colour), (0, 0, 0)) for colour in theme.ramp]
    assert (np.diff(luminance) > 0).all()


def test_contrast_is_that_of_the_guidelines():
    assert_allclose(compute_contrast((0, 0, 0), (1, 1, 1)), 21.0)
    assert_allclose(compute_contrast(to_rgb("#767676"), (1, 1, 1)), 4.54, atol=0.005)
    assert choose_ink(to_rgb("yellow")) == "black"
    assert choose_ink(to_rgb("navy")) == "white"


def test_points_have_the_contrast_of_their_colours(random_map):
    for style, background in STYLES.items():
        with plt.style.context(style):
            for n in (10, 3000):
                points = random_map(n, n_epochs=20).plot().points_
                points.update_scalarmappable()
                colours = points.get_facecolor()
                assert_allclose(colours[:, 3], 1.0)  # else they would fade
                low = min(compute_contrast(one[:3], to_rgb(background)) for one in colours)
                assert low >= 3


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot", "grayscale"])
def test_texts_and_colours_follow_the_style(style):
    with plt.style.context(style):
        figure, ax = plt.subplots()
        theme = get_theme(ax)
        assert compute_contrast(theme.foreground, theme.background) >= 4.5
        shades = make_colormap(ax)([0.0, 0.5, 1.0])[:, :3]
        assert min(compute_contrast(one, theme.background) for one in shades) >= 2.4
        ax.patch.set_alpha(0)  # the figure shows through
        assert get_theme(ax).background == to_rgb(figure.get_facecolor())


def test_no_foreground_is_lost_on_a_background_like_it():
    with plt.rc_context({"text.color": "white", "axes.facecolor": "white"}):
        assert get_theme(plt.subplots()[1]).foreground == (0, 0, 0)
