/* Starts the page: tabs, keys of the whole page, and the three views. */

import { $, toast } from "./dom.js";
import { labels } from "./labels.js";
import { library } from "./library.js";
import { MapView } from "./map.js";
import { Missing } from "./missing.js";
import { Outdated } from "./outdated.js";
import { player } from "./player.js";
import { SearchView } from "./search.js";
import { SortView } from "./sort.js";

const KEYS = "skw2c-keys";
const VIEWS = ["search", "map", "sort"];

new Outdated($("notices"));
const missing = new Missing($("notices"), { onRemoved: () => location.reload() });
const search = new SearchView({
  missing,
  onMap: (items) => {
    show("map");
    map.show(items);
  },
});
const more = (item, { add }) => {
  search.more(item, add);
  show("search");
};
const map = new MapView({ missing, onMore: more });
const sort = new SortView({ missing, onMore: more });
const views = { search, map, sort };

/* ---- tabs ---- */

function show(name, { focus = false } = {}) {
  for (const view of VIEWS) {
    const chosen = view === name;
    $(`view-${view}`).hidden = !chosen;
    $(`tab-${view}`).setAttribute("aria-selected", chosen);
    $(`tab-${view}`).tabIndex = chosen ? 0 : -1;
    if (chosen && focus) $(`tab-${view}`).focus();
  }
  document.body.dataset.view = name;
  if (viewOfAddress() !== name)
    history.pushState(null, "", name === "search" ? search.hash() : `#${name}`);
  if (name !== "search") views[name].open();
}

function viewOfAddress() {
  const name = location.hash.slice(1).split("?")[0];
  return VIEWS.includes(name) ? name : "search";
}

VIEWS.forEach((name, k) => {
  const tab = $(`tab-${name}`);
  tab.addEventListener("click", () => show(name));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    show(VIEWS[(k + step + VIEWS.length) % VIEWS.length], { focus: true });
  });
});
window.addEventListener("popstate", () => show(viewOfAddress()));

/* ---- keys ---- */

const help = $("help");
$("help-open").addEventListener("click", () => help.showModal());
$("keys-on").checked = localStorage.getItem(KEYS) !== "no";
$("keys-on").addEventListener("change", (event) => {
  localStorage.setItem(KEYS, event.target.checked ? "yes" : "no");
});

function walk(step) {
  const { list } = views[document.body.dataset.view];
  list.select(list.at < 0 || player.current === null ? list.at : list.at + step);
}

const keys = {
  "/": () => {
    show("search");
    search.focus();
  },
  "?": () => help.showModal(),
  u: () => sort.undo(),
  " ": () => player.toggle(),
  ArrowDown: () => walk(1),
  ArrowUp: () => walk(-1),
  ArrowLeft: () => player.step(-1),
  ArrowRight: () => player.step(1),
};

/* The keys of a field, a menu, a slider or a button are its own. */
function isTaken(event) {
  const { target, key } = event;
  if (target.closest("dialog")) return true;
  if (target.matches('input:not([type="checkbox"]), textarea, select')) return true;
  return key === " " && target.closest("button, a, label, input") !== null;
}

/* By its place on the keyboard, too: some keyboards have digits with Shift only. */
function keyOfLabel({ key, code, shiftKey }) {
  const place = shiftKey ? null : code.match(/^(?:Digit|Numpad)([1-9])$/);
  const digit = /^[1-9]$/.test(key) ? key : place?.[1];
  return digit ? () => sort.key(Number(digit) - 1) : null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event) || !$("keys-on").checked)
    return;
  const act = keyOfLabel(event) || keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

/* ---- start ---- */

const fail = (error) => toast(error.message, { stays: true });
show(viewOfAddress());
await library.loadFolders().catch(fail); // lists show folders without what all have in common
search.restore();
library.load().catch(fail);
labels.load().catch(fail);
