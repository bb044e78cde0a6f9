"""The page of a data map in a real browser: each of its features, and hostile rows."""

import csv
import io
import json

import numpy as np
import pytest

from explorer_pages import (
    HOSTILE,
    Browser,
    as_map,
    missing_browser,
    record,
    suggest,
    thumbnails_of,
)

pytest.importorskip("selenium", reason="needs selenium")
if missing_browser():
    pytest.skip(missing_browser(), allow_module_level=True)

from selenium.webdriver.common.keys import Keys

from sklearn_carto import DataMap
from sklearn_carto._explorer._page import write_page
from sklearn_carto._explorer._payload import Shown, build_payload

N, EPOCHS, CLASSES = 240, 8, ("cat", "dog", "eel")
TEXTS = [f"Text of row {i}: {'sunny' if i % 5 else 'RAINY'} Straße" for i in range(N)]
DRAWN = ("confidence", "variability", "correctness")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("exports"))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def dynamics():
    rng = np.random.RandomState(7)
    held = rng.random_sample(N) < 0.25
    return record(N, EPOCHS, held_out_mask=held, sample_ids=[f"id-{i}" for i in range(N)])


@pytest.fixture(scope="module")
def data_map(dynamics):
    return DataMap.from_dynamics(dynamics)


@pytest.fixture(scope="module")
def issues(data_map):
    return suggest(data_map.labels, CLASSES)


def shown_of(data_map, dynamics=None, **given):
    """What the page shows of a map, without the checks of explore."""
    statistics = {name: getattr(data_map, name) for name in (*DRAWN, "aum", "loss", "forgetting")}
    frames = None
    if dynamics is not None:
        epochs = zip(dynamics.true_proba.T, dynamics.correct.T, strict=True)
        frames = [(i, proba, right) for i, (proba, right) in enumerate(epochs)]
    known = {
        "title": "A map",
        "n_epochs": data_map.n_epochs,
        "statistics": {k: v for k, v in statistics.items() if v is not None},
        "regions": data_map.region_labels(),
        "labels": data_map.labels,
        "classes": data_map.classes,
        "held_out": data_map.held_out_mask,
        "sample_ids": data_map.sample_ids,
        "frames": frames,
    }
    return Shown(**{**known, **given})


def write(folder, shown, name="map.html"):
    write_page(folder / name, build_payload(shown), shown.title)
    return folder / name


@pytest.fixture(scope="module")
def path(tmp_path_factory, data_map, dynamics, issues):
    other = DataMap.from_dynamics(record(N, EPOCHS, seed=3))
    compare = {"title": "Second map", "regions": other.region_labels()}
    compare |= {name: getattr(other, name) for name in DRAWN}
    columns = [("length", np.array([len(t) for t in TEXTS])), ("weather", np.array(["wet"] * N))]
    shown = shown_of(
        data_map, dynamics, text=TEXTS, columns=columns, compare=compare,
        thumbnails=thumbnails_of(range(0, N, 2), N), class_names=["Cat", "Dog", "Eel"], **issues,
    )  # fmt: skip
    return write(tmp_path_factory.mktemp("page"), shown)


@pytest.fixture
def page(browser, path):
    return browser.open(path)


@pytest.fixture
def clean(browser):
    """Nothing is asked of the network, and no error is on the console."""
    yield browser
    assert browser.requests() == []
    assert browser.problems() == []


# the page


def test_the_page_draws_points_asks_for_nothing_and_reports_no_error(page, clean):
    drawn = page.js(
        "const c = document.createElement('canvas'), s = document.querySelector('.sc-points');"
        "c.width = s.width; c.height = s.height; const x = c.getContext('2d');"
        "x.drawImage(s, 0, 0); const {data} = x.getImageData(0, 0, c.width, c.height);"
        "return data.filter((v, i) => i % 4 === 3 && v).length"
    )
    assert drawn > N  # pixels
    assert page.driver.title == "A map"
    assert "240 of 240 rows shown" in page.text()


def test_no_script_of_others_runs_and_no_request_is_allowed(page):
    page.js(  # later: what the driver runs itself is allowed to
        "setTimeout(() => { try { eval('1'); window.ran = 'it ran' }"
        "catch (e) { window.ran = e.name } })"
    )
    assert page.wait("return window.ran") == "EvalError"
    refused = page.driver.execute_async_script(
        "const done = arguments[0]; fetch('https://example.com/').then(() => done('sent'), e => "
        "done(e.name))"
    )
    assert refused == "TypeError"
    page.js(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 1';"
        "document.body.append(s); const i = new Image(); i.src = 'https://example.com/a.png';"
    )
    assert page.js("return window.pwned ?? null") is None
    assert page.requests(refused=True) == []


def test_regions_and_statistics_are_those_of_python(page, data_map):
    names, codes = page.js("return [store.data.regionNames, [...store.data.regions]]")
    assert [names[code] for code in codes] == data_map.region_labels().tolist()
    for name in DRAWN:
        values = page.js("return [...store.data.statistics.get(arguments[0])]", name)
        np.testing.assert_array_equal(np.float32(values), getattr(data_map, name).astype("f4"))


