// Ticks of an axis, and the size of a canvas.

import { number } from "./dom.js";

export function size(canvas, width, height, ratio) {
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}

export function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(2, wanted), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const out = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) out.push({ value: k * step, text: number(+(k * step).toPrecision(6)) });
  return out;
}
