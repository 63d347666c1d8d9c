/* A map of sounds in one file: points to hear, colours, a list. Nothing is asked of the network. */

"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const { PointMap } = window;
  const PAGE = 100;
  const NEAR = 30;
  const LONG = 300; // milliseconds that a pointer rests before a sound plays

  const data = JSON.parse($("data").textContent);
  const n = data.names.length;
  const layouts = data.layouts.map(({ points }) => PointMap.fromBase64(points, Uint16Array));
  let points = layouts[0];
  const folders = PointMap.fromBase64(data.folderNumbers, Uint32Array);
  const nPreviews = Object.keys(data.previews).length;
  const folder = (number) => data.folders[folders[number]];
  const whole = (number) => (folder(number) ? `${folder(number)}/` : "") + data.names[number];
  const hasSound = (number) => number in data.previews;
  const count = (number) => `${number.toLocaleString("en")} ${number === 1 ? "sound" : "sounds"}`;

  /* ---- hearing ---- */

  const audio = document.createElement("audio");
  const player = { number: -1 };

  function play(number, { again = false } = {}) {
    if (number === player.number && !audio.paused && !again) return;
    player.number = number;
    $("now-name").textContent = data.names[number];
    $("now-folder").textContent = folder(number);
    $("progress").value = 0;
    say("");
    $("toggle").disabled = !hasSound(number);
    markRow();
    if (!hasSound(number)) {
      audio.pause();
      if (nPreviews) say("This sound has no preview in this file.");
      return;
    }
    audio.src = `data:audio/ogg;base64,${data.previews[number]}`;
    audio.play().catch(refused);
  }

  function refused(error) {
    if (error.name === "NotAllowedError") say("Click, or press a key, and the browser lets sounds play.");
    else if (error.name !== "AbortError") say("This browser cannot play the previews, which are Ogg Opus.");
  }

  function toggle() {
    if (player.number < 0 || !hasSound(player.number)) return;
    if (audio.paused) play(player.number);
    else audio.pause();
  }

  function showState() {
    const playing = !audio.paused && !audio.ended;
    $("toggle").querySelector("use").setAttribute("href", playing ? "#icon-stop" : "#icon-play");
    $("toggle").setAttribute("aria-label", playing ? "Stop" : "Play");
    if (playing) requestAnimationFrame(showProgress);
  }

  function showProgress() {
    $("progress").value = audio.duration ? audio.currentTime / audio.duration : 0;
    if (!audio.paused) requestAnimationFrame(showProgress);
  }

  function say(text) {
    $("message").textContent = text;
  }

  /* ---- the list ---- */

  const list = { numbers: [], shown: 0, lassoed: null, near: -1 };
  const haystack = data.names.map((_, number) => whole(number).toLowerCase());

  function refill() {
    const words = $("filter").value.trim().toLowerCase();
    let numbers = list.lassoed ?? (list.near >= 0 && !words ? nearest(list.near) : everything());
    if (words) numbers = numbers.filter((number) => haystack[number].includes(words));
    const narrowed = Boolean(words || list.lassoed);
    list.numbers = numbers;
    $("list-title").textContent = title(words);
    $("save").hidden = !narrowed || !numbers.length;
    $("clear").hidden = !narrowed && list.near < 0;
    map.setSelection(narrowed ? numbers : null);
    list.shown = 0;
    $("list").replaceChildren();
    extend();
  }

  function title(words) {
    if (list.lassoed) return `Selected: ${count(list.numbers.length)}`;
    if (words) return `Found: ${count(list.numbers.length)}`;
    if (list.near >= 0) return `Near ${data.names[list.near]}`;
    return "Sounds";
  }

  function everything() {
    return Uint32Array.from({ length: n }, (_, number) => number);
  }

  function nearest(number) {
    const far = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      far[i] = (points[2 * i] - points[2 * number]) ** 2 + (points[2 * i + 1] - points[2 * number + 1]) ** 2;
    }
    far[number] = -1;
    return everything().sort((one, other) => far[one] - far[other]).slice(0, NEAR);
  }

  function extend() {
    const more = [...list.numbers.slice(list.shown, list.shown + PAGE)];
    $("list").append(...more.map(row));
    list.shown += more.length;
    $("more").hidden = list.shown >= list.numbers.length;
    if (!list.shown) {
      const empty = document.createElement("li");
      empty.className = "empty";
      empty.textContent = n ? "None" : "There are no sounds in this library.";
      $("list").append(empty);
    }
    markRow();
  }

  function row(number) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.number = number;
    button.title = whole(number);
    if (hasSound(number)) button.append(icon("icon-play"));
    else if (nPreviews) button.className = "silent";
    button.append(line("name", data.names[number]));
    if (folder(number)) button.append(line("folder", folder(number)));
    item.append(button);
    return item;
  }

  function line(kind, text) {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    return span;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#${name}`);
    svg.setAttribute("aria-hidden", "true");
    svg.append(use);
    return svg;
  }

  function markRow() {
    for (const button of $("list").querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
    const button = $("list").querySelector(`[data-number="${player.number}"]`);
    if (!button) return;
    button.setAttribute("aria-current", "true");
    // Where the whole page scrolls, the map must stay in view.
    const scrolls = $("list").scrollHeight > $("list").clientHeight;
    if (scrolls) button.scrollIntoView({ block: "nearest" });
  }

  function choose(number) {
    map.setCurrent(number);
    map.reveal(number);
    play(number, { again: true });
  }

  function walk(button, step) {
    const item = button.parentElement;
    const next = (step > 0 ? item.nextElementSibling : item.previousElementSibling)?.firstElementChild;
    if (!next) return;
    next.focus();
    choose(Number(next.dataset.number));
  }

  function save() {
    const colouring = data.colourings[$("colour-by").value];
    const category = (number) => colouring?.categories[map.numbers[number]] ?? "";
    const rows = [...list.numbers].map((number) => [
      whole(number), points[2 * number], points[2 * number + 1], category(number),
    ]);
    PointMap.save("sounds.csv", PointMap.csv([["file", "x", "y", colouring?.title ?? "category"], ...rows]));
  }

  function clear() {
    list.lassoed = null;
    list.near = -1;
    $("filter").value = "";
    refill();
  }

  /* ---- the map ---- */

  let resting = 0;

  const map = new PointMap($("points"), {
    points,
    legend: $("legend"),
    name: (number) => data.names[number],
    drawable: nPreviews ? hasSound : null,
    onClick: (number) => {
      play(number, { again: true });
      if (list.lassoed || $("filter").value) return;
      list.near = number;
      refill();
    },
    onHover: (number) => {
      clearTimeout(resting);
      if (number >= 0 && $("on-hover").checked) resting = setTimeout(() => play(number), LONG);
    },
    onSelect: (numbers) => {
      list.lassoed = numbers.length ? numbers : null;
      refill();
    },
  });

  function colour() {
    const colouring = data.colourings[$("colour-by").value];
    map.setColours(colouring ? { categories: colouring.categories, numbers: colouring.numbers } : null);
    $("legend-part").hidden = !colouring;
  }

  function offerColours() {
    const known = data.colourings.map((each, k) => [each, k]).filter(([each]) => each.categories.length);
    const useful = known.find(([each]) => each.categories.length > 1);
    $("colour-by").replaceChildren(...known.map(([each, k]) => new Option(each.title, k)), new Option("nothing", ""));
    $("colour-by").value = useful ? useful[1] : "";
    $("colour-field").hidden = !known.length;
    colour();
  }

  function offerLayouts() {
    $("layout").replaceChildren(...data.layouts.map(({ title }, k) => new Option(title, k)));
    $("layout-field").hidden = layouts.length < 2;
  }

  function lay() {
    points = layouts[$("layout").value];
    map.setPoints(points);
    list.near = -1;
    colour();
    refill();
    map.setCurrent(player.number);
  }

  function drag(kind) {
    map.setMode(kind);
    $("pan").setAttribute("aria-pressed", kind === "pan");
    $("lasso").setAttribute("aria-pressed", kind === "lasso");
  }

  /* ---- the page ---- */

  function describe() {
    $("title").textContent = data.title;
    const by = layouts.length > 1 ? "" : `, laid out by ${data.layouts[0].title}`;
    const facts = [`${count(n)}${by}.`];
    if (nPreviews && nPreviews < n) {
      facts.push(`${nPreviews.toLocaleString("en")} can be heard here; the others are drawn faintly.`);
    }
    $("facts").textContent = [...facts, ...data.notes].join(" ");
    if (nPreviews) return;
    $("now-name").textContent = "Click a point for its name";
    for (const id of ["toggle", "progress"]) $(id).hidden = true;
    $("on-hover").parentElement.hidden = true;
  }

  function listen() {
    for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, showState);
    $("toggle").addEventListener("click", toggle);
    $("colour-by").addEventListener("change", colour);
    $("layout").addEventListener("change", lay);
    $("filter").addEventListener("input", refill);
    $("more").addEventListener("click", extend);
    $("save").addEventListener("click", save);
    $("clear").addEventListener("click", clear);
    $("pan").addEventListener("click", () => drag("pan"));
    $("lasso").addEventListener("click", () => drag("lasso"));
    $("zoom-in").addEventListener("click", () => map.zoom(1.5));
    $("zoom-out").addEventListener("click", () => map.zoom(1 / 1.5));
    $("fit").addEventListener("click", () => map.fit());
    $("list").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) choose(Number(button.dataset.number));
    });
    document.addEventListener("keydown", key);
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = event.target.closest?.("#list button");
    const typing = event.target.closest?.("input, select, button, canvas");
    const act = {
      ArrowDown: row && (() => walk(row, 1)),
      ArrowUp: row && (() => walk(row, -1)),
      " ": (row || !typing) && toggle,
      "/": event.target !== $("filter") && (() => $("filter").focus()),
      Escape: event.target === $("filter") && clear,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  describe();
  offerLayouts();
  offerColours();
  listen();
  refill();
})();
