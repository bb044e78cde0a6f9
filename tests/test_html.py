"""What notebooks show of maps and results: HTML in which every text is escaped."""

import re
import warnings
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_carto as sc
from sklearn_carto._maps._data_map_html import _COLOURS, _N_BINS
from sklearn_carto._utils._html import MAX_ROWS, html_table, html_text

SGD = SGDClassifier(loss="log_loss", alpha=0.1, random_state=0)
X, Y = load_iris(return_X_y=True)
MARKUP = [
    '<img src=x onerror="alert(1)">',
    "</table></div><script>alert(1)</script>",
    "$\\alpha$&<b",
]
NAMES = np.array(MARKUP)[Y]


class Reader(HTMLParser):
    """Tags and texts of HTML; an error if tags are not closed in order."""

    VOID = {"br", "path", "rect"}  # and those that SVG closes itself

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.attributes, self._open = set(), [], [], []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def fit(estimator=SGD, y=NAMES, **given):
    return sc.CartographyClassifier(estimator, n_epochs=4, **given).fit(X, y)


def results():
    """Yield every public result, with hostile names where there are names."""
    maps = {name: fit(y=NAMES, random_state=i).data_map_ for i, name in enumerate(MARKUP)}
    one, two, _ = maps.values()
    yield "DataMap", lambda: one
    yield "TrainingDynamics", lambda: sc.TrainingDynamics(NAMES, keep_history=False)
    yield "MapAgreement", lambda: sc.map_agreement(maps)
    yield "MapComparison", lambda: sc.compare_maps(one, two, by_position=True)
    yield "StabilityReport", lambda: sc.stability_report(SGD, X, NAMES, n_seeds=2, random_state=0)
    yield (
        "LabelIssues",
        lambda: sc.find_label_issues(
            SGD, X, NAMES, cv=2, random_state=0, sample_ids=[f"<i>{i}" for i in range(150)]
        ),
    )
    yield (
        "SubsetComparison",
        lambda: sc.compare_subsets(SGD, X, NAMES, cv=2, regions=["easy"], random_state=0),
    )
    yield (
        "CrossDistillation",
        lambda: sc.cross_distillation(
            {MARKUP[0]: SGD, MARKUP[1]: SGD}, X, NAMES, cv=2, random_state=0
        ),
    )


TAGS = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
PICTURE = {"svg", "title", "path", "text", "rect"}


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
def test_every_result_is_a_table_in_which_markup_is_text():
    found = set()
    for name, make in results():
        result = make()
        assert type(result).__name__ == name
        found.add(name)
        reader = Reader(result._repr_html_())
        assert reader.tags <= TAGS | (PICTURE if name == "DataMap" else set())
        assert not any(key.startswith("on") for key, _ in reader.attributes)
        assert repr(result)[1:-1] in "".join(reader.texts)
        assert ("class", "tex2jax_ignore mathjax_ignore") in reader.attributes
    kept = {thing for thing in sc.__all__ if isinstance(getattr(sc, thing), type)}
    shown = {thing for thing in kept if not thing.endswith("Display")}
    shown = {thing for thing in shown if not hasattr(getattr(sc, thing), "get_params")}
    assert found == shown


def test_a_table_shows_numbers_text_and_what_is_missing():
    columns = {
        "name": ["<a>", "b"],
        "n": [3, np.int64(1000)],
        "p": [0.5, np.nan],
        "q": [None, True],
    }
    reader = Reader(html_table("Title & more", columns, n_rows=7, note="A note."))
    texts = [text for text in reader.texts if text.strip()]
    expected = ["Title & more", "name", "n", "p", "q", "<a>", "3", "0.500", "b", "1000", "True"]
    assert texts == [*expected, "2 of 7 rows", "A note."]


def test_a_long_table_and_a_long_cell_are_cut():
    html = html_table("t", {"row": range(1000), "x": ["y" * 1000] * 1000})
    assert html.count("<tr>") == MAX_ROWS + 1
    assert f"{MAX_ROWS} of 1,000 rows" in html
    assert len(html) < MAX_ROWS * 250
    assert html_text("y" * 1000).endswith("y…")


def test_text_that_is_none_in_utf_8_can_be_sent():
    assert html_text("a\ud800b") == "a?b"


