/* The page: a sound comes in, labels are typed, probabilities are shown. */

import { loadEncoder } from "./encoder.js";
import { Problem, fetchFile } from "./problem.js";
import { canRecord, decode, record } from "./sound.js";
import { readTensors } from "./tensors.js";
import { Words, compare, hasUnreadLetters } from "./words.js";

const BASE = new URL("model/", import.meta.url);
const PAUSE = 300; // milliseconds without typing, after which labels are read
const MISSING =
  "The model of this page is missing: `make docs` writes it beside the page, into " +
  "_static/browser/model.";

const $ = (name) => document.getElementById(`try-${name}`);

let facts = null;
let loading = null;
let words = null;
let heard = null; // the vector of the latest sound, and how it is called
let turn = 0; // of the sounds; what comes late from an earlier one is dropped

export async function open() {
  try {
    facts = await (await fetchFile(new URL("model.json", BASE), MISSING)).json();
  } catch (error) {
    return tellProblem(error);
  }
  for (const [name, file] of Object.entries(facts.examples)) addExample(name, file);
  listen();
  $("record").hidden = !canRecord();
  $("panel").disabled = false;
  tell("Choose a sound to begin.");
  return undefined;
}

function addExample(name, file) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: `Example: ${name}` });
  const get = async () => (await fetchFile(new URL(file, BASE), "The example is missing.")).blob();
  button.addEventListener("click", () => hear(`the example “${name}”`, get));
  $("examples").append(button);
}

function listen() {
  $("choose").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    hearFile($("file").files[0]);
    $("file").value = ""; // so that the same file can be chosen again
  });
  $("record").addEventListener("click", () => hear("the recording", takeRecording));
  // Anywhere: a file that misses its place by a little would be opened instead of the page.
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      $("place").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    });
  }
  document.addEventListener("drop", (event) => hearFile(event.dataTransfer.files[0]));
  let timer = 0;
  $("labels").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(showLabels, PAUSE);
  });
}

async function takeRecording() {
  $("record").disabled = true;
  try {
    return await record((seconds) => tell(`Recording ${seconds} seconds ...`));
  } finally {
    $("record").disabled = false;
  }
}

function hearFile(file) {
  if (file) hear(`“${file.name}”`, async () => file);
}

/* Embed a sound, and compare it with the labels. */
async function hear(name, getBlob) {
  const mine = ++turn;
  const say = (sentence) => mine === turn && tell(sentence);
  forget();
  try {
    const blob = await getBlob();
    say(`Decoding ${name} ...`);
    const { waveform, seconds } = await decode(blob, facts.sampling_rate, facts.longest, name);
    if (mine === turn) play(blob);
    if (!words) say(`Fetching the encoder, ${Math.round(facts.bytes / 1e6)} MB, once ...`);
    const embed = await load();
    say(`Listening to ${name} ...`);
    await new Promise((resolve) => setTimeout(resolve)); // the sentence is shown meanwhile
    const vector = await embed(waveform);
    if (mine !== turn) return;
    heard = { name, vector, seconds };
    showLabels();
  } catch (error) {
    if (mine === turn) tellProblem(error);
  }
}

/* Nothing of an earlier sound stays beside a new one. */
function forget() {
  heard = null;
  $("results").replaceChildren();
  $("problem").hidden = $("audio").hidden = true;
  $("audio").pause();
}

function play(blob) {
  URL.revokeObjectURL($("audio").src);
  $("audio").src = URL.createObjectURL(blob);
  $("audio").hidden = false;
}

/* Once, when the first sound is there; again after it has failed. */
function load() {
  loading ??= Promise.all([loadEncoder(facts, BASE), loadWords()]).catch((error) => {
    loading = null;
    throw error;
  });
  return loading.then(([embed]) => embed);
}

async function loadWords() {
  const answer = await fetchFile(new URL(facts.words, BASE), MISSING);
  words = new Words(readTensors(await answer.arrayBuffer()));
}

function showLabels() {
  if (!heard) return;
  const { labels, vectors, notes } = readLabels($("labels").value);
  $("notes").replaceChildren(...notes.map((note) => element("li", note)));
  if (labels.length < 2) {
    $("results").replaceChildren();
    tell("Type two labels or more, of which the sound can be one.");
    return;
  }
  const probabilities = compare(heard.vector, vectors, facts.temperature);
  const rows = labels.map((label, k) => ({ label, probability: probabilities[k] }));
  rows.sort((one, other) => other.probability - one.probability);
  $("results").replaceChildren(...rows.map(makeRow));
  const best = `${rows[0].label}, ${percent(rows[0].probability)}.`;
  tell(`${capitalise(heard.name)}: ${best}${tellOfLength()}`);
}

/* The labels that can be compared, and what is to be said of others. */
function readLabels(text) {
  const labels = [];
  const vectors = [];
  const notes = [];
  const known = new Map();
  for (const label of text.split("\n").map((line) => line.trim()).filter(Boolean)) {
    const key = words.cut(label).sort().join();
    if (!key) notes.push(`“${label}” is left out, as it has no English word.`);
    else if (known.has(key)) {
      notes.push(`“${label}” is left out, as it says what “${known.get(key)}” says.`);
    } else {
      if (hasUnreadLetters(label)) notes.push(`Of “${label}” only what is English is read.`);
      known.set(key, label);
      labels.push(label);
      vectors.push(words.embed(label));
    }
  }
  return { labels, vectors, notes };
}

function makeRow({ label, probability }) {
  const row = document.createElement("li");
  const number = element("data", percent(probability));
  const bar = element("span", "");
  number.value = probability;
  bar.className = "try-bar";
  bar.style.setProperty("--share", probability);
  row.append(element("span", label), number, bar);
  return row;
}

function tellOfLength() {
  if (heard.seconds <= facts.longest) return "";
  const whole = Math.round(heard.seconds).toLocaleString("en");
  return ` Only the first ${facts.longest} of its ${whole} seconds were heard.`;
}

function tell(sentence) {
  $("status").textContent = sentence;
}

function tellProblem(error) {
  const isMeant = error instanceof Problem;
  if (!isMeant) console.error(error);
  const sentence = isMeant ? error.message : `this should not happen: ${error}`;
  $("problem").textContent = capitalise(sentence);
  $("problem").hidden = false;
  tell("");
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

const capitalise = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const percent = (value) => `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)}\u00a0%`;
