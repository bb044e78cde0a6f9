"""Pages of the explorer, and the browser that the tests open them in."""

import json
import shutil
import struct
import time
import zlib
from types import SimpleNamespace

import numpy as np

from sklearn_carto import DataMap, TrainingDynamics

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"

HOSTILE = {
    "script": "<script>window.pwned = 1; alert(1)</script>",
    "end of script": "</script><script>window.pwned = 1</script>",
    "end of title": "</title></style><script>window.pwned = 1</script>",
    "image": "<img src=x onerror='window.pwned = 1'>",
    "svg": "<svg/onload=window.pwned=1>",
    "attribute": '" onmouseover="window.pwned=1" autofocus onfocus=\'window.pwned=1',
    "link": "javascript:window.pwned=1",
    "frame": "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "style": "<style>@import 'https://example.com/a.css';</style>",
    "comment": "<!--<script>",
    "section": "]]><![CDATA[",
    "entity": "&lt;b&gt; &amp; &#x41;",
    "template": "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} {payload} %s",
    "separators": "one\u2028two\u2029three\x85four",
    "right to left": "\u202eabc\u202c \u200f(\u0627\u0644) \u2066x\u2069",
    "formula": '=HYPERLINK("https://example.com","a")',
    "formula behind blanks": "\u3000 \u00a0=1+1",
    "formula in full width": "\uff1d1+1",
    "plus": "+1",
    "minus": "-2+3",
    "at": "@SUM(A1)",
    "tab": "\t=1",
    "return": "\r=1",
    "guarded": "'=1",
    "null": "a\0b",
    "surrogate": "a\ud800b",
    "pair": "\U0001f469\u200d\U0001f52c e\u0301",
    "prototype": "__proto__",
    "constructor": "constructor",
    "length": "toString",
    "long": "abc " * 40 + "x" * 9000,
    "lines": 'a\r\nb\nc,"d"; e',
    "blank": " ",
    "number": "1e5",
    "byte order": "\ufeffa",
}


def record(n_samples=240, n_epochs=8, seed=0, classes=("cat", "dog", "eel"), **given):
    """Training dynamics of random probabilities, and their labels."""
    rng = np.random.RandomState(seed)
    codes = rng.randint(len(classes), size=n_samples)
    labels = np.array(classes, dtype=object)[codes]
    dynamics = TrainingDynamics(labels, classes=np.array(classes, dtype=object), **given)
    ability = rng.normal(0.6, 1.3, n_samples)
    for epoch in range(n_epochs):
        scores = rng.normal(0, 1.0, (n_samples, len(classes)))
        scores[np.arange(n_samples), codes] += ability * np.log(epoch + 2)
        dynamics.update(epoch, scores, from_logits=True)
    return dynamics


def suggest(labels, classes, seed=1):
    """Stand in for label issues, as explore shows them."""
    rng = np.random.RandomState(seed)
    return {
        "suggested": rng.choice(np.array(classes, dtype=object), len(labels)),
        "suspect": rng.random_sample(len(labels)) < 0.2,
    }


def png(width, height, grey):
    """Encode a grey picture, without a library."""
    rows = b"".join(b"\0" + bytes([grey]) * width for _ in range(height))

    def chunk(kind, data):
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def thumbnails_of(rows, n_rows):
    """Thumbnails of some rows: the grey of row i is i."""
    parts = [png(6, 4, row % 256) for row in rows]
    return SimpleNamespace(
        mime="image/png",
        data=b"".join(parts),
        ends=np.cumsum([len(part) for part in parts]).astype(np.uint32),
        rows=np.array(rows),
        n_rows=n_rows,
    )


def missing_browser():
    """Why there is no browser to test with; None if there is one."""
    for program in (CHROMIUM, DRIVER):
        if shutil.which(program) is None:
            return f"needs a browser: {program} is not installed"
    return None


