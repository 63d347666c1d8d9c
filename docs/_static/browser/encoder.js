/* The encoder of sound, in ONNX Runtime. */

import { Problem, fetchFile } from "./problem.js";

/* `facts` are those of model.json, at the address `base`. */
export async function loadEncoder(facts, base) {
  const [ort, model] = await Promise.all([
    loadRuntime(facts.runtime, base),
    fetchFile(new URL(facts.encoder, base), "The encoder is missing.").then((x) => x.arrayBuffer()),
  ]);
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  return async (waveform) => {
    const waveforms = new ort.Tensor("float32", waveform, [1, waveform.length]);
    const { vectors } = await session.run({ waveforms });
    return Float64Array.from(vectors.data);
  };
}

/* What is fetched must have the checksums that were known when this page was built. */
async function loadRuntime({ address, files }, base) {
  const place = new URL(address, base);
  const [script, binary] = Object.keys(files).map((name) => new URL(name, place));
  const [scriptIntegrity, integrity] = Object.values(files);
  const missing =
    `ONNX Runtime could not be fetched from ${place.host}, or is not what it should be. Reload this ` +
    "page to try again.";
  const [, answer] = await Promise.all([
    addModule(script, scriptIntegrity, missing),
    fetchFile(binary, missing, { integrity }),
  ]);
  const ort = await import(script);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = await answer.arrayBuffer();
  return ort;
}

/* `import` alone checks nothing; of a module that an element has loaded it gives the same one. */
function addModule(address, integrity, missing) {
  const element = document.createElement("script");
  Object.assign(element, { type: "module", src: address, integrity, crossOrigin: "anonymous" });
  return new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => {
      element.remove();
      reject(new Problem(missing));
    });
    document.head.append(element);
  });
}
