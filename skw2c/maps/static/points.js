/* A map of points drawn pixel by pixel: 100,000 of them at the pace of the screen, without a GPU.

   A classic script without imports or requests, so that it also works inlined in one HTML file.
   Its look is in points.css, which belongs beside it.

   const map = new PointMap(host, {
     points,    Uint16Array [x0, y0, x1, y1, ...], 0 to 65535, y upwards; or its base64 text
     name,      number => text or promise of text, shown beside the pointer
     onClick,   number => {}: a point was clicked, tapped or chosen by the keyboard
     onHover,   number => {}: the point under the pointer, -1 for none
     onSelect,  Uint32Array => {}: numbers of points inside the lasso, or empty when it is dropped
     legend,    element that receives the names of the colours, each with a box to hide it
     drawable,  number => boolean: false draws a point faintly (a sound without a preview)
   });                  all but points may be left out

   map.setPoints(points)
   map.setColours({categories: [text, ...], numbers})   Int16Array or its base64 text, -1 for none;
                                                        null takes the colours away
   map.setMode("pan" or "lasso")   what dragging does; with Shift it is always the lasso
   map.setSelection(numbers)       an array, drawn before all others; null ends it
   map.setCurrent(number)          a ring around one point; -1 for none
   map.reveal(number)              brings one point into the picture
   map.fit()                       shows all points
   map.zoom(factor)                about the middle
   map.draw()                      draws at once, returns milliseconds
   map.destroy()
   PointMap.fromBase64(text, Type) a typed array of little-endian numbers
   PointMap.csv(rows)              text of a CSV file of rows (arrays)
   PointMap.save(name, text, type) offers text as a file

   Keys on the picture: arrows walk to the next point in that direction, Enter or Space hears it,
   + and - zoom, 0 shows all, Escape drops the lasso. */

"use strict";

