"""SampleGridDisplay: images and texts of a region, and the lines above them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from names import name_of

plt = pytest.importorskip("matplotlib.pyplot")
Image = pytest.importorskip("PIL.Image")

from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier

from sklearn_carto import DataMap, SampleGridDisplay, find_label_issues
from sklearn_carto._plot._fitted_text import fit_labels, fit_line, plain_text, text_width, wrap_text

N = 30
CONFIDENCE = np.linspace(0, 1, N)  # row 0 is the hardest
IMAGES = np.arange(N * 12, dtype=np.uint8).reshape(N, 3, 4)
TEXTS = [f"text {i}" for i in range(N)]
HOSTILE = [
    "$x_1", "$$", r"\frac{1}{0}", "a" * 5_000, "b " * 5_000, "", " ", "\n\n\n", "\0\x1b[31m\x07",
    "\u202eabc", "x\ud800y", "<b>&amp;</b>", "% # & _ ^ ~ { }", "\t\ttabs", "{}", "%s",
]  # fmt: skip


@pytest.fixture
def data_map():
    return DataMap(
        confidence=CONFIDENCE,
        variability=0.5 - np.abs(CONFIDENCE - 0.5),
        correctness=np.round(CONFIDENCE * 4) / 4,
        n_epochs=4,
        labels=np.where(np.arange(N) % 2, "cat", "dog"),
    )


def written(display):
    """Texts of a display, that of each artist."""
    return [None if text is None else text.get_text() for text in display.texts_]


def titles(display):
    return [text.get_text() for text in display.titles_]


def test_the_hardest_rows_come_first(data_map):
    display = data_map.plot_samples(IMAGES, n=5)
    assert display.rows.tolist() == [0, 1, 2, 3, 4]
    for row, image in zip(display.rows, display.images_, strict=True):
        assert_array_equal(image.get_array(), IMAGES[row])
        assert image.get_clim() == (0, 255)
    assert titles(display) == ["dog", "cat", "dog", "cat", "dog"]
    assert display.captions_[3].get_text() == "row 3, confidence 0.10"
    (heading,) = display.figure_.texts
    assert heading.get_text() == "hard: 5 of 30 rows"


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_as_many_rows_are_shown_as_asked_for_or_as_there_are(data_map, n):
    display = data_map.plot_samples(IMAGES, "easy", n)
    assert display.rows.tolist() == list(range(N))[::-1][:n]
    assert len(display.axes_) == len(display.figure_.axes) == min(n, N)


def test_rows_are_those_of_select_at_the_same_share(data_map):
    for region in ("ambiguous", "random", "low-correctness", {"easy": 0.5, "hard": 0.5}):
        expected = data_map.select(region, 10 / N, stratify=False, order="score", random_state=3)
        display = data_map.plot_samples(TEXTS, region, 10, random_state=3)
        assert_array_equal(display.rows, expected)
        assert written(display) == [TEXTS[row] for row in expected]


def test_rows_that_were_not_seen_are_not_shown(data_map):
    confidence = np.where(np.arange(N) < 28, np.nan, 0.5)
    unseen = {"confidence": confidence, "variability": confidence, "correctness": confidence}
    partly = DataMap(**unseen, n_epochs=4, labels=data_map.labels)
    with pytest.warns(UserWarning, match="28 of 30 rows were never seen"):
        display = partly.plot_samples(TEXTS)
    assert sorted(display.rows.tolist()) == [28, 29]


def test_classes_keep_their_share_if_asked_for(data_map):
    display = data_map.plot_samples(TEXTS, "low-confidence", 6, stratify=True)
    assert sorted(titles(display)) == ["cat"] * 3 + ["dog"] * 3


def as_files(folder):
    for row, pixels in enumerate(IMAGES):
        Image.fromarray(pixels).save(folder / f"{row:02}.png")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("as_type", [str, lambda path: path], ids=["text", "path"])
def test_paths_of_images_are_shown_as_images(data_map, tmp_path, as_type):
    paths = [as_type(path) for path in as_files(tmp_path)]
    display = data_map.plot_samples(paths, n=3)
    assert_array_equal(display.images_[2].get_array(), IMAGES[2])
    if as_type is str:
        display = data_map.plot_samples(paths, n=3, kind="text", n_columns=1, figsize=(12, 6))
        assert display.images_ == [None] * 3
        assert written(display)[0].replace("\n", "") == paths[0]


def test_containers_of_texts(data_map):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    series = pandas.Series(TEXTS, index=np.arange(N)[::-1])
    objects = np.array(TEXTS, dtype=object)
    for texts in (TEXTS, tuple(TEXTS), np.array(TEXTS), objects, series, polars.Series(TEXTS)):
        assert written(data_map.plot_samples(texts, n=2)) == TEXTS[:2]


def test_missing_samples_say_so(data_map):
    images = [None, *IMAGES[1:]]
    display = data_map.plot_samples(images, n=2)
    assert display.images_[0] is None
    assert written(display)[0] == "missing"
    texts = [None, float("nan"), *TEXTS[2:]]
    assert written(data_map.plot_samples(texts, n=3)) == ["missing", "missing", "text 2"]


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_hostile_texts_labels_and_ids_are_drawn_as_text(style, tmp_path):
    n = len(HOSTILE)
    data_map = DataMap(
        confidence=np.arange(n) / n, variability=[0.1] * n, correctness=[1] * n, n_epochs=1,
        labels=np.array(HOSTILE, dtype=object), sample_ids=np.array(HOSTILE, dtype=object),
    )  # fmt: skip
    with plt.style.context(style):
        display = data_map.plot_samples(HOSTILE)
        display.figure_.savefig(tmp_path / "grid.png")  # warnings are errors
        display.figure_.savefig(tmp_path / "grid.svg")
        texts = [*display.texts_, *display.titles_, *display.captions_]
        assert {text.get_color() for text in texts} == {plt.rcParams["text.color"]}
    assert written(display)[0] == "$x_1"
    assert all(not text.get_parse_math() and not text.get_usetex() for text in texts)


@pytest.mark.parametrize("figsize", [None, (3.5, 2.6), (6.4, 4.8), (13.3, 5)], ids=name_of)
@pytest.mark.parametrize("dpi", [72, 200])
def test_texts_and_lines_stay_in_their_cells(figsize, dpi, data_map):
    long = ("long " * 80, "w" * 400, "Wide Letters WWMM " * 20, "word, " * 90)
    texts = [long[i % 4] for i in range(N)]
    names = {"cat": "a label with a very long name, longer than a cell", "dog": "W" * 60}
    display = data_map.plot_samples(texts, n=9, figsize=figsize, label_names=names)
    display.figure_.set_dpi(dpi)
    display.figure_.draw_without_rendering()
    renderer = display.figure_.canvas.get_renderer()
    for ax, text, *lines in zip(
        display.axes_, display.texts_, display.titles_, display.captions_, strict=True
    ):
        cell, inner = ax.get_window_extent(), text.get_window_extent(renderer)
        assert inner.x1 <= cell.x1 + 1
        assert inner.y0 >= cell.y0 - 2
        assert text.get_clip_on()
        assert_allclose(text.get_clip_box().bounds, cell.bounds)
        assert all(line.get_window_extent(renderer).x1 <= cell.x1 + 1 for line in lines)
    top = max(text.get_window_extent(renderer).y1 for text in display.titles_)
    assert top <= display.figure_.texts[0].get_window_extent(renderer).y0 + 1


def test_images_of_any_shape_keep_their_ratio(data_map):
    images = [np.zeros((50, 200, 3)), np.zeros((200, 50)), np.zeros((7, 7, 4))] * 10
    display = data_map.plot_samples(images, n=3)
    display.figure_.draw_without_rendering()
    for image in display.images_:
        (left, right, bottom, top) = image.get_extent()
        corners = image.axes.transData.transform([[left, bottom], [right, top]])
        width, height = np.abs(np.diff(corners, axis=0))[0]
        assert width / height == pytest.approx(abs((right - left) / (bottom - top)), rel=0.02)
        box = image.axes.get_window_extent()
        assert max(width / box.width, height / box.height) == pytest.approx(1, abs=0.03)


def test_a_small_figure_gives_the_samples_most_room(data_map):
    wide = data_map.plot_samples(IMAGES, n=16, figsize=(12, 3)).axes_
    assert wide[7].get_position().y0 == wide[0].get_position().y0  # eight columns at least
    with pytest.raises(ValueError, match=r"'figsize' parameter .*is too small for .*n_columns"):
        data_map.plot_samples(IMAGES, n=30, figsize=(1, 1))


def test_axes_of_the_user_are_drawn_on(data_map):
    figure, axes = plt.subplots(2, 3, layout="constrained")
    display = data_map.plot_samples(IMAGES, n=6, ax=axes)
    assert display.figure_ is figure
    assert list(display.axes_) == list(axes.ravel())
    with pytest.raises(ValueError, match="ax must hold 5 axes, one for each sample; got 6"):
        data_map.plot_samples(IMAGES, n=5, ax=axes)


def test_suggested_labels_are_shown_where_they_are_more_probable():
    X, y = load_iris(return_X_y=True)
    names = np.array(["ant", "bee", "cow"])[y]
    names[:3] = "cow"  # ants
    sgd = SGDClassifier(loss="log_loss", alpha=0.01)
    issues = find_label_issues(sgd, X, names, random_state=0)
    data_map = DataMap(
        confidence=np.arange(150) / 150, variability=[0.1] * 150, correctness=[1] * 150,
        n_epochs=1, labels=names,
    )  # fmt: skip
    display = data_map.plot_samples([str(i) for i in range(150)], issues=issues, n=150)
    shown = titles(display)
    assert shown[:3] == ["cow → ant?"] * 3
    for row, title in enumerate(shown):
        agrees = issues.predicted_label[row] == names[row]
        assert title == (names[row] if agrees else f"{names[row]} → {issues.suggested_label[row]}?")
    named = data_map.plot_samples(TEXTS * 5, issues=issues, n=1, label_names={"ant": "the ant"})
    assert titles(named) == ["cow → the ant?"]
    listed = data_map.plot_samples(TEXTS * 5, issues=issues, n=1, label_names=["A", "B", "C"])
    assert titles(listed) == ["C → A?"]


def test_a_map_without_labels_has_no_titles():
    data_map = DataMap(confidence=[0.1, 0.9], variability=[0, 0], correctness=[0, 1], n_epochs=1)
    assert titles(data_map.plot_samples(["a", "b"])) == ["", ""]
    with pytest.raises(ValueError, match="'label_names' .* needs labels"):
        data_map.plot_samples(["a", "b"], label_names=["a", "b"])


def test_labels_that_are_numbers_are_named_by_value(data_map):
    labels = np.arange(N) % 2 * 2 - 1  # -1 and 1
    numbers = DataMap(
        confidence=CONFIDENCE, variability=[0.1] * N, correctness=[1] * N, n_epochs=1, labels=labels
    )
    for names in ({-1: "no", 1: "yes"}, ["no", "yes"]):
        assert titles(numbers.plot_samples(TEXTS, n=2, label_names=names)) == ["no", "yes"]


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"X": None}, "'X' parameter of DataMap.plot_samples must hold one text or image"),
        ({"X": "text"}, "'X' parameter"),
        ({"X": {"text"}}, "'X' parameter"),
        ({"X": {"a": TEXTS}}, "'X' parameter"),
        ({"X": iter(TEXTS)}, "'X' parameter"),
        ({"X": TEXTS[:-1]}, "each of the 30 rows. Got 29"),
        ({"X": IMAGES[:-1]}, "each of the 30 rows. Got 29"),
        (
            {"X": np.zeros((N, 64))},
            r"shape \(30, 64\)\. Reshape flat images: X\.reshape\(-1, 8, 8\)",
        ),
        ({"X": [object()] * N}, "'X' parameter of DataMap.plot_samples must hold images"),
        ({"X": TEXTS, "kind": "image"}, "row 0 .*does not exist"),
        ({"X": ["no.png"] * N}, r"row 0 .*'no\.png' does not exist"),
        ({"n": 0}, "'n' parameter"),
        ({"n": 401}, "'n' parameter"),
        ({"n": True}, "'n' parameter"),
        ({"kind": "images"}, "'kind' parameter"),
        ({"region": "nope"}, "Unknown region 'nope'"),
        ({"n_columns": 0}, "'n_columns' parameter"),
        ({"figsize": (1,)}, "'figsize' parameter"),
        ({"figsize": (0, 3)}, "'figsize' parameter"),
        ({"figsize": ("a", 3)}, "'figsize' parameter"),
        ({"figsize": (np.nan, 3)}, "'figsize' parameter"),
        ({"cmap": "nope"}, "'cmap' parameter of SampleGridDisplay.plot"),
        ({"issues": "nope"}, "'issues' parameter"),
        ({"label_names": "ab"}, "'label_names' parameter"),
        ({"label_names": ["a"]}, "one name for each of the 2 classes"),
        ({"label_names": {"cow": "a"}}, "Got 'cow' in it"),
        ({"label_names": 3}, "'label_names' parameter"),
    ],
    ids=name_of,
)
def test_wrong_arguments_are_named(data_map, given, match):
    error = FileNotFoundError if "does not exist" in match else ValueError
    with pytest.raises(error, match=match):
        data_map.plot_samples(**{"X": TEXTS, **given})


def test_a_data_frame_is_no_column(data_map):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"one column of texts or images, such as X\['text'\]"):
        data_map.plot_samples(pandas.DataFrame({"text": TEXTS}), kind="text")


def test_issues_of_other_rows_are_refused(data_map):
    X, y = load_iris(return_X_y=True)
    issues = find_label_issues(SGDClassifier(loss="log_loss", random_state=0), X, y, cv=2)
    with pytest.raises(ValueError, match="the LabelIssues of the rows of the map, with their"):
        data_map.plot_samples(TEXTS, issues=issues)


def test_lists_of_a_display_have_one_length():
    with pytest.raises(ValueError, match="'titles' parameter of SampleGridDisplay"):
        SampleGridDisplay(["a", "b"], [0, 1], [("x",)], [("y",), ("z",)])
    with pytest.raises(ValueError, match="'samples' parameter .*at least one"):
        SampleGridDisplay([], [], [], [])


def test_lines_are_broken_between_words_and_long_words_within():
    assert wrap_text("aa bb", 1000, 100, 10) == "aa bb"
    width = text_width("aa bb", 10)
    assert wrap_text("aa bb cc", width + 0.1, 100, 10) == "aa bb\ncc"
    assert wrap_text("aaaa", text_width("aa", 10) + 0.1, 100, 10) == "aa\naa"
    assert wrap_text("a b c d", text_width("a", 10) + 0.1, 25, 10).count("\n") == 1
    assert wrap_text("a\n\nb", 1000, 100, 10) == "a\n\nb"


def test_a_cut_line_fits_and_says_so():
    for width in (20, 50, 90):
        line = fit_line("Words " * 30, width, 10)
        assert line.endswith("…")
        assert text_width(line, 10) <= width
    assert fit_line("", 0, 10) == ""
    both = fit_labels(("W" * 50, "dog"), 100, 10)
    assert both.endswith("… → dog?")
    assert text_width(both, 10) <= 100


def test_wide_letters_and_marks_have_their_widths():
    assert text_width("\u4e00", 10) > text_width("W", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)


def test_text_loses_what_controls_writing():
    assert plain_text("a\u202eb\x00c\td\r\ne\uffff") == "abc d\ne"
    assert plain_text(" a \n b ", one_line=True) == "a b"


def test_without_matplotlib_the_error_says_what_to_install(without, data_map):
    without("matplotlib")
    with pytest.raises(ImportError, match=r"DataMap\.plot_samples requires matplotlib"):
        data_map.plot_samples(TEXTS)
