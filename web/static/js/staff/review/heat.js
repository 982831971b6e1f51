/**
 * @file The per-minute histogram and the geometry of the timeline. Pure.
 */

export const HEAT_STEPS = 10;

/**
 * What counts in a minute's height and colour. Technical faults are named but add nothing, nor does c5, which is of the
 * whole sitting and proves nothing; c2a and c2g are parts of c2.
 */
const COUNTED = new Set(["b1", "b2", "c2", "c3", "c4", "k1", "m2", "d1", "d2"]);
const PARTS_OF_OTHERS = new Set(["c2a", "c2g"]);

/**
 * @param {Record<string, number[]>} metrics share of each minute, 0..100, by metric
 * @param {number} minutes
 * @returns {{total: number, level: number, metrics: [string, number][]}[]} one for each minute; `level` 0..HEAT_STEPS
 */
export function heat(metrics, minutes) {
  return Array.from({ length: minutes }, (_none, minute) => {
    const found = Object.entries(metrics)
      .map(([code, values]) => /** @type {[string, number]} */ ([code, values[minute] ?? 0]))
      .filter(([code, value]) => value > 0 && !PARTS_OF_OTHERS.has(code))
      .sort((a, b) => b[1] - a[1]);
    const total = found.reduce((sum, [code, value]) => sum + (COUNTED.has(code) ? value : 0), 0);
    return { total, level: Math.ceil((Math.min(100, total) / 100) * HEAT_STEPS), metrics: found };
  });
}

/** Position on a timeline as a share 0..1, and back. */
export class Scale {
  /**
   * @param {number} startMs
   * @param {number} endMs
   */
  constructor(startMs, endMs) {
    this.startMs = startMs;
    this.endMs = Math.max(endMs, startMs + 1000);
  }

  /**
   * A sitting that still runs grows.
   *
   * @param {number} startMs
   * @param {number} endMs
   */
  extend(startMs, endMs) {
    this.startMs = startMs;
    this.endMs = Math.max(endMs, startMs + 1000);
  }

  get lengthMs() {
    return this.endMs - this.startMs;
  }

  /** @param {number} atMs */
  share(atMs) {
    return Math.min(1, Math.max(0, (atMs - this.startMs) / this.lengthMs));
  }

  /** @param {number} share */
  at(share) {
    return this.startMs + Math.min(1, Math.max(0, share)) * this.lengthMs;
  }

  /** @param {number} atMs */
  clamp(atMs) {
    return Math.min(this.endMs, Math.max(this.startMs, atMs));
  }

  get minutes() {
    return Math.max(1, Math.ceil(this.lengthMs / 60_000));
  }

  /**
   * @param {number} most how many marks fit
   * @returns {number[]} times of the marks of the scale
   */
  ticks(most) {
    const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map((seconds) => seconds * 1000);
    const step = steps.find((ms) => this.lengthMs / ms <= most) ?? 7_200_000;
    const marks = [];
    for (let at = 0; at <= this.lengthMs; at += step) marks.push(this.startMs + at);
    return marks;
  }
}
