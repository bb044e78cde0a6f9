// The page: header, filters, maps, histograms, the row and the table.

import { Colours } from "./colours.js";
import { readData } from "./data.js";
import { Details, Pictures, tip } from "./details.js";
import { button, choice, count_of, field, h } from "./dom.js";
import { download, exportedRows, toCsv, toJson } from "./exports.js";
import { filters } from "./filters.js";
import { histograms } from "./histograms.js";
import { MapView } from "./map.js";
import { Marks } from "./marks.js";
import { slider } from "./slider.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { isDark, onTheme } from "./theme.js";

const THEMES = ["auto", "light", "dark"];

// Shows the map in `root`; where its data are damaged, a line that says so, and returns null.
export async function start(root, bytes) {
  try {
    return await show(root, bytes);
  } catch (error) {
    root.replaceChildren(h("p", { text: `The map could not be shown: ${error.message}` }));
    return null;
  }
}

async function show(root, bytes) {
  const began = performance.now();
  const data = await readData(bytes);
  const store = new Store(data, new Marks(data.header.digest, data.n, data.classes.length));
  const app = new App(root, store);
  app.timings = { read: performance.now() - began };
  store.refilter();
  await app.drawn();
  app.timings.drawn = performance.now() - began;
  app.timings.drawnSinceStart = performance.now();
  await data.readRows();
  store.startEpochs();
  app.ready();
  app.timings.ready = performance.now() - began;
  root.explorer = app;
  root.dataset.ready = "true";
  return app;
}

class App {
  constructor(root, store) {
    this.store = store;
    this.root = root;
    const { data } = store;
    this.tools = { kind: "lasso" };
    this.colours = new Colours(store);
    const pictures = new Pictures(store);
    const sources = [{ title: "Data map", drawn: () => store.drawnMaps[0], regions: data.regions, regionNames: data.regionNames }];
    if (data.compare) sources.push({ title: data.compare.title, drawn: () => store.drawnMaps[1], regions: data.compare.regions, regionNames: data.compare.regionNames });
    this.maps = sources.map((source) => new MapView(store, this.colours, source, this.tools));
    this.details = new Details(store, pictures);
    this.table = new Table(store);
    this.slider = slider(store);
    this.live = h("div", { class: "sc-hidden", role: "status", "aria-live": "polite" });
    this.counts = h("p", { class: "sc-counts" });
    this.legend = h("div", { class: "sc-legend" });
    this.notes = h("ul", { class: "sc-notes" }, ...data.header.notes.map((text) => h("li", { text })));
    const showTip = tip(store, pictures);
    for (const map of this.maps) {
      map.onHover = (row) => { showTip(row, map); for (const other of this.maps) if (other !== map) { other.hovered = row; other.drawOver(); } };
      map.onOpen = () => this.details.open();
    }
    this.table.onOpen = () => this.details.open();
    root.classList.add("sc-app");
    root.replaceChildren(
      this.header(),
      h("div", { class: "sc-body" },
        filters(store),
        h("main", { class: "sc-main" }, this.toolbar(), h("div", { class: this.maps.length > 1 ? "sc-maps sc-two" : "sc-maps" }, ...this.maps.map((map) => (this.maps.length > 1 ? h("div", {}, h("h3", { text: map.source.title }), map.element) : map.element))), this.legend, this.slider.element, this.notes, this.table.element),
        h("aside", { class: "sc-side" }, histograms(store), this.details.element)),
      this.live);
    this.ending = new AbortController();
    this.setTheme(this.keptTheme());
    onTheme(() => this.retheme(), this.ending.signal);
    store.marks.follow(() => store.marked(), this.ending.signal);
    this.placed = new ResizeObserver(() => this.retheme()); // a notebook makes it before its place
    this.placed.observe(root);
    store.on("message", () => { this.live.textContent = store.message; });
    store.on("shown chosen marks", () => this.count());
    store.on("colour", () => this.recolour());
    store.on("shown", () => {
      if (store.colourBy === "label" && this.colouredFor !== store.filters.labels) this.recolour();
      this.colouredFor = store.filters.labels;
    });
    store.on("epoch", () => {
      this.maps.forEach((map, i) => {
        if (!store.epochs.histories[i]) return;
        map.hidden = null;
        map.upload("x", "y");
      });
      this.align();
      if (["confidence", "variability", "correctness"].includes(store.colourBy)) this.recolour();
    });
    store.on("current", () => this.announce());
    for (const map of this.maps) map.upload("x", "y", "state");
    this.align();
    this.recolour();
    root.addEventListener("keydown", (event) => this.key(event));
  }

  align() {
    const widest = Math.max(...this.maps.map((map) => map.widest));
    for (const map of this.maps) map.widen(widest);
  }

  header() {
    const theme = choice(THEMES.map((name) => [name, name]), (value) => this.setTheme(value));
    this.themeSelect = theme;
    return h("header", { class: "sc-header" }, h("h1", { text: this.store.data.header.title }), this.counts, field("Theme", theme),
      button("Export JSON", () => this.export("json")), button("Export CSV", () => this.export("csv")));
  }

