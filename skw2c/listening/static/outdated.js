/* Another program saved the library: says so, and shows what it has now if that is wanted. */

import { get, send } from "./api.js";
import { make, toast } from "./dom.js";

const EVERY = 60_000; // milliseconds

export class Outdated {
  constructor(place) {
    this.place = place;
    this.declined = false;
    setInterval(() => this.look(), EVERY);
    document.addEventListener("visibilitychange", () => this.look());
  }

  async look() {
    if (document.hidden || this.declined || this.box) return;
    const { outdated } = await get("/api/library").catch(() => ({}));
    if (outdated && !this.box) this._show();
  }

  _show() {
    const renew = make("button", { type: "button", class: "strong" }, "Show it as it is now");
    const close = make("button", { type: "button", class: "quiet" }, "Not now");
    this.box = make(
      "div",
      { class: "notice", role: "region", "aria-label": "Library that has changed" },
      make("p", {}, "Another program has changed the library since this page was opened."),
      make("p", { class: "buttons" }, renew, close),
    );
    renew.addEventListener("click", () => this._renew(renew));
    close.addEventListener("click", () => {
      this.declined = true;
      this.box.remove();
    });
    this.place.append(this.box);
  }

  async _renew(button) {
    button.disabled = true;
    try {
      await send("POST", "/api/library/refresh");
      location.reload();
    } catch (error) {
      toast(error.message);
      button.disabled = false;
    }
  }
}
