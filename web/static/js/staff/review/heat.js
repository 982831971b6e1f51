/**
 * @file The per-minute histogram and the geometry of the timeline. Pure.
 */

export const HEAT_STEPS = 10;

/**
 * @param {Record<string, number[]>} metrics share of each minute, 0..100, by metric
 * @param {number} minutes
 * @returns {{total: number, level: number, metrics: [string, number][]}[]} one for each minute; `level` 0..HEAT_STEPS
 */
export function heat(metrics, minutes) {
  return Array.from({ length: minutes }, (_none, minute) => {
    const found = Object.entries(metrics)
      .map(([code, values]) => /** @type {[string, number]} */ ([code, values[minute] ?? 0]))
      .filter(([, value]) => value > 0)
      .sort((a, b) => b[1] - a[1]);
    const total = found.reduce((sum, [, value]) => sum + value, 0);
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
    this.lengthMs = this.endMs - this.startMs;
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
