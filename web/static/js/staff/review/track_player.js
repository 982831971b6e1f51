/**
 * @file One <video> that shows a track's parts by the sitting's time. It is told where the sitting is and follows.
 *
 * @typedef {import("./evidence.js").Span} Span
 * @typedef {"gap" | "loading" | "ready" | "stalled" | "failed"} PlayerState
 */

import { spanAt } from "./evidence.js";

// Above this a jump is quicker than catching up; below the other nobody sees a difference.
const JUMP_MS = 700;
const IN_STEP_MS = 40;
const CATCH_UP = 0.12;

export class TrackPlayer {
  /**
   * @param {HTMLVideoElement} video
   * @param {Span[]} list
   */
  constructor(video, list) {
    this.video = video;
    this.spans = list;
    /** @type {Span | undefined} */
    this.span = undefined;
    this.failed = false;
    this.sought = false;
    video.addEventListener("error", () => {
      this.failed = Boolean(this.span);
    });
  }

  /** @param {Span[]} list */
  replace(list) {
    this.spans = list;
  }

  /** @returns {number | null} the sitting's time this video shows just now, if it shows one */
  shows() {
    if (!this.span || this.failed || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    if (this.video.seeking || this.video.ended) return null;
    return this.span.startMs + this.video.currentTime * 1000;
  }

  /**
   * @param {number} atMs
   * @param {boolean} playing
   * @param {number} rate
   * @param {boolean} leads the others follow this one: no correction
   * @returns {PlayerState}
   */
  follow(atMs, playing, rate, leads) {
    const span = spanAt(this.spans, atMs);
    if (!span) return this.rest();
    if (this.span?.part.id !== span.part.id) this.load(span);
    const { video } = this;
    if (this.failed) return "failed";
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) return "loading";
    this.correct(atMs, playing, rate, leads);
    const target = (atMs - span.startMs) / 1000;
    // Asked itself, too: the clock may have been read last some time before the end, and nothing would move it on.
    const beyond = video.ended || (Number.isFinite(video.duration) && target >= video.duration - 0.05);
    if (beyond) return "gap";
    if (playing && video.paused) void video.play().catch(() => undefined);
    if (!playing && !video.paused) video.pause();
    return video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA ? "stalled" : "ready";
  }

  /** After a jump of the transport: no catching up, the place itself. */
  seek() {
    this.sought = true;
  }

  /**
   * @param {number} atMs
   * @param {boolean} playing
   * @param {number} rate
   * @param {boolean} leads
   */
  correct(atMs, playing, rate, leads) {
    const { video, span } = this;
    if (!span || video.seeking) return;
    const drift = atMs - (span.startMs + video.currentTime * 1000);
    const jump = this.sought || Math.abs(drift) > JUMP_MS || (!playing && Math.abs(drift) > IN_STEP_MS);
    if (jump && Math.abs(drift) > 1) {
      const last = Number.isFinite(video.duration) ? video.duration : Infinity;
      video.currentTime = Math.max(0, Math.min((atMs - span.startMs) / 1000, last));
    }
    this.sought = false;
    const slower = drift < -IN_STEP_MS ? -CATCH_UP : 0;
    const nudge = leads || jump ? 0 : drift > IN_STEP_MS ? CATCH_UP : slower;
    const wanted = rate * (1 + nudge);
    if (Math.abs(video.playbackRate - wanted) > 0.001) video.playbackRate = wanted;
  }

  /** @param {Span} span */
  load(span) {
    this.span = span;
    this.sought = true;
    this.failed = !span.part.url;
    if (!span.part.url) return;
    this.video.src = span.part.url;
    this.video.load();
  }

  /** @returns {PlayerState} */
  rest() {
    if (!this.video.paused) this.video.pause();
    return "gap";
  }
}
