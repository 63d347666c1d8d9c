/* A recording by the microphone, as one Blob. */

const LONGEST = 60; // seconds

export class Recorder {
  constructor({ onTime, onDone, onError }) {
    Object.assign(this, { onTime, onDone, onError });
    this.recorder = null;
  }

  get recording() {
    return this.recorder !== null;
  }

  toggle() {
    if (this.recording) this.recorder.stop();
    else this._start();
  }

  async _start() {
    const stream = await this._microphone();
    if (!stream) return;
    const parts = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    this.recorder.addEventListener("stop", () => this._finish(stream, parts));
    this.began = performance.now();
    this.timer = setInterval(() => this._tick(), 200);
    this.recorder.start();
    this._tick();
  }

  async _microphone() {
    if (!navigator.mediaDevices || !window.MediaRecorder) {
      this.onError(
        "This browser records only on a page of this computer (http://127.0.0.1) or over https.",
      );
      return null;
    }
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      this.onError(
        error.name === "NotFoundError"
          ? "No microphone was found."
          : "The microphone was not allowed. Allow it for this page in the browser's settings of the site.",
      );
      return null;
    }
  }

  _tick() {
    const seconds = (performance.now() - this.began) / 1000;
    this.onTime(seconds);
    if (seconds >= LONGEST && this.recording) this.recorder.stop();
  }

  _finish(stream, parts) {
    clearInterval(this.timer);
    for (const track of stream.getTracks()) track.stop();
    const { mimeType } = this.recorder;
    this.recorder = null;
    const ending = mimeType.includes("mp4") ? "m4a" : mimeType.includes("ogg") ? "ogg" : "webm";
    const blob = new Blob(parts, { type: mimeType });
    this.onDone(new File([blob], `recording.${ending}`, { type: mimeType }));
  }
}