def test_region_labels_are_written_in_boxes_on_the_map(page, data_map):
    placed = page.js("return map.labels.placed.map(l => [l.text, l.px, l.py])")
    assert {text for text, _, _ in placed} == set(data_map.region_labels())


# pointing at rows


def test_pointing_at_a_point_shows_the_row(page):
    row = 8
    page.js("map.element.scrollIntoView()")
    move(page, page.pixel(row))
    hovered = page.js("return map.hovered")
    tip = page.find(".sc-tip").text
    assert TEXTS[hovered] in tip
    assert f"row {hovered}" in tip
    assert "suggested" in tip
    assert page.js("return app.maps[1].hovered") == hovered  # linked


def move(page, place):
    from selenium.webdriver import ActionChains

    element = page.find(".sc-map")
    x, y = place[0] - element.size["width"] // 2, place[1] - element.size["height"] // 2
    chain = ActionChains(page.driver, duration=0)
    chain.move_to_element_with_offset(element, round(x), round(y)).perform()
    page.settle()
    return chain


def test_a_click_shows_the_whole_row_beside_the_map_and_in_the_table(page, issues, data_map):
    move(page, page.pixel(8)).click().perform()
    row = page.js("return store.current")
    details = page.find(".sc-details").text
    names = dict(zip(CLASSES, ("Cat", "Dog", "Eel"), strict=True))
    for text in (
        TEXTS[row],
        f"id-{row}",
        names[data_map.labels[row]],
        data_map.region_labels()[row],
    ):
        assert text in details
    assert f"suggested label\n{names[issues['suggested'][row]]}" in details
    assert f"length\n{len(TEXTS[row])}" in details
    assert page.find("tr[aria-current=true]").get_attribute("data-row") == str(row)


def test_a_row_of_the_table_is_found_on_the_map(page):
    page.find("tr[data-row='3'] td:nth-child(2)").click()
    assert page.js("return store.current") == 3
    assert "id-3" in page.find(".sc-details").text


def test_thumbnails_are_shown_where_there_is_one(page):
    page.js("store.setCurrent(4)")
    image = page.wait("return document.querySelector('.sc-details img')?.naturalWidth")
    assert image == 6
    page.js("store.setCurrent(5)")
    assert page.js("return document.querySelector('.sc-details img')") is None


# choosing rows


def inside(polygon, places):
    """Rows inside a polygon, by the angle that it turns around them."""
    turned = np.zeros(len(places))
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        u, v = a - places, b - places
        turned += np.arctan2(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0], (u * v).sum(axis=1))
    return np.flatnonzero(np.abs(turned) > np.pi)


def places_of(page, which=0):
    return np.array([page.pixel(row, which) for row in range(N)])


