"""Measure the explorer's page of a map of 100,000 rows and of a million rows.

Usage: python benchmarks/explorer.py [--rows 100000 1000000]

Writes the page of simulated training dynamics of 20 epochs with a text for each row (4 to 12 words
of a Zipf distribution), opens it in headless Chromium, which draws in software, and prints for each
figure the bar that it must meet: the size of the file, the time until the map is drawn, and the
medians of a lasso, of pointing at a row and of a step of the slider. Needs selenium, Chromium and
chromedriver.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from sklearn_carto import DataMap, TrainingDynamics

N_EPOCHS = 20
BARS = {  # megabytes, seconds, and milliseconds
    100_000: {"size": 6, "drawn": 5, "lasso": 150, "hover": 16, "epoch": 150},
    1_000_000: {"size": 50, "drawn": 20, "lasso": np.inf, "hover": np.inf, "epoch": 500},
}


def simulate(n_rows, seed=0):
    """Record simulated probabilities: most rows are learned early, some late, some never."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n_rows)
    dynamics = TrainingDynamics(labels, classes=np.arange(4), keep_history="float16")
    rate, start = rng.lognormal(0.3, 0.6, n_rows), rng.normal(-0.8, 0.8, n_rows)
    rate[rng.random(n_rows) < 0.06] *= -0.5  # labels that contradict the data
    for epoch in range(N_EPOCHS):
        logit = start + rate * np.log1p(epoch) + rng.normal(0, 0.5, n_rows)
        own = 1 / (1 + np.exp(-logit))
        scores = np.repeat(((1 - own) / 3)[:, None], 4, axis=1)
        scores[np.arange(n_rows), labels] = own
        dynamics.update(epoch, scores)
    return dynamics


def texts_of(n_rows, seed=0):
    """Texts of 4 to 12 words, drawn by a Zipf distribution from 20,000 words."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    weights = np.linspace(3, 1, len(letters)) / np.linspace(3, 1, len(letters)).sum()
    words = ["".join(rng.choice(letters, size, p=weights)) for size in rng.integers(2, 9, 20_000)]
    share = 1 / np.arange(1, 20_001)
    lengths = rng.integers(4, 13, n_rows)
    drawn = rng.choice(20_000, size=lengths.sum(), p=share / share.sum())
    ends = np.cumsum(lengths)
    return [
        " ".join(words[i] for i in drawn[end - length : end])
        for end, length in zip(ends, lengths, strict=True)
    ]


def open_browser():
    """Start headless Chromium."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1400,1000"):
        options.add_argument(argument)
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    return webdriver.Chrome(options=options, service=service)


MEASURE = """
const done = arguments[0];
const app = document.getElementById("sc-root").explorer, {store} = app, [map] = app.maps;
const frame = () => new Promise((resolve) => setTimeout(resolve, 30));
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const box = map.element.getBoundingClientRect();
const send = (kind, x, y) => map.element.dispatchEvent(new PointerEvent(kind, {
  clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true}));
map.element.setPointerCapture = () => {};
(async () => {
  const lasso = [], hover = [], epoch = [];
  for (let turn = 0; turn < 9; turn++) {
    const cx = box.width / 2, cy = box.height / 2;
    send("pointerdown", cx + 200, cy);
    for (let i = 1; i <= 60; i++) {
      const angle = i / 60 * 2 * Math.PI, radius = 200 - 5 * (i % 3) - turn;
      send("pointermove", cx + radius * Math.cos(angle), cy + radius * Math.sin(angle));
    }
    let begin = performance.now();
    send("pointerup", cx + 200, cy);
    cancelAnimationFrame(map.pending); map.pending = 0; map.drawNow();
    app.table.refresh();
    lasso.push(performance.now() - begin);
    await frame();
  }
  const n_chosen = store.chosenCount;
  store.choose([]);
  await frame();
  map.ready();
  for (let turn = 0; turn < 60; turn++) {
    const begin = performance.now();
    send("pointermove", 60 + turn * 9, 60 + (turn * 37) % (box.height - 120));
    hover.push(performance.now() - begin);
  }
  for (let step = 0; step < 10; step++) {
    const begin = performance.now();
    store.setFrame(step);
    cancelAnimationFrame(map.pending); map.pending = 0; map.drawNow();
    app.table.refresh();
    epoch.push(performance.now() - begin);
    await frame();
  }
  done({lasso: median(lasso), hover: median(hover), epoch: median(epoch), n_chosen});
})();
"""


def measure(path):
    """Open a page and return its figures."""
    browser = open_browser()
    try:
        browser.set_script_timeout(300)
        begin = time.perf_counter()
        browser.get(path.as_uri())
        while not browser.execute_script("return document.getElementById('sc-root').dataset.ready"):
            time.sleep(0.1)
            if time.perf_counter() - begin > 120:
                raise TimeoutError("the page was not read within two minutes")
        timings = browser.execute_script(
            "return document.getElementById('sc-root').explorer.timings"
        )
        figures = browser.execute_async_script(MEASURE)
    finally:
        browser.quit()
    return {"drawn": timings["drawnSinceStart"] / 1000, **figures}


def main():
    """Print the figures and their bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(BARS))
    for n_rows in parser.parse_args().rows:
        dynamics = simulate(n_rows)
        data_map, texts = DataMap.from_dynamics(dynamics), texts_of(n_rows)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "map.html"
            begin = time.perf_counter()
            data_map.explore(path, text=texts, dynamics=dynamics)
            print(f"{n_rows:,} rows, written in {time.perf_counter() - begin:.1f} s")
            figures = {"size": os.path.getsize(path) / 1e6, **measure(path)}
        units = {"size": "MB", "drawn": "s", "lasso": "ms", "hover": "ms", "epoch": "ms"}
        for name, bar in BARS.get(n_rows, {}).items():
            met = "met" if figures[name] <= bar else "MISSED"
            print(f"  {name:6} {figures[name]:8.2f} {units[name]:2}  bar {bar:g}: {met}")
        print(f"  ({figures['n_chosen']:,} rows in the lasso)")


if __name__ == "__main__":
    main()
