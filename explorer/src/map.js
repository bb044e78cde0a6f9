// One map: points, axes, region labels, pointing, lasso and box, moving by the keyboard.

import { size, ticks } from "./axes.js";
import { h, uid } from "./dom.js";
import { Grid } from "./grid.js";
import { FlatPoints, makePoints } from "./points.js";
import { RegionLabels } from "./region-labels.js";

const MARGIN = { left: 46, right: 12, top: 12, bottom: 38 };
const WHOLE = { x0: 0, x1: 0.1, y0: -0.025, y1: 1.025 }; // and as wide as the largest variability

export class MapView {
  // source: {title, drawn() -> {x, y, c}, regions, regionNames}
  constructor(store, colours, source, tools) {
    Object.assign(this, { store, colours, source, tools });
    this.whole = { ...WHOLE };
    this.view = this.whole;
    this.path = null;
    this.anchor = null;
    this.hovered = -1;
    this.grid = null;
    this.points_canvas = h("canvas", { class: "sc-points", "aria-hidden": "true" });
    this.over = h("canvas", { class: "sc-over", "aria-hidden": "true" });
    this.tip = h("div", { class: "sc-tip", hidden: true, role: "tooltip" });
    const help = uid("map-help");
    this.element = h("div", {
      class: "sc-map", tabindex: "0", role: "application", "aria-roledescription": "data map",
      "aria-label": source.title, "aria-describedby": help,
    }, this.points_canvas, this.over, this.tip, h("p", { id: help, class: "sc-hidden", text: "Arrow keys move to the nearest point in a direction, with shift they extend the selection. Space selects the point, B starts or ends a box, plus and minus zoom, 0 shows the whole map, escape clears the selection." }));
    this.labels = new RegionLabels(source);
    this.points = makePoints(this.points_canvas);
    this.points.redraw = () => this.draw();
    this.points.onLost = () => this.drawFlat();
    this.listen();
    store.on("shown", () => { this.hidden = null; this.upload("state"); });
    store.on("chosen", () => this.upload("state"));
    store.on("current", () => this.drawOver());
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.element);
  }

  // Drawn on in two dimensions, where WebGL is gone: a browser takes it from the oldest of many maps.
  drawFlat() {
    const canvas = h("canvas", { class: "sc-points", "aria-hidden": "true" });
    this.points_canvas.replaceWith(canvas);
    this.points_canvas = canvas;
    this.points = new FlatPoints(canvas, this.points.kept);
    this.resize();
  }

  close() {
    this.resizing.disconnect();
    cancelAnimationFrame(this.pending);
    this.points.close();
  }

  upload(...names) {
    const drawn = this.source.drawn();
    const values = { x: drawn.x, y: drawn.y, state: this.store.state };
    for (const name of names) this.points.upload(name, values[name]);
    if (names.includes("x")) {
      this.grid = null;
      this.labels.moved();
      this.widen(largest(drawn.x));
    }
    this.draw();
  }

  widen(most) {
    const x1 = most * 1.04;
    if (x1 <= this.whole.x1) return;
    const isWhole = this.view === this.whole;
    this.whole = { ...WHOLE, x0: -0.025 * x1, x1 };
    if (isWhole) this.view = this.whole;
  }

  // Maps side by side have the same axes.
  get widest() {
    return largest(this.source.drawn().x);
  }

  recolour(theme) {
    const name = this.store.colourBy;
    const own = { variability: "x", confidence: "y", correctness: "c" }[name];
    const { codes, palette, legend, ramp } = this.colours.of(name, theme, own ? this.source.drawn()[own] : null);
    this.points.upload("colour", codes);
    this.points.upload("palette", palette);
    this.draw();
    return { legend, ramp };
  }

  get pointSize() {
    const n = this.store.shownCount;
    const base = n > 300000 ? 1.6 : n > 50000 ? 2.4 : n > 5000 ? 3.6 : n > 500 ? 5 : 8;
    const zoom = (this.whole.x1 - this.whole.x0) / (this.view.x1 - this.view.x0);
    return base * Math.min(3, Math.max(1, Math.sqrt(zoom)));
  }

  resize() {
    const { width, height } = this.element.getBoundingClientRect();
    if (width < 80 || height < 80) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.plot = { left: MARGIN.left, top: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    this.ratio = ratio;
    this.points_canvas.style.left = `${MARGIN.left}px`;
    this.points_canvas.style.top = `${MARGIN.top}px`;
    size(this.points_canvas, this.plot.width, this.plot.height, ratio);
    size(this.over, width, height, ratio);
    this.draw();
  }

  draw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => { this.pending = 0; this.drawNow(); });
  }

  drawNow() {
    if (!this.plot || !this.points.kept.has("palette")) return;
    this.points.draw(this.view, this.pointSize * this.ratio, this.store.chosenCount > 0);
    this.drawOver();
    this.onDrawn?.();
  }

  toPixel(row) {
    const { x, y } = this.source.drawn();
    return this.pixel(x[row], y[row]);
  }

  pixel(x, y) {
    const { view, plot } = this;
    return [plot.left + ((x - view.x0) / (view.x1 - view.x0)) * plot.width, plot.top + (1 - (y - view.y0) / (view.y1 - view.y0)) * plot.height];
  }

  place(px, py) {
    const { view, plot } = this;
    return [view.x0 + ((px - plot.left) / plot.width) * (view.x1 - view.x0), view.y1 - ((py - plot.top) / plot.height) * (view.y1 - view.y0)];
  }

  drawOver() {
    if (!this.plot) return;
    const { over, plot, view, ratio, store } = this;
    const c = over.getContext("2d");
    const style = getComputedStyle(this.element);
    const ink = style.getPropertyValue("--ink"), line = style.getPropertyValue("--line"), paper = style.getPropertyValue("--paper"), accent = style.getPropertyValue("--accent");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, over.width, over.height);
    c.font = "12px system-ui, sans-serif";
    c.fillStyle = ink;
    c.strokeStyle = line;
    c.lineWidth = 1;
    c.strokeRect(plot.left + 0.5, plot.top + 0.5, plot.width - 1, plot.height - 1);
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const tick of ticks(view.x0, view.x1, plot.width / 70)) c.fillText(tick.text, this.pixel(tick.value, 0)[0], plot.top + plot.height + 5);
    c.fillText("variability", plot.left + plot.width / 2, plot.top + plot.height + 21);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const tick of ticks(view.y0, view.y1, plot.height / 50)) c.fillText(tick.text, plot.left - 5, this.pixel(0, tick.value)[1]);
    c.save();
    c.translate(11, plot.top + plot.height / 2);
    c.rotate(-Math.PI / 2);
    c.textAlign = "center";
    c.fillText("confidence", 0, 0);
    c.restore();
    this.labels.draw(c, this, { ink, paper, line });
    c.lineWidth = 2;
    const ring = (row, radius, colour) => {
      if (row < 0 || !store.data.seen[row]) return;
      const [px, py] = this.toPixel(row);
      if (px < plot.left || px > plot.left + plot.width || py < plot.top || py > plot.top + plot.height) return;
      c.strokeStyle = paper;
      c.lineWidth = 5;
      c.beginPath(); c.arc(px, py, radius, 0, 7); c.stroke();
      c.strokeStyle = colour;
      c.lineWidth = 2;
      c.beginPath(); c.arc(px, py, radius, 0, 7); c.stroke();
    };
    ring(store.current, 9, accent);
    ring(this.hovered, 7, ink);
    if (this.anchor && store.current >= 0) this.outline(c, box(this.anchor, this.spot(store.current)), accent);
    if (this.path) this.outline(c, this.path.kind === "box" ? box(this.path.points[0], this.path.points.at(-1)) : this.path.points, accent);
  }

  outline(c, points, colour) {
    c.strokeStyle = colour;
    c.setLineDash([5, 4]);
    c.beginPath();
    for (const [x, y] of points) c.lineTo(...this.pixel(x, y));
    c.closePath();
    c.stroke();
    c.setLineDash([]);
  }

  spot(row) {
    const { x, y } = this.source.drawn();
    return [x[row], y[row]];
  }

  ready() {
    const { x, y } = this.source.drawn();
    this.grid ??= new Grid(x, y);
    this.hidden ??= this.hiddenHere(y);
    return this.grid;
  }

  hiddenHere(y) {
    const hidden = this.store.hidden();
    for (let i = 0; i < hidden.length; i++) if (y[i] !== y[i]) hidden[i] = 1;
    return hidden;
  }

  nearest(px, py, radius = 12) {
    const [x, y] = this.place(px, py);
    const rx = (radius / this.plot.width) * (this.view.x1 - this.view.x0), ry = (radius / this.plot.height) * (this.view.y1 - this.view.y0);
    return this.ready().nearest(x, y, rx, ry, this.hidden);
  }

  listen() {
    const at = (event) => { const box = this.element.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    const { element, store } = this;
    let start = null;
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.focus({ preventScroll: true });
      element.setPointerCapture?.(event.pointerId);
      start = { at: at(event), moved: false, view: this.view };
    });
    element.addEventListener("pointermove", (event) => {
      const [px, py] = at(event);
      if (!start) { this.hover(this.nearest(px, py), px, py); return; }
      if (!start.moved && Math.hypot(px - start.at[0], py - start.at[1]) < 4) return;
      if (!start.moved) { start.moved = true; this.hover(-1); this.path = this.tools.kind === "pan" ? null : { kind: this.tools.kind, points: [this.place(...start.at)] }; }
      if (this.tools.kind === "pan") this.pan(start, px, py);
      else {
        this.path.points.push(this.place(px, py));
        this.drawOver();
      }
    });
    element.addEventListener("pointerup", (event) => {
      if (!start) return;
      const mode = event.shiftKey ? "add" : event.altKey ? "remove" : "replace";
      if (!start.moved) this.click(at(event), event.shiftKey);
      else if (this.path) this.enclose(this.path, mode);
      start = this.path = null;
      this.drawOver();
    });
    element.addEventListener("pointercancel", () => { start = this.path = null; this.drawOver(); });
    element.addEventListener("pointerleave", () => this.hover(-1));
    element.addEventListener("dblclick", () => this.zoomTo(this.whole));
    element.addEventListener("wheel", (event) => {
      if (element.closest(".sc-widget") && document.activeElement !== element) return; // the notebook scrolls
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25, ...this.place(...at(event)));
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.key(event));
    store.on("epoch", () => this.hover(-1));
  }

  click([px, py], extend) {
    const row = this.nearest(px, py);
    if (row < 0) return;
    if (extend) this.store.choose([row], "toggle");
    this.store.setCurrent(row);
  }

  enclose(path, mode) {
    const grid = this.ready();
    const [a, b] = [path.points[0], path.points.at(-1)];
    const rows = path.kind === "box"
      ? grid.box(Math.min(a[0], b[0]), Math.max(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[1], b[1]), this.hidden)
      : grid.inside(path.points, this.hidden);
    this.store.choose(rows, mode);
  }

  hover(row, px, py) {
    if (row === this.hovered && row < 0) return;
    const same = row === this.hovered;
    this.hovered = row;
    if (!same) { this.onHover?.(row, this); this.drawOver(); }
    this.tip.hidden = row < 0;
    if (row < 0) return;
    const { width, height } = this.element.getBoundingClientRect();
    this.tip.style.left = px > width / 2 ? "auto" : `${px + 14}px`;
    this.tip.style.right = px > width / 2 ? `${width - px + 14}px` : "auto";
    this.tip.style.top = py > height / 2 ? "auto" : `${py + 8}px`;
    this.tip.style.bottom = py > height / 2 ? `${height - py + 8}px` : "auto";
  }

  pan(start, px, py) {
    const { view, plot } = this;
    const dx = ((px - start.at[0]) / plot.width) * (view.x1 - view.x0), dy = ((py - start.at[1]) / plot.height) * (view.y1 - view.y0);
    this.zoomTo({ x0: start.view.x0 - dx, x1: start.view.x1 - dx, y0: start.view.y0 + dy, y1: start.view.y1 + dy });
  }

  zoom(factor, x, y) {
    const { x0, x1, y0, y1 } = this.view;
    x ??= (x0 + x1) / 2;
    y ??= (y0 + y1) / 2;
    if ((x1 - x0) * factor < 1e-4) return;
    if ((x1 - x0) * factor > this.whole.x1 - this.whole.x0) { this.zoomTo(this.whole); return; }
    this.zoomTo({ x0: x - (x - x0) * factor, x1: x + (x1 - x) * factor, y0: y - (y - y0) * factor, y1: y + (y1 - y) * factor });
  }

  zoomTo(view) {
    this.view = view;
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const { store } = this;
    const actions = {
      " ": () => store.current >= 0 && store.choose([store.current], "toggle"),
      Enter: () => store.current >= 0 && this.onOpen?.(),
      Escape: () => { this.anchor = this.path = null; store.choose([]); },
      "+": () => this.zoom(0.7, ...this.centre()),
      "=": () => this.zoom(0.7, ...this.centre()),
      "-": () => this.zoom(1 / 0.7, ...this.centre()),
      0: () => this.zoomTo(this.whole),
      b: () => this.keyBox(),
      B: () => this.keyBox(),
    };
    if (directions[event.key]) this.move(directions[event.key], event.shiftKey);
    else if (Object.hasOwn(actions, event.key)) actions[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  centre() {
    const { current, data } = this.store;
    return current >= 0 && data.seen[current] ? this.spot(current) : [];
  }

  keyBox() {
    const { store } = this;
    if (store.current < 0) return;
    if (!this.anchor) {
      this.anchor = this.spot(store.current);
      store.say("A box starts here. Move, and press B again.");
    } else {
      const points = [this.anchor, this.spot(store.current)];
      this.anchor = null;
      this.enclose({ kind: "box", points }, "replace");
    }
    this.drawOver();
  }

  // To the nearest point in a direction; a step sideways counts twice.
  move([dx, dy], extend) {
    this.ready();
    const { store } = this;
    const { x, y } = this.source.drawn();
    const from = store.current >= 0 && !this.hidden[store.current] ? store.current : -1;
    const wide = this.view.x1 - this.view.x0, high = this.view.y1 - this.view.y0;
    const x0 = from < 0 ? this.view.x0 + wide / 2 : x[from], y0 = from < 0 ? this.view.y0 + high / 2 : y[from];
    let best = -1, least = Infinity;
    for (let i = 0; i < x.length; i++) {
      if (this.hidden[i] || i === from) continue;
      const ax = (x[i] - x0) / wide, ay = (y[i] - y0) / high;
      let along = ax * dx + ay * dy;
      const aside = Math.abs(ax * dy) + Math.abs(ay * dx);
      if (from < 0) along = Math.hypot(ax, ay);
      // rows in one place follow each other by number
      else if (ax === 0 && ay === 0) { if ((i > from) !== (dx + dy > 0)) continue; along = Math.abs(i - from) * 1e-12; }
      else if (along <= 0 || aside > 2 * along) continue;
      const distance = along + 2 * aside;
      if (distance < least) { least = distance; best = i; }
    }
    if (best < 0) { store.say("There is no point in this direction."); return; }
    if (extend) store.choose(from < 0 ? [best] : [from, best], "add", true);
    store.setCurrent(best);
    this.follow(best);
  }

  // Keeps the current point in sight when the map is zoomed.
  follow(row) {
    const { view } = this, [x, y] = this.spot(row);
    if (x >= view.x0 && x <= view.x1 && y >= view.y0 && y <= view.y1) return;
    const w = (view.x1 - view.x0) / 2, hh = (view.y1 - view.y0) / 2;
    this.zoomTo({ x0: x - w, x1: x + w, y0: y - hh, y1: y + hh });
  }
}

function largest(values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i];
  return most;
}

const box = ([x0, y0], [x1, y1]) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
