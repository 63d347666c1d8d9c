/* The search view: one field, parts added and subtracted, results to walk and hear. */

import { get, send } from "./api.js";
import { $, command, later, make, showState, toast } from "./dom.js";
import { library } from "./library.js";
import { SoundList } from "./list.js";
import { player } from "./player.js";
import { Query } from "./query.js";
import { Recorder } from "./record.js";
import { count, sentence, wordsIn } from "./text.js";

const PAGE = 50;
const MOST = 500;

export class SearchView {
  constructor({ missing, onMap }) {
    this.missing = missing;
    this.query = new Query($("chips"), { onHear: (part) => this._hearPart(part) });
    this.list = new SoundList($("results"), {
      onMore: (item, { add }) => this.more(item, add),
      onLess: (item) => this.less(item),
      onMissing: () => missing.notice({ again: true }),
      onTop: () => $("words").focus(),
    });
    this.k = PAGE;
    this.asked = 0;
    this._listen(onMap);
  }

  focus() {
    $("words").focus();
    $("words").select();
  }

  /* ---- what is searched ---- */

  more(item, add = false) {
    const part = itemPart(item, false);
    if (add) this.query.add(part);
    else this._replace([part]);
  }

  less(item) {
    this.query.add(itemPart(item, true));
  }

  _replace(parts) {
    $("words").value = "";
    this.query.set(parts);
  }

  /* While the library is read that is not known yet; what is typed then is kept and asked later. */
  _hasWords() {
    return !library.ready || library.query("words").available;
  }

  _draft() {
    return wordsIn($("words").value);
  }

  _keepDraft() {
    for (const { text, minus } of this._draft()) {
      this.query.parts = this.query.parts.filter((part) => part.value !== text);
      this.query.parts.push({ kind: "words", value: text, name: text, minus });
    }
    $("words").value = "";
    this.query.set(this.query.parts);
  }

  /* ---- asking ---- */

  async run() {
    const asked = ++this.asked;
    const parameters = this.query.parameters(this._hasWords() ? this._draft() : []);
    const browsing = !Object.keys(parameters).length;
    $("name-filter").hidden = !browsing;
    this._busy(true);
    try {
      const answer = await (browsing ? this._browse(0) : this._search(parameters));
      if (asked === this.asked) this._show(answer, browsing);
    } catch (error) {
      if (asked === this.asked) this._failed(error);
    }
    if (asked === this.asked) this._busy(false);
  }

  _browse(offset) {
    return get("/api/items", {
      offset,
      limit: PAGE,
      text: this._nameText(),
      folder: $("folder").value,
    });
  }

  _nameText() {
    return $("name-text").value.trim();
  }

  _search(parameters) {
    return get("/api/search", { ...parameters, k: this.k, folder: $("folder").value });
  }

  _show(answer, browsing) {
    const items = browsing ? answer.items : answer.results;
    this.browsing = browsing;
    this.total = browsing ? answer.total : null;
    $("search-state").hidden = true;
    this.list.show(items);
    $("search-status").textContent = browsing ? this._browseStatus() : searchStatus(answer);
    $("results-to-map").hidden = browsing || !items.length;
    $("show-more").hidden = browsing
      ? items.length >= answer.total
      : items.length < this.k || this.k >= MOST;
    if (!items.length) this._nothing(browsing);
    if (items.some((item) => item.missing)) this.missing.notice();
  }

  _browseStatus() {
    const text = this._nameText();
    const of = text ? ` with “${text}” in the name` : "";
    return `${count(this.total, "sound")}${of}`;
  }

  _nothing(browsing) {
    const { facts } = library;
    if (facts && !facts.n_items) {
      showState(
        $("search-state"),
        "This library is empty",
        "Fill it with a folder of sounds, then open this page again:",
        command(facts.fill_command || `skw2c index ${facts.folder} FOLDER_OF_SOUNDS`),
      );
    } else if (browsing) {
      showState(
        $("search-state"),
        "No sound has such a name",
        "Change the name or the folder above.",
      );
    } else {
      showState($("search-state"), "Nothing was found", "Choose another folder or other words.");
    }
  }

