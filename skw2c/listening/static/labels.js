/* The labels given by ear: what the server keeps, and the way back. */

import { get, send } from "./api.js";

class Labels extends EventTarget {
  constructor() {
    super();
    this.classes = [];
    this.given = new Map(); // number => label
    this.counts = {};
    this.done = []; // [{item, before}], the latest last
    this.sending = Promise.resolve();
    this.onTheirWay = 0; // labels that the page shows and the server does not have yet
  }

  async load() {
    const { classes, labels, counts } = await get("/api/labels");
    this.classes = classes;
    this.given = new Map(Object.entries(labels).map(([number, label]) => [Number(number), label]));
    this.counts = counts;
    this._changed();
  }

  of(item) {
    return this.given.get(item.number) ?? null;
  }

  /* At once on the page, so that quick keys lose nothing; the server follows in order. */
  give(item, label) {
    const before = this.of(item);
    if (before === label) return Promise.resolve();
    this.done.push({ item, before });
    return this._put(item, label);
  }

  /* Returns what was undone, or null. */
  async undo() {
    const last = this.done.pop();
    if (!last) return null;
    await this._put(last.item, last.before);
    return last;
  }

  /* Resolves when the server has all that the page shows. */
  async arrived() {
    while (this.onTheirWay) await this.sending;
  }

  /* renamed: {before: after}, for labels that were given already */
  async setClasses(classes, renamed) {
    await this.arrived();
    await send("PUT", "/api/labels/classes", { classes, renamed });
    await this.load();
  }

  _put(item, label) {
    this._set(item, label);
    this.onTheirWay++;
    const sent = this.sending.then(() => send("PUT", `/api/labels/${item.number}`, { label }));
    // What could not be kept is not shown as kept.
    this.sending = sent
      .catch(() => this.load().catch(() => {}))
      .finally(() => this.onTheirWay--);
    return sent;
  }

  _set(item, label) {
    const before = this.of(item);
    if (before !== null) this.counts[before]--;
    if (label === null) this.given.delete(item.number);
    else {
      this.given.set(item.number, label);
      this.counts[label] = (this.counts[label] ?? 0) + 1;
    }
    this._changed();
  }

  _changed() {
    this.dispatchEvent(new Event("change"));
  }
}

export const labels = new Labels();
