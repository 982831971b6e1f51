/** @file Takes the microphone's sound as 16 kHz, mono, in pieces of half a second. Runs where sound is processed. */

/** Samples a second that the network for voices wants, and in a piece: 16 of its steps. */
const RATE = 16_000;
const PIECE = 8192;

/** @typedef {{sampleRate: number, AudioWorkletProcessor: any, registerProcessor: (name: string, kind: any) => void}} Scope */
const scope = /** @type {Scope} */ (/** @type {unknown} */ (globalThis));

class Pieces extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(PIECE);
    this.filled = 0;
    /** Of the sample being made: sum and weight so far, in samples of the device. */
    this.sum = 0;
    this.weight = 0;
    this.ratio = scope.sampleRate / RATE;
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    const [own] = channels ?? [];
    if (!own) return true;
    for (const value of own) this.take(value);
    return true;
  }

  /** Mean over as many of the device's samples as make one of ours. @param {number} value */
  take(value) {
    let left = 1;
    while (left > 0) {
      const part = Math.min(left, this.ratio - this.weight);
      this.sum += value * part;
      this.weight += part;
      left -= part;
      if (this.weight < this.ratio - 1e-9) continue;
      this.piece[this.filled] = this.sum / this.ratio;
      this.filled += 1;
      this.sum = this.weight = 0;
      if (this.filled < PIECE) continue;
      this.port.postMessage(this.piece.slice());
      this.filled = 0;
    }
  }
}

scope.registerProcessor("pieces", Pieces);
