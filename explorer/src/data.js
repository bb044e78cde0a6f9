// The map and its rows as typed arrays; text is decoded row by row, when it is shown.

import { openContainer } from "./container.js";

const DRAWN = ["variability", "confidence", "correctness"];

export async function readData(bytes) {
  const { header, read, has } = await openContainer(bytes);
  const n = header.n_samples;
  const statistics = new Map();
  for (const { name, derived } of header.statistics) statistics.set(name, derived ? aleatoric(statistics) : await read(`statistic:${name}`));
  const seen = new Uint8Array(n);
  const confidence = statistics.get("confidence");
  for (let i = 0; i < n; i++) seen[i] = confidence[i] === confidence[i] ? 1 : 0;
  const data = {
    n, header, statistics, seen,
    regionNames: header.regions,
    regions: await read("region"),
    classes: header.classes ?? [],
    labels: has("label") ? await read("label") : null,
    suggested: has("suggested") ? await read("suggested") : null,
    suspect: has("suspect") ? await read("suspect") : null,
    heldOut: has("held_out") ? await read("held_out") : null,
    excluded: has("excluded") ? await read("excluded") : null,
    compare: null, ids: null, text: null, columns: [], frames: null, thumbnails: null,
    counts: null,
  };
  if (data.labels) {
    data.counts = new Uint32Array(data.classes.length);
    for (let i = 0; i < n; i++) data.counts[data.labels[i]]++;
  }
  if (header.compare) {
    const [x, y, c] = await Promise.all(DRAWN.map((name) => read(`compare:${name}`)));
    data.compare = { title: header.compare.title, regionNames: header.compare.regions, regions: await read("compare:region"), x, y, c };
  }
  // what the first drawing does not need
  data.readRows = async () => {
    if (header.ids) data.ids = await textColumn("id", header.ids, read, has);
    if (header.text) data.text = await textColumn("text", header.text, read, has);
    for (const column of header.columns) {
      const values = column.kind === "number" ? numberColumn(await read(column.key)) : await textColumn(column.key, column, read, has);
      data.columns.push({ name: column.name, kind: column.kind, get: values.get });
    }
    const history = async (epochs, key) => (epochs ? { epochs, proba: await read(`${key}:proba`), correct: await read(`${key}:correct`) } : null);
    data.frames = await history(header.frames, "frames");
    if (data.compare) data.compare.frames = await history(header.compare.frames, "compare:frames");
    if (header.thumbnails) data.thumbnails = await thumbnails(header.thumbnails, read);
  };
  return data;
}

function aleatoric(statistics) {
  const p = statistics.get("confidence"), v = statistics.get("variability");
  return Float32Array.from(p, (value, i) => Math.max(0, value * (1 - value) - v[i] * v[i]));
}

function numberColumn(values) {
  return { get: (row) => (Number.isNaN(values[row]) ? null : values[row]) };
}

async function textColumn(key, entry, read, has) {
  const patch = new Map(entry.patch);
  const letters = await strings(key, read);
  let get = letters.get;
  if (has(`${key}:words`)) {
    const [words, counts] = await Promise.all([read(`${key}:words`), read(`${key}:counts`)]);
    const ends = endsOf(counts), vocabulary = Array.from({ length: letters.n }, (_, i) => letters.get(i));
    get = (row) => {
      if (counts[row] === 0) return null;
      let text = vocabulary[words[ends[row] - counts[row] + 1]];
      for (let i = ends[row] - counts[row] + 2; i < ends[row]; i++) text += ` ${vocabulary[words[i]]}`;
      return text;
    };
  }
  return { get: (row) => (patch.has(row) ? patch.get(row) : get(row)), nCut: entry.n_cut };
}

async function strings(key, read) {
  const [lengths, bytes] = await Promise.all([read(`${key}:lengths`), read(`${key}:text`)]);
  const ends = endsOf(lengths), decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return { n: lengths.length, get: (i) => (lengths[i] === 0 ? null : decoder.decode(bytes.subarray(ends[i] - lengths[i] + 1, ends[i]))) };
}

// Where each entry ends; lengths count one more, so that 0 is a missing entry.
function endsOf(lengths) {
  const ends = new Float64Array(lengths.length);
  for (let i = 0, end = 0; i < lengths.length; i++) { end += Math.max(0, lengths[i] - 1); ends[i] = end; }
  return ends;
}

async function thumbnails(entry, read) {
  const [data, ends, rows] = await Promise.all(["data", "ends", "rows"].map((name) => read(`thumbnail:${name}`)));
  const places = new Map();
  rows.forEach((row, i) => places.set(row, i));
  const mime = entry.mime === "image/webp" ? "image/webp" : "image/png";
  return {
    has: (row) => places.has(row),
    blob(row) {
      const i = places.get(row);
      return i === undefined ? null : new Blob([data.subarray(i ? ends[i - 1] : 0, ends[i])], { type: mime });
    },
  };
}
