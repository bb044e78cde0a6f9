// Statistics up to an epoch, from the history of one byte a probability; the last ones are exact.

const SCALE = 254, MISSING = 255;

export class Epochs {
  constructor(data) {
    this.n = data.n;
    this.frames = data.frames;
    const { proba } = this.frames;
    for (let i = this.n; i < proba.length; i++) proba[i] += proba[i - this.n]; // changes, modulo 256
    this.last = this.frames.epochs.length - 1;
    this.at = -1; // frames that are summed: 0 to at
    this.sum = new Uint32Array(this.n);
    this.squares = new Uint32Array(this.n);
    this.times = new Uint16Array(this.n);
    this.right = new Uint16Array(this.n);
    this.final = { x: data.statistics.get("variability"), y: data.statistics.get("confidence"), c: data.statistics.get("correctness") };
    this.running = { x: new Float32Array(this.n), y: new Float32Array(this.n), c: new Float32Array(this.n) };
  }

  // whole numbers are added and taken away again without an error
  add(frame, sign) {
    const { n, sum, squares, times, right } = this;
    const { proba, correct } = this.frames;
    const from = frame * n, bits = frame * Math.ceil(n / 8);
    for (let i = 0; i < n; i++) {
      const value = proba[from + i];
      if (value === MISSING) continue;
      sum[i] += sign * value;
      squares[i] += sign * value * value;
      times[i] += sign;
      right[i] += sign * ((correct[bits + (i >> 3)] >> (i & 7)) & 1);
    }
  }

  values(frame) {
    if (frame >= this.last) return this.final;
    while (this.at < frame) this.add(++this.at, 1);
    while (this.at > frame) this.add(this.at--, -1);
    const { x, y, c } = this.running;
    for (let i = 0; i < this.n; i++) {
      const times = this.times[i];
      const mean = this.sum[i] / (times * SCALE);
      y[i] = mean;
      x[i] = Math.sqrt(Math.max(0, this.squares[i] / (times * SCALE * SCALE) - mean * mean));
      c[i] = this.right[i] / times;
    }
    return this.running;
  }
}
