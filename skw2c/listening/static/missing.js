/* Sounds whose files are gone since they were indexed, and what cures that. */

import { get, send } from "./api.js";
import { command, make, toast } from "./dom.js";
import { count } from "./text.js";

export class Missing {
  constructor(place, { onRemoved }) {
    this.place = place;
    this.onRemoved = onRemoved;
    this.asked = false;
  }

  /* Called when a list shows a missing sound: the first time it says so above the views. */
  async notice({ again = false } = {}) {
    if (this.asked && !again) return;
    this.asked = true;
    const { total, commands } = await get("/api/missing").catch(() => ({ total: 0 }));
    if (total) this._show(total, commands);
  }

  _show(total, commands) {
    const remove = make("button", { type: "button" }, "Remove from the library…");
    const close = make("button", { type: "button", class: "quiet" }, "Not now");
    const box = make(
      "div",
      { class: "notice", role: "region", "aria-label": "Missing sounds" },
      make(
        "p",
        {},
        make("strong", {}, `${count(total, "file is", "files are")} missing.`),
        " They were moved or deleted after they were indexed. If they are in another folder now, one of these helps:",
      ),
      ...commands.map(command),
      make("p", { class: "buttons" }, remove, close),
    );
    remove.addEventListener("click", () => this._confirm(total, box));
    close.addEventListener("click", () => box.remove());
    this.place.querySelector('[aria-label="Missing sounds"]')?.remove();
    this.place.append(box);
  }

  _confirm(total, box) {
    const dialog = make("dialog", { "aria-labelledby": "remove-title" });
    const yes = make("button", { type: "button", class: "strong" }, "Remove");
    const no = make("button", { type: "button" }, "Keep");
    dialog.append(
      make("h2", { id: "remove-title" }, `Remove ${count(total, "missing sound")}?`),
      make("p", {}, "Their vectors leave the saved library. Files on the disk are not touched."),
      make("p", { class: "buttons" }, yes, no),
    );
    yes.addEventListener("click", () => this._remove(dialog, box));
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  async _remove(dialog, box) {
    dialog.close();
    try {
      const { removed } = await send("POST", "/api/missing/remove");
      box.remove();
      toast(`${count(removed, "missing sound")} removed from the library.`);
      this.onRemoved();
    } catch (error) {
      toast(error.message);
    }
  }
}