(() => {
  // Chosen by farthest distance in OKLab under normal sight and simulated protanopia,
  // deuteranopia and tritanopia; what colour alone cannot tell, the shapes do.
  const LIGHT = (
    "#0a6fb8 #d1671a #0f9b89 #c2327f #c79a1e #5b3fa8 #5b3106 #ac73fe " +
    "#044262 #9e3b1b #7f37f7 #166552 #5baadf #fe4291 #6e0a44 #480199 " +
    "#570cdc #8887bd #b636c8 #8a7859 #872582 #83b069 #905a97 #e57fdd"
  ).split(" ");
  const DARK = (
    "#58a9f0 #ff9d4d #35d6b0 #f45593 #f2dc55 #a98bff #298f25 #c3f1fe " +
    "#b332c5 #7254f6 #c6bcf5 #718a6f #7ffb9e #fa3927 #099fb2 #c59a6c " +
    "#f75bd5 #96609e #99e2cb #c1bd80 #8ab7c0 #4a7772 #b95edf #25c421"
  ).split(" ");
  const SHAPES = ["disc", "square", "diamond", "triangle"];
  const GROUND = { light: "#fbfaf8", dark: "#16181c" };
  const NONE = { light: "#a9a7a2", dark: "#5d626b" };
  // As many colours times shapes as stay unique; further categories share one line of the legend.
  const UNIQUE = LIGHT.length * SHAPES.length - 1;
  const MOST_PIXELS = 2; // per CSS pixel and direction: more costs time and shows nothing
  const HOVER_REACH = 12; // CSS pixels
  const CLICK_REACH = 4; // a pointer that moved less than this has clicked
  const FAINT = 0.25;

  class PointMap {
    constructor(host, options = {}) {
      this.host = host;
      this.options = options;
      this.mode = "pan";
      this.hovered = -1;
      this.current = -1;
      this.selection = null;
      this.selected = null;
      this.hidden = new Set();
      this.categories = [];
      this.numbers = null;
      this.pointers = new Map();
      this._build();
      this.setPoints(options.points || new Uint16Array(0));
    }

    /* ---- what the page sets ---- */

    setPoints(points) {
      this.points = typeof points === "string" ? fromBase64(points, Uint16Array) : points;
      this.n = this.points.length >> 1;
      this.order = shuffled(this.n);
      this.drawn = null;
      this.placed = Uint16Array.from(
        { length: 2 * this.n },
        (_, k) => this.points[2 * this.order[k >> 1] + (k & 1)],
      );
      this.setColours(null);
      this.setSelection(null);
      this.setCurrent(-1);
      this.fit();
    }

    setColours(colours) {
      const numbers = colours && colours.numbers;
      this.numbers = typeof numbers === "string" ? fromBase64(numbers, Int16Array) : numbers;
      this.categories = colours ? rank(colours.categories, this.numbers) : [];
      this.slots = slots(this.n, this.numbers, this.categories);
      this.hidden.clear();
      this._fillLegend();
      this.redraw();
    }

    setMode(mode) {
      this.mode = mode;
      this.host.classList.toggle("point-map-lasso", mode === "lasso");
    }

    setSelection(numbers) {
      this.selection = numbers && numbers.length ? Uint32Array.from(numbers) : null;
      this.selected = null;
      if (this.selection) {
        this.selected = new Uint8Array(this.n);
        for (const number of this.selection) this.selected[number] = 1;
      }
      this.redraw();
    }

    setCurrent(number) {
      this.current = number;
      this._drawOverlay();
    }

    reveal(number) {
      const [x, y] = this._place(number);
      const { width, height } = this.base;
      const margin = 24 * this.density;
      if (x < margin || y < margin || x > width - margin || y > height - margin) {
        this.view.x += width / 2 - x;
        this.view.y += height / 2 - y;
        this.redraw();
      }
    }

    fit() {
      const { width, height } = this.base;
      const [left, bottom, right, top] = bounds(this.points);
      const margin = 24 * this.density;
      const scale = Math.min(
        Math.max(width - 2 * margin, 1) / Math.max(right - left, 1),
        Math.max(height - 2 * margin, 1) / Math.max(top - bottom, 1),
      );
      this.fitted = scale;
      this.view = {
        scale,
        x: width / 2 - (scale * (left + right)) / 2,
        y: height / 2 + (scale * (bottom + top)) / 2,
      };
      this.redraw();
    }

    zoom(factor) {
      this._zoomAt(factor, this.base.width / 2, this.base.height / 2);
    }

    destroy() {
      this.resizes.disconnect();
      this.scheme.removeEventListener("change", this._onScheme);
      this.host.replaceChildren();
    }

    /* ---- drawing ---- */

    redraw() {
      if (this.waiting) return;
      this.waiting = requestAnimationFrame(() => this.draw());
    }

    draw() {
      if (this.waiting) cancelAnimationFrame(this.waiting);
      this.waiting = 0;
      const start = performance.now();
      const { width, height } = this.base;
      if (!width || !height) return 0;
      if (!this.image || this.image.width !== width || this.image.height !== height) {
        this.image = this.context.createImageData(width, height);
        this.pixels = new Uint32Array(this.image.data.buffer);
      }
      this.pixels.fill(pixel(GROUND[this.theme]));
      this._drawPoints();
      this.context.putImageData(this.image, 0, 0);
      this._drawOverlay();
      return performance.now() - start;
    }

    _drawPoints() {
      const radius = this._radius();
      const palette = this._palette();
      const faint = palette.map((colour) => mix(colour, pixel(GROUND[this.theme]), FAINT));
      if (!this.selected) {
        this._drawPart(-1, palette, faint, radius);
        return;
      }
      // A few that are selected among many must not be lost among them.
      const larger = Math.min(this._radius(this.selection.length), 3 * radius);
      this._drawPart(0, faint, faint, radius);
      this._drawPart(1, palette, faint, larger);
    }

    /* part: 0 not selected, 1 selected, -1 all. The loop reads memory in order, for speed. */
    _drawPart(part, colours, faint, radius) {
      const { width, height } = this.base;
      const stamps = SHAPES.map((shape) => stamp(shape, radius, width));
      const { scale, x: left, y: top } = this.view;
      const { placed, order, slots, selected, pixels, n } = this;
      const visible = this._visible();
      const drawable = this._drawable();
      const shapes = Uint8Array.from({ length: UNIQUE + 2 }, (_, slot) => shapeOf(slot));
      const reach = Math.ceil(radius);
      for (let k = 0; k < n; k++) {
        const x = (left + placed[2 * k] * scale) | 0;
        const y = (top - placed[2 * k + 1] * scale) | 0;
        if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
        const i = order[k];
        const slot = slots[i];
        if (!visible[slot] || (part >= 0 && selected[i] !== part)) continue;
        const colour = drawable && !drawable[i] ? faint[slot] : colours[slot];
        put(pixels, y * width + x, stamps[shapes[slot]], colour);
      }
    }

    _radius(n = this.n) {
      const { width, height } = this.base;
      const crowded = Math.sqrt((0.1 * width * height) / (Math.PI * Math.max(n, 1)));
      const nearness = Math.sqrt(this.view.scale / this.fitted);
      const smallest = 0.75 * this.density;
      const usual = Math.min(Math.max(crowded, smallest), 4 * this.density);
      return Math.min(usual * nearness, 9 * this.density);
    }

    _palette() {
      const colours = this.theme === "dark" ? DARK : LIGHT;
      return Uint32Array.from({ length: UNIQUE + 2 }, (_, slot) =>
        pixel(slot && slot <= UNIQUE ? colours[(slot - 1) % colours.length] : NONE[this.theme]),
      );
    }

    _visible() {
      return Uint8Array.from({ length: UNIQUE + 2 }, (_, slot) => !this.hidden.has(slot));
    }

    _drawable() {
      const { drawable } = this.options;
      if (!drawable) return null;
      if (!this.drawn || this.drawn.length !== this.n) {
        this.drawn = Uint8Array.from({ length: this.n }, (_, i) => drawable(i));
      }
      return this.drawn;
    }

    _drawOverlay() {
      if (!this.over || !this.view) return;
      const context = this.overContext;
      context.clearRect(0, 0, this.over.width, this.over.height);
      const ink = this.theme === "dark" ? "#ffffff" : "#15171a";
      if (this.current >= 0 && this.current < this.n) this._ring(this.current, 4, 2.5, ink);
      if (this.hovered >= 0) this._ring(this.hovered, 3, 1.5, ink);
      if (this.lasso) this._drawLasso(ink);
    }

    _ring(number, distance, thickness, ink) {
      const context = this.overContext;
      const [x, y] = this._place(number);
      context.beginPath();
      context.arc(x, y, this._radius() + distance * this.density, 0, 2 * Math.PI);
      context.lineWidth = (thickness + 2) * this.density;
      context.strokeStyle = GROUND[this.theme];
      context.stroke();
      context.lineWidth = thickness * this.density;
      context.strokeStyle = ink;
      context.stroke();
    }

    _drawLasso(ink) {
      const context = this.overContext;
      context.beginPath();
      for (const [x, y] of this.lasso) context.lineTo(x, y);
      context.closePath();
      context.globalAlpha = 0.08;
      context.fillStyle = ink;
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 1.5 * this.density;
      context.setLineDash([5 * this.density, 4 * this.density]);
      context.strokeStyle = ink;
      context.stroke();
      context.setLineDash([]);
    }

    _place(number) {
      const { scale, x, y } = this.view;
      return [x + this.points[2 * number] * scale, y - this.points[2 * number + 1] * scale];
    }

    /* ---- finding points ---- */

    nearest(x, y, reach = HOVER_REACH * this.density) {
      const { points, slots, n } = this;
      const visible = this._visible();
      const { scale, x: left, y: top } = this.view;
      const px = (x - left) / scale;
      const py = (top - y) / scale;
      let found = -1;
      let best = (reach / scale) ** 2;
      for (let i = 0; i < n; i++) {
        const dx = points[2 * i] - px;
        const dy = points[2 * i + 1] - py;
        const distance = dx * dx + dy * dy;
        if (distance <= best && visible[slots[i]]) {
          best = distance;
          found = i;
        }
      }
      return found;
    }

    inside(polygon) {
      const visible = this._visible();
      const found = [];
      const corners = polygon.map(([x, y]) => [
        (x - this.view.x) / this.view.scale,
        (this.view.y - y) / this.view.scale,
      ]);
      const [left, bottom, right, top] = bounds(corners.flat());
      for (let i = 0; i < this.n; i++) {
        const x = this.points[2 * i];
        const y = this.points[2 * i + 1];
        if (x < left || x > right || y < bottom || y > top || !visible[this.slots[i]]) continue;
        if (contains(corners, x, y)) found.push(i);
      }
      return Uint32Array.from(found);
    }

    /* The nearest point within 45 degrees of a direction, as the arrow keys walk. */
    neighbour(number, right, up) {
      const { points, slots, n } = this;
      const visible = this._visible();
      let found = -1;
      let best = Infinity;
      for (let i = 0; i < n; i++) {
        const dx = points[2 * i] - points[2 * number];
        const dy = points[2 * i + 1] - points[2 * number + 1];
        const along = dx * right + dy * up;
        const across = Math.abs(dx * up) + Math.abs(dy * right);
        if (along <= 0 || across > along || !visible[slots[i]]) continue;
        const distance = dx * dx + dy * dy;
        if (distance < best) {
          best = distance;
          found = i;
        }
      }
      return found;
    }

    /* ---- pointer and keys ---- */

    _build() {
      const { host } = this;
      host.classList.add("point-map");
      this.base = document.createElement("canvas");
      this.over = document.createElement("canvas");
      this.tip = document.createElement("div");
      this.tip.className = "point-map-tip";
      this.tip.hidden = true;
      this.over.tabIndex = 0;
      this.over.setAttribute("role", "application");
      this.over.setAttribute("aria-label", "Map of sounds: arrows walk, Enter plays");
      this.base.setAttribute("aria-hidden", "true");
      this.spoken = document.createElement("div");
      this.spoken.className = "point-map-spoken";
      this.spoken.setAttribute("aria-live", "polite");
      host.replaceChildren(this.base, this.over, this.tip, this.spoken);
      this.context = this.base.getContext("2d", { alpha: false });
      this.overContext = this.over.getContext("2d");
      this._followScheme();
      this._measure();
      this.resizes = new ResizeObserver(() => this._resize());
      this.resizes.observe(host);
      this._listen();
    }

    _followScheme() {
      this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
      this._onScheme = () => {
        this.theme = this.scheme.matches ? "dark" : "light";
        this._fillLegend();
        this.redraw();
      };
      this.theme = this.scheme.matches ? "dark" : "light";
      this.scheme.addEventListener("change", this._onScheme);
    }

    _measure() {
      this.density = Math.min(window.devicePixelRatio || 1, MOST_PIXELS);
      for (const canvas of [this.base, this.over]) {
        canvas.width = Math.round(this.host.clientWidth * this.density);
        canvas.height = Math.round(this.host.clientHeight * this.density);
      }
    }

    _resize() {
      const { width, height } = this.base;
      const untouched = this.view && this.view.scale === this.fitted;
      this._measure();
      if (untouched || !width) this.fit();
      else {
        this.view.x += (this.base.width - width) / 2;
        this.view.y += (this.base.height - height) / 2;
      }
      this.draw();
    }

    _listen() {
      const on = (kind, act, options) => this.over.addEventListener(kind, act, options);
      on("pointerdown", (event) => this._press(event));
      on("pointermove", (event) => this._move(event));
      on("pointerup", (event) => this._release(event));
      on("pointercancel", (event) => this._forget(event));
      on("pointerleave", () => this._hover(-1));
      on("wheel", (event) => this._wheel(event), { passive: false });
      on("keydown", (event) => this._key(event));
    }

    _at(event) {
      const box = this.over.getBoundingClientRect();
      return [(event.clientX - box.left) * this.density, (event.clientY - box.top) * this.density];
    }

    _press(event) {
      if (event.button > 0) return;
      try {
        this.over.setPointerCapture(event.pointerId);
      } catch {
        // The pointer is gone already; moves over the canvas are still seen.
      }
      const at = this._at(event);
      this.pointers.set(event.pointerId, at);
      this.pressed = at;
      this.dragged = false;
      const single = this.pointers.size === 1;
      this.lasso = single && (this.mode === "lasso" || event.shiftKey) ? [at] : null;
    }

    _move(event) {
      const at = this._at(event);
      const before = this.pointers.get(event.pointerId);
      if (!before) {
        this._hover(this.nearest(...at), at);
        return;
      }
      const far = Math.hypot(at[0] - this.pressed[0], at[1] - this.pressed[1]);
      if (far > CLICK_REACH * this.density) this.dragged = true;
      if (!this.dragged) return;
      if (this.pointers.size === 2) this._pinch(event.pointerId, before, at);
      else if (this.lasso) this._extendLasso(at);
      else this._pan(at[0] - before[0], at[1] - before[1]);
      this.pointers.set(event.pointerId, at);
    }

    _extendLasso(at) {
      this.lasso.push(at);
      this._drawOverlay();
    }

    _pan(dx, dy) {
      this._hover(-1);
      this.view.x += dx;
      this.view.y += dy;
      this.redraw();
    }

    _pinch(id, before, at) {
      const other = [...this.pointers].find(([key]) => key !== id)[1];
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
      this.lasso = null;
      this._pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
      this._zoomAt(apart(at) / apart(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    }

    _release(event) {
      const at = this._at(event);
      const known = this.pointers.delete(event.pointerId);
      const { lasso } = this;
      if (!this.pointers.size) this.lasso = null;
      if (!known) return;
      if (!this.dragged) this._click(at);
      else if (lasso && lasso.length > 2) this._select(this.inside(lasso));
      this._drawOverlay();
    }

    _forget(event) {
      this.pointers.delete(event.pointerId);
      this.lasso = null;
      this._drawOverlay();
    }

    _click(at) {
      const found = this.nearest(...at);
      if (found >= 0) this._choose(found, at);
      else if (this.selection) this._select([]);
    }

    _choose(number, at) {
      this.setCurrent(number);
      this._hover(number, at || this._place(number));
      if (this.options.onClick) this.options.onClick(number);
    }

    _select(numbers) {
      this.setSelection(numbers);
      if (this.options.onSelect) this.options.onSelect(this.selection || new Uint32Array(0));
    }

    _wheel(event) {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      this._zoomAt(
        Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)),
        ...this._at(event),
      );
    }

    _zoomAt(factor, x, y) {
      const scale = Math.min(
        Math.max(this.view.scale * factor, this.fitted / 2),
        this.fitted * 400,
      );
      const ratio = scale / this.view.scale;
      this.view = {
        scale,
        x: x - (x - this.view.x) * ratio,
        y: y - (y - this.view.y) * ratio,
      };
      this._hover(-1);
      this.redraw();
    }

    _key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = this._keys()[event.key];
      if (!act || !this.n) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    }

    _keys() {
      const hear = () => this.current >= 0 && this._choose(this.current);
      return {
        ArrowRight: () => this._walk(1, 0),
        ArrowLeft: () => this._walk(-1, 0),
        ArrowUp: () => this._walk(0, 1),
        ArrowDown: () => this._walk(0, -1),
        Enter: hear,
        " ": hear,
        "+": () => this.zoom(1.5),
        "=": () => this.zoom(1.5),
        "-": () => this.zoom(1 / 1.5),
        0: () => this.fit(),
        Escape: () => this._select([]),
      };
    }

    _walk(right, up) {
      const next = this.current < 0 ? this._middle() : this.neighbour(this.current, right, up);
      if (next < 0) return;
      this.setCurrent(next);
      this.reveal(next);
      this._hover(next, this._place(next), true);
    }

    _middle() {
      const { width, height } = this.base;
      return this.nearest(width / 2, height / 2, Infinity);
    }

    _hover(number, at, speak = false) {
      if (number === this.hovered && number < 0) return;
      const changed = number !== this.hovered;
      this.hovered = number;
      if (changed) this.tip.hidden = true; // until the name is known
      if (number >= 0) this._showTip(number, at, changed, speak);
      this.over.classList.toggle("point-map-over", number >= 0);
      this._drawOverlay();
      if (changed && this.options.onHover) this.options.onHover(number);
    }

    async _showTip(number, at, changed, speak) {
      if (changed || this.tip.hidden) await this._nameTip(number, speak);
      if (this.hovered !== number) return;
      this.tip.hidden = false;
      const width = this.host.clientWidth;
      const x = at[0] / this.density;
      const y = at[1] / this.density;
      const left = Math.min(
        Math.max(x - this.tip.offsetWidth / 2, 6),
        width - this.tip.offsetWidth - 6,
      );
      const above = y - this.tip.offsetHeight - 14;
      this.tip.style.transform = `translate(${Math.max(left, 6)}px, ${above < 4 ? y + 18 : above}px)`;
    }

    async _nameTip(number, speak) {
      const name = this.options.name ? this.options.name(number) : `${number}`;
      const text = name && name.then ? await name : name;
      const category = this._categoryOf(number);
      // Who walks by keys hears where they are, even if the map was zoomed before the name came.
      if (speak && this.current === number) {
        this.spoken.textContent = category === null ? text : `${text}, ${category}`;
      }
      if (this.hovered !== number) return;
      const strong = document.createElement("strong");
      strong.textContent = text;
      this.tip.replaceChildren(strong);
      if (category !== null) {
        const line = document.createElement("span");
        line.textContent = category;
        this.tip.append(line);
      }
    }

    _categoryOf(number) {
      const category = this.numbers ? this.numbers[number] : -1;
      const found = this.categories.find((each) => each.number === category);
      return found ? found.name : null;
    }

    /* ---- legend ---- */

    _fillLegend() {
      const { legend } = this.options;
      if (!legend) return;
      legend.replaceChildren();
      if (!this.categories || !this.categories.length) return;
      const list = document.createElement("ul");
      list.className = "point-legend";
      const entries = legendEntries(this.categories, this.numbers, this.n);
      for (const entry of entries) list.append(this._legendRow(entry));
      legend.append(this._legendButtons(entries, list), list);
    }

    _legendRow({ slot, name, count }) {
      const row = document.createElement("li");
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !this.hidden.has(slot);
      box.addEventListener("change", () => this._toggle(slot, box.checked));
      const text = document.createElement("span");
      text.className = "point-legend-name";
      text.textContent = name;
      const number = document.createElement("span");
      number.className = "point-legend-count";
      number.textContent = count.toLocaleString("en");
      label.append(box, swatch(slot, this.theme), text, number);
      row.append(label);
      return row;
    }

    _legendButtons(entries, list) {
      const row = document.createElement("div");
      row.className = "point-legend-buttons";
      for (const [text, shown] of [
        ["Show all", true],
        ["Hide all", false],
      ]) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.addEventListener("click", () => {
          for (const { slot } of entries) this._toggle(slot, shown);
          for (const box of list.querySelectorAll("input")) box.checked = shown;
        });
        row.append(button);
      }
      return row;
    }

    _toggle(slot, shown) {
      if (shown) this.hidden.delete(slot);
      else this.hidden.add(slot);
      this.redraw();
    }
  }

  /* ---- categories: slot 0 is none, 1 to UNIQUE are colours and shapes, the last the rest ---- */

  function rank(names, numbers) {
    const counts = new Uint32Array(names.length);
    for (const number of numbers) if (number >= 0) counts[number]++;
    const categories = names.map((name, number) => ({ name, number, count: counts[number] }));
    // Few keep the order they were given in, so that colours stay while words are typed.
    if (names.length > LIGHT.length) categories.sort((a, b) => b.count - a.count);
    return categories.map((each, k) => ({ ...each, slot: slotOf(each, k, names.length - 1) }));
  }

  /* What was put together as "other" is grey, as what finds no colour here. */
  function slotOf({ name, number }, k, last) {
    return name === "other" && number === last ? UNIQUE + 1 : Math.min(k, UNIQUE) + 1;
  }

  function slots(n, numbers, categories) {
    const found = new Uint8Array(n);
    if (!numbers) return found;
    const slotOf = new Uint8Array(categories.length);
    for (const { number, slot } of categories) slotOf[number] = slot;
    for (let i = 0; i < n; i++) if (numbers[i] >= 0) found[i] = slotOf[numbers[i]];
    return found;
  }

  function legendEntries(categories, numbers, n) {
    const entries = categories.filter(({ slot }) => slot <= UNIQUE);
    const rest = categories.filter(({ slot }) => slot > UNIQUE);
    const sum = (parts) => parts.reduce((total, { count }) => total + count, 0);
    if (rest.length) {
      const name = rest.length === 1 ? rest[0].name : `${rest.length} more`;
      entries.push({ slot: UNIQUE + 1, name, count: sum(rest) });
    }
    const none = n - sum(categories);
    if (none) entries.push({ slot: 0, name: "none", count: none });
    return entries;
  }

  function shapeOf(slot) {
    const k = slot - 1;
    return !slot || slot > UNIQUE ? 0 : (k + Math.floor(k / LIGHT.length)) % SHAPES.length;
  }

  function swatch(slot, theme) {
    const colours = theme === "dark" ? DARK : LIGHT;
    const plain = !slot || slot > UNIQUE;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 12 12");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute(
      "d",
      {
        disc: "M6 1a5 5 0 1 1 0 10a5 5 0 1 1 0-10z",
        square: "M1.5 1.5h9v9h-9z",
        diamond: "M6 0l6 6l-6 6l-6-6z",
        triangle: "M6 .8l6 10.2h-12z",
      }[SHAPES[shapeOf(slot)]],
    );
    path.setAttribute("fill", plain ? NONE[theme] : colours[(slot - 1) % colours.length]);
    svg.append(path);
    return svg;
  }

  /* ---- pixels ---- */

  const SUBSAMPLES = 4;

  /* Offsets into the picture and coverage (0 to 256) of each pixel of a shape. */
  function stamp(shape, radius, width) {
    const reach = Math.ceil(radius);
    const offsets = [];
    const covers = [];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const cover = coverage(shape, x, y, radius);
        if (cover < 16) continue;
        offsets.push(y * width + x);
        covers.push(cover);
      }
    }
    return { offsets: Int32Array.from(offsets), covers: Int32Array.from(covers) };
  }

  function coverage(shape, x, y, radius) {
    let hits = 0;
    for (let v = 0; v < SUBSAMPLES; v++) {
      for (let u = 0; u < SUBSAMPLES; u++) {
        const dx = (x - 0.5 + (u + 0.5) / SUBSAMPLES) / radius;
        const dy = (y - 0.5 + (v + 0.5) / SUBSAMPLES) / radius;
        hits += covered(shape, dx, dy);
      }
    }
    return Math.round((256 * hits) / SUBSAMPLES ** 2);
  }

  /* All shapes have about the area of the disc. */
  function covered(shape, x, y) {
    if (shape === "square") return Math.abs(x) <= 0.89 && Math.abs(y) <= 0.89;
    if (shape === "diamond") return Math.abs(x) + Math.abs(y) <= 1.2;
    if (shape === "triangle") return y <= 0.75 && Math.abs(x) <= (y + 1.15) * 0.62;
    return x * x + y * y <= 1;
  }

  function put(pixels, place, { offsets, covers }, colour) {
    const redBlue = colour & 0xff00ff;
    const green = colour & 0x00ff00;
    for (let k = 0; k < offsets.length; k++) {
      const at = place + offsets[k];
      const cover = covers[k];
      if (cover === 256) {
        pixels[at] = colour;
        continue;
      }
      const under = pixels[at];
      const rest = 256 - cover;
      pixels[at] =
        0xff000000 |
        (((redBlue * cover + (under & 0xff00ff) * rest) >>> 8) & 0xff00ff) |
        (((green * cover + (under & 0x00ff00) * rest) >>> 8) & 0x00ff00);
    }
  }

  /* "#rrggbb" as the little-endian pixel of an ImageData. */
  function pixel(hex) {
    const value = parseInt(hex.slice(1), 16);
    return (0xff000000 | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
  }

  function mix(colour, under, part) {
    let mixed = 0xff000000;
    for (const shift of [0, 8, 16]) {
      const one = (colour >> shift) & 255;
      const other = (under >> shift) & 255;
      mixed |= Math.round(part * one + (1 - part) * other) << shift;
    }
    return mixed >>> 0;
  }

  /* ---- arithmetic ---- */

  /* A fixed order at random, so that no category always lies on top. */
  function shuffled(n) {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    let state = 1;
    for (let i = n - 1; i > 0; i--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const other = Math.floor((state / 4294967296) * (i + 1));
      [order[i], order[other]] = [order[other], order[i]];
    }
    return order;
  }

  function bounds(flat) {
    if (!flat.length) return [0, 0, 65535, 65535];
    const found = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < flat.length; i += 2) {
      found[0] = Math.min(found[0], flat[i]);
      found[1] = Math.min(found[1], flat[i + 1]);
      found[2] = Math.max(found[2], flat[i]);
      found[3] = Math.max(found[3], flat[i + 1]);
    }
    return found;
  }

  function contains(corners, x, y) {
    let within = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
      const [x1, y1] = corners[i];
      const [x2, y2] = corners[j];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) within = !within;
    }
    return within;
  }

  function fromBase64(text, Type) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new Type(bytes.buffer);
  }

  /* Cells that a spreadsheet would run as a formula are led by an apostrophe. */
  function csv(rows) {
    const cell = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
  }

  function save(name, text, type = "text/csv;charset=utf-8") {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  Object.assign(PointMap, { fromBase64, csv, save });
  window.PointMap = PointMap;
})();