  toolbar() {
    const { store } = this;
    const { data } = store;
    const names = ["correctness", ...(data.labels ? ["label"] : []), "region", ...[...data.statistics.keys()].filter((name) => name !== "correctness")];
    const tools = ["lasso", "box", "pan"].map((kind) => button(kind, () => {
      this.tools.kind = kind;
      tools.forEach((tool, i) => tool.setAttribute("aria-pressed", String(["lasso", "box", "pan"][i] === kind)));
    }, { "aria-pressed": String(kind === "lasso"), class: "sc-tool" }));
    const colour = choice(names.map((name) => [name, name]), (value) => store.setColour(value));
    store.on("colour", () => { colour.value = store.colourBy; });
    return h("div", { class: "sc-row sc-toolbar" }, h("div", { role: "group", "aria-label": "Tool", class: "sc-tools" }, ...tools), field("Colour", colour),
      button("Select shown", () => store.choose(store.shownRows())), button("Clear selection", () => store.choose([])), button("Whole map", () => this.maps.forEach((map) => map.key(new KeyboardEvent("keydown", { key: "0" })))));
  }

  key(event) {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName) && event.target.type !== "checkbox" && event.target.type !== "range";
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const { store } = this;
    const actions = {
      "/": () => this.root.querySelector(".sc-search").focus(),
      r: () => store.current >= 0 && this.details.open(),
      c: () => store.current >= 0 && store.mark([store.current], { checked: !store.marks.checked.has(store.current) }),
      Escape: () => store.choose([]),
    };
    if (!Object.hasOwn(actions, event.key)) return;
    actions[event.key]();
    event.preventDefault();
  }

  ready() {
    this.slider.start();
    this.table.addRowColumns();
    this.store.on("marks", () => this.warnOfMarks());
    this.warnOfMarks();
    for (const [name, entry] of [["texts", this.store.data.header.text]]) if (entry?.n_cut) this.notes.append(h("li", { text: `${count_of(entry.n_cut)} long ${name} are cut.` }));
    this.notes.hidden = !this.notes.children.length;
  }

  warnOfMarks() {
    if (this.store.marks.kept || this.warned) return;
    this.warned = true;
    this.notes.hidden = false;
    this.notes.append(h("li", { text: "This browser does not keep the marks of this page. Export them before it is closed." }));
  }

  drawn() {
    return new Promise((resolve) => {
      this.maps[0].onDrawn = () => { this.maps[0].onDrawn = null; resolve(); };
      setTimeout(resolve, 3000); // a page in the background is not drawn
      this.maps[0].draw();
    });
  }

  // A notebook has taken the page away: what the browser counts or repeats is given back.
  close() {
    this.ending.abort();
    this.placed.disconnect();
    this.slider.stop();
    this.maps.forEach((map) => map.close());
  }

  keptTheme() {
    try {
      const kept = localStorage.getItem("sklearn_carto:theme");
      return THEMES.includes(kept) ? kept : "auto";
    } catch {
      return "auto";
    }
  }

  setTheme(theme) {
    this.themeSelect.value = theme;
    try { localStorage.setItem("sklearn_carto:theme", theme); } catch { /* the choice lasts as long as the page */ }
    this.retheme();
  }

  retheme() {
    const chosen = this.themeSelect.value;
    const theme = chosen === "auto" ? (isDark(this.root) ? "dark" : "light") : chosen;
    if (theme === this.theme) return;
    this.theme = this.root.dataset.theme = theme;
    this.recolour();
  }

  recolour() {
    if (!this.maps[0].points) return;
    const { legend, ramp } = this.maps.map((map) => map.recolour(this.theme))[0];
    const name = this.store.colourBy;
    if (ramp) {
      const canvas = h("canvas", { class: "sc-ramp", width: "120", height: "10", role: "img", "aria-label": `colours of ${name} from ${ramp.low} to ${ramp.high}` });
      const c = canvas.getContext("2d");
      ramp.stops.forEach((stop, i) => { c.fillStyle = stop; c.fillRect(i * 10, 0, 10, 10); });
      this.legend.replaceChildren(h("span", { text: `${name} ${ramp.low}` }), canvas, h("span", { text: ramp.high }));
    } else {
      this.legend.replaceChildren(...legend.map(({ text, colour }) => {
        const dot = h("span", { class: "sc-dot", "aria-hidden": "true" });
        dot.style.background = colour;
        return h("span", { class: "sc-key" }, dot, h("span", { text }));
      }));
    }
    this.store.emit("theme");
  }

  count() {
    const { store } = this;
    const { labels, checked } = store.marks;
    this.counts.textContent = `${count_of(store.shownCount)} of ${count_of(store.data.n)} rows shown, ${count_of(store.chosenCount)} selected, ${count_of(labels.size)} relabelled, ${count_of(checked.size)} checked`;
  }

  announce() {
    const { store } = this;
    const { data, current: row } = store;
    if (row < 0) return;
    const parts = [`row ${row}`];
    if (data.labels) parts.push(`label ${data.classes[data.labels[row]][1]}`);
    parts.push(data.regionNames[data.regions[row]]);
    for (const name of ["confidence", "variability"]) parts.push(`${name} ${store.values(name)[row].toPrecision(2)}`);
    store.say(parts.join(", "));
  }

  export(kind) {
    const { store } = this;
    if (!exportedRows(store).length) {
      store.say("Nothing to export: no row is selected, relabelled or checked.");
      this.counts.textContent = store.message;
      return;
    }
    const stem = `corrections-${store.data.header.digest.slice(0, 8)}`;
    if (kind === "json") download(toJson(store), `${stem}.json`, "application/json");
    else download(toCsv(store), `${stem}.csv`, "text/csv;charset=utf-8");
  }
}
