/* The sorting view: label what is heard, train as one goes, hear the least certain next. */

import { get, send } from "./api.js";
import { $, icon, later, make, showState, toast } from "./dom.js";
import { labels } from "./labels.js";
import { library } from "./library.js";
import { SoundList } from "./list.js";
import { player } from "./player.js";
import { count } from "./text.js";

const MOST_CLASSES = 9; // as many as keys
const EVERY = 5; // labels between two trainings
const PAGE = 50;
const QUEUE = 20;

export class SortView {
  constructor({ missing, onMore }) {
    this.trained = null;
    this.sinceTraining = 0;
    this.list = new SoundList($("sort-list"), {
      onMore,
      onSelect: (item) => this._now(item),
      onMissing: () => missing.notice({ again: true }),
    });
    this._listen();
  }

  async open() {
    if (this.opened) return;
    this.opened = true;
    await this._trainingSoFar();
    await this.fill();
    if (!this.trained && this._canTrain()) await this.train({ quiet: true });
  }

  /* Label the sound that is heard, or the row one is at, by the number of a class. */
  async key(k) {
    const item = $("view-sort").hidden ? player.current : this.list.current || player.current;
    const label = labels.classes[k];
    if (label === undefined) toast(`No label has the key ${k + 1}. Labels are made under Sort.`);
    else if (!item || item.number === null)
      toast("Play a sound first, then press the key of its label.");
    else await this._give(item, label);
  }

  async undo() {
    const last = await labels.undo().catch((error) => toast(error.message));
    if (last)
      toast(`${last.item.name}: ${last.before ? `${last.before} again` : "no label again"}`);
  }

  async _give(item, label) {
    const sent = labels.give(item, label);
    if ($("view-sort").hidden) toast(`${item.name}: ${label} (U takes it back)`);
    else if (this._isQueue()) this._onward(item);
    else this.list.select(this.list.at + 1);
    try {
      await sent;
      await this._trainSometimes();
    } catch (error) {
      toast(error.message);
    }
  }

  /* The labelled sound leaves the list; the next one is heard. */
  _onward(item) {
    const { at } = this.list;
    this.list.remove(item);
    if (this.list.items.length) this.list.select(at);
    else this.fill();
  }

  /* ---- training ---- */

  async _trainSometimes() {
    this.sinceTraining++;
    if (this.sinceTraining >= EVERY && this._canTrain()) await this.train({ quiet: true });
  }

  _canTrain() {
    return $("train-auto").checked && Object.values(labels.counts).filter((n) => n).length > 1;
  }

  async train({ quiet = false } = {}) {
    $("train").disabled = true;
    try {
      await labels.arrived();
      this._trained(await send("POST", "/api/classifier"));
      this.sinceTraining = 0;
      await this._retrained(quiet);
    } catch (error) {
      if (quiet) $("train-status").textContent = error.message;
      else toast(error.message);
    }
    $("train").disabled = false;
  }

  /* Quietly the row that is heard stays; only those below it change. */
  async _retrained(quiet) {
    const select = $("sort-order");
    if (select.value === "unlabelled") select.value = "uncertain";
    await this.fill({ keep: quiet });
  }

  async _trainingSoFar() {
    const facts = await get("/api/classifier").catch(() => null);
    if (facts?.n_labelled) this._trained(facts);
    else this._choices();
  }

  _trained(facts) {
    this.trained = facts;
    const { n_labelled: n, accuracy } = facts;
    const quality =
      accuracy === null
        ? "Some label has too few for an estimate of the accuracy."
        : `Accuracy ${Math.round(100 * accuracy)} % (cross-validated).`;
    $("train-status").textContent = `Trained on ${count(n, "sound")}. ${quality}`;
    this._choices();
  }

  /* ---- the list ---- */

  _choices() {
    const select = $("sort-order");
    const chosen = select.value || (this.trained ? "uncertain" : "unlabelled");
    const choices = [
      ["unlabelled", "not labelled, in order"],
      ["labelled", "labelled"],
    ];
    if (this.trained) choices.unshift(["uncertain", "least certain"]);
    for (const label of this.trained?.classes ?? [])
      choices.push([`confident:${label}`, `most certain: ${label}`]);
    select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
    select.value = choices.some(([value]) => value === chosen) ? chosen : choices[0][0];
    for (const id of ["export-predicted", "export-script"]) $(id).hidden = !this.trained;
  }

  _isQueue() {
    return $("sort-order").value !== "labelled";
  }

  async fill({ keep = false } = {}) {
    const asked = (this.asked = {});
    try {
      const items = await this._wanted(0);
      if (asked !== this.asked) return;
      this._show(items, keep);
    } catch (error) {
      if (asked !== this.asked) return;
      this.list.show([]);
      showState(
        $("sort-state"),
        error.status === 503 ? "One moment" : "That did not work",
        error.message,
      );
      this.opened = error.status !== 503;
    }
  }

  _show(items, keep) {
    const current = keep ? this.list.current : null;
    const focused = document.activeElement?.closest?.("#sort-list") !== null;
    const rest = current ? items.filter((item) => item.number !== current.number) : items;
    $("sort-state").hidden = true;
    this.list.show(current ? [current, ...rest] : rest);
    if (current) this.list.select(0, { play: false, focus: focused });
    else this._now(this.list.current);
    $("sort-more").hidden = !this.hasMore;
    this._status();
    if (!this.list.items.length) this._nothing();
  }

  _nothing() {
    if (this._isQueue())
      showState($("sort-state"), "All done", "Every sound of this list has a label.");
    else
      showState(
        $("sort-state"),
        "No sound has a label yet",
        "Hear one and press the key of its label.",
      );
  }

