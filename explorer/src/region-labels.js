// Names of the regions, in boxes beside the medians of their rows, where they hide few points.

const MOST = 12, HEIGHT = 20, SAMPLE = 4000;
const STEPS = [[0, 0], ...[34, 70, 110].flatMap((r) => [[1, 0], [-1, 0], [0, 1], [0, -1], [0.7, 0.7], [-0.7, 0.7], [0.7, -0.7], [-0.7, -0.7]].map(([x, y]) => [x * r * 1.6, y * r]))];

export class RegionLabels {
  constructor(source) {
    this.source = source;
    this.placed = null;
    this.survey = null;
  }

  moved() {
    this.survey = this.placed = null;
  }

  draw(context, map, { ink, paper, line }) {
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    const { plot, view } = map;
    const key = [view.x0, view.x1, view.y0, view.y1, plot.width, plot.height].join();
    if (!this.placed || this.key !== key) { this.placed = this.place(context, map); this.key = key; }
    for (const { text, px, py, width } of this.placed) {
      context.globalAlpha = 0.88;
      context.fillStyle = paper;
      context.fillRect(px - width / 2, py - HEIGHT / 2, width, HEIGHT);
      context.globalAlpha = 1;
      context.strokeStyle = line;
      context.lineWidth = 1;
      context.strokeRect(px - width / 2 + 0.5, py - HEIGHT / 2 + 0.5, width - 1, HEIGHT - 1);
      context.fillStyle = ink;
      context.fillText(text, px, py + 0.5);
    }
  }

  place(context, map) {
    this.survey ??= survey(this.source);
    const { left, top, width: w, height: h } = map.plot; const { named, sample } = this.survey, placed = [];
    for (const { name, x, y } of named) {
      const text = name.length > 40 ? `${name.slice(0, 39)}…` : name;
      const width = context.measureText(text).width + 12;
      const [mx, my] = map.pixel(x, y);
      if (mx < left || mx > left + w || my < top || my > top + h) continue;
      let best = null;
      for (const [dx, dy] of STEPS) {
        const px = Math.min(left + w - width / 2 - 3, Math.max(left + width / 2 + 3, mx + dx));
        const py = Math.min(top + h - 13, Math.max(top + 13, my + dy));
        const [x0, y0] = map.place(px - width / 2, py + HEIGHT / 2), [x1, y1] = map.place(px + width / 2, py - HEIGHT / 2);
        let cost = Math.hypot(px - mx, py - my) / 400;
        if (placed.some((other) => Math.abs(other.px - px) < (other.width + width) / 2 + 4 && Math.abs(other.py - py) < HEIGHT + 4)) cost += 100;
        // the share of all points that it would hide
        let hidden = 0;
        for (const [sx, sy] of sample) if (sx >= x0 && sx <= x1 && sy >= y0 && sy <= y1) hidden++;
        cost += (30 * hidden) / Math.max(30, sample.length);
        if (!best || cost < best.cost) best = { text, px, py, width, cost };
      }
      placed.push(best);
    }
    return placed;
  }
}

// The median of each region, and a sample of all points, which stands for them.
function survey({ drawn, regions, regionNames }) {
  const { x, y } = drawn();
  const step = Math.max(1, Math.floor(x.length / SAMPLE)), sample = [];
  const groups = regionNames.map(() => []);
  for (let i = 0; i < x.length; i += step) {
    if (y[i] !== y[i]) continue;
    groups[regions[i]].push(i);
    sample.push([x[i], y[i]]);
  }
  const median = (rows, values) => Float32Array.from(rows, (row) => values[row]).sort()[rows.length >> 1];
  const named = regionNames
    .map((name, i) => ({ name, rows: groups[i] }))
    .filter(({ name, rows }) => rows.length && name !== "excluded" && name !== "unseen")
    .sort((a, b) => b.rows.length - a.rows.length)
    .slice(0, MOST)
    .map(({ name, rows }) => ({ name, x: median(rows, x), y: median(rows, y) }));
  return { named, sample };
}
