/** @file How much a moment of sound is speech: silero-vad's network along a stream (media/detectors/speech.py). */

import { mean } from "./pixels.js";

/** A piece of sound: time of its first sample, and whole steps of samples at 16 kHz. @typedef {{atMs: number, samples: Float32Array}} Sound */
/** @typedef {{atMs: number, score: number}} Moment */

export const RATE = 16_000;
/** Samples in one step of the network: 32 ms. */
export const STEP = 512;
const STEP_MS = 32;
/** Samples before a step that the network sees along with it. */
const CONTEXT = 64;
/** Steps before and after one whose mean is its score. */
const AROUND = 5;
/** The network's belief below which nobody speaks, beyond doubt. */
const QUIET = 0.1;
/** Steps of quiet after which the network forgets all it heard. */
const FRESH_AFTER = 250;
/** Amplitude (-70 dBFS) that no speech worth hearing stays below. */
const SILENT = 3e-4;
/** Power (-47 dBFS) of each step that a quiet room stays below. */
const HUSHED = 2e-5;
/** How many times its quietest step of late a hushed room's loudest may have, in all and below 2 kHz. */
const EVEN = [1.5, 2.2];
/** Steps (10 s) among which the quietest is looked for. */
const LATE = 312;
/** Steps (2 s) of such noise after which the network is left alone. */
const EVEN_FOR = 62;
const MEMORY = 128;
const FRESH = { hidden: new Float32Array(MEMORY), cell: new Float32Array(MEMORY) };
export const VOICE_MODEL = "silero_vad_16k_sequence";

/** @param {Float32Array} samples */
export const loudest = (samples) => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Mean square of a step: of its samples, or of the means of `width` each. @param {Float32Array} step @param {number} width */
function power(step, width) {
  let sum = 0;
  for (let at = 0; at < step.length; at += width) {
    let value = 0;
    for (let next = at; next < at + width; next += 1) value += step[next] ?? 0;
    sum += (value / width) ** 2;
  }
  return (sum * width) / step.length;
}

export class SpeechStream {
  /** @param {import("./networks.js").Networks} networks */
  constructor(networks) {
    this.networks = networks;
    this.memory = FRESH;
    this.context = new Float32Array(CONTEXT);
    /** Of the steps that still count: up to AROUND that have their score, and those that wait for theirs. @type {number[]} */
    this.judged = [];
    this.scored = 0;
    this.endMs = 0;
    this.quiet = 0;
    /** Of the steps of late, in all and below 2 kHz. @type {[number[], number[]]} */
    this.powers = [[], []];
    /** Steps in a row that were a quiet room's noise. */
    this.even = 0;
  }

  /** The scores that this completes, AROUND steps late. @param {Sound} sound @returns {Promise<Moment[]>} */
  async hear(sound) {
    const before = Math.abs(sound.atMs - this.endMs) > 100 ? this.stop() : [];
    this.judged.push(...(await this.probabilities(sound.samples)));
    this.endMs = sound.atMs + (sound.samples.length * 1000) / RATE;
    return [...before, ...this.scores(AROUND)];
  }

  /** The sound ends here, or has a hole. @returns {Moment[]} */
  stop() {
    const last = this.scores(0);
    this.forget();
    this.judged = [];
    this.scored = 0;
    return last;
  }

  /** Score all but the last `wait` steps. @param {number} wait */
  scores(wait) {
    const count = this.judged.length;
    const firstMs = this.endMs - count * STEP_MS;
    /** @type {Moment[]} */
    const moments = [];
    for (let at = this.scored; at < count - wait; at += 1) {
      const around = this.judged.slice(Math.max(at - AROUND, 0), at + AROUND + 1);
      moments.push({ atMs: firstMs + at * STEP_MS, score: mean(around) });
    }
    const drop = Math.max(count - wait - AROUND, 0);
    this.judged = this.judged.slice(drop);
    this.scored = Math.max(count - wait, 0) - drop;
    return moments;
  }

  /** @param {Float32Array} samples */
  async probabilities(samples) {
    const count = Math.floor(samples.length / STEP);
    const input = new Float32Array(count * (CONTEXT + STEP));
    for (let step = 0; step < count; step += 1) {
      input.set(this.context, step * (CONTEXT + STEP));
      const own = samples.subarray(step * STEP, (step + 1) * STEP);
      input.set(own, step * (CONTEXT + STEP) + CONTEXT);
      this.context = own.slice(STEP - CONTEXT);
    }
    const found = loudest(samples) < SILENT || this.isNoise(samples) ? new Array(count).fill(0) : await this.run(input, count);
    this.quiet = Math.max(...found) < QUIET ? this.quiet + count : 0;
    if (this.quiet >= FRESH_AFTER) this.forget();
    return found;
  }

  /** Whether it has been a quiet room's noise for a while, in which nobody speaks. @param {Float32Array} samples */
  isNoise(samples) {
    const count = Math.floor(samples.length / STEP);
    const steps = Array.from({ length: count }, (_, step) => samples.subarray(step * STEP, (step + 1) * STEP));
    const isEven = this.powers.map((late, band) => {
      const now = steps.map((step) => power(step, band === 0 ? 1 : 4));
      late.push(...now);
      late.splice(0, late.length - LATE);
      const loud = Math.max(...now);
      return (band > 0 || loud <= HUSHED) && loud <= (EVEN[band] ?? 1) * Math.min(...late);
    });
    this.even = isEven.every(Boolean) ? this.even + count : 0;
    return this.even > EVEN_FOR;
  }

  /** @param {Float32Array} input @param {number} count @returns {Promise<number[]>} */
  async run(input, count) {
    const session = await this.networks.session(VOICE_MODEL);
    const { Tensor } = await this.networks.runtime();
    const [found, hidden, cell] = await this.networks.feed(session, {
      input: new Tensor("float32", input, [count, CONTEXT + STEP]),
      h: new Tensor("float32", this.memory.hidden, [1, 1, MEMORY]),
      c: new Tensor("float32", this.memory.cell, [1, 1, MEMORY]),
    });
    this.memory = { hidden: Float32Array.from(hidden ?? []), cell: Float32Array.from(cell ?? []) };
    return Array.from(found ?? []);
  }

  forget() {
    this.memory = FRESH;
    this.context = new Float32Array(CONTEXT);
    this.quiet = 0;
  }
}
