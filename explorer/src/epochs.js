// Statistics up to an epoch, from the history of one byte a probability; the last ones are exact.

const SCALE = 254, MISSING = 255;

// What the slider moves: the histories of the maps, null for one that has none. Its steps are the
// epochs of all of them. A map stays at its last epoch before a step.
export class Epochs {
  constructor(histories) {
    this.histories = histories;
    this.epochs = [...new Set(histories.flatMap((one) => one?.epochs ?? []))].sort((a, b) => a - b);
    this.last = this.epochs.length - 1;
  }

  values(map, step) {
    const { epochs, last } = this.histories[map];
    const next = epochs.findIndex((epoch) => epoch > this.epochs[step]);
    return this.histories[map].values(step === this.last || next < 0 ? last : Math.max(0, next - 1));
  }
}

export class History {
  constructor({ epochs, proba, correct }, n, final) {
    Object.assign(this, { epochs, proba, correct, n, final });
    for (let i = n; i < proba.length; i++) proba[i] += proba[i - n]; // changes, modulo 256
    this.last = epochs.length - 1;
    this.at = -1; // frames that are summed: 0 to at
    this.sum = new Uint32Array(n);
    this.squares = new Uint32Array(n);
    this.times = new Uint16Array(n);
    this.right = new Uint16Array(n);
    this.running = { x: new Float32Array(n), y: new Float32Array(n), c: new Float32Array(n) };
  }

  // whole numbers are added and taken away again without an error
  add(frame, sign) {
    const { n, sum, squares, times, right, proba, correct } = this;
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
