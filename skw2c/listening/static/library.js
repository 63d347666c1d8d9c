/* What the server says of the library; asked again until it is ready. */

import { get } from "./api.js";
import { $ } from "./dom.js";
import { count } from "./text.js";

const AGAIN = 700; // milliseconds

class Library extends EventTarget {
  constructor() {
    super();
    this.facts = null;
    this.folders = []; // [{folder, count}]
    this.common = "";
  }

  get state() {
    return this.facts ? this.facts.state : "loading";
  }

  get ready() {
    return this.state === "ready";
  }

  query(kind) {
    return this.facts?.queries?.[kind] ?? { available: false, why: null, command: null };
  }

  async loadFolders() {
    ({ folders: this.folders } = await get("/api/folders"));
    this.common = commonFolder(this.folders.map(({ folder }) => folder));
    this.dispatchEvent(new Event("folders"));
  }

  /* A folder as it is shown: without what all have in common. */
  shorten(folder) {
    return `${folder}/`.startsWith(this.common) ? folder.slice(this.common.length) : folder;
  }

  async load() {
    const before = this.state;
    const first = this.facts === null;
    this.facts = await get("/api/library");
    this._show();
    if (first || this.state !== before) this.dispatchEvent(new Event("change"));
    if (this.state === "loading") setTimeout(() => this.load().catch(() => {}), AGAIN);
  }

  _show() {
    const { name, n_items: n, encoder, mode, folder } = this.facts;
    document.body.dataset.library = this.state;
    document.title = `${name} - Listening`;
    $("library-name").textContent = name;
    $("library-name").title = folder;
    const parts = [count(n, "sound"), encoder, mode === "frame" ? "frame mode" : ""];
    if (this.state === "loading") parts.push("vectors are being read");
    $("library-facts").textContent = parts.filter(Boolean).join(" · ");
  }
}

/* "/a/b/" of "/a/b/c" and "/a/b/d/e"; a folder that is the common one itself shortens to "". */
function commonFolder(folders) {
  if (!folders.length) return "";
  const parts = folders.map((folder) => folder.split("/"));
  const shared = parts[0].findIndex((part, k) => parts.some((other) => other[k] !== part));
  const common = parts[0].slice(0, shared < 0 ? parts[0].length - 1 : shared).join("/");
  return common ? `${common}/` : "";
}

export const library = new Library();
