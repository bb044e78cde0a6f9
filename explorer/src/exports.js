// Rows that are corrected, checked or selected, as JSON and CSV, which apply_corrections reads.

import { CHOSEN } from "./store.js";

const FIELDS = ["row", "id", "given_label", "new_label", "checked", "selected", "region", "confidence", "variability", "correctness"];
// what a spreadsheet takes for a formula, also behind blanks and in full width; behind apostrophes,
// too, so that each guard can be taken away again
const FORMULA = /^'*(?:[ \t\r\n\x0b\x0c\xa0\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]*[=+@\uff1d\uff0b\uff20\uff0d-]|[\t\r])/;

export function exportedRows(store) {
  const { data, marks, state } = store;
  const rows = [];
  const single = (name, row) => { const value = data.statistics.get(name)[row]; return Number.isFinite(value) ? shortest(value) : null; };
  for (let row = 0; row < data.n; row++) {
    const selected = (state[row] & CHOSEN) !== 0, code = marks.labels.get(row), checked = marks.checked.has(row);
    if (!selected && code === undefined && !checked) continue;
    rows.push({
      row,
      id: data.ids ? data.ids.get(row) : null,
      given_label: data.labels ? data.classes[data.labels[row]][0] : null,
      new_label: code === undefined ? null : data.classes[code][0],
      checked,
      selected,
      region: data.regionNames[data.regions[row]],
      confidence: single("confidence", row),
      variability: single("variability", row),
      correctness: single("correctness", row),
    });
  }
  return rows;
}

// The shortest number that is the same in single precision.
export function shortest(value) {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

export function toJson(store) {
  return JSON.stringify({ format: "sklearn_carto.corrections", version: 1, n_samples: store.data.n, rows: exportedRows(store) }, null, 1);
}

export function toCsv(store) {
  const lines = [FIELDS.join(",")];
  for (const row of exportedRows(store)) lines.push(FIELDS.map((name) => csvCell(row[name])).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

export function csvCell(value) {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const guarded = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n\0]|^\s|\s$|^$/.test(guarded) || guarded !== value ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
