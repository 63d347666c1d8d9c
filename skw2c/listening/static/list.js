/* A list of sounds to walk with the arrow keys: name, folder, waveform, duration, score. */

import { icon, make, setIcon } from "./dom.js";
import { labels } from "./labels.js";
import { library } from "./library.js";
import { player } from "./player.js";
import { clock, span } from "./text.js";
import { Waveform, whenSeen } from "./waveform.js";

export class SoundList {
  /* onMore(item, {add}), onLess(item), onMissing(item), onSelect(item): all may be left out */
  constructor(list, actions = {}) {
    this.list = list;
    this.actions = actions;
    this.rows = [];
    this.at = -1;
    list.addEventListener("keydown", (event) => this._key(event));
    list.addEventListener("focusin", (event) => this._focused(event.target.closest("li")));
    player.addEventListener("load", () => this._mark());
    player.addEventListener("state", () => this._mark());
    player.addEventListener("time", () => this._progress());
    labels.addEventListener("change", () => this._label());
  }

  get items() {
    return this.rows.map((row) => row.item);
  }

  get current() {
    return this.rows[this.at]?.item ?? null;
  }

  show(items) {
    this.rows = [];
    this.at = -1;
    this.list.replaceChildren();
    this.append(items);
  }

  append(items) {
    const best = Math.max(...this.items.concat(items).map((item) => item.score ?? 0), 1e-9);
    const rows = items.map((item) => new Row(item, best, this));
    this.rows.push(...rows);
    this.list.append(...rows.map((row) => row.element));
    if (this.at < 0 && this.rows.length) this._tabStop(0);
    this._mark();
    this._label();
  }

  remove(item) {
    const k = this.rows.findIndex((row) => row.item.number === item.number);
    if (k < 0) return;
    this.rows[k].element.remove();
    this.rows.splice(k, 1);
    this._tabStop(Math.min(this.at, this.rows.length - 1));
  }

  /* Goes to a row; it is heard where the switch says so, or always with play. */
  select(k, { play = player.autoplay, focus = true } = {}) {
    if (!this.rows.length) return;
    const row = this.rows[Math.min(Math.max(k, 0), this.rows.length - 1)];
    this._tabStop(this.rows.indexOf(row));
    if (focus) row.main.focus();
    row.element.scrollIntoView({ block: "nearest" });
    this.actions.onSelect?.(row.item);
    if (play) this.hear(row.item);
  }

  hear(item, start = item.start ?? null) {
    if (item.missing) this.actions.onMissing?.(item);
    else player.play(item, start);
  }

  _focused(element) {
    const k = this.rows.findIndex((row) => row.element === element);
    if (k < 0 || k === this.at) return;
    this._tabStop(k);
    this.actions.onSelect?.(this.rows[k].item);
  }

