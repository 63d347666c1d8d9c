/* Small builders of elements. Texts from outside only ever become text nodes. */

export const $ = (id) => document.getElementById(id);

/* make("button", {class: "x", type: "button", onclick: act}, "text", element) */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(element, name) {
  element.querySelector("use").setAttribute("href", `#icon-${name}`);
}

/* A command with a button that copies it. */
export function command(text) {
  const button = make("button", {
    type: "button",
    class: "tool",
    "aria-label": "Copy the command",
  });
  button.append(icon("copy"));
  button.addEventListener("click", async () => {
    const copied = await copy(text);
    button.setAttribute("aria-label", copied ? "Copied" : "Mark the command to copy it");
    button.classList.toggle("done", copied);
  });
  return make("div", { class: "command" }, make("code", {}, text), button);
}

/* Browsers allow it on a page of this computer or over https, and may ask first. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function toast(text, { stays = false } = {}) {
  const element = $("toast");
  element.textContent = text;
  element.classList.add("shown");
  clearTimeout(toast.timer);
  if (!stays) toast.timer = setTimeout(() => element.classList.remove("shown"), 5000);
}

/* A picture-less state of a view: a title, a sentence and perhaps commands or buttons. */
export function showState(element, title, sentence = "", ...more) {
  element.replaceChildren(make("h3", {}, title));
  if (sentence) element.append(make("p", {}, sentence));
  element.append(...more);
  element.hidden = false;
}

export function later(act, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), milliseconds);
  };
}