  _failed(error) {
    if (error.status === 503 && library.state === "loading") {
      $("search-status").textContent =
        "The library is still being read. The results come by themselves in a moment.";
      this.again = true;
      return;
    }
    this.list.show([]);
    $("search-status").textContent = "";
    $("show-more").hidden = true;
    $("results-to-map").hidden = true;
    const more = error.body?.command ? [command(error.body.command)] : [];
    showState($("search-state"), "That did not work", error.message, ...more);
  }

  _busy(yes) {
    $("results").setAttribute("aria-busy", yes);
    clearTimeout(this.slow);
    if (yes) this.slow = setTimeout(() => $("view-search").classList.add("busy"), 300);
    else $("view-search").classList.remove("busy");
  }

  async showMore() {
    const before = this.list.items.length;
    if (this.browsing) {
      const { items } = await this._browse(before);
      this.list.append(items);
      $("show-more").hidden = this.list.items.length >= this.total;
    } else {
      this.k = Math.min(this.k + PAGE, MOST);
      const { results } = await this._search(this.query.parameters(this._draft()));
      this.list.append(results.slice(before));
      $("show-more").hidden = results.length < this.k || this.k >= MOST;
    }
    this.list.select(before, { play: false });
  }

  /* ---- uploads ---- */

  async upload(file) {
    const kind = file.type.startsWith("image/") ? "image" : "sound";
    const { available, why } = library.query(kind);
    if (library.ready && !available) {
      toast(why || `This library cannot be searched by a ${kind}.`);
      return;
    }
    const most = library.facts?.max_upload_bytes;
    if (most && file.size > most) {
      toast(`${file.name} is too large: at most ${Math.floor(most / 1e6)} MB can be searched by.`);
      return;
    }
    await this._send(file);
  }

  async _send(file) {
    const form = new FormData();
    form.append("file", file, file.name);
    $("search-status").textContent = `${file.name} is being read.`;
    this._busy(true);
    try {
      const { id, kind, name, duration } = await send("POST", "/api/uploads", form);
      const item = kind === "sound" ? uploadedItem(id, name, duration) : null;
      this._replace([{ kind: "upload", value: id, name, minus: false, item }]);
    } catch (error) {
      this._busy(false);
      $("search-status").textContent = "";
      toast(error.message);
    }
  }

  /* The sound of a chip; one that the address brought back is asked for. */
  async _hearPart({ kind, value, name, item }) {
    try {
      const known =
        item ??
        (kind === "upload" ? uploadedItem(value, name, null) : await get(`/api/items/${value}`));
      player.play(known, known.start ?? null);
    } catch (error) {
      toast(error.message);
    }
  }

  /* ---- page state ---- */

