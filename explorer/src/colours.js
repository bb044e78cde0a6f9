// Colours of the points. Every colour has a contrast of 3 to 1 at least with its background.

import { count_of, number } from "./dom.js";

const RAMPS = { // plasma, without the end that would vanish
  light: ["#e16462", "#d5536f", "#c5407e", "#b12a90", "#9814a0", "#7d03a8", "#5c01a6", "#3a049a", "#0d0887"],
  dark: ["#b6308b", "#ca457a", "#da5a6a", "#e87059", "#f3874a", "#fba139", "#febb2b", "#fada24", "#f0f921"],
};
const NAMED = { // as many as are told apart
  light: ["#0072b2", "#d55e00", "#007a5a", "#b04a86", "#8a6d00", "#7b4fa3", "#2a7fb8", "#c0392b"],
  dark: ["#56b4e9", "#e69f00", "#00b884", "#cc79a7", "#f0e442", "#a98bd6", "#3f9be0", "#f07167"],
};
const OTHERS = { light: "#6b7280", dark: "#8b93a1" };
const OTHERS_CODE = 254, MISSING_CODE = 255;

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function ramp(theme, t) {
  const stops = RAMPS[theme];
  const at = t * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at));
  const a = rgb(stops[i]), b = rgb(stops[i + 1]);
  return a.map((value, k) => Math.round(value + (b[k] - value) * (at - i)));
}

const css = ([r, g, b]) => `rgb(${r}, ${g}, ${b})`;

export class Colours {
  constructor(store) {
    this.store = store;
  }

  // {codes, palette, legend}: a byte for each row, 256 colours, and what to write beside them.
  of(name, theme, values = null) {
    if (name === "label") return this.named(this.store.data.labels, this.store.data.classes.map((pair) => pair[1]), theme, this.store.filters.labels);
    if (name === "region") return this.named(this.store.data.regions, this.store.data.regionNames, theme);
    return this.scaled(name, values ?? this.store.values(name), theme);
  }

  // The colour of each of the most frequent names, by code; those that are filtered for come first.
  ranks(codes, names, first) {
    const counts = new Uint32Array(names.length);
    for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
    const order = [...counts.keys()].sort((a, b) => first.has(b) - first.has(a) || counts[b] - counts[a] || a - b);
    const rank = new Uint8Array(names.length).fill(OTHERS_CODE);
    const n = order.length > NAMED.light.length ? NAMED.light.length - 1 : order.length;
    order.slice(0, n).forEach((code, i) => { rank[code] = i; });
    return { rank, order: order.slice(0, n), counts, n_others: order.length - n };
  }

  named(codes, names, theme, first = new Set()) {
    const { rank, order, counts, n_others } = this.ranks(codes, names, first);
    const out = new Uint8Array(codes.length);
    for (let i = 0; i < codes.length; i++) out[i] = rank[codes[i]];
    const legend = order.map((code, i) => ({ text: `${names[code]} (${count_of(counts[code])})`, colour: NAMED[theme][i] }));
    if (n_others) legend.push({ text: `${count_of(n_others)} others`, colour: OTHERS[theme] });
    return { codes: out, palette: palette(theme, (i) => rgb(NAMED[theme][i] ?? OTHERS[theme])), legend, ramp: null };
  }

  scaled(name, values, theme) {
    const [low, high] = this.limits(name, values);
    const codes = new Uint8Array(values.length);
    const scale = high > low ? 253 / (high - low) : 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      codes[i] = value !== value ? MISSING_CODE : Math.max(0, Math.min(253, Math.round((value - low) * scale)));
    }
    const stops = Array.from({ length: 12 }, (_, i) => css(ramp(theme, i / 11)));
    return { codes, palette: palette(theme, (i) => ramp(theme, Math.min(1, i / 253))), legend: null, ramp: { low: number(low), high: number(high), stops } };
  }

  // Limits that a few extreme rows do not set.
  limits(name, values) {
    if (name === "confidence" || name === "correctness") return [0, 1];
    if (name === "variability") return [0, 0.5];
    this.cache ??= new Map();
    if (this.cache.has(name)) return this.cache.get(name);
    const step = Math.max(1, Math.floor(values.length / 20000)), sample = [];
    for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sample.push(values[i]);
    sample.sort((a, b) => a - b);
    const at = (share) => sample[Math.round(share * (sample.length - 1))] ?? 0;
    const limits = [at(0.01), at(0.99)];
    this.cache.set(name, limits);
    return limits;
  }
}

function palette(theme, colour) {
  const bytes = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) bytes.set([...(i < OTHERS_CODE ? colour(i) : rgb(OTHERS[theme])), 255], 4 * i);
  return bytes;
}
