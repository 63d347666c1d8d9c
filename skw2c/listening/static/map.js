/* The map view: all sounds as points, a lasso, and a list beside it. */

import { get, getBytes, send } from "./api.js";
import { $, later, showState, toast } from "./dom.js";
import { labels } from "./labels.js";
import { library } from "./library.js";
import { SoundList } from "./list.js";
import { player } from "./player.js";
import { count, wordsIn } from "./text.js";

const PAGE = 100;
const AT_ONCE = 500; // items asked for by number
const AGAIN = 1000; // milliseconds
const LAYOUT = "skw2c-layout";
const { PointMap } = window;

export class MapView {
  constructor({ missing, onMore }) {
    this.names = new Map(); // number => item
    this.map = null;
    this.selection = null;
    this.list = new SoundList($("map-list"), {
      onMore,
      onSelect: (item) => this._point(item.number),
      onMissing: () => missing.notice({ again: true }),
    });
    this._listen();
  }

  async open() {
    if (this.opened || !library.facts) return;
    this.opened = true;
    this._colourChoices();
    this._showList();
    await this._layout().catch((error) => this._failed(error));
  }

  /* Light up sounds that were found elsewhere. */
  show(items) {
    for (const item of items) this.names.set(item.number, item);
    const numbers = [...new Set(items.map((item) => item.number))];
    this.open(); // the selection waits for the points, not for the best of layouts
    this._select(Uint32Array.from(numbers), "Results of the search");
  }

  /* ---- coordinates ---- */

  async _layout() {
    if (!library.facts.n_items) {
      showState($("map-state"), "There is nothing to show yet", "This library has no sounds.");
      return;
    }
    const wanted = $("map-method").value;
    if (await this._points(wanted)) return;
    if (wanted === "umap" && !this.map) await this._points("pca", { wait: true });
    await this._points(wanted, { wait: true });
  }

  /* True when the points of this method were shown. */
  async _points(method, { wait = false } = {}) {
    let facts = await get("/api/map", { method });
    this._umapFacts(facts);
    if (method === "umap" && facts.umap && !facts.umap.available) return false;
    if (facts.state === "absent" && wait) facts = await send("POST", "/api/map", { method });
    while (facts.state === "computing" && wait) {
      this._say(
        facts.message ||
          `${method.toUpperCase()} is being computed${this.map ? "; PCA is shown meanwhile" : ""}.`,
      );
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      facts = await get("/api/map", { method });
    }
    if (facts.state !== "ready") {
      if (wait && facts.message) this._say(facts.message);
      return false;
    }
    if (method !== $("map-method").value && method !== "pca") return false;
    this._draw(new Uint16Array(await getBytes("/api/map/points", { method })), facts);
    return true;
  }

  _umapFacts({ umap }) {
    if (!umap || umap.available) return;
    const option = $("map-method").querySelector('[value="umap"]');
    option.disabled = true;
    option.title = umap.why || "";
    if ($("map-method").value === "umap") {
      $("map-method").value = "pca";
      if (umap.why) toast(umap.why);
    }
  }

  _draw(points, { method }) {
    $("map-state").hidden = true;
    if (this.map) {
      const { selection } = this;
      this.map.setPoints(points);
      if (selection) this.map.setSelection(selection);
      if (this.colours) this.map.setColours(this.colours);
    } else {
      this.map = new PointMap($("points"), {
        points,
        legend: $("legend"),
        name: (number) => this._name(number),
        onClick: (number) => this._click(number),
        onSelect: (numbers) => this._select(numbers, "Selected"),
      });
      this.map.setSelection(this.selection);
      this._colour();
    }
    this._say(`${count(points.length / 2, "sound")} by ${(method || "").toUpperCase()}`);
  }

  _failed(error) {
    if (error.status === 503) {
      showState(
        $("map-state"),
        "One moment",
        "The library is still being read. The map comes by itself.",
      );
      this.opened = false;
      return;
    }
    showState($("map-state"), "The map could not be drawn", error.message);
    this.opened = false;
  }

  _say(text) {
    $("map-status").textContent = text;
  }

  /* ---- names and playing ---- */

  async _item(number) {
    if (!this.names.has(number)) this.names.set(number, await get(`/api/items/${number}`));
    return this.names.get(number);
  }

  _name(number) {
    if (this.names.has(number)) return this.names.get(number).name;
    return this._item(number).then(
      (item) => item.name,
      () => `sound ${number}`,
    );
  }

  async _click(number) {
    try {
      const item = await this._item(number);
      if (item.missing) toast(`${item.name} is missing.`);
      player.play(item);
      if (!this.selection) await this._showNeighbours(item);
    } catch (error) {
      toast(error.message);
    }
  }

  _point(number) {
    if (!this.map) return;
    this.map.setCurrent(number);
    this.map.reveal(number);
  }

  /* ---- the list beside the map ---- */

  async _showNeighbours(item) {
    const asked = (this.asked = {});
    const { results } = await get("/api/search", { item: item.number, k: 30 });
    if (asked !== this.asked) return;
    for (const each of results) this.names.set(each.number, each);
    this._fill(
      [item, ...results.filter((each) => each.number !== item.number)],
      `Like ${item.name}`,
    );
  }

  async _showList() {
    const { items, total } = await get("/api/items", { offset: 0, limit: PAGE }).catch(() => ({
      items: [],
    }));
    if (this.selection || this.list.items.length) return;
    this._fill(items, "Sounds");
    $("map-more").hidden = items.length >= total;
  }

