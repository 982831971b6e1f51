/** @file How loud the microphone is, and whether it gives anything at all. */

/** Level below this is digital silence: a dead or hardware-muted microphone, not a quiet room. */
const DIGITAL_SILENCE = 1e-5;

/** @type {AudioContext | null} */
let shared = null;

/** One context for the page: browsers allow only a few. */
function context() {
  shared ??= new AudioContext();
  return shared;
}

// A context made before any click may be suspended; the next click wakes it.
addEventListener("pointerdown", () => void shared?.resume());

export class SoundLevel {
  /** @param {MediaStream} stream */
  constructor(stream) {
    const audio = context();
    void audio.resume();
    this.source = audio.createMediaStreamSource(stream);
    this.analyser = audio.createAnalyser();
    this.analyser.fftSize = 2048;
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** Root mean square of the last 43 ms, 0..1; null while the browser keeps the context asleep. */
  read() {
    if (context().state !== "running") return null;
    this.analyser.getFloatTimeDomainData(this.samples);
    const sum = this.samples.reduce((total, sample) => total + sample * sample, 0);
    return Math.sqrt(sum / this.samples.length);
  }

  /** Level for a meter, 0..1: -60 dB is nothing, -10 dB is full. */
  meter() {
    const level = this.read() ?? 0;
    return level > 0 ? Math.min(1, Math.max(0, (20 * Math.log10(level) + 60) / 50)) : 0;
  }

  isSilent() {
    const level = this.read();
    return level !== null && level < DIGITAL_SILENCE;
  }

  close() {
    this.source.disconnect();
  }
}