class Browser:
    """Headless Chromium with one page; reads and drives the explorer."""

    def __init__(self, folder, *arguments):
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        wanted = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *arguments]
        for argument in [*wanted, "--window-size=1400,1000"]:
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.folder = folder

    def open(self, path, keep=False):
        """Open a page and wait until it is ready; what the browser kept is forgotten."""
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())
        if not keep:
            self.js("localStorage.clear()")
            self.driver.get(path.as_uri())
        self.wait("return document.getElementById('sc-root').dataset.ready")
        return self

    def wait(self, script, *arguments, seconds=20):
        """Wait until a script returns something true, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.js(script, *arguments)
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"not true within {seconds} s: {script}\n{self.text()[:500]}")

    def js(self, script, *arguments):
        """Run a script in which `app`, `store` and `map` are the explorer's."""
        prefix = (
            "const app = document.getElementById('sc-root')?.explorer, store = app?.store, "
            "map = app?.maps[0]; "
        )
        return self.driver.execute_script(prefix + script, *arguments)

    def text(self):
        """All text of the page."""
        return self.driver.find_element("tag name", "body").text

    def find(self, css):
        """The first element of a selector."""
        return self.driver.find_element("css selector", css)

    def button(self, text):
        """The button with a text."""
        script = (
            "return [...document.querySelectorAll('button')].find(b => b.textContent === "
            "arguments[0] && !b.closest('[hidden]'))"
        )
        found = self.driver.execute_script(script, text)
        assert found is not None, f"no button {text!r}"
        return found

    def field(self, label):
        """The input or select with a label."""
        script = (
            "const l = [...document.querySelectorAll('label')].find(l => l.textContent === "
            "arguments[0]); return document.getElementById(l.htmlFor)"
        )
        return self.driver.execute_script(script, label)

    def pick(self, label, value):
        """Pick an option of a select."""
        from selenium.webdriver.support.select import Select

        Select(self.field(label)).select_by_value(value)
        self.settle()

    def settle(self):
        """Wait until what was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        )

    def shown(self):
        """Positions of the rows that pass the filters."""
        return self.js("return store.shownRows()")

    def chosen(self):
        """Positions of the selected rows."""
        return self.js("return store.chosenRows()")

    def pixel(self, row, which=0):
        """Where a row is drawn, from the top left of the map."""
        return self.js("return app.maps[arguments[1]].toPixel(arguments[0])", row, which)

    def drag(self, points, *, which=0, held=None, element=None):
        """Draw a stroke through points, which are pixels from the top left of the map.

        Returns the points at which the page has seen it.
        """
        from selenium.webdriver import ActionChains

        if element is None:
            element = self.driver.find_elements("css selector", ".sc-map")[which]
        self.js("arguments[0].scrollIntoView({block: 'nearest'})", element)
        width, height = element.size["width"], element.size["height"]
        moves = [(round(x - width // 2), round(y - height // 2)) for x, y in points]
        chain = ActionChains(self.driver, duration=0)
        if held:
            chain.key_down(held)
        chain.move_to_element_with_offset(element, *moves[0]).click_and_hold()
        for move in moves[1:]:
            chain.move_to_element_with_offset(element, *move)
        chain.release()
        if held:
            chain.key_up(held)
        self.js(
            "const e = arguments[0]; window.stroke = []; window.pen = new AbortController();"
            "for (const kind of ['pointerdown', 'pointermove', 'pointerup'])"
            "e.addEventListener(kind, v => { if (v.buttons || kind === 'pointerup') {"
            "const b = e.getBoundingClientRect();"
            "window.stroke.push([v.clientX - b.left, v.clientY - b.top]) } },"
            "{signal: pen.signal})",
            element,
        )
        chain.perform()
        self.settle()
        return np.array(self.js("window.pen.abort(); return window.stroke"))

    def keys(self, element, *keys):
        """Send keys to an element."""
        self.js("arguments[0].focus()", element)
        element.send_keys(*keys)
        self.settle()

    def export(self, kind):
        """Export, and return the text of the file."""
        for old in self.folder.glob(f"corrections-*.{kind}"):
            old.unlink()
        self.button(f"Export {kind.upper()}").click()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            files = list(self.folder.glob(f"corrections-*.{kind}"))
            if files and files[0].stat().st_size:
                return files[0].read_bytes().decode("utf-8")
            time.sleep(0.05)
        raise AssertionError("nothing was exported")

    def requests(self, refused=False):
        """Addresses that the page has asked for since it was opened, without its own.

        `refused`: leave out those that the page's policy has refused.
        """
        urls, failed = {}, set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                urls[params["requestId"]] = params["request"]["url"]
            if (
                message["method"] == "Network.loadingFailed"
                and params.get("blockedReason") == "csp"
            ):
                failed.add(params["requestId"])
        return [
            url
            for key, url in urls.items()
            if not url.startswith(("file:", "data:", "blob:")) and not (refused and key in failed)
        ]

    def problems(self):
        """Errors on the console; those of the drawing in software are none."""
        entries = self.driver.get_log("browser")
        return [e["message"] for e in entries if "WebGL" not in e["message"]]

    def quit(self):
        """End the browser."""
        self.driver.quit()


def as_map(dynamics, **given):
    """Map of training dynamics with other fields."""
    from dataclasses import replace

    return replace(DataMap.from_dynamics(dynamics), **given)