  _listen(onMap) {
    const soon = later(() => this._renew(), 220);
    const words = $("words");
    words.addEventListener("input", soon);
    words.addEventListener("keydown", (event) => this._key(event));
    $("search-form").addEventListener("submit", (event) => event.preventDefault());
    $("name-text").addEventListener("input", soon);
    $("folder").addEventListener("change", () => this._renew());
    this.query.addEventListener("change", () => {
      this._remember();
      this._renew();
    });
    $("show-more").addEventListener("click", () =>
      this.showMore().catch((error) => toast(error.message)),
    );
    $("results-to-map").addEventListener("click", () => onMap(this.list.items));
    $("choose-file").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", (event) => {
      if (event.target.files.length) this.upload(event.target.files[0]);
      event.target.value = "";
    });
    window.addEventListener("popstate", () => this.restore());
    library.addEventListener("change", () => this._libraryChanged());
    library.addEventListener("folders", () => this._folders());
    this._listenToMicrophone();
    this._listenToDrops();
  }

  _renew() {
    this.k = PAGE;
    this.run();
  }

  _key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      if (this._draft().length) this._keepDraft();
    } else if (event.key === "Backspace" && !event.target.value) {
      this.query.removeLast();
    } else if (event.key === "ArrowDown" && this.list.items.length) {
      event.preventDefault();
      this.list.select(0);
    } else if (event.key === "Escape") {
      event.target.blur();
    }
  }

  _listenToMicrophone() {
    const button = $("record");
    const time = $("record-time");
    const recorder = new Recorder({
      onTime: (seconds) => {
        time.hidden = false;
        time.textContent = `${seconds.toFixed(1)} s`;
        button.classList.add("recording");
        button.setAttribute("aria-label", "Stop recording");
      },
      onDone: (file) => {
        time.hidden = true;
        button.classList.remove("recording");
        button.setAttribute("aria-label", "Record a sound and search by it");
        this.upload(file);
      },
      onError: (text) => toast(text),
    });
    button.addEventListener("click", () => {
      player.audio.pause();
      recorder.toggle();
    });
  }

  _listenToDrops() {
    const hasFiles = (event) => event.dataTransfer.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      $("drop").hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) $("drop").hidden = true;
    });
    document.addEventListener("drop", (event) => {
      $("drop").hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      location.hash.startsWith("#search") || $("tab-search").click();
      this.upload(event.dataTransfer.files[0]);
    });
  }

  _libraryChanged() {
    const hasWords = this._hasWords();
    $("words-hint").textContent = hasWords ? "Commas separate, a minus subtracts: rain, -wind" : "";
    $("words").placeholder = hasWords
      ? "Describe a sound"
      : "Drop a sound here, or press “More like this”";
    $("words").disabled = !hasWords;
    this._wordsMissing(library.query("words"));
    $("drop").firstElementChild.textContent = library.query("image").available
      ? "Drop a sound or a picture to search by it"
      : "Drop a sound to search by it";
    // Not otherwise: somebody may be walking the list already.
    if (this.again || !this.list.items.length) this.run();
    this.again = false;
    if (library.state === "failed") this._libraryFailed();
  }

  _wordsMissing({ available, why, command: cure }) {
    const box = $("words-missing");
    box.hidden = !library.ready || available || !library.facts.n_items;
    if (box.hidden) return;
    box.replaceChildren(
      make("p", {}, make("strong", {}, "Searching by words is off. "), sentence(why || "")),
    );
    if (cure) box.append(command(cure));
  }

  _libraryFailed() {
    const { error, command: cure } = library.facts;
    const box = make(
      "div",
      { class: "notice", role: "alert" },
      make("p", {}, make("strong", {}, "The library could not be read. "), sentence(error)),
    );
    if (cure) box.append(command(cure));
    $("notices").append(box);
  }

  _folders() {
    const { folders } = library;
    const chosen = $("folder").value;
    const option = ({ folder, count: n }) =>
      make(
        "option",
        { value: folder },
        `${library.shorten(folder) || "(top)"} (${n.toLocaleString("en")})`,
      );
    $("folder").replaceChildren(make("option", { value: "" }, "all"), ...folders.map(option));
    $("folder").value = folders.some(({ folder }) => folder === chosen) ? chosen : "";
    $("folder").parentElement.hidden = folders.length < 2;
  }

  /* The address keeps the search, so that the browser's back button returns to it. */
  hash() {
    const query = this.query.parts.map(({ kind, value, name, minus }) => [
      `${minus ? "-" : "+"}${kind}`,
      `${value}`,
      name,
    ]);
    return query.length ? `#search?${encodeURIComponent(JSON.stringify(query))}` : "#search";
  }

  _remember() {
    if (location.hash !== this.hash()) history.pushState(null, "", this.hash());
  }

  restore() {
    const [view, text] = location.hash.slice(1).split("?");
    if (view && view !== "search") return;
    this.query.set(text ? readParts(text) : []);
  }
}

function readParts(text) {
  try {
    return JSON.parse(decodeURIComponent(text))
      .filter(([kind]) => /^[+-](words|item|upload)$/.test(kind))
      .map(([kind, value, name]) => ({
        kind: kind.slice(1),
        value: String(value),
        name: String(name),
        minus: kind[0] === "-",
      }));
  } catch {
    return [];
  }
}

function itemPart(item, minus) {
  return { kind: "item", value: String(item.number), name: item.name, minus, item };
}

function uploadedItem(id, name, duration) {
  return { number: null, name, folder: "", audio: `/api/uploads/${id}/audio`, duration };
}

function searchStatus({ query, results, seconds }) {
  return `${count(results.length, "result")} for ${query} (${Math.max(Math.round(1000 * seconds), 1)} ms)`;
}
