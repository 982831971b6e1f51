/** @file Tells the server what the analysis finds: types, times, figures and words; never pictures or templates. */

/** @typedef {import("./rules.js").ObservationEvent} ObservationEvent */
/** @typedef {{type: "observe", ref: string} & Record<string, unknown>} Message */

/** Figures and words of a finding as the server takes them. @param {Record<string, unknown>} details */
function plain({ models: _models, ...details }) {
  return Object.fromEntries(
    Object.entries(details).filter(([, value]) => Number.isFinite(value) || typeof value === "string"),
  );
}

export class Findings {
  /** @param {(message: Message) => void} send */
  constructor(send) {
    this.send = send;
    /** What goes on, by the analysis' own key. @type {Map<string, {ref: string, event: ObservationEvent}>} */
    this.open = new Map();
  }

  /** @param {ObservationEvent} event @param {string} ref @param {"start" | "update" | "end"} phase @param {number} at this browser's clock */
  say(event, ref, phase, at) {
    this.send({
      type: "observe",
      kind: event.type,
      phase,
      at,
      ref,
      detector: event.detector,
      confidence: event.confidence,
      details: plain(event.details),
      models: event.details.models ?? {},
    });
  }

  /** @param {ObservationEvent} event */
  take(event) {
    const known = this.open.get(event.key);
    if (event.change === "opened") {
      const ref = newRef();
      this.open.set(event.key, { ref, event });
      this.say(event, ref, "start", event.startMs);
    } else if (known && event.change === "updated") {
      known.event = event;
      this.say(event, known.ref, "update", event.atMs);
    } else if (known) {
      this.open.delete(event.key);
      this.say(event, known.ref, "end", event.endMs ?? event.atMs);
    }
  }

  /** A span of which nothing can be said. @param {string} reason @param {number} startMs @param {number} endMs */
  doubt(reason, startMs, endMs) {
    const details = { reason };
    const base = { type: "undetermined", key: reason, atMs: endMs, startMs, confidence: 1, detector: "analysis", details };
    this.take({ ...base, change: "opened", endMs: null });
    this.take({ ...base, change: "closed", endMs });
  }

  /** It cannot be said for now why, or until when. @param {string} reason @param {boolean} holds @param {number} [at] */
  doubting(reason, holds, at = Date.now()) {
    const key = `doubt-${reason}`;
    if (holds === this.open.has(key)) return;
    const change = holds ? "opened" : "closed";
    const details = { reason };
    const times = { atMs: at, startMs: at, endMs: holds ? null : at };
    this.take({ change, type: "undetermined", key, ...times, confidence: 1, detector: reason, details });
  }

  /**
   * After a lost socket: the server has ended what was open. What still goes on begins anew.
   * @param {(ref: string) => boolean} isUntold
   */
  reopen(isUntold) {
    for (const [key, { ref, event }] of [...this.open]) {
      if (isUntold(ref)) continue;
      this.open.delete(key);
      this.take({ ...event, key, change: "opened", startMs: Date.now() });
    }
  }

  /** @param {number} at */
  endAll(at = Date.now()) {
    for (const { event } of [...this.open.values()]) this.take({ ...event, change: "closed", atMs: at, endMs: at });
  }
}

const newRef = () => Math.random().toString(36).slice(2, 12);
