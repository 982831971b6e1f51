/** @file The microphone's sound for the analysis: pieces of half a second at 16 kHz, with their times. */

/** @typedef {(atMs: number, samples: Float32Array<ArrayBuffer>) => void} Hear */

const PIECE_MS = 512;
/** A piece that comes so much earlier or later than its place follows a hole. */
const HOLE_MS = 1000;

export class Ear {
  /** @param {Hear} hear */
  constructor(hear) {
    this.hear = hear;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.nextMs = 0;
  }

  /** @param {MediaStream} stream */
  async listen(stream) {
    if (this.stream === stream) return void this.context?.resume();
    this.close();
    this.stream = stream;
    try {
      const context = new AudioContext();
      this.context = context;
      await context.audioWorklet.addModule(new URL("./sound_worklet.js", import.meta.url));
      if (this.context !== context) return;
      const pieces = new AudioWorkletNode(context, "pieces", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
      pieces.port.onmessage = ({ data }) => this.take(data);
      context.createMediaStreamSource(stream).connect(pieces);
      await context.resume();
    } catch (error) {
      // Pictures are judged without sound, too.
      console.error(error);
    }
  }

  /** @param {Float32Array<ArrayBuffer>} samples */
  take(samples) {
    const arrivedMs = Date.now() - PIECE_MS;
    if (Math.abs(arrivedMs - this.nextMs) > HOLE_MS) this.nextMs = arrivedMs;
    this.hear(this.nextMs, samples);
    this.nextMs += PIECE_MS;
  }

  close() {
    void this.context?.close();
    this.context = null;
    this.stream = null;
  }
}
