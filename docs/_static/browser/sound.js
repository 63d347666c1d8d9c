/* Sounds as mono waveforms at the rate of the encoder, and recordings by the microphone. */

import { Problem } from "./problem.js";
import { resample } from "./resample.js";

const LARGEST = 50e6; // bytes
const RECORDED = 5; // seconds
const USUAL = 48000; // Hz; whatever is sampled at 22 kHz or more can be decoded at this rate

/* The first seconds of a sound, and how many it has. `named` is what a problem calls it. */
export async function decode(blob, rate, longest, named) {
  if (blob.size > LARGEST) {
    throw new Problem(`${named} is larger than 50 MB, which is too much for a page: cut it.`);
  }
  const sound = await decodeAtItsRate(await blob.arrayBuffer(), named);
  const beginning = mix(sound, Math.min(sound.length, Math.ceil(longest * sound.sampleRate)));
  return { waveform: resample(beginning, sound.sampleRate, rate), seconds: sound.duration };
}

/* Decoding at a rate resamples to it, which is to change as little as it can. */
async function decodeAtItsRate(bytes, named) {
  const stated = rateOf(bytes);
  const rate = stated >= 8000 && stated <= 96000 ? stated : USUAL;
  try {
    return await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Problem(
      `${named} could not be decoded: it is not sound, it is damaged, or this browser does not know ` +
        "its format. WAV, FLAC, MP3, Ogg and m4a are known to most.",
    );
  }
}

/* The rate that the header of a WAV, FLAC or Ogg Vorbis file states. */
function rateOf(bytes) {
  const start = String.fromCharCode(...new Uint8Array(bytes.slice(0, 4096)));
  const [format, vorbis] = [start.indexOf("fmt "), start.indexOf("\x01vorbis")];
  const view = new DataView(bytes);
  const read = (offset, isLittle) =>
    offset + 4 <= view.byteLength ? view.getUint32(offset, isLittle) : 0;
  if (start.startsWith("RIFF") && format > 0) return read(format + 12, true);
  if (start.startsWith("fLaC")) return read(18) >>> 12;
  return vorbis > 0 ? read(vorbis + 12, true) : 0;
}

/* The mean of the channels. */
function mix(sound, length) {
  const sum = new Float32Array(length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).subarray(0, length).forEach((value, k) => (sum[k] += value));
  }
  return sum.map((value) => value / sound.numberOfChannels);
}

export const canRecord = () => Boolean(navigator.mediaDevices && window.MediaRecorder);

/* Some seconds of the microphone, as the browser encodes them. */
export async function record(onStart) {
  const stream = await askForMicrophone();
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.start();
  onStart(RECORDED);
  setTimeout(() => recorder.stop(), RECORDED * 1000);
  await stopped;
  for (const track of stream.getTracks()) track.stop();
  return new Blob(parts, { type: recorder.mimeType });
}

async function askForMicrophone() {
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: plain });
  } catch (error) {
    throw new Problem(
      error.name === "NotFoundError"
        ? "No microphone was found."
        : "The microphone may not be used. Allow it for this page in the settings of the browser.",
    );
  }
}
