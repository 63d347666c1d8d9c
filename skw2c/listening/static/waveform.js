/* Waveforms on canvases: fetched once, drawn as bars, clicked to hear from there. */

import { get } from "./api.js";

const KEPT = 500;
const AT_ONCE = 3; // the browser opens six connections, and the sound itself needs some
const cache = new Map();
const queue = [];
let running = 0;

export class Waveform {
  constructor(canvas, { onSeek = null, height = 1 } = {}) {
    this.canvas = canvas;
    this.height = height;
    this.source = null;
    this.data = null;
    this.progress = 0;
    this.marks = [];
    if (onSeek) canvas.addEventListener("click", (event) => this._click(event, onSeek));
    sizes.observe(canvas);
    drawers.set(canvas, this);
  }

  /* source: the address of a waveform, or null */
  async load(source) {
    if (source === this.source) return;
    this.source = source;
    this.data = null;
    this.draw();
    if (!source) return;
    const data = await waveform(source).catch(() => null);
    if (this.source !== source) return;
    this.data = data;
    this.draw();
    return data;
  }

  /* marks: [{start, end}] in seconds */
  setMarks(marks) {
    this.marks = marks;
    this.draw();
  }

  setProgress(fraction) {
    if (Math.abs(fraction - this.progress) * this.canvas.clientWidth < 0.5 && fraction) return;
    this.progress = fraction;
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const density = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * density);
    const height = Math.round(canvas.clientHeight * density);
    if (!width || !height) return;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    if (!this.data) return;
    const colours = getComputedStyle(canvas);
    this._drawMarks(context, width, height, colours);
    this._drawBars(context, width, height, density, colours);
  }

  _drawMarks(context, width, height, colours) {
    context.fillStyle = colours.getPropertyValue("--mark");
    for (const { start, end } of this.marks) {
      const left = (start / this.data.duration) * width;
      const right = (Math.min(end, this.data.duration) / this.data.duration) * width;
      context.fillRect(left, 0, Math.max(right - left, 2), height);
    }
  }

  _drawBars(context, width, height, density, colours) {
    const step = 3 * density;
    const thick = 2 * density;
    const middle = height / 2;
    const n = Math.max(Math.floor(width / step), 1);
    const done = colours.getPropertyValue("--wave-played");
    const rest = colours.getPropertyValue("--wave");
    for (let k = 0; k < n; k++) {
      const reach = Math.max(
        loudest(this.data, k / n, (k + 1) / n) * (middle - density),
        0.5 * density,
      );
      context.fillStyle = (k + 0.5) / n <= this.progress ? done : rest;
      context.fillRect(k * step, middle - reach, thick, 2 * reach);
    }
  }

  _click(event, onSeek) {
    event.stopPropagation();
    const box = this.canvas.getBoundingClientRect();
    const fraction = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    onSeek(this.data ? fraction * this.data.duration : 0);
  }
}

const drawers = new WeakMap();
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) drawers.get(target).draw();
});

/* Rows ask for their waveform when they come into sight. */
const sights = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      sights.unobserve(target);
      wanted.get(target)();
    }
  },
  { rootMargin: "200px" },
);
const wanted = new WeakMap();

export function whenSeen(element, act) {
  wanted.set(element, act);
  sights.observe(element);
}

window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const canvas of document.querySelectorAll("canvas")) drawers.get(canvas)?.draw();
});

function waveform(source) {
  if (!cache.has(source)) {
    if (cache.size >= KEPT) cache.delete(cache.keys().next().value);
    const asked = new Promise((resolve, reject) => queue.push({ source, resolve, reject }));
    asked.catch(() => cache.delete(source));
    cache.set(source, asked);
    next();
  }
  return cache.get(source);
}

/* The latest first: it is the one in sight. */
async function next() {
  if (running >= AT_ONCE || !queue.length) return;
  const { source, resolve, reject } = queue.pop();
  running++;
  await get(source).then(resolve, reject);
  running--;
  next();
}

function loudest({ low, high }, from, to) {
  const first = Math.floor(from * low.length);
  const last = Math.max(Math.ceil(to * low.length), first + 1);
  let most = 0;
  for (let i = first; i < last && i < low.length; i++) most = Math.max(most, -low[i], high[i]);
  return most / 127;
}
