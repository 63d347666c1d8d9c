/* The requests of the page; what fails becomes an Error whose message is a sentence. */

import { sentence } from "./text.js";

const token = document.querySelector('meta[name="skw2c-token"]').content;
const GONE = "The server does not answer any more. Start it again: skw2c serve LIBRARY";

export class ApiError extends Error {
  constructor(message, status, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export async function get(path, query = {}, options = {}) {
  return (await answer(address(path, query), options)).json();
}

export async function getBytes(path, query = {}) {
  return (await answer(address(path, query), {})).arrayBuffer();
}

/* Whether the server has what stands at an address, of which a byte is asked for; throws if not. */
export async function answers(path) {
  await answer(path, { headers: { Range: "bytes=0-0" } });
}

export async function send(method, path, body) {
  const headers = { "X-Skw2c-Token": token };
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const text = body === undefined || isForm ? body : JSON.stringify(body);
  return (await answer(path, { method, headers, body: text })).json();
}

export function address(path, query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") parameters.append(name, each);
    }
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

async function answer(path, options) {
  const response = await fetch(path, options).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ApiError(GONE, 0);
  });
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new ApiError(
    sentence(body.error || `the server answered ${response.status}`),
    response.status,
    body,
  );
}