  _fill(items, title) {
    $("map-list-title").textContent = title;
    $("map-list-title").title = title;
    $("map-more").hidden = true;
    this.list.show(items);
  }

  async _select(numbers, title) {
    this.selection = numbers.length ? numbers : null;
    this.map?.setSelection(this.selection);
    $("map-export").hidden = $("map-clear").hidden = !this.selection;
    this.asked = {};
    this.list.show([]);
    if (!this.selection) {
      this._showList();
      return;
    }
    const text = `${title}: ${count(numbers.length, "sound")}`;
    $("map-list-title").textContent = text;
    this._say(text);
    await this._more().catch((error) => toast(error.message));
  }

  async _more() {
    const before = this.list.items.length;
    const { asked } = this;
    const items = this.selection
      ? await this._items([...this.selection.slice(before, before + PAGE)])
      : (await get("/api/items", { offset: before, limit: PAGE })).items;
    if (asked !== this.asked) return;
    this.list.append(items);
    const total = this.selection ? this.selection.length : library.facts.n_items;
    $("map-more").hidden = this.list.items.length >= total;
  }

  async _items(numbers) {
    const items = [];
    for (let k = 0; k < numbers.length; k += AT_ONCE) {
      const part = await get("/api/items", { numbers: numbers.slice(k, k + AT_ONCE).join(",") });
      items.push(...part.items);
    }
    for (const item of items) this.names.set(item.number, item);
    return items;
  }

  async _export() {
    const items = await this._items([...this.selection]);
    const rows = items.map(({ number, item }) => [
      item,
      this.map.points[2 * number],
      this.map.points[2 * number + 1],
      this._category(number),
      labels.given.get(number) ?? "",
    ]);
    PointMap.save(
      "selection.csv",
      PointMap.csv([["file", "x", "y", "category", "label"], ...rows]),
    );
  }

  _category(number) {
    const category = this.colours ? this.map.numbers[number] : -1;
    return category >= 0 ? this.colours.categories[category] : "";
  }

  /* ---- colours ---- */

  _colourChoices() {
    const choices = [
      ["", "nothing"],
      ["folder", "folder"],
      ["labels", "labels given"],
    ];
    if (library.query("words").available) choices.push(["words", "words typed here"]);
    choices.push(["predicted", "predicted labels"]);
    for (const column of library.facts?.table ?? [])
      choices.push([`table:${column}`, `table: ${column}`]);
    const select = $("colour-by");
    const chosen = select.value || "folder";
    select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
    select.value = chosen;
  }

  async _colour() {
    const by = $("colour-by").value;
    $("colour-words-label").hidden = by !== "words";
    const asked = (this.colouring = {});
    try {
      const colours = await this._coloursBy(by);
      if (asked !== this.colouring || !this.map) return;
      this.colours = colours;
      this.map.setColours(colours);
      $("legend-part").hidden = !colours;
    } catch (error) {
      if (asked === this.colouring) toast(error.message);
    }
  }

  async _coloursBy(by) {
    if (!by) return null;
    if (by === "words") {
      const words = wordsIn($("colour-words").value).map(({ text }) => text);
      return words.length ? get("/api/colours", { by, words }) : null;
    }
    if (by.startsWith("table:")) return get("/api/colours", { by: "table", column: by.slice(6) });
    const colours = await get("/api/colours", { by });
    if (by === "folder")
      colours.categories = colours.categories.map((name) => library.shorten(name) || "(top)");
    return colours;
  }

  /* ---- page ---- */

  _listen() {
    const mode = (name) => {
      this.map?.setMode(name);
      $("map-pan").setAttribute("aria-pressed", name === "pan");
      $("map-lasso").setAttribute("aria-pressed", name === "lasso");
    };
    $("map-pan").addEventListener("click", () => mode("pan"));
    $("map-lasso").addEventListener("click", () => mode("lasso"));
    $("map-in").addEventListener("click", () => this.map?.zoom(1.5));
    $("map-out").addEventListener("click", () => this.map?.zoom(1 / 1.5));
    $("map-fit").addEventListener("click", () => this.map?.fit());
    $("map-clear").addEventListener("click", () => this._select(new Uint32Array(0), ""));
    const saying = (act) => () => act().catch((error) => toast(error.message));
    $("map-export").addEventListener(
      "click",
      saying(() => this._export()),
    );
    $("map-more").addEventListener(
      "click",
      saying(() => this._more()),
    );
    $("map-method").value = localStorage.getItem(LAYOUT) === "pca" ? "pca" : "umap";
    $("map-method").addEventListener("change", (event) => {
      localStorage.setItem(LAYOUT, event.target.value);
      this._layout().catch((error) => this._failed(error));
    });
    $("colour-by").addEventListener("change", () => this._colour());
    $("colour-words").addEventListener(
      "input",
      later(() => this._colour(), 250),
    );
    library.addEventListener("change", () => this._libraryChanged());
    labels.addEventListener("change", () => {
      if (this.map && $("colour-by").value === "labels") this._colour();
    });
    player.addEventListener("load", () => {
      if (player.current.number !== null) this.map?.setCurrent(player.current.number);
    });
  }

  _libraryChanged() {
    this._colourChoices();
    if (!$("view-map").hidden) this.open();
  }
}