  async _wanted(offset) {
    const order = $("sort-order").value;
    this.hasMore = false;
    if (order === "uncertain") {
      return unlabelled((await get("/api/classifier/uncertain", { k: QUEUE })).results);
    }
    if (order.startsWith("confident:")) {
      const label = order.slice(10);
      const { results } = await get("/api/classifier/confident", { label, k: QUEUE });
      return unlabelled(results).map((item) => ({ ...item, about: label }));
    }
    return order === "labelled" ? this._labelled(offset) : this._unlabelled(offset);
  }

  async _labelled(offset) {
    const numbers = [...labels.given.keys()].slice(offset, offset + PAGE);
    this.hasMore = offset + PAGE < labels.given.size;
    return numbers.length ? (await get("/api/items", { numbers: numbers.join(",") })).items : [];
  }

  /* Pages of the library until one has sounds without a label. */
  async _unlabelled(offset) {
    this.read = offset ? this.read : 0;
    for (;;) {
      const { items, total } = await get("/api/items", { offset: this.read, limit: PAGE });
      this.read += items.length;
      this.hasMore = this.read < total;
      const found = unlabelled(items).filter((item) => !item.missing);
      if (found.length || !this.hasMore) return found;
    }
  }

  async _showMore() {
    this.list.append(await this._wanted(this.list.items.length));
    $("sort-more").hidden = !this.hasMore;
  }

  /* ---- classes ---- */

  _showClasses() {
    const place = $("classes");
    if (place.contains(document.activeElement)) return;
    place.replaceChildren(...labels.classes.map((name, k) => this._class(name, k)));
    $("view-sort").classList.toggle("has-labels", labels.classes.length > 0);
    $("class-form").hidden = labels.classes.length >= MOST_CLASSES;
  }

  _class(name, k) {
    const input = make("input", {
      type: "text",
      "aria-label": `Name of label ${k + 1}`,
      autocomplete: "off",
      spellcheck: "false",
    });
    input.value = name;
    input.addEventListener("change", () => this._rename(k, input.value.trim()));
    input.addEventListener("blur", () => setTimeout(() => this._showClasses()));
    input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
    const n = labels.counts[name] ?? 0;
    const away = make(
      "button",
      { type: "button", class: "tool", "aria-label": `Remove the label ${name}` },
      icon("close"),
    );
    away.addEventListener("click", () => this._removeClass(name, n));
    return make(
      "li",
      { class: "class" },
      make("kbd", {}, `${k + 1}`),
      input,
      make("span", { class: "class-count", title: "labelled" }, n.toLocaleString("en")),
      away,
    );
  }

  async _addClass() {
    const name = $("class-name").value.trim();
    if (!name) return;
    if (await this._setClasses([...labels.classes, name])) $("class-name").value = "";
  }

  async _rename(k, name) {
    const before = labels.classes[k];
    if (!name || name === before) return;
    const classes = labels.classes.map((each, i) => (i === k ? name : each));
    await this._setClasses(classes, { [before]: name });
  }

  async _removeClass(name, n) {
    if (n)
      toast(
        `${name} still has ${count(n, "sound")}. Give them another label first (Show: labelled).`,
      );
    else await this._setClasses(labels.classes.filter((each) => each !== name));
  }

  async _setClasses(classes, renamed) {
    try {
      await labels.setClasses(classes, renamed);
      return true;
    } catch (error) {
      toast(error.message);
      await labels.load().catch(() => {});
      return false;
    }
  }

  /* ---- the sound one is at ---- */

  _now(item) {
    $("sort-now").hidden = !item || !labels.classes.length;
    if (!item) return;
    $("sort-name").textContent = item.name;
    $("sort-buttons").replaceChildren(
      ...labels.classes.map((label, k) => this._labelButton(item, label, k)),
    );
  }

  _labelButton(item, label, k) {
    const mine = labels.of(item) === label;
    const button = make(
      "button",
      { type: "button", "aria-pressed": `${mine}` },
      make("kbd", {}, `${k + 1}`),
      make("span", {}, label),
    );
    button.addEventListener("click", () => {
      if (mine) labels.give(item, null).catch((error) => toast(error.message));
      else this._give(item, label);
    });
    return button;
  }

  _status() {
    const given = labels.given.size;
    const of = library.facts ? ` of ${library.facts.n_items.toLocaleString("en")}` : "";
    $("sort-status").textContent = labels.classes.length
      ? `${given.toLocaleString("en")}${of} labelled`
      : "Make a label first, then hear sounds and press its key.";
  }

  /* What is taken away has the labels that the page shows: those on their way arrive first. */
  _export(event) {
    if (!labels.onTheirWay) return;
    const link = event.currentTarget;
    event.preventDefault();
    labels.arrived().then(() => link.click());
  }

  _listen() {
    for (const link of document.querySelectorAll(".exports a"))
      link.addEventListener("click", (event) => this._export(event));
    $("class-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this._addClass();
    });
    $("train").addEventListener("click", () => this.train());
    $("undo").addEventListener("click", () => this.undo());
    $("sort-order").addEventListener("change", () => this.fill());
    $("sort-more").addEventListener("click", () =>
      this._showMore().catch((error) => toast(error.message)),
    );
    labels.addEventListener("change", () => {
      this._showClasses();
      this._status();
      this._now(this.list.current);
      $("undo").disabled = !labels.done.length;
    });
    library.addEventListener(
      "change",
      later(() => !$("view-sort").hidden && this.open(), 0),
    );
  }
}

/* A label that was given a moment ago may not have reached the server yet. */
function unlabelled(items) {
  return items.filter((item) => labels.of(item) === null);
}