def polygon_around(page):
    places = places_of(page)
    middle = np.median(places, axis=0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.rint(middle + 70 * np.stack([np.cos(angles), np.sin(angles)], axis=1)), places


def test_a_lasso_selects_the_rows_inside(page):
    polygon, places = polygon_around(page)
    expected = inside(page.drag(polygon), places)
    assert 5 < len(expected) < N
    assert page.chosen() == expected.tolist()
    exported = json.loads(page.export("json"))
    assert [one["row"] for one in exported["rows"]] == expected.tolist()
    assert [one["id"] for one in exported["rows"]] == [f"id-{row}" for row in expected]


def test_a_box_selects_shift_adds_and_alt_takes_away(page):
    page.button("box").click()
    places = places_of(page)
    low, high = np.rint(np.quantile(places, [0.2, 0.6], axis=0))

    def within(points):
        a, b = points.min(axis=0), points.max(axis=0)
        return set(np.flatnonzero(((places > a) & (places < b)).all(axis=1)).tolist())

    first = within(page.drag([low, (low + high) / 2, high]))
    assert set(page.chosen()) == first
    assert first
    both = first | within(page.drag([low + 60, high, high + 60], held=Keys.SHIFT))
    assert set(page.chosen()) == both
    taken = within(page.drag([low - 5, low, low + 40], held=Keys.ALT))
    assert set(page.chosen()) == both - taken
    page.button("Clear selection").click()
    assert page.chosen() == []


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_hidden_rows_are_not_selected(page, data_map, tool):
    page.js("store.setFilter('labels', new Set([0]))")
    page.button(tool).click()
    size = page.find(".sc-map").size
    right, low = size["width"] - 14, size["height"] - 40
    corners = [(50, 14), (right, 14), (right, low), (50, low)]
    page.drag([corners[0], (300, 300), corners[2]] if tool == "box" else corners)
    assert page.chosen() == np.flatnonzero(data_map.labels == "cat").tolist()


def test_hidden_rows_are_not_pointed_at_nor_reached_by_keys(page, data_map):
    page.js("store.setFilter('labels', new Set([0]))")
    element = page.find(".sc-map")
    for key in (Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT) * 2:
        page.keys(element, key)
        assert data_map.labels[page.js("return store.current")] == "cat"
    for row in np.flatnonzero(data_map.labels != "cat")[:20]:
        place = page.pixel(int(row))
        found = page.js("return map.nearest(arguments[0], arguments[1])", *place)
        assert found < 0 or data_map.labels[found] == "cat"


def test_selected_rows_fill_the_table_and_the_histograms(page, data_map):
    rows = [3, 60, 61]
    page.js("store.choose(arguments[0])", rows)
    page.settle()
    listed = page.driver.find_elements("css selector", ".sc-table tbody tr")
    assert [int(one.get_attribute("data-row")) for one in listed] == rows
    assert "3 rows" in page.find(".sc-rows").text


def test_both_maps_share_the_selection(page):
    places = places_of(page, 1)
    polygon = np.rint(np.median(places, axis=0) + [[-40, -40], [40, -40], [40, 40], [-40, 40]])
    expected = inside(page.drag(polygon, which=1), places)
    assert len(expected) > 1
    assert page.chosen() == expected.tolist()
    assert page.js("return app.maps.every(m => m.store === store)")
    assert "second map" in detail_of(page, int(expected[0]))


def detail_of(page, row):
    page.js("store.setCurrent(arguments[0])", row)
    return page.find(".sc-details").text


# filters


def test_a_stroke_over_a_histogram_filters_by_its_range(page, data_map):
    canvas = page.driver.find_elements("css selector", ".sc-histogram")[0]
    width = canvas.size["width"]
    page.drag([(width * 0.25, 20), (width * 0.4, 20), (width * 0.75, 20)], element=canvas)
    low, high = page.js("return store.filters.ranges.get('confidence')")
    assert (low, high) == pytest.approx((0.25, 0.75), abs=0.02)
    p = data_map.confidence
    assert page.shown() == np.flatnonzero((p >= low) & (p <= high)).tolist()
    assert float(page.find("input[aria-label='confidence from']").get_attribute("value")) == low
    page.drag([(width * 0.5, 20), (width * 0.5, 20)], element=canvas)
    assert page.shown() == list(range(N))


def test_histograms_count_what_passes_the_other_filters(page, data_map):
    page.js(
        "store.setFilter('labels', new Set([1])); store.setRange('confidence', [0.5, 1]);"
        "store.choose([1, 2, 3, 4, 5, 6, 7, 8, 9])"
    )
    page.settle()
    page.js(
        "const seen = {}; for (const c of document.querySelectorAll('.sc-histogram')) "
        "seen[c.previousSibling.textContent] = c.getAttribute('aria-label'); window.seen = seen"
    )
    dogs = data_map.labels == "dog"
    assert page.shown() == np.flatnonzero(dogs & (data_map.confidence >= 0.5)).tolist()
    counts, borders = np.histogram(data_map.confidence[dogs], 20, (0, 1))
    most = borders[counts.argmax()]
    assert f"most rows from {most:.2g}" in page.js("return window.seen.confidence")


def test_a_limit_that_equals_a_value_keeps_it(page, data_map):
    value = float(np.sort(data_map.confidence)[100])
    field = page.find("input[aria-label='confidence from']")
    page.keys(field, repr(value), Keys.TAB)
    assert page.shown() == np.flatnonzero(data_map.confidence >= value).tolist()


FILTERS = {
    "label": ("store.setFilter('labels', new Set([0, 2]))", lambda m, i: m.labels != "dog"),
    "region": (
        "store.setFilter('regions', new Set([store.data.regionNames.indexOf('ambiguous')]))",
        lambda m, i: m.region_labels() == "ambiguous",
    ),
    "range of aum": ("store.setRange('aum', [0, 1])", lambda m, i: (m.aum >= 0) & (m.aum <= 1)),
    "range of an infinite": (
        "store.setRange('forgetting', [1, Infinity])", lambda m, i: m.forgetting >= 1,
    ),
    "correctness": ("store.setRange('correctness', [0.5, 0.5])", lambda m, i: m.correctness == 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_filters_show_the_rows_that_python_finds(page, data_map, issues, name):
    script, expected = FILTERS[name]
    page.js(script)
    mask = expected(data_map, issues)
    assert 0 < mask.sum() < N
    assert page.shown() == np.flatnonzero(mask).tolist()
    page.button("Clear filters").click()
    assert page.shown() == list(range(N))


def test_filters_of_training_label_issues_and_marks(page, data_map, issues):
    page.pick("Training", "held out")
    assert page.shown() == np.flatnonzero(data_map.held_out_mask).tolist()
    page.pick("Training", "trained")
    assert page.shown() == np.flatnonzero(~data_map.held_out_mask).tolist()
    page.pick("Training", "all")
    page.pick("Label issues", "suspect")
    assert page.shown() == np.flatnonzero(issues["suspect"]).tolist()
    page.button("Clear filters").click()
    assert page.field("Label issues").get_attribute("value") == "all"
    page.js(
        "store.mark([4, 9], {checked: true});"
        "store.mark([5], {label: (store.data.labels[5] + 1) % 3})"
    )
    page.pick("Marks", "checked")
    assert page.shown() == [4, 9]
    page.pick("Marks", "relabelled")
    assert page.shown() == [5]
    page.pick("Marks", "not checked")
    assert len(page.shown()) == N - 2


def test_rows_that_were_not_recorded_are_found_and_not_drawn(browser, tmp_path):
    nothing = np.array([np.nan, 0.3, np.nan, 0.7])
    data_map = DataMap(confidence=nothing, variability=nothing / 2, correctness=nothing, n_epochs=3)
    browser.open(write(tmp_path, shown_of(data_map)))
    browser.pick("Training", "not recorded")
    assert browser.shown() == [0, 2]
    assert browser.js("return map.ready().order.length") == 2
    browser.button("Select shown").click()
    rows = json.loads(browser.export("json"))["rows"]
    assert [(one["row"], one["confidence"], one["region"]) for one in rows] == [
        (0, None, "unseen"), (2, None, "unseen"),
    ]  # fmt: skip


def test_labels_are_ticked_in_the_list(page, data_map):
    label = next(
        one for one in page.driver.find_elements("css selector", ".sc-list label")
        if one.text.startswith("Dog")
    )  # fmt: skip
    label.click()
    assert page.shown() == np.flatnonzero(data_map.labels == "dog").tolist()


SEARCHES = {
    "RAINY": [i for i in range(N) if i % 5 == 0],
    "rainy": [i for i in range(N) if i % 5 == 0],
    "STRASSE": [],
    "straße": list(range(N)),
    "id-23": [i for i in range(N) if f"id-{i}".startswith("id-23")],
    "#17": [17],
    "#999": [],
    "wet": list(range(N)),
}


@pytest.mark.parametrize("query", SEARCHES)
def test_search_finds_ids_texts_and_columns(page, query):
    page.keys(page.find(".sc-search"), query, Keys.ENTER)
    page.wait("return store.found !== null")
    assert page.shown() == SEARCHES[query]
    assert "rows match" in page.find(".sc-filters").text
    page.keys(page.find(".sc-search"), Keys.CONTROL + "a", Keys.DELETE)
    page.wait("return store.found === null")


@pytest.mark.parametrize("query", ["eel", "EEL"])
def test_search_finds_labels(page, data_map, query):
    page.keys(page.find(".sc-search"), query, Keys.ENTER)
    page.wait("return store.found !== null")
    assert page.shown() == np.flatnonzero(data_map.labels == "eel").tolist()


# colours


@pytest.mark.parametrize(
    "name", ["correctness", "label", "region", "confidence", "aum", "forgetting"]
)
def test_points_are_coloured_by(page, name):
    page.pick("Colour", name)
    legend = page.find(".sc-legend").text
    if name in ("label", "region"):
        assert ("Cat" if name == "label" else "ambiguous") in legend
    else:
        assert name in legend
    codes = page.js("return [...map.points.kept.get('colour')]")
    assert len(set(codes)) > 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_stands_out_from_the_background(page, theme):
    page.pick("Theme", theme)
    paper = page.js("return getComputedStyle(app.root).backgroundColor")
    background = np.array([int(v) for v in paper[4:-1].split(",")])
    for name in ("correctness", "label", "region", "aum"):
        page.pick("Colour", name)
        palette = np.array(page.js("return [...map.points.kept.get('palette')]")).reshape(-1, 4)
        contrasts = [contrast(colour[:3], background) for colour in palette]
        assert min(contrasts) >= 3, name


def contrast(one, two):
    def light(colour):
        c = np.array(colour) / 255
        c = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return c @ [0.2126, 0.7152, 0.0722]

    low, high = sorted([light(one), light(two)])
    return (high + 0.05) / (low + 0.05)


def test_many_labels_have_few_colours_and_few_entries(browser, tmp_path):
    n = 12_000
    labels = np.array([f"label {i % 10_000}" for i in range(n)], dtype=object)
    p = np.linspace(0, 1, n)
    data_map = DataMap(confidence=p, variability=p / 2, correctness=p, n_epochs=3, labels=labels)
    browser.open(write(tmp_path, shown_of(data_map)))
    browser.pick("Colour", "label")
    assert len(browser.driver.find_elements("css selector", ".sc-key")) <= 9
    assert "9,993 others" in browser.find(".sc-legend").text
    assert len(browser.driver.find_elements("css selector", ".sc-filters li")) < 30
    find = browser.find("input[aria-label='Find a label']")
    browser.keys(find, "label 9876")
    browser.js("document.querySelector('.sc-list input').click()")
    assert browser.shown() == [9876]
    assert browser.find(".sc-key").text == "label 9876 (1)"  # has a colour now
    browser.js("store.setCurrent(9876)")
    assert browser.js("return document.querySelectorAll('datalist option').length") <= 200
    browser.keys(browser.field("New label"), "label 4321", Keys.ENTER)
    browser.button("Clear filters").click()
    assert json.loads(browser.export("json"))["rows"][0]["new_label"] == "label 4321"


# epochs


@pytest.mark.parametrize("frame", [0, 3, EPOCHS - 2])
def test_the_slider_shows_the_statistics_of_the_first_epochs(page, dynamics, frame):
    page.js("store.setFrame(5); store.setFrame(arguments[0])", frame)
    expected = DataMap.from_dynamics(dynamics, epochs=slice(frame + 1))
    for name, atol in (("confidence", 0.002), ("variability", 0.002), ("correctness", 1e-6)):
        values = page.js("return [...store.values(arguments[0])]", name)
        np.testing.assert_allclose(values, getattr(expected, name), atol=atol)
    assert f"epochs 1 to {frame + 1} of {EPOCHS}" in page.find(".sc-slider").text
    assert page.js("return map.toPixel(0)[1]") == pytest.approx(
        page.js("return map.pixel(0, store.values('confidence')[0])[1]")
    )


def test_the_last_frame_is_exact_and_play_runs_to_it(page, data_map):
    page.js("store.setFrame(0)")
    page.button("Play").click()
    page.wait(f"return store.frame === {EPOCHS - 1}", seconds=15)
    values = page.js("return [...store.values('confidence')]")
    np.testing.assert_array_equal(np.float32(values), data_map.confidence.astype("f4"))
    page.wait("return document.querySelector('.sc-slider button').textContent === 'Play'")


def test_play_pauses_and_the_slider_obeys_the_keyboard(page):
    page.js("store.setFrame(0)")
    page.button("Play").click()
    page.wait("return store.frame >= 1")
    page.button("Pause").click()
    at = page.js("return store.frame")
    page.keys(page.find(".sc-slider input"), Keys.ARROW_RIGHT)
    assert page.js("return store.frame") == at + 1
    assert "epochs 1 to" in page.find(".sc-slider input").get_attribute("aria-valuetext")


def test_without_a_history_there_is_no_slider_and_the_page_says_so(browser, data_map, tmp_path):
    path = data_map.explore(tmp_path / "plain.html")
    browser.open(path)
    assert not browser.find(".sc-slider").is_displayed()
    assert "no slider of epochs" in browser.find(".sc-notes").text


# corrections


def test_a_label_is_corrected_kept_over_a_reload_and_taken_back(page, path, data_map, browser):
    row = int(np.flatnonzero(data_map.labels == "cat")[0])
    page.js("store.setCurrent(arguments[0])", row)
    page.keys(page.field("New label"), "Dog", Keys.ENTER)
    page.field("checked").click()
    expected = {
        "row": row, "id": f"id-{row}", "given_label": "cat", "new_label": "dog", "checked": True,
        "selected": False, "region": data_map.region_labels()[row],
    }  # fmt: skip
    for attempt in ("at once", "after a reload"):
        exported = json.loads(page.export("json"))
        assert (exported["format"], exported["version"]) == ("sklearn_carto.corrections", 1)
        assert exported["n_samples"] == N
        (one,) = exported["rows"]
        assert {key: one[key] for key in expected} == expected, attempt
        for name in DRAWN:
            assert np.float32(one[name]) == getattr(data_map, name)[row].astype("f4")
        browser.open(path, keep=True)
    page.js("store.setCurrent(arguments[0])", row)
    assert "new label\nDog" in page.find(".sc-details").text
    page.button("Undo").click()
    page.field("checked").click()
    page.button("Export JSON").click()
    assert "Nothing to export" in page.text()


def test_a_label_that_the_map_does_not_have_is_refused(page):
    page.js("store.setCurrent(0)")
    page.keys(page.field("New label"), "cow", Keys.ENTER)
    assert "no label of this map" in page.find(".sc-problem").text
    assert page.js("return store.marks.labels.size") == 0


def test_the_given_label_is_no_correction(page, data_map):
    page.js("store.setCurrent(0)")
    page.keys(page.field("New label"), data_map.labels[0], Keys.ENTER)
    assert page.js("return store.marks.labels.size") == 0


def test_suggestions_are_taken_for_one_row_and_for_the_selected(page, data_map, issues):
    differ = np.flatnonzero(issues["suggested"] != data_map.labels)
    page.js("store.setCurrent(arguments[0])", int(differ[0]))
    page.button("Take suggestion").click()
    page.js("store.choose(arguments[0])", differ[:6].tolist())
    page.button("Take suggestions").click()
    page.button("Check selected").click()
    rows = json.loads(page.export("json"))["rows"]
    assert [one["new_label"] for one in rows] == issues["suggested"][differ[:6]].tolist()
    assert all(one["checked"] and one["selected"] for one in rows)
    page.button("Uncheck selected").click()
    assert page.js("return store.marks.checked.size") == 0


def test_selected_rows_are_relabelled_together(page, data_map):
    rows = np.flatnonzero(data_map.labels != "eel")[:5]
    page.js("store.choose(arguments[0]); store.setCurrent(arguments[0][0])", rows.tolist())
    page.keys(page.field("New label"), "Eel")
    page.button("Relabel selected").click()
    exported = json.loads(page.export("json"))["rows"]
    assert [one["new_label"] for one in exported] == ["eel"] * 5


@pytest.mark.parametrize(
    "kept",
    ["{", "null", "3", '{"labels": 3, "checked": "a"}', '{"labels": [[999, 0], [0, 9], [1], "a"]}',
     '{"labels": [[0, "<b>"]], "checked": [-1, 1.5, "2", null, 240]}', '{"__proto__": {"a": 1}}'],
)  # fmt: skip
def test_what_the_browser_kept_is_not_trusted(page, path, browser, kept):
    page.js("localStorage.setItem(store.marks.key, arguments[0])", kept)
    browser.open(path, keep=True)
    assert page.js("return store.marks.labels.size + store.marks.checked.size") == 0
    assert "240 of 240 rows shown" in page.text()


def test_a_browser_that_keeps_nothing_is_said_to(page, data_map):
    page.js("Storage.prototype.setItem = () => { throw new Error('full') }")
    page.js("store.mark([3], {checked: true}); store.mark([4], {checked: true})")
    assert page.find(".sc-notes").text.count("does not keep the marks") == 1
    assert [one["row"] for one in json.loads(page.export("json"))["rows"]] == [3, 4]


def test_marks_stay_with_the_map(browser, data_map, tmp_path):
    first = write(tmp_path, shown_of(data_map), "first.html")
    again = write(tmp_path, shown_of(data_map, text=TEXTS), "again.html")
    other = DataMap.from_dynamics(record(N, EPOCHS, seed=9))
    another = write(tmp_path, shown_of(other), "another.html")
    browser.open(first).js("store.mark([7], {checked: true})")
    browser.open(again, keep=True)
    assert browser.js("return [...store.marks.checked]") == [7]
    browser.open(another, keep=True)
    assert browser.js("return [...store.marks.checked]") == []


def test_csv_holds_what_json_holds(page, data_map):
    page.js(
        "store.choose([1, 2, 3]); store.mark([2, 9], {label: 1}); store.mark([40], {checked: true})"
    )
    text = page.export("csv")
    rows = json.loads(page.export("json"))["rows"]
    assert not text.startswith("\ufeff")
    parsed = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(parsed[0]) == list(rows[0])

    def as_text(value):
        known = {"None": "", "True": "true", "False": "false"}
        return known.get(str(value), str(value))

    for one, line in zip(rows, parsed, strict=True):
        for name in set(one) - set(DRAWN):
            assert line[name] == as_text(one[name]), name
        for name in DRAWN:
            assert float(line[name]) == one[name]


# keyboard and screen readers


def test_arrow_keys_move_between_points_and_shift_extends_the_selection(page, data_map):
    element = page.find(".sc-map")
    page.keys(element, Keys.ARROW_RIGHT)
    first = page.js("return store.current")
    assert first >= 0
    page.keys(element, Keys.ARROW_UP)
    second = page.js("return store.current")
    assert data_map.confidence[second] > data_map.confidence[first]
    page.keys(element, Keys.SHIFT + Keys.ARROW_RIGHT + Keys.NULL)
    third = page.js("return store.current")
    assert data_map.variability[third] > data_map.variability[second]
    assert set(page.chosen()) == {second, third}
    page.keys(element, Keys.SPACE)
    assert page.chosen() == [second]
    page.keys(element, Keys.ESCAPE)
    assert page.chosen() == []


def test_every_point_can_be_reached_also_rows_in_one_place(browser, tmp_path):
    p = np.array([0.5, 0.5, 0.5, 0.9])
    data_map = DataMap(confidence=p, variability=p / 4, correctness=p, n_epochs=10)
    browser.open(write(tmp_path, shown_of(data_map)))
    seen = set()
    for key in [Keys.ARROW_RIGHT] * 4 + [Keys.ARROW_UP] * 4 + [Keys.ARROW_LEFT] * 4:
        browser.keys(browser.find(".sc-map"), key)
        seen.add(browser.js("return store.current"))
    assert seen == {0, 1, 2, 3}


def test_a_box_by_the_keyboard(page, data_map):
    element = page.find(".sc-map")
    page.js("store.setCurrent(0)")
    page.keys(element, "b")
    page.js("store.setCurrent(1)")
    page.keys(element, "b")
    x, y = data_map.variability.astype("f4"), data_map.confidence.astype("f4")
    mask = (x >= x[:2].min()) & (x <= x[:2].max()) & (y >= y[:2].min()) & (y <= y[:2].max())
    assert page.chosen() == np.flatnonzero(mask).tolist()


def test_keys_zoom_search_check_and_open_the_label(page):
    element = page.find(".sc-map")
    page.js("store.setCurrent(3)")
    whole = page.js("return map.view.x1 - map.view.x0")
    page.keys(element, "+")
    assert page.js("return map.view.x1 - map.view.x0") == pytest.approx(0.7 * whole)
    page.keys(element, "0")
    assert page.js("return map.view.x1 - map.view.x0") == whole
    page.keys(element, "c")
    assert page.js("return store.marks.checked.has(3)")
    page.keys(element, "/")
    assert page.js("return document.activeElement.classList.contains('sc-search')")
    page.keys(element, Keys.ENTER)
    assert page.js("return document.activeElement === app.details.input")


def test_the_table_obeys_the_keyboard(page):
    page.js("store.setCurrent(0)")
    page.keys(page.find("tr[data-row='0']"), Keys.ARROW_DOWN)
    assert page.js("return store.current") == 1
    page.keys(page.find("tr[data-row='1']"), Keys.SPACE)
    assert page.chosen() == [1]
    page.keys(page.find("tr[data-row='1']"), Keys.SHIFT + Keys.ARROW_DOWN + Keys.NULL)
    assert page.chosen() == [1, 2]


def test_the_table_shows_the_most_suspect_labels_first(clean, tmp_path, data_map):
    quality = np.random.RandomState(0).permutation(N) / N
    statistics = {name: getattr(data_map, name) for name in DRAWN} | {"label_quality": quality}
    page = clean.open(write(tmp_path, shown_of(data_map, statistics=statistics, text=TEXTS)))
    rows = page.driver.find_elements("css selector", ".sc-table tbody tr")
    assert [int(row.get_attribute("data-row")) for row in rows] == np.argsort(quality)[:50].tolist()


@pytest.mark.parametrize("offset", [0, 1])
def test_an_id_that_is_the_number_of_the_row_is_not_repeated(clean, tmp_path, offset):
    ids = np.arange(4) + offset
    data_map = DataMap.from_dynamics(record(4, 2, sample_ids=ids))
    page = clean.open(write(tmp_path, shown_of(data_map)))
    page.driver.find_element("css selector", ".sc-table tbody tr").click()
    heading = page.driver.find_element("css selector", ".sc-details").text
    assert ("row 0, 1" in heading) == bool(offset)
    assert ("row 0, 0" in heading) is False


def test_the_table_is_sorted_and_turned(page, data_map):
    page.button("confidence").click()
    first = [
        int(e.get_attribute("data-row"))
        for e in page.driver.find_elements("css selector", "tbody tr")
    ]
    assert first == np.argsort(data_map.confidence, kind="stable")[:50].tolist()
    assert page.find("th[aria-sort=ascending]").text.startswith("confidence")
    page.button("Next").click()
    assert "page 2 of 5" in page.find(".sc-rows").text


def test_every_control_has_a_name_and_messages_are_announced(page):
    nameless = page.js(
        "return [...document.querySelectorAll('button, input, select, canvas, [tabindex], [role]')]"
        ".filter(e => !e.closest('[hidden]') && !e.getAttribute('aria-label') && "
        "!e.getAttribute('aria-hidden') && !e.textContent.trim() && !(e.labels?.length) && "
        "e.getAttribute('role') !== 'status' && e.getAttribute('role') !== 'alert')"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
    live = page.find("[aria-live=polite]")
    page.js("store.setCurrent(2)")
    assert "row 2" in live.get_attribute("textContent")
    page.js("store.choose([1, 2, 3])")
    assert "3 rows selected" in live.get_attribute("textContent")
    assert page.find("html").get_attribute("lang") == "en"


def test_the_theme_follows_the_system_and_the_switch(page, browser, path):
    def is_dark():
        colour = page.js("return getComputedStyle(app.root).backgroundColor")
        return sum(int(v) for v in colour[4:-1].split(",")) < 200

    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    assert not is_dark()
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        page.wait("return app.theme === 'dark'")  # the browser reports the change in a moment
        assert is_dark()
        page.pick("Theme", "light")
        assert not is_dark()
        browser.open(path, keep=True)
        assert not is_dark()
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    page.pick("Theme", "dark")
    assert is_dark()


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_nothing_is_wider_than_the_page(browser, path, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.open(path)
        browser.js("store.setCurrent(3); store.choose([1, 2])")
        browser.settle()
        assert browser.js("return document.documentElement.scrollWidth") <= width
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# hostile rows


def hostile_page(folder, name, value):
    """A page on which text, id, label, region, column and title are one hostile string."""
    n = 30
    labels = np.array([value if i % 2 else "other" for i in range(n)], dtype=object)
    ids = np.array([f"{value}{i}" if i else value for i in range(n)], dtype=object)
    p = np.linspace(0.05, 0.95, n)
    data_map = DataMap(
        confidence=p, variability=p / 4, correctness=p, n_epochs=20, labels=labels, sample_ids=ids
    )
    cells = np.array([value] * n, dtype=object)
    path = folder / "hostile.html"
    data_map.explore(
        path, text=cells.tolist(), X={value: cells, "plain": np.arange(n)}, title=value,
        regions=cells, label_names={value: value},
    )  # fmt: skip
    return path, data_map


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_strings_are_shown_and_exported_as_they_are(browser, tmp_path, name):
    value = HOSTILE[name]
    path, data_map = hostile_page(tmp_path, name, value)
    browser.open(path)
    elements = browser.js("return document.querySelectorAll('*').length")
    browser.js("store.choose(store.shownRows()); store.setCurrent(1); store.setColour('label')")
    browser.js("map.hover(1, 100, 100); app.maps[0].onHover(1, app.maps[0])")
    browser.settle()
    page_js = browser.js
    assert page_js("return window.pwned ?? null") is None
    assert page_js("return Object.prototype.pwned ?? null") is None
    assert page_js("return document.querySelectorAll('script').length") == 1
    wrong = "iframe, svg, style:not(head style), img:not(.sc-picture), object, embed, base, form"
    assert page_js("return document.querySelectorAll(arguments[0]).length", wrong) == 0
    assert page_js("return [...document.querySelectorAll('*')].filter(e => [...e.attributes]"
                   ".some(a => a.name.startsWith('on'))).length") == 0  # fmt: skip
    assert elements < 3000
    # what is shown is the string itself
    as_json = "return JSON.stringify({})"  # the driver cannot read lone surrogates
    assert json.loads(page_js(as_json.format("store.data.text.get(1)"))) == value
    shown = page_js(as_json.format("document.querySelector('.sc-text').textContent"))
    assert json.loads(shown) == value
    # what is exported is what Python holds, also a label that is chosen from the list
    option = f"store.data.classes[{data_map.classes.tolist().index(value)}][1]"
    browser.js(f"store.setCurrent(0); app.details.input.value = {option}")
    browser.button("Relabel").click()
    rows = json.loads(browser.export("json"))["rows"]
    assert [one["new_label"] for one in rows] == [value] + [None] * 29
    assert [one["id"] for one in rows] == data_map.sample_ids.tolist()
    assert [one["given_label"] for one in rows] == data_map.labels.tolist()
    assert {one["region"] for one in rows} == {value}
    text = browser.export("csv")
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(lines) == 31
    written = [ungarded(line[2]) for line in lines[1:]]
    given = ["\ufffd".join(v.split("\ud800")) for v in data_map.labels]  # UTF-8 has no surrogates
    assert written == given
    for line in lines[1:]:
        for cell in (line[1], line[2], line[6]):
            assert not cell.lstrip(" \t\r\n\xa0\u3000").startswith(
                tuple("=+-@\uff1d\uff0b\uff0d\uff20")
            )
    assert browser.requests() == []
    assert browser.problems() == []
    with pytest.raises(Exception, match="no such alert"):
        _ = browser.driver.switch_to.alert


def ungarded(cell):
    """Take away the one apostrophe of a guarded cell, as the library's reader does."""
    bare = cell.lstrip("'")
    if not cell.startswith("'"):
        return cell
    first = bare.lstrip(" \t\r\n\x0b\x0c\xa0\u3000\u2028\u2029\ufeff")[:1]
    guarded = first in tuple("=+-@\uff1d\uff0b\uff0d\uff20") or bare[:1] in ("\t", "\r")
    return cell[1:] if guarded else cell


def test_searching_for_a_hostile_string_finds_it_as_text(browser, tmp_path):
    path, _ = hostile_page(tmp_path, "image", HOSTILE["image"])
    browser.open(path)
    browser.keys(browser.find(".sc-search"), "<img src=x", Keys.ENTER)
    browser.wait("return store.found !== null")
    assert len(browser.shown()) == 30
    assert browser.js("return window.pwned ?? null") is None


# small maps, the widget, and no WebGL


@pytest.mark.parametrize("n", [1, 2])
def test_maps_of_few_rows_are_shown(browser, tmp_path, n, clean):
    p = np.linspace(0.2, 0.6, n)
    data_map = DataMap(confidence=p, variability=p / 2, correctness=p, n_epochs=1)
    browser.open(data_map.explore(tmp_path / "few.html"))
    browser.keys(browser.find(".sc-map"), Keys.ARROW_RIGHT, Keys.SPACE)
    assert len(json.loads(browser.export("json"))["rows"]) == 1


def test_a_map_without_a_recorded_row_is_shown(browser, tmp_path, clean):
    none = [np.nan, np.nan]
    data_map = DataMap(confidence=none, variability=none, correctness=none, n_epochs=1)
    browser.open(data_map.explore(tmp_path / "none.html"))
    browser.keys(browser.find(".sc-map"), Keys.ARROW_RIGHT)
    assert "no point in this direction" in browser.js("return store.message")


def test_without_webgl_the_points_are_drawn_in_two_dimensions(path, tmp_path):
    plain = Browser(tmp_path, "--disable-3d-apis", "--disable-webgl", "--disable-webgl2")
    try:
        plain.open(path)
        assert plain.js("return map.points.constructor.name !== undefined && !map.points.gl")
        drawn = plain.js(
            "const s = document.querySelector('.sc-points'); return s.getContext('2d')"
            ".getImageData(0, 0, s.width, s.height).data.filter((v, i) => i % 4 === 3 && v).length"
        )
        assert drawn > N
    finally:
        plain.quit()


def test_a_page_whose_data_are_cut_off_says_so(browser, path, tmp_path):
    text = path.read_text(encoding="utf-8")
    start = text.index('id="sc-payload">') + 16
    cut = tmp_path / "cut.html"
    cut.write_text(text[: start + 1600] + text[text.index("</script>", start) :], encoding="utf-8")
    browser.driver.get(cut.as_uri())
    browser.wait("return document.body.textContent.includes('could not be shown')")


def test_ids_of_the_page_with_other_fields(browser, tmp_path, data_map):
    hidden = as_map(record(N, EPOCHS), sample_ids=np.arange(N) * 10)
    browser.open(hidden.explore(tmp_path / "ids.html"))
    browser.js("store.choose([3])")
    assert json.loads(browser.export("json"))["rows"][0]["id"] == "30"
