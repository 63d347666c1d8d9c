/* The parts of a search: words, sounds of the library and uploads, each added or subtracted. */

import { icon, make } from "./dom.js";

export class Query extends EventTarget {
  /* onHear(part): the name of a sound was pressed */
  constructor(list, { onHear }) {
    super();
    this.list = list;
    this.onHear = onHear;
    this.parts = []; // {kind, value, name, minus, item}
  }

  get empty() {
    return !this.parts.length;
  }

  set(parts) {
    this.parts = parts;
    this._show();
    this.dispatchEvent(new Event("change"));
  }

  add(part) {
    const same = (other) => other.kind === part.kind && other.value === part.value;
    this.set([...this.parts.filter((other) => !same(other)), part]);
  }

  removeLast() {
    if (!this.empty) this.set(this.parts.slice(0, -1));
  }

  /* As parameters of /api/search, with words that are still being typed. */
  parameters(draft = []) {
    const words = draft.map(({ text, minus }) => ({ kind: "words", value: text, minus }));
    const parameters = {};
    for (const { kind, value, minus } of [...this.parts, ...words]) {
      const name = minus ? `minus_${kind}` : kind;
      (parameters[name] ??= []).push(value);
    }
    return parameters;
  }

  _show() {
    this.list.replaceChildren(...this.parts.map((part) => this._chip(part)));
  }

  _chip(part) {
    const sign = make(
      "button",
      {
        type: "button",
        class: "chip-sign",
        "aria-label": part.minus
          ? `Without ${part.name}: turn into with`
          : `With ${part.name}: turn into without`,
        title: part.minus ? "Subtracted: click to add" : "Added: click to subtract",
        onclick: () =>
          this.set(
            this.parts.map((each) => (each === part ? { ...part, minus: !part.minus } : each)),
          ),
      },
      icon(part.minus ? "minus" : "plus"),
    );
    const away = make(
      "button",
      {
        type: "button",
        class: "chip-away",
        "aria-label": `Remove ${part.name}`,
        onclick: () => this.set(this.parts.filter((each) => each !== part)),
      },
      icon("close"),
    );
    const name =
      part.kind === "words" || part.item === null
        ? make("span", { class: "chip-name", title: part.name }, part.name)
        : make(
            "button",
            { type: "button", class: "chip-name", title: "Play", onclick: () => this.onHear(part) },
            part.name,
          );
    return make(
      "li",
      { class: `chip ${part.kind}${part.minus ? " minus" : ""}` },
      sign,
      name,
      away,
    );
  }
}
