"""The widget in a browser: several in one page, in a page of another theme or width, and gone."""

import base64

import numpy as np
import pytest

from explorer_pages import Browser, as_map, missing_browser, record

pytest.importorskip("selenium", reason="needs selenium")
if missing_browser():
    pytest.skip(missing_browser(), allow_module_level=True)

from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

from sklearn_carto._explorer._page import bundle
from sklearn_carto._explorer._payload import build_payload
from sklearn_carto._maps._explore import what_is_shown

N, EPOCHS = 120, 6

# stands in for a notebook: each widget is a module of its own, and a model has one or more views
NOTEBOOK = """
const [source, css, done] = arguments;
document.head.innerHTML = document.body.innerHTML = "";
document.body.removeAttribute("style");
const style = document.createElement("style");
style.textContent = css;
document.head.append(style);
localStorage.clear();
window.makeModel = (encoded) => {
  const raw = Uint8Array.from(atob(encoded), c => c.charCodeAt(0)), listeners = [];
  const values = {_payload: new DataView(raw.buffer), indices: []};
  return {
    saved: [], get: name => values[name],
    set(name, value) {
      values[name] = value;
      for (const [event, fn] of [...listeners]) if (event === "change:" + name) fn();
    },
    save_changes() { this.saved.push([...values.indices]); },
    on(name, fn) { listeners.push([name, fn]); },
    off(name, fn) { listeners.splice(listeners.findIndex(one => one[1] === fn), 1); },
    module: import(URL.createObjectURL(new Blob([source], {type: "text/javascript"}))),
  };
};
window.views = [];
window.display = async (model, parent = document.body) => {
  const el = document.createElement("div");
  parent.append(el);
  const {default: widget} = await model.module;
  const close = await widget.render({model, el});
  const root = el.querySelector(".sc-widget");
  window.views.push({model, el, root, app: root.explorer, store: root.explorer?.store, close});
};
done();
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("exports"))
    browser.driver.set_script_timeout(30)
    yield browser
    browser.quit()


def payload_of(**given):
    names = (
        "X", "text", "images", "label_names", "issues", "dynamics", "compare", "compare_dynamics",
        "regions", "title",
    )  # fmt: skip
    known = {**dict.fromkeys(names), "thumbnail_size": 48, "thumbnail_bytes": 10**6}
    shown = what_is_shown(as_map(record(N, EPOCHS)), **{**known, **given})
    return base64.b64encode(build_payload(shown)).decode()


@pytest.fixture(scope="module")
def payload():
    return payload_of(dynamics=record(N, EPOCHS))


class Notebook:
    """A page with views of widgets."""

    def __init__(self, browser, place):
        self.browser, self.driver = browser, browser.driver
        place.write_text("<!doctype html><title>Notebook</title><body></body>")
        self.driver.get(place.as_uri())
        css = bundle("explorer.css")
        self.driver.execute_async_script(NOTEBOOK, bundle("widget.js"), css)
        self.js = self.driver.execute_script

    def display(self, payload, views=1, parent="document.body"):
        """Show a new widget, in one or more views."""
        self.driver.execute_async_script(
            "const [payload, views, done] = arguments; const model = makeModel(payload);"
            f"(async () => {{ for (let i = 0; i < views; i++) await display(model, {parent}); }})()"
            ".then(() => done(), error => done(String(error)))",
            payload,
            views,
        )
        return self

    def find(self, view, css):
        return self.js("return views[arguments[0]].root.querySelector(arguments[1])", view, css)

    def each(self, script):
        """Run a script for each view, where `app`, `store` and `root` are its own."""
        return self.js(f"return views.map(({{app, store, root, el, model}}) => {{ {script} }})")

    def settle(self):
        self.browser.settle()


@pytest.fixture
def notebook(browser, tmp_path):
    return Notebook(browser, tmp_path / "notebook.html")


# indices


def test_indices_go_both_ways_and_to_every_view(notebook, payload):
    notebook.display(payload, views=2).display(payload)
    chosen = "return store.chosenRows()"
    notebook.js("views[0].model.set('indices', [1, 7])")
    assert notebook.each(chosen) == [[1, 7], [1, 7], []]
    notebook.js("views[1].store.choose([9, 3])")
    assert notebook.each(chosen) == [[3, 9], [3, 9], []]
    assert notebook.each("return model.get('indices')") == [[3, 9], [3, 9], []]
    assert notebook.js("return views[0].model.saved") == [[3, 9]]
    notebook.js(f"views[0].model.set('indices', [-1, {N}, 4])")
    assert notebook.each(chosen) == [[4], [4], []]


# several in one page


def test_ids_differ_so_that_a_label_belongs_to_its_own_widget(notebook, payload):
    notebook.display(payload).display(payload_of(title="Another"))
    ids = notebook.js("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    notebook.js("views[0].store.setCurrent(3); views[1].store.setCurrent(8)")
    notebook.js(
        "const labels = [...views[1].root.querySelectorAll('label')];"
        "labels.find(label => label.textContent === 'checked').click()"
    )
    assert notebook.js("return [...views[1].store.marks.checked]") == [8]


def test_marks_are_those_of_every_view_and_widget_of_the_map(notebook, payload):
    other = as_map(record(N, EPOCHS, seed=5))
    notebook.display(payload, views=2).display(payload)
    shown = what_is_shown(
        other, X=None, text=None, images=None, label_names=None, issues=None, dynamics=None,
        compare=None, compare_dynamics=None, regions=None, title=None, thumbnail_size=48,
        thumbnail_bytes=1,
    )  # fmt: skip
    notebook.display(base64.b64encode(build_payload(shown)).decode())
    code = notebook.js("return (views[0].store.data.labels[3] + 1) % 3")
    notebook.js("views[0].store.mark([3], {label: arguments[0]})", code)
    notebook.js("views[2].store.mark([5], {checked: true})")
    marks = "return [[...store.marks.labels], [...store.marks.checked]]"
    assert notebook.each(marks) == [[[[3, code]], [5]]] * 3 + [[[], []]]
    counts = notebook.each("return root.querySelector('.sc-counts').textContent")
    assert ["1 relabelled, 1 checked" in text for text in counts] == [True, True, True, False]
    notebook.js("views[1].store.mark([3], {label: null})")
    assert notebook.each(marks)[:3] == [[[], [5]]] * 3


def test_marks_reach_another_tab(browser, tmp_path):
    path = as_map(record(N, EPOCHS)).explore(tmp_path / "map.html")
    browser.open(path)
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    second = browser.driver.current_window_handle
    try:
        browser.open(path, keep=True)
        browser.js("store.mark([4], {checked: true})")
        browser.driver.switch_to.window(first)
        browser.wait("return store.marks.checked.has(4)")
        browser.js("store.mark([6], {checked: true})")
        browser.driver.switch_to.window(second)
        assert browser.wait("return store.marks.checked.size === 2")
    finally:
        browser.driver.switch_to.window(second)
        browser.driver.close()
        browser.driver.switch_to.window(first)


@pytest.mark.parametrize("kept", ["{", "null", '{"labels": [[999, 0], [0, 9]], "checked": [-1]}'])
def test_what_another_page_keeps_is_not_trusted(notebook, payload, kept):
    notebook.display(payload)
    notebook.js(
        "const {key} = views[0].store.marks;"
        "window.dispatchEvent(new StorageEvent('storage', {key, newValue: arguments[0]}))",
        kept,
    )
    assert notebook.each("return store.marks.labels.size + store.marks.checked.size") == [0]


# the page around it


def test_the_theme_is_that_of_the_page_and_follows_it(notebook, payload):
    notebook.js("document.body.style.background = 'rgb(17, 17, 17)'")
    notebook.display(payload)
    background = "return getComputedStyle(root).backgroundColor"
    assert notebook.each(background) == ["rgb(21, 23, 28)"]
    notebook.js("document.body.style.background = 'white'")
    notebook.settle()
    assert notebook.each(background) == ["rgb(255, 255, 255)"]
    notebook.js(
        "const s = views[0].app.themeSelect; s.value = 'dark'; s.dispatchEvent(new Event('change'))"
    )
    assert notebook.each(background) == ["rgb(21, 23, 28)"]


def test_a_widget_that_is_made_before_it_has_a_place_takes_the_theme_there(notebook, payload):
    notebook.js("document.body.style.background = 'rgb(17, 17, 17)'")
    notebook.js("window.box = document.createElement('div')")
    notebook.display(payload, parent="box")
    notebook.js("document.body.append(box)")
    notebook.settle()
    assert notebook.each("return getComputedStyle(root).backgroundColor") == ["rgb(21, 23, 28)"]


@pytest.mark.parametrize(("width", "columns"), [(1200, 3), (800, 2), (500, 1), (320, 1)])
def test_the_layout_is_that_of_the_widgets_width(notebook, payload, width, columns):
    notebook.js(
        "window.box = document.createElement('div'); box.style.width = arguments[0] + 'px';"
        "document.body.append(box)",
        width,
    )
    notebook.display(payload, parent="box")
    notebook.settle()
    grid = "return getComputedStyle(root.querySelector('.sc-body')).gridTemplateColumns.split(' ')"
    assert len(notebook.each(grid)[0]) == columns
    assert notebook.each("return root.scrollWidth")[0] <= width


@pytest.mark.parametrize("css", [".sc-map", ".sc-tool", "tr[data-row]", ".sc-filters select"])
def test_keys_are_not_taken_by_the_notebook_unless_with_control(notebook, payload, css):
    notebook.display(payload)
    notebook.js(  # as JupyterLab does: at the document, before the page
        "window.taken = []; window.end = new AbortController();"
        "document.addEventListener('keydown', event => {"
        "for (let e = event.target; e; e = e.parentElement) {"
        "if (e.hasAttribute('data-lm-suppress-shortcuts')) return;"
        "if (e.matches(':focus:not(:read-write)')) { taken.push(event.key); return; } } }, true)"
    )
    element = notebook.find(0, css)
    notebook.js("arguments[0].focus()", element)
    element.send_keys("x")
    assert notebook.js("return taken") == []
    chain = ActionChains(notebook.driver).key_down(Keys.CONTROL).send_keys("s")
    chain.key_up(Keys.CONTROL).perform()
    assert notebook.js("return taken.at(-1)") == "s"


def test_the_wheel_zooms_a_map_that_has_the_focus_and_else_scrolls(notebook, payload):
    notebook.display(payload)
    notebook.js("document.body.style.paddingBottom = '3000px'")
    element = notebook.find(0, ".sc-map")
    view, scrolled = "return app.maps[0].view.x1 - app.maps[0].view.x0", "return window.scrollY"

    def turn():
        chain = ActionChains(notebook.driver)
        chain.scroll_from_origin(ScrollOrigin.from_element(element), 0, 100).perform()
        notebook.browser.settle()

    before = notebook.each(view)
    turn()
    notebook.browser.wait("return window.scrollY > 0")
    assert notebook.each(view) == before
    notebook.js("window.scrollTo(0, 0); arguments[0].focus({preventScroll: true})", element)
    notebook.js("views[0].app.maps[0].zoom(0.5)")
    zoomed = notebook.each(view)
    turn()
    assert notebook.each(view)[0] > zoomed[0]
    assert notebook.js(scrolled) == 0


# gone, and damaged


def test_a_view_that_is_taken_away_gives_back_what_the_browser_counts(notebook, payload):
    notebook.display(payload, views=2)
    notebook.js(
        "window.gl = views[0].app.maps[0].points.gl; views[0].close(); views[0].el.remove()"
    )
    assert notebook.js("return gl.isContextLost()")
    notebook.js("views[1].store.mark([2], {checked: true}); views[1].store.choose([1])")
    assert notebook.js("return views[0].store.marks.checked.size") == 0
    assert notebook.js("return views[1].app.maps[0].points.gl.isContextLost()") is False


def test_a_map_that_loses_webgl_is_drawn_in_two_dimensions(notebook, payload):
    notebook.display(payload)
    notebook.js("views[0].app.maps[0].points.gl.getExtension('WEBGL_lose_context').loseContext()")
    notebook.browser.wait("return !views[0].app.maps[0].points.gl")
    notebook.settle()
    drawn = notebook.each(
        "const s = root.querySelector('.sc-points'); return s.getContext('2d')"
        ".getImageData(0, 0, s.width, s.height).data.filter((v, i) => i % 4 === 3 && v).length"
    )
    assert drawn[0] > N
    notebook.js("views[0].store.choose([5])")
    assert notebook.each("return store.chosenRows()") == [[5]]


@pytest.mark.parametrize(
    "bytes_",
    [b"", b"SCX1", b"SCX1\xff\xff\xff\x00abc", b"PK\x03\x04" * 9],
    ids=["empty", "start", "length", "other"],
)
def test_a_widget_whose_data_are_damaged_says_so(notebook, bytes_):
    notebook.display(base64.b64encode(bytes_).decode())
    assert "The map could not be shown" in notebook.each("return root.textContent")[0]


# two maps with histories of their own


def expected(dynamics, n_epochs):
    proba = dynamics.true_proba[:, :n_epochs].astype(float)
    return proba.mean(axis=1), dynamics.correct[:, :n_epochs].mean(axis=1)


@pytest.mark.parametrize("given", ["both", "first", "second"])
def test_the_slider_moves_each_map_by_its_own_history(notebook, given):
    first, second = record(N, EPOCHS), record(N, 4, seed=3)
    histories = {"dynamics": first, "compare_dynamics": second}
    if given != "both":
        del histories["compare_dynamics" if given == "first" else "dynamics"]
    notebook.display(payload_of(compare=as_map(second), **histories))
    last = (4 if given == "second" else EPOCHS) - 1
    assert notebook.each("return store.epochs.last") == [last]
    for step in (0, 2, last, 1):
        notebook.js("views[0].store.setFrame(arguments[0])", step)
        for i, (dynamics, length) in enumerate([(first, EPOCHS), (second, 4)]):
            moved = given in ("both", ("first", "second")[i])
            confidence, correctness = expected(dynamics, min(step + 1, length) if moved else length)
            drawn = notebook.js("return [...views[0].app.maps[arguments[0]].source.drawn().y]", i)
            np.testing.assert_allclose(drawn, confidence, atol=0.5 / 254 + 1e-4)
            drawn = notebook.js("return [...views[0].app.maps[arguments[0]].source.drawn().c]", i)
            np.testing.assert_allclose(drawn, correctness, atol=1e-6)
            on_card = notebook.js(
                "return [...views[0].app.maps[arguments[0]].points.kept.get('y')]", i
            )
            np.testing.assert_allclose(on_card, confidence, atol=0.5 / 254 + 1e-4)
