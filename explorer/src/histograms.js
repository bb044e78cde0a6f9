// Histograms of the three statistics; a stroke over one filters the rows by its range.

import { h, number, uid } from "./dom.js";
import { CHOSEN } from "./store.js";

const BINS = 20, NAMES = ["confidence", "variability", "correctness"];

export function histograms(store) {
  const parts = NAMES.map((name) => new Histogram(store, name));
  const drawAll = () => parts.forEach((part) => part.draw());
  store.on("shown chosen epoch theme ranges", drawAll);
  const element = h("div", { class: "sc-histograms" }, ...parts.map((part) => part.element));
  new ResizeObserver(drawAll).observe(element);
  return element;
}

// Two fields for the limits of a statistic, which the keyboard reaches.
export function rangeFields(store, name) {
  const inputs = ["from", "to"].map((end) => {
    const input = h("input", { type: "number", step: "any", id: uid("range"), class: "sc-number", "aria-label": `${name} ${end}`, placeholder: end });
    input.addEventListener("change", () => store.setRange(name, inputs.map((one, i) => (one.value === "" ? [-Infinity, Infinity][i] : Number(one.value)))));
    return input;
  });
  const show = () => {
    const range = store.filters.ranges.get(name);
    inputs.forEach((input, i) => { input.value = range && Number.isFinite(range[i]) ? range[i] : ""; });
  };
  store.on("ranges", show);
  show();
  return h("span", { class: "sc-range" }, inputs[0], h("span", { text: "–", "aria-hidden": "true" }), inputs[1]);
}

class Histogram {
  constructor(store, name) {
    this.store = store;
    this.name = name;
    this.limits = [0, 1];
    if (name === "variability") {
      let most = 0.1;
      for (const value of store.data.statistics.get(name)) if (value > most) most = value;
      this.limits[1] = Math.min(0.5, Math.ceil(most * 20) / 20);
    }
    this.canvas = h("canvas", { role: "img", class: "sc-histogram" });
    this.element = h("div", {}, h("h3", { text: name }), this.canvas, rangeFields(store, name));
    let start = null;
    const at = (event) => { const box = this.canvas.getBoundingClientRect(); return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); };
    this.canvas.addEventListener("pointerdown", (event) => { start = at(event); this.canvas.setPointerCapture?.(event.pointerId); });
    this.canvas.addEventListener("pointermove", (event) => { if (start !== null) { this.stroke = [start, at(event)].sort((a, b) => a - b); this.draw(); } });
    this.canvas.addEventListener("pointerup", (event) => {
      const end = at(event), [low, high] = this.limits;
      const range = [start, end].sort((a, b) => a - b).map((share) => +(low + share * (high - low)).toPrecision(3));
      this.stroke = null;
      const wide = Math.abs(end - start) > 0.015;
      start = null;
      store.setRange(name, wide ? range : null);
    });
    this.canvas.addEventListener("pointercancel", () => { start = this.stroke = null; this.draw(); });
  }

  count() {
    const { store, name } = this;
    const values = store.values(name), [low, high] = this.limits;
    const all = new Uint32Array(BINS), chosen = new Uint32Array(BINS);
    const scale = BINS / (high - low);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value !== value || !store.passesBut(name, i)) continue;
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor((value - low) * scale)));
      all[bin]++;
      if (store.state[i] & CHOSEN) chosen[bin]++;
    }
    return { all, chosen };
  }

  draw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; this.drawNow(); });
  }

  drawNow() {
    const { canvas, store, name } = this;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    const colour = (key) => style.getPropertyValue(key);
    const { all, chosen } = this.count();
    const top = Math.max(1, ...all), [low, high] = this.limits;
    const bar = width / BINS, floor = height - 14;
    const range = store.filters.ranges.get(name);
    for (let i = 0; i < BINS; i++) {
      const from = low + (i / BINS) * (high - low), to = low + ((i + 1) / BINS) * (high - low);
      const outside = range && (to <= range[0] || from > range[1]);
      for (const [counts, key] of [[all, outside ? "--line" : "--bar"], [chosen, "--accent"]]) {
        if (!counts[i]) continue;
        const length = Math.max(1.5, (counts[i] / top) * (floor - 3));
        c.fillStyle = colour(key);
        c.fillRect(i * bar + 1, floor - length, bar - 2, length);
      }
    }
    c.fillStyle = colour("--ink-2");
    c.font = "11px system-ui, sans-serif";
    c.textBaseline = "alphabetic";
    c.fillText(number(low), 1, height - 2);
    c.textAlign = "right";
    c.fillText(number(high), width - 1, height - 2);
    const stroke = this.stroke ?? (range ? range.map((value) => (value - low) / (high - low)) : null);
    if (stroke) {
      c.strokeStyle = colour("--accent");
      c.strokeRect(Math.max(0, stroke[0]) * width + 0.5, 0.5, (Math.min(1, stroke[1]) - Math.max(0, stroke[0])) * width - 1, floor);
    }
    const most = all.indexOf(Math.max(...all));
    canvas.setAttribute("aria-label", `Histogram of ${name}: most rows from ${number(low + (most / BINS) * (high - low))} to ${number(low + ((most + 1) / BINS) * (high - low))}`);
    this.counts = { all, chosen };
  }
}
