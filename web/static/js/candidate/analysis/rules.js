/** @file From scores to observations: threshold, hysteresis, minimum duration. The same state machine as media/detectors/rules.py. */

/**
 * What a detector thought of one picture.
 * @typedef {object} Sample
 * @property {number} atMs the server's clock
 * @property {number | null} score 0 (surely not) to 1 (surely so); null when the picture does not allow a judgement
 * @property {number | null} [sinceMs] when the condition must have begun, where the detector knows better
 * @property {string} [doubt] why there is no judgement
 * @property {Record<string, unknown>} [details]
 */
/**
 * When scores become an observation; names as the server's.
 * @typedef {object} Rule
 * @property {number} threshold
 * @property {number} clear_below
 * @property {number} min_duration_ms
 * @property {number} lapse_ms
 * @property {number} release_ms
 * @property {number} unknown_ms
 */
/**
 * @typedef {object} ObservationEvent
 * @property {"opened" | "updated" | "closed"} change
 * @property {string} type
 * @property {string} key the same for all events of one observation
 * @property {number} atMs
 * @property {number} startMs
 * @property {number | null} endMs
 * @property {number} confidence
 * @property {string} detector
 * @property {Record<string, unknown>} details
 */
/**
 * A span in which the condition holds, reported or not.
 * @typedef {object} Run
 * @property {number} number
 * @property {number} startMs
 * @property {number | null} reportedMs
 * @property {number} reportedConfidence
 * @property {number} total
 * @property {number} count
 * @property {number | null} gapSinceMs since when it has not been seen to hold
 * @property {number | null} clearSinceMs
 * @property {number | null} unknownSinceMs
 * @property {Record<string, unknown>} details
 */

const UPDATE_INTERVAL_MS = 5000;
const UPDATE_STEP = 0.05;

/** @param {number} value @param {number} digits */
export const round = (value, digits) => Math.round(value * 10 ** digits) / 10 ** digits;

/** @param {Run} run */
const confidenceOf = (run) => round(run.total / Math.max(run.count, 1), 3);

/** Follows one condition through the pictures of one sitting. */
export class RuleState {
  /** @param {string} type @param {string} detector @param {Rule} rule @param {Record<string, unknown>} [details] */
  constructor(type, detector, rule, details = {}) {
    this.type = type;
    this.detector = detector;
    this.rule = rule;
    this.fixed = { ...details, threshold: rule.threshold, min_duration_ms: rule.min_duration_ms };
    /** @type {Run | null} */
    this.run = null;
    this.count = 0;
  }

  get isOpen() {
    return this.run !== null && this.run.reportedMs !== null;
  }

  /** The condition holds, but not long enough to be reported. */
  get isPending() {
    return this.run !== null && this.run.reportedMs === null;
  }

  /** Take the next sample; times must not go back. @param {Sample} sample @returns {ObservationEvent[]} */
  feed(sample) {
    if (sample.score === null) return this.unknown(sample);
    if (sample.score >= this.rule.threshold) return this.holds(sample, sample.score);
    if (sample.score < this.rule.clear_below) return this.clear(sample);
    // Between the two thresholds: what was thought before stays.
    if (this.run === null || !this.isOpen) return [];
    return this.run.clearSinceMs === null ? this.holds(sample, sample.score) : this.clear(sample);
  }

  /** Close what is open. @param {number} atMs @returns {ObservationEvent[]} */
  finish(atMs) {
    const { run } = this;
    this.run = null;
    if (run === null || run.reportedMs === null) return [];
    return [this.event("closed", run, atMs, Math.min(run.gapSinceMs ?? atMs, atMs))];
  }

  /** @param {Sample} sample @param {number} score @returns {ObservationEvent[]} */
  holds(sample, score) {
    if (this.run === null) {
      this.count += 1;
      this.run = {
        number: this.count,
        startMs: Math.min(sample.sinceMs ?? sample.atMs, sample.atMs),
        reportedMs: null,
        reportedConfidence: 0,
        total: 0,
        count: 0,
        gapSinceMs: null,
        clearSinceMs: null,
        unknownSinceMs: null,
        details: {},
      };
    }
    const { run } = this;
    run.total += score;
    run.count += 1;
    run.gapSinceMs = run.clearSinceMs = run.unknownSinceMs = null;
    run.details = { ...sample.details, score: round(score, 3) };
    if (run.reportedMs === null)
      return sample.atMs - run.startMs < this.rule.min_duration_ms ? [] : [this.report("opened", run, sample.atMs)];
    const moved = Math.abs(confidenceOf(run) - run.reportedConfidence) >= UPDATE_STEP;
    return moved && sample.atMs - run.reportedMs >= UPDATE_INTERVAL_MS
      ? [this.report("updated", run, sample.atMs)]
      : [];
  }

  /** @param {Sample} sample @returns {ObservationEvent[]} */
  clear(sample) {
    const { run } = this;
    if (run === null) return [];
    run.unknownSinceMs = null;
    run.gapSinceMs ??= sample.atMs;
    run.clearSinceMs ??= sample.atMs;
    const patience = run.reportedMs === null ? this.rule.lapse_ms : this.rule.release_ms;
    return sample.atMs - run.clearSinceMs >= patience ? this.end(sample.atMs) : [];
  }

  /** @param {Sample} sample @returns {ObservationEvent[]} */
  unknown(sample) {
    const { run } = this;
    if (run === null) return [];
    run.gapSinceMs ??= sample.atMs;
    run.unknownSinceMs ??= sample.atMs;
    return sample.atMs - run.unknownSinceMs >= this.rule.unknown_ms ? this.end(sample.atMs) : [];
  }

  /** @param {number} atMs @returns {ObservationEvent[]} */
  end(atMs) {
    const { run } = this;
    this.run = null;
    if (run === null || run.reportedMs === null) return [];
    return [this.event("closed", run, atMs, run.gapSinceMs ?? atMs)];
  }

  /** @param {"opened" | "updated"} change @param {Run} run @param {number} atMs */
  report(change, run, atMs) {
    run.reportedMs = atMs;
    run.reportedConfidence = confidenceOf(run);
    return this.event(change, run, atMs, null);
  }

  /** @param {"opened" | "updated" | "closed"} change @param {Run} run @param {number} atMs @param {number | null} endMs @returns {ObservationEvent} */
  event(change, run, atMs, endMs) {
    return {
      change,
      type: this.type,
      key: `${this.detector}-${run.number}`,
      atMs,
      startMs: run.startMs,
      endMs: endMs === null ? null : Math.max(endMs, run.startMs),
      confidence: confidenceOf(run),
      detector: this.detector,
      details: { ...this.fixed, ...run.details },
    };
  }
}
