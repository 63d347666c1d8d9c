/* The one player at the foot of the page. */

import { answers } from "./api.js";
import { $, make, setIcon } from "./dom.js";
import { library } from "./library.js";
import { clock, position } from "./text.js";
import { Waveform } from "./waveform.js";

const VOLUME = "skw2c-volume";
const AUTOPLAY = "skw2c-autoplay";

class Player extends EventTarget {
  constructor() {
    super();
    this.audio = make("audio", { preload: "auto" });
    this.current = null;
    this.wave = new Waveform($("player-canvas"), { onSeek: (seconds) => this.seek(seconds) });
    this._listenToSound();
    this._listenToButtons();
    document.body.append(this.audio);
  }

  get autoplay() {
    return $("autoplay").checked;
  }

  get playing() {
    return !this.audio.paused;
  }

  /* An item of the library, or {number: null, name, audio} for an upload. */
  isCurrent(item) {
    return this.current !== null && key(this.current) === key(item);
  }

  play(item, start = null) {
    if (item.missing || item.has_file === false) return;
    if (this.isCurrent(item)) this._mark(item);
    else this._load(item);
    if (start !== null) this.seek(start);
    this._start();
  }

  toggle() {
    if (!this.current) return;
    if (this.playing) this.audio.pause();
    else this._start();
  }

  seek(seconds) {
    if (!this.current) return;
    const { audio } = this;
    this.wanted = Math.max(seconds, 0);
    if (audio.readyState >= 1)
      audio.currentTime = Math.min(this.wanted, audio.duration || Infinity);
    this._time();
  }

  step(seconds) {
    this.seek(this.audio.currentTime + seconds);
  }

  duration() {
    const { duration } = this.audio;
    return Number.isFinite(duration) ? duration : (this.current && this.current.duration) || 0;
  }

  _load(item) {
    this.current = item;
    this.decoded = false;
    this.wanted = 0;
    this.audio.src = item.audio || `/audio/${item.number}`;
    this.wave.load(item.waveform || (item.number === null ? null : `/waveform/${item.number}`));
    $("player-title").textContent = item.name;
    $("player-title").title = item.name;
    $("player-folder").textContent = library.shorten(item.folder || "");
    $("player-save").hidden = item.number === null;
    $("player-save").href = `/audio/${item.number}?as=original`;
    for (const id of ["player-toggle", "player-position"]) $(id).disabled = false;
    this._say("");
    this._mark(item);
  }

  /* Another row may show other seconds of the same sound. */
  _mark(item) {
    this.current = item;
    this.wave.setMarks(item.start === null || item.start === undefined ? [] : [item]);
    this._tell("load");
  }

  async _start() {
    try {
      await this.audio.play();
      this._say("");
    } catch (error) {
      if (error.name === "NotAllowedError") {
        this._say("Click or press a key to hear: the browser waits for it before the first sound.");
      }
      // AbortError: another sound was asked for meanwhile. Else the error event speaks.
    }
  }

  _listenToSound() {
    const { audio } = this;
    for (const kind of ["play", "pause", "ended"]) {
      audio.addEventListener(kind, () => this._state());
    }
    audio.addEventListener("loadedmetadata", () => {
      if (this.wanted) audio.currentTime = this.wanted;
      this._time();
    });
    audio.addEventListener("timeupdate", () => this._time());
    audio.addEventListener("error", () => this._failed());
    audio.addEventListener("play", () => this._follow());
  }

  _follow() {
    this._time();
    if (this.playing) requestAnimationFrame(() => this._follow());
  }

  _listenToButtons() {
    const { audio } = this;
    $("player-toggle").addEventListener("click", () => this.toggle());
    $("player-position").addEventListener("input", (event) =>
      this.seek(Number(event.target.value)),
    );
    $("player-loop").addEventListener("click", (event) => {
      audio.loop = !audio.loop;
      event.currentTarget.setAttribute("aria-pressed", audio.loop);
    });
    const volume = $("player-volume");
    volume.value = localStorage.getItem(VOLUME) ?? 1;
    audio.volume = Number(volume.value);
    volume.addEventListener("input", () => {
      audio.volume = Number(volume.value);
      localStorage.setItem(VOLUME, volume.value);
    });
    const autoplay = $("autoplay");
    autoplay.checked = localStorage.getItem(AUTOPLAY) !== "no";
    autoplay.addEventListener("change", () => {
      localStorage.setItem(AUTOPLAY, autoplay.checked ? "yes" : "no");
    });
  }

  /* Once more as decoded by the server, for a format that this browser does not play. */
  _failed() {
    const { current, audio } = this;
    if (!current) return;
    if (!this.decoded && current.number !== null) {
      this.decoded = true;
      audio.src = `/audio/${current.number}?as=wav`;
      this._start();
      return;
    }
    this._explain(current);
  }

  /* The server knows what is wrong with a file. If it reads it, the browser's way out fails. */
  async _explain(item) {
    let reason = "This browser cannot play it: are loudspeakers or headphones connected?";
    try {
      await answers(this.audio.src);
    } catch (error) {
      reason = error.message;
    }
    if (this.isCurrent(item)) this._say(`${item.name}: ${reason}`);
  }

  _state() {
    setIcon($("player-toggle"), this.playing ? "pause" : "play");
    $("player-toggle").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this._tell("state");
  }

  _time() {
    const duration = this.duration();
    const now = this.audio.readyState >= 1 ? this.audio.currentTime : this.wanted;
    $("player-now").textContent = position(now);
    $("player-duration").textContent = duration < 10 ? clock(duration) : position(duration);
    const slider = $("player-position");
    slider.max = duration || 1;
    slider.value = now;
    slider.setAttribute("aria-valuetext", `${position(now)} of ${position(duration)}`);
    this.fraction = duration ? now / duration : 0;
    this.wave.setProgress(this.fraction);
    this._tell("time");
  }

  _say(text) {
    $("player-message").textContent = text;
  }

  _tell(kind) {
    this.dispatchEvent(new Event(kind));
  }
}

function key(item) {
  return item.number === null ? item.audio : item.number;
}

export const player = new Player();