  _tabStop(k) {
    this.at = k;
    this.rows.forEach((row, i) => row.reachable(i === k));
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onMain = event.target.classList.contains("row-main");
    const act = this._keys(event)[event.key];
    if (!act || (!onMain && ["Enter", " "].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  _keys(event) {
    const { actions, current } = this;
    return {
      ArrowDown: () => this.select(this.at + 1),
      ArrowUp: () => (this.at > 0 ? this.select(this.at - 1) : actions.onTop?.()),
      Home: () => this.select(0),
      End: () => this.select(this.rows.length - 1),
      ArrowLeft: () => player.step(-1),
      ArrowRight: () => player.step(1),
      Enter: actions.onMore && (() => actions.onMore(current, { add: event.shiftKey })),
      "-": actions.onLess && (() => actions.onLess(current)),
      " ": () => this._space(current),
    };
  }

  _space(item) {
    if (player.isCurrent(item)) player.toggle();
    else this.hear(item);
  }

  _mark() {
    for (const row of this.rows) row.mark();
  }

  _progress() {
    for (const row of this.rows) row.progress();
  }

  _label() {
    for (const row of this.rows) row.label();
  }
}

class Row {
  constructor(item, best, owner) {
    this.item = item;
    this.owner = owner;
    this.element = make("li", {
      class: isSilent(item) ? "row silent" : "row",
      draggable: isSilent(item) ? false : "true",
    });
    this.element.append(this._main(), this._wave(), this._numbers(best), this._buttons());
    this.element.addEventListener("click", (event) => this._click(event));
    this.element.addEventListener("dragstart", (event) => this._drag(event));
  }

  reachable(yes) {
    for (const button of this.element.querySelectorAll("button")) button.tabIndex = yes ? 0 : -1;
    this.element.classList.toggle("at", yes);
  }

  mark() {
    const mine =
      player.isCurrent(this.item) && (player.current.start ?? null) === (this.item.start ?? null);
    this.element.classList.toggle("current", mine);
    if (mine) this.main.setAttribute("aria-current", "true");
    else this.main.removeAttribute("aria-current");
    setIcon(this.main, mine && player.playing ? "pause" : "play");
    if (!mine) this.wave.setProgress(0);
  }

  progress() {
    if (this.element.classList.contains("current")) this.wave.setProgress(player.fraction);
  }

  label() {
    const label = labels.of(this.item);
    this.tag.textContent = label ?? "";
    this.tag.hidden = label === null;
  }

  _main() {
    const { item } = this;
    this.tag = make("span", { class: "tag", hidden: true });
    const place = make("span", { class: "place", title: item.folder });
    place.textContent = library.shorten(item.folder || "");
    const gone = item.missing ? make("span", { class: "gone" }, "missing") : null;
    const seconds = isSpan(item) ? span(item.start, item.end) : null;
    const when = seconds && make("span", { class: "seconds" }, seconds);
    const facts = make("span", { class: "folder" }, gone, when, place, this.tag);
    this.main = make(
      "button",
      { type: "button", class: "row-main" },
      make("span", { class: "round small" }, icon("play")),
      make(
        "span",
        { class: "row-text" },
        make("span", { class: "name", title: item.item }, item.name),
        facts,
      ),
    );
    return this.main;
  }

  _wave() {
    const canvas = make("canvas", { class: "row-wave", "aria-hidden": "true" });
    this.wave = new Waveform(canvas, { onSeek: (seconds) => this._hearFrom(seconds) });
    if (isSpan(this.item)) this.wave.setMarks([this.item]);
    if (!isSilent(this.item)) whenSeen(canvas, () => this._loadWave());
    return canvas;
  }

  async _loadWave() {
    const data = await this.wave.load(`/waveform/${this.item.number}`);
    if (!data || this.item.duration) return;
    this.item.duration = data.duration;
    this.element.querySelector(".duration").textContent = clock(data.duration);
  }

  _numbers(best) {
    const { duration, score, probabilities, about } = this.item;
    const scores = make("span", { class: "scores" });
    if (score !== undefined) scores.append(bar(score / best, score.toFixed(3), "Similarity"));
    for (const [label, probability] of likeliest(probabilities, about)) {
      const text = `${label} ${Math.round(100 * probability)} %`;
      scores.append(bar(probability, text, "Probability"));
    }
    const time = make("span", { class: "duration" }, clock(duration));
    return make("span", { class: "numbers" }, time, scores);
  }

  _buttons() {
    const { onMore, onLess } = this.owner.actions;
    const buttons = make("span", { class: "row-buttons" });
    if (onMore)
      buttons.append(this._button("more", "More like this", (add) => onMore(this.item, { add })));
    if (onLess) buttons.append(this._button("less", "Less like this", () => onLess(this.item)));
    return buttons;
  }

  _button(name, text, act) {
    return make(
      "button",
      {
        type: "button",
        class: "tool",
        title: text,
        "aria-label": `${text}: ${this.item.name}`,
        onclick: (event) => {
          event.stopPropagation();
          act(event.shiftKey);
        },
      },
      icon(name),
    );
  }

  _click(event) {
    const { owner } = this;
    if (event.target.closest(".row-main") && this.element.classList.contains("current")) {
      player.toggle();
      return;
    }
    owner.select(owner.rows.indexOf(this), { play: true });
  }

  _hearFrom(seconds) {
    this.owner.select(this.owner.rows.indexOf(this), { play: false });
    this.owner.hear(this.item, seconds);
  }

  /* Chromium makes a file of this where the sound is dropped outside the browser. */
  _drag(event) {
    const address = new URL(`/audio/${this.item.number}?as=original`, location.href).href;
    const name = this.item.name.replaceAll(":", "_");
    event.dataTransfer.setData("DownloadURL", `application/octet-stream:${name}:${address}`);
    event.dataTransfer.setData("text/uri-list", address);
    event.dataTransfer.effectAllowed = "copy";
  }
}

/* Without a file: it is missing, or the library holds a vector alone. */
function isSilent({ missing, has_file: hasFile }) {
  return missing || hasFile === false;
}

function isSpan({ start }) {
  return start !== null && start !== undefined;
}

/* Two labels: the one that was asked about, then those of the highest probability. */
function likeliest(probabilities, about) {
  return Object.entries(probabilities ?? {})
    .sort((a, b) => (b[0] === about) - (a[0] === about) || b[1] - a[1])
    .slice(0, 2);
}

function bar(fraction, text, title) {
  const fill = make("span", { class: "bar-fill" });
  fill.style.width = `${100 * Math.min(Math.max(fraction, 0), 1)}%`;
  return make(
    "span",
    { class: "score", title },
    make("span", { class: "bar-line" }, fill),
    make("span", { class: "bar-text" }, text),
  );
}
