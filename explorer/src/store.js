// What is filtered, chosen and coloured; the parts of the page follow its events.

import { Epochs, History } from "./epochs.js";

export const SHOWN = 1, CHOSEN = 2, SEEN = 4; // bits of `state`
const BITS = { confidence: 1, variability: 2, correctness: 4 };
const OTHER = 8;

export class Store {
  constructor(data, marks) {
    this.data = data;
    this.marks = marks;
    this.listeners = new Map();
    this.state = new Uint8Array(data.n);
    for (let i = 0; i < data.n; i++) this.state[i] = data.seen[i] ? SEEN : 0;
    this.failing = new Uint8Array(data.n); // which of the filters a row fails
    this.chosenCount = 0;
    this.shownCount = 0;
    this.current = -1;
    this.colourBy = "correctness";
    this.filters = { labels: new Set(), regions: new Set(), ranges: new Map(), training: "all", suspect: "all", marks: "all" };
    this.found = null; // mask of the rows that a search found
    const final = { x: data.statistics.get("variability"), y: data.statistics.get("confidence"), c: data.statistics.get("correctness") };
    this.drawnMaps = [final, ...(data.compare ? [data.compare] : [])]; // statistics as drawn, of each map
    this.epochs = null;
    this.frame = 0;
  }

  on(events, listener) {
    for (const event of events.split(" ")) {
      if (!this.listeners.has(event)) this.listeners.set(event, []);
      this.listeners.get(event).push(listener);
    }
  }

  emit(event) {
    for (const listener of this.listeners.get(event) ?? []) listener();
  }

  say(text) {
    this.message = text;
    this.emit("message");
  }

  startEpochs() {
    const { data } = this;
    const frames = [data.frames, data.compare?.frames];
    if (!frames.some(Boolean)) return;
    this.epochs = new Epochs(this.drawnMaps.map((final, i) => (frames[i] ? new History(frames[i], data.n, final) : null)));
    this.frame = this.epochs.last;
  }

  setFrame(frame) {
    if (!this.epochs || frame === this.frame) return;
    this.frame = Math.max(0, Math.min(this.epochs.last, frame));
    this.epochs.histories.forEach((one, i) => { if (one) this.drawnMaps[i] = this.epochs.values(i, this.frame); });
    this.emit("epoch");
    if (["confidence", "variability", "correctness"].some((name) => this.filters.ranges.has(name))) this.refilter();
  }

  get drawn() {
    return this.drawnMaps[0];
  }

  // Values of a statistic as drawn: those of a map of the first epochs where the slider is there.
  values(name) {
    const place = { variability: "x", confidence: "y", correctness: "c" }[name];
    return place ? this.drawn[place] : this.data.statistics.get(name);
  }

  setFilter(name, value) {
    this.filters[name] = value;
    this.refilter();
  }

  setRange(name, range) {
    if (!range || (range[0] === -Infinity && range[1] === Infinity)) this.filters.ranges.delete(name);
    else this.filters.ranges.set(name, range);
    this.refilter();
    this.emit("ranges");
  }

  clearFilters() {
    this.filters = { labels: new Set(), regions: new Set(), ranges: new Map(), training: "all", suspect: "all", marks: "all" };
    this.found = null;
    this.emit("cleared");
    this.refilter();
    this.emit("ranges");
  }

  refilter() {
    const { data, filters, failing, state, found } = this;
    const n = data.n;
    failing.fill(0);
    const fail = (bit, passes) => { for (let i = 0; i < n; i++) if (!passes(i)) failing[i] |= bit; };
    if (filters.labels.size) { const kept = mask(filters.labels, data.classes.length); fail(OTHER, (i) => kept[data.labels[i]]); }
    if (filters.regions.size) { const kept = mask(filters.regions, data.regionNames.length); fail(OTHER, (i) => kept[data.regions[i]]); }
    for (const [name, [low, high]] of filters.ranges) {
      // single precision as the values are, so that a limit that equals one keeps it
      const values = this.values(name), from = Math.fround(low), to = Math.fround(high);
      fail(BITS[name] ?? OTHER, (i) => values[i] >= from && values[i] <= to);
    }
    const held = data.heldOut, out = data.excluded;
    if (filters.training === "trained") fail(OTHER, (i) => data.seen[i] && !held?.[i] && !out?.[i]);
    if (filters.training === "held out") fail(OTHER, (i) => held?.[i]);
    if (filters.training === "excluded") fail(OTHER, (i) => out?.[i]);
    if (filters.training === "not recorded") fail(OTHER, (i) => !data.seen[i]);
    if (filters.suspect === "suspect") fail(OTHER, (i) => data.suspect?.[i]);
    if (filters.suspect === "not suspect") fail(OTHER, (i) => !data.suspect?.[i]);
    const { checked, labels } = this.marks;
    if (filters.marks === "checked") fail(OTHER, (i) => checked.has(i));
    if (filters.marks === "not checked") fail(OTHER, (i) => !checked.has(i));
    if (filters.marks === "relabelled") fail(OTHER, (i) => labels.has(i));
    if (found) fail(OTHER, (i) => found[i]);
    let shown = 0;
    for (let i = 0; i < n; i++) {
      if (failing[i] === 0) { state[i] |= SHOWN; shown++; } else state[i] &= ~SHOWN;
    }
    this.shownCount = shown;
    this.emit("shown");
  }

  // Rows of the map that cannot be pointed at: those that are filtered out, or have no place.
  hidden() {
    const hidden = new Uint8Array(this.data.n);
    for (let i = 0; i < hidden.length; i++) hidden[i] = this.state[i] & SHOWN && this.data.seen[i] ? 0 : 1;
    return hidden;
  }

  // Whether a row passes all filters but the range of one statistic.
  passesBut(name, row) {
    return (this.failing[row] & ~(BITS[name] ?? 0)) === 0;
  }

  choose(rows, mode = "replace", quiet = false) {
    const { state } = this;
    if (mode === "replace") for (let i = 0; i < state.length; i++) state[i] &= ~CHOSEN;
    for (const row of rows) {
      if (mode === "remove" || (mode === "toggle" && state[row] & CHOSEN)) state[row] &= ~CHOSEN;
      else state[row] |= CHOSEN;
    }
    let count = 0;
    for (let i = 0; i < state.length; i++) count += (state[i] >> 1) & 1;
    this.chosenCount = count;
    if (!quiet) this.say(`${count.toLocaleString("en-US")} rows selected`);
    this.emit("chosen");
  }

  chosenRows() {
    return this.rowsWith(CHOSEN);
  }

  shownRows() {
    return this.rowsWith(SHOWN);
  }

  rowsWith(bit) {
    const rows = [];
    for (let i = 0; i < this.state.length; i++) if (this.state[i] & bit) rows.push(i);
    return rows;
  }

  setCurrent(row) {
    this.current = row;
    this.emit("current");
  }

  setColour(name) {
    this.colourBy = name;
    this.emit("colour");
  }

  // `label`: a code, null to take a correction back, or a function of the row that returns one.
  mark(rows, { label, checked }) {
    const codeOf = typeof label === "function" ? label : () => label;
    for (const row of rows) {
      const code = codeOf(row);
      if (label !== undefined) this.marks.setLabel(row, code === this.data.labels?.[row] ? null : code);
      if (checked !== undefined) this.marks.setChecked(row, checked);
    }
    this.marks.save();
    this.marked();
  }

  marked() {
    this.emit("marks");
    if (this.filters.marks !== "all") this.refilter();
  }
}

function mask(codes, n) {
  const kept = new Uint8Array(n);
  for (const code of codes) kept[code] = 1;
  return kept;
}
