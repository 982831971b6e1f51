/**
 * @file Tells the server what of a recording was really shown, so that the audit log can say who saw what. The server
 * believes no more than it has sent.
 *
 * @typedef {import("./track_player.js").TrackPlayer} TrackPlayer
 * @typedef {{part: number, start: number, end: number}} Shown
 */

import { pageData } from "../../base/page_data.js";

const LOOK_MS = 250;
const REPORT_MS = 30_000;
// Two looks farther apart than this at the present speed are a jump, not play.
const JUMP_FACTOR = 4;
// A frame that stands still was seen, too.
const STILL_MS = 100;
const MAX_SPANS = 400;

/** Joins what is shown, look by look, into spans of parts. Pure: knows no element and no server. */
export class ShownSpans {
  constructor() {
    /** @type {Map<string, Shown>} by player: the span that is being shown */
    this.open = new Map();
    /** @type {Shown[]} */
    this.done = [];
  }

  /**
   * @param {string} player
   * @param {number | null} part id; null: nothing is shown
   * @param {number} atMs in the part's own time
   * @param {number} rate 0 while paused
   */
  look(player, part, atMs, rate) {
    const span = this.open.get(player);
    const at = Math.max(0, Math.round(atMs));
    const ahead = span ? at - span.end : 0;
    const goesOn = span && span.part === part && ahead >= -STILL_MS && ahead <= LOOK_MS * JUMP_FACTOR * Math.max(1, rate);
    if (span && !goesOn) {
      this.done.push(span);
      this.open.delete(player);
    }
    if (part === null) return;
    if (span && goesOn) span.end = Math.max(span.end, at);
    else this.open.set(player, { part, start: at, end: at + STILL_MS });
  }

  /** @returns {Shown[]} what is to be reported; what goes on begins anew where it is */
  take() {
    const spans = [...this.done, ...this.open.values()].filter((span) => span.end > span.start);
    for (const [player, span] of this.open) this.open.set(player, { part: span.part, start: span.end, end: span.end });
    this.done = [];
    return spans.map((span) => ({ ...span }));
  }

  /** @param {Shown[]} spans that could not be reported */
  giveBack(spans) {
    this.done = [...spans, ...this.done].slice(-MAX_SPANS);
  }
}

/**
 * @param {number} sittingId
 * @param {Record<string, TrackPlayer>} players
 */
export function keepWatchLog(sittingId, players) {
  const shown = new ShownSpans();
  let played = false;
  setInterval(() => {
    for (const [track, player] of Object.entries(players)) {
      const visible = player.shows() !== null && player.span;
      shown.look(track, visible ? player.span?.part.id ?? null : null, player.video.currentTime * 1000, player.video.paused ? 0 : player.video.playbackRate);
    }
    const plays = Object.values(players).some((player) => !player.video.paused);
    // After the look, which is the one that saw where it stopped.
    if (played && !plays) void report();
    played = plays;
  }, LOOK_MS);

  const report = async () => {
    const spans = shown.take().slice(0, MAX_SPANS);
    if (!spans.length) return;
    try {
      // sendBeacon cannot carry the token against forgery
      const answer = await fetch(`/api/v1/sittings/${sittingId}/played`, {
        method: "POST",
        keepalive: true,
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": pageData.csrf },
        body: JSON.stringify({ spans }),
      });
      if (answer.status >= 500) shown.giveBack(spans);
    } catch {
      shown.giveBack(spans);
    }
  };
  setInterval(() => void report(), REPORT_MS);
  addEventListener("pagehide", () => void report());
  document.addEventListener("visibilitychange", () => document.hidden && void report());
}