def test_the_table_of_a_map_counts_its_regions(random_map):
    data_map = random_map(n_samples=400, excluded_mask=np.arange(400) < 7)
    reader = Reader(data_map._repr_html_())
    cells = [text for text in reader.texts if text.strip()]
    for region, count in zip(*np.unique(data_map.region_labels(), return_counts=True), strict=True):
        place = cells.index(region)
        assert cells[place + 1 : place + 3] == [str(count), f"{count / 400:.3f}"]
        rows = data_map.region_labels() == region
        assert cells[place + 3] == f"{data_map.confidence[rows].mean():.3f}"


def dots_of(data_map):
    """Places, colours and widths of the dots of a map."""
    picture = re.search("<svg.*</svg>", data_map._repr_html_())[0]
    root = ElementTree.fromstring(picture)
    label = root.get("aria-label")
    assert root[0].text == label
    assert f"Data map of {data_map.n_samples:,} rows" in label
    dots = []
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        if path.get("stroke-linecap") == "round":
            for x, y in re.findall(r"M(-?\d+) (-?\d+)h0", path.get("d")):
                dots.append((int(x), int(y), path.get("stroke"), float(path.get("stroke-width"))))
    return dots


def make_map(confidence, variability, correctness):
    return sc.DataMap(
        confidence=confidence, variability=variability, correctness=correctness, n_epochs=4
    )


def test_confidence_is_up_variability_right_and_correctness_the_colour():
    low, high = sorted(dots_of(make_map([0.0, 1.0], [0.0, 0.5], [0.0, 1.0])))
    assert low[0] < high[0]
    assert low[1] > high[1]
    assert (low[2], high[2]) == (_COLOURS[0], _COLOURS[-1])


def test_rows_in_one_place_are_one_dot_with_their_mean_correctness():
    (dot,) = dots_of(make_map([0.5] * 2, [0.2] * 2, [0.0, 1.0]))
    assert dot[2] == _COLOURS[2]
    (many,) = dots_of(make_map([0.5] * 20, [0.2] * 20, [0.0] * 20))
    assert many[3] > dot[3]


def test_a_large_map_is_a_small_picture_and_no_lone_row_is_hidden():
    rng = np.random.default_rng(0)
    n = 200_000
    confidence, variability = rng.uniform(0.5, 1, n), rng.uniform(0, 0.5, n)
    confidence[0] = 0.01
    data_map = make_map(confidence, variability, rng.integers(0, 5, n) / 4)
    dots = dots_of(data_map)
    assert len(dots) <= np.prod(_N_BINS)
    assert len(data_map._repr_html_()) < 60_000
    assert max(dots, key=lambda dot: dot[1])[1] > 200  # the hard row, at the bottom


@pytest.mark.parametrize("unseen", [False, True])
def test_maps_of_one_row_or_of_none_that_was_seen(unseen):
    value = np.nan if unseen else 0.0
    data_map = make_map([value], [value], [value])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        html = data_map._repr_html_()
    assert len(dots_of(data_map)) == (0 if unseen else 1)
    assert ("No row was seen in training." in html) == unseen
    assert ("unseen" in html) == unseen


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def test_colours_are_seen_on_light_and_dark_pages():
    for colour in _COLOURS:
        assert 1.05 / (luminance(colour) + 0.05) >= 3
        assert (luminance(colour) + 0.05) / (luminance("#111111") + 0.05) >= 3


ESTIMATORS = {
    "CartographyClassifier": lambda: sc.CartographyClassifier(SGD, n_epochs=2),
    "DataMapSelector": lambda: sc.DataMapSelector(SGD, random_state=0),
    "DistilledClassifier": lambda: sc.DistilledClassifier(SGD),
    "LabelIssueDetector": lambda: sc.LabelIssueDetector(SGD, cv=2, random_state=0),
    "Pipeline": lambda: make_pipeline(StandardScaler(), sc.CartographyClassifier(SGD, n_epochs=2)),
}


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.CartographyWarning")
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("fitted", [False, True])
def test_estimators_keep_the_representation_of_scikit_learn(name, fitted):
    estimator = ESTIMATORS[name]()
    if fitted:
        estimator.fit(X, NAMES)
    html = estimator._repr_html_()
    assert "sk-top-container" in html
    assert name in html
    assert "SGDClassifier" in html
    assert "<script>alert" not in html
    links = re.findall(r'href="(https://scikit-learn[^"]*)"', html)
    assert not any("carto" in link.lower() or "DataMap" in link for link in links)
    assert not any("Distilled" in link or "LabelIssue" in link for link in links)
