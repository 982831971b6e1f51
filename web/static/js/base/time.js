/** @file One clock: the server's. The browser's own may be wrong by hours; only its difference counts. */

/** How many samples to choose the best from: with a ping every 10 s the last 80 s. */
const SAMPLES = 8;

/** The server's clock as seen from here, from the answers to pings. */
export class ServerClock {
  /** @param {number} serverMs a first guess, from the page */
  constructor(serverMs) {
    /** @type {{offset: number, rtt: number}[]} */
    this.samples = [];
    this.guess = serverMs - Date.now();
  }

  /**
   * Take in one answered ping; the sample with the shortest way there and back is the truest (NTP's clock filter, RFC 5905).
   * @param {number} sentAt browser's clock
   * @param {number} serverMs
   * @param {number} [receivedAt]
   */
  sample(sentAt, serverMs, receivedAt = Date.now()) {
    const rtt = Math.max(0, receivedAt - sentAt);
    const offset = serverMs - (sentAt + rtt / 2);
    // The browser's clock was set, or the computer slept: older samples say nothing any more.
    const best = this.best();
    if (best && Math.abs(best.offset - offset) > 2000 + rtt) this.samples = [];
    this.samples = [...this.samples, { offset, rtt }].slice(-SAMPLES);
  }

  best() {
    return this.samples.reduce(
      (a, b) => (a && a.rtt <= b.rtt ? a : b),
      /** @type {{offset: number, rtt: number} | null} */ (null),
    );
  }

  /** Server's clock minus the browser's, ms. */
  get offset() {
    return this.best()?.offset ?? this.guess;
  }

  /** Shortest way there and back of late, ms; null before the first pong. */
  get rtt() {
    return this.best()?.rtt ?? null;
  }

  now() {
    return Date.now() + this.offset;
  }
}

/** 3:07 or 1:03:07. @param {number} ms */
export function formatDuration(ms) {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * How long to wait before the nth try: doubles up to the limit, half of it by chance, so that a hall full of
 * browsers does not come back in one instant.
 * @param {number} attempt 0 for the first
 * @param {number} [first]
 * @param {number} [limit]
 */
export function backOff(attempt, first = 500, limit = 15_000) {
  const ceiling = Math.min(limit, first * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
