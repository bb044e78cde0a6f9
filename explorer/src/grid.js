// Finds points near a place, through the cells of a grid over the map.

const CELLS = 256;

export class Grid {
  constructor(x, y) {
    this.x = x;
    this.y = y;
    const n = x.length;
    const starts = new Uint32Array(CELLS * CELLS + 1);
    const cells = new Uint16Array(n);
    const cell = (i) => clamp(Math.floor(y[i] * CELLS)) * CELLS + clamp(Math.floor(x[i] * 2 * CELLS));
    for (let i = 0; i < n; i++) {
      if (y[i] !== y[i]) continue;
      cells[i] = cell(i);
      starts[cells[i] + 1]++;
    }
    for (let i = 0; i < CELLS * CELLS; i++) starts[i + 1] += starts[i];
    const next = starts.slice();
    const order = new Uint32Array(starts[CELLS * CELLS]);
    for (let i = 0; i < n; i++) if (y[i] === y[i]) order[next[cells[i]]++] = i;
    this.starts = starts;
    this.order = order;
  }

  // Calls visit(row) for each point of the cells that touch a box.
  visit(x0, x1, y0, y1, visit) {
    const left = clamp(Math.floor(x0 * 2 * CELLS)), right = clamp(Math.floor(x1 * 2 * CELLS));
    const low = clamp(Math.floor(y0 * CELLS)), high = clamp(Math.floor(y1 * CELLS));
    for (let row = low; row <= high; row++) {
      const end = this.starts[row * CELLS + right + 1];
      for (let i = this.starts[row * CELLS + left]; i < end; i++) visit(this.order[i]);
    }
  }

  // The nearest point to (x, y) that is shown, within rx and ry; -1 if there is none.
  nearest(x, y, rx, ry, hidden) {
    let best = -1, least = 1;
    this.visit(x - rx, x + rx, y - ry, y + ry, (row) => {
      if (hidden[row]) return;
      const dx = (this.x[row] - x) / rx, dy = (this.y[row] - y) / ry;
      const distance = dx * dx + dy * dy;
      if (distance <= least) { least = distance; best = row; }
    });
    return best;
  }

  // Rows inside a polygon of [x, y] corners, by the even-odd rule.
  inside(polygon, hidden) {
    const xs = polygon.map((corner) => corner[0]), ys = polygon.map((corner) => corner[1]);
    const n = polygon.length, rows = [];
    const x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...ys), y1 = Math.max(...ys);
    this.visit(x0, x1, y0, y1, (row) => {
      const x = this.x[row], y = this.y[row];
      if (hidden[row] || x < x0 || x > x1 || y < y0 || y > y1) return;
      let within = false;
      for (let i = 0, j = n - 1; i < n; j = i++) {
        if (ys[i] > y !== ys[j] > y && x < ((xs[j] - xs[i]) * (y - ys[i])) / (ys[j] - ys[i]) + xs[i]) within = !within;
      }
      if (within) rows.push(row);
    });
    return rows;
  }

  box(x0, x1, y0, y1, hidden) {
    const rows = [];
    this.visit(x0, x1, y0, y1, (row) => {
      const x = this.x[row], y = this.y[row];
      if (!hidden[row] && x >= x0 && x <= x1 && y >= y0 && y <= y1) rows.push(row);
    });
    return rows;
  }
}

const clamp = (cell) => Math.min(CELLS - 1, Math.max(0, cell));
