/** @file What must not be lost when the socket breaks: observations and chat. Bounded; oldest observations go first. */

/** @typedef {{type: string, ref: string} & Record<string, unknown>} Reliable */
/** @typedef {{message: Reliable, sent: boolean, mark: number | null}} Entry */

/** Ten minutes offline with an event every two seconds; beyond that the server has the gap itself as evidence. */
const AT_MOST = 300;

/**
 * Messages stay here until the server is known to have read them: frames are handled in order, so the pong for a ping
 * that was sent after them confirms them all. A repeat is harmless, because every one carries a `ref`.
 */
export class Outbox {
  constructor() {
    /** @type {Entry[]} */
    this.entries = [];
    this.dropped = 0;
  }

  /** @param {Reliable} message @returns {Entry} */
  add(message) {
    if (this.entries.length >= AT_MOST) {
      const oldest = this.entries.findIndex((entry) => entry.message.type !== "chat");
      this.entries.splice(Math.max(oldest, 0), 1);
      this.dropped += 1;
    }
    const entry = { message, sent: false, mark: null };
    this.entries.push(entry);
    return entry;
  }

  /** Send all that was not sent over this socket yet. @param {(message: Reliable) => boolean} send */
  flush(send) {
    for (const entry of this.entries) {
      if (!entry.sent && !(entry.sent = send(entry.message))) return;
    }
  }

  /** A ping left now: its pong will confirm all that was sent before. @param {number} at */
  markSent(at) {
    for (const entry of this.entries) {
      if (entry.sent && entry.mark === null) entry.mark = at;
    }
  }

  /** @param {number} at the ping that was answered */
  confirm(at) {
    this.entries = this.entries.filter((entry) => entry.mark === null || entry.mark > at);
  }

  /** The server has it, or will never take it. @param {string} ref */
  settle(ref) {
    this.entries = this.entries.filter((entry) => entry.message.ref !== ref);
  }

  /** @param {string} ref */
  has(ref) {
    return this.entries.some((entry) => entry.message.ref === ref);
  }

  /** The socket is gone: nothing is sure any more. */
  reopen() {
    for (const entry of this.entries) {
      entry.sent = false;
      entry.mark = null;
    }
  }
}
