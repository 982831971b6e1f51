/** @file What this browser reports of itself: begins, ends and moments, each pair joined by a `ref`. */

/** @typedef {"change_active_window_on_computer" | "full_screen_left" | "clipboard" | "extra_display" | "mic_muted" | "mic_no_sound" | "mic_no_device_connected" | "camera_no_device_connected" | "desktop_request_pending" | "virtual_machine"} Kind */
/** @typedef {Record<string, string | number | boolean>} Details */

export class Observations {
  /** @param {(message: {type: "observe", ref: string} & Record<string, unknown>) => void} send */
  constructor(send) {
    this.send = send;
    /** @type {Map<Kind, string>} kind -> ref of what has begun and not ended */
    this.open = new Map();
  }

  /** @param {Kind} kind @param {"start" | "end" | "instant"} phase @param {string} ref @param {number} at @param {Details} details */
  say(kind, phase, ref, at, details) {
    this.send({ type: "observe", kind, phase, at, ref: `${ref}`, details });
  }

  /** @param {Kind} kind @param {Details} [details] @param {number} [at] the browser's clock */
  begin(kind, details = {}, at = Date.now()) {
    if (this.open.has(kind)) return;
    const ref = newRef();
    this.open.set(kind, ref);
    this.say(kind, "start", ref, at, details);
  }

  /** @param {Kind} kind @param {Details} [details] */
  end(kind, details = {}) {
    const ref = this.open.get(kind);
    if (!ref) return;
    this.open.delete(kind);
    this.say(kind, "end", ref, Date.now(), details);
  }

  /** Begin or end, as the condition is now. @param {Kind} kind @param {boolean} holds @param {Details} [details] @param {number} [at] */
  reflect(kind, holds, details, at) {
    if (holds) this.begin(kind, details, at);
    else this.end(kind);
  }

  /** @param {Kind} kind @param {Details} [details] */
  moment(kind, details = {}) {
    this.say(kind, "instant", newRef(), Date.now(), details);
  }

  /**
   * After a lost socket: the server has ended what was open, because nobody was left to say when it ends. What still
   * goes on begins anew, except what has not been told yet.
   * @param {(ref: string) => boolean} isUntold
   */
  reopen(isUntold) {
    for (const [kind, ref] of [...this.open]) {
      if (isUntold(ref)) continue;
      this.open.delete(kind);
      this.begin(kind);
    }
  }

  /** The exam is over or stands still: nothing goes on. */
  endAll() {
    for (const kind of [...this.open.keys()]) this.end(kind);
  }
}

const newRef = () => Math.random().toString(36).slice(2, 12);
