/**
 * @file The sitting's one clock in review. The camera leads because its sound must not be stretched; the screen follows;
 * where there is no evidence the clock runs on by itself.
 *
 * @typedef {import("./track_player.js").TrackPlayer} TrackPlayer
 * @typedef {import("./track_player.js").PlayerState} PlayerState
 * @typedef {import("../types.js").Track} Track
 *
 * @typedef {object} TransportState
 * @property {number} atMs
 * @property {boolean} playing
 * @property {number} rate
 * @property {boolean} skipGaps
 * @property {boolean} waiting a player has to load before it goes on
 * @property {Record<string, PlayerState>} players
 */

import { skipTo } from "./evidence.js";

export const RATES = [0.5, 1, 1.5, 2, 4];

// Recorders of one sitting begin within this of each other; more is a gap worth seeing.
const TOGETHER_MS = 5000;

/**
 * Where to begin: not in the first moments, which one of the recorders has missed.
 *
 * @param {import("./evidence.js").Span[][]} tracks
 * @param {number} startMs
 */
function firstSight(tracks, startMs) {
  const begins = tracks.map((list) => list[0]?.startMs ?? startMs).filter((at) => at < startMs + TOGETHER_MS);
  return Math.max(startMs, ...begins);
}

export class Transport {
  /**
   * @param {Record<string, TrackPlayer>} players in the order in which they lead
   * @param {import("./heat.js").Scale} scale
   * @param {(state: TransportState) => void} onChange
   */
  constructor(players, scale, onChange) {
    this.players = players;
    this.scale = scale;
    this.onChange = onChange;
    /** @type {TransportState} */
    this.state = {
      atMs: firstSight(Object.values(players).map((player) => player.spans), scale.startMs),
      playing: false,
      rate: 1,
      skipGaps: true,
      waiting: false,
      players: {},
    };
    this.lastTick = 0;
    this.told = "";
  }

  start() {
    const loop = (/** @type {number} */ now) => {
      this.tick(now);
      requestAnimationFrame(loop);
    };
    requestAnimationFrame(loop);
  }

  toggle() {
    if (!this.state.playing && this.state.atMs >= this.scale.endMs - 50) this.seek(this.scale.startMs);
    this.state.playing = !this.state.playing;
  }

  pause() {
    this.state.playing = false;
  }

  /** @param {number} atMs */
  seek(atMs) {
    this.state.atMs = this.scale.clamp(atMs);
    for (const player of Object.values(this.players)) player.seek();
  }

  /** @param {number} ms */
  step(ms) {
    this.seek(this.state.atMs + ms);
  }

  /** @param {number} rate */
  setRate(rate) {
    this.state.rate = rate;
  }

  /** @param {1 | -1} by */
  stepRate(by) {
    const at = RATES.indexOf(this.state.rate);
    this.state.rate = RATES[Math.min(RATES.length - 1, Math.max(0, at + by))] ?? 1;
  }

  /** @param {boolean} on */
  setSkipGaps(on) {
    this.state.skipGaps = on;
  }

  /** @param {number} now ms of the animation frame */
  tick(now) {
    const passed = this.lastTick ? now - this.lastTick : 0;
    this.lastTick = now;
    const { state } = this;
    const leader = this.leader();
    if (state.playing) this.advance(passed, leader);
    for (const [track, player] of Object.entries(this.players)) {
      const holds = state.waiting && state.players[track] === "ready";
      const follows = player.follow(state.atMs, state.playing && !holds, state.rate, player === leader);
      state.players[track] = follows;
    }
    state.waiting = Object.values(state.players).some((it) => it === "loading" || it === "stalled");
    this.tell();
  }

  /** @returns {TrackPlayer | undefined} the first that shows a picture of about this moment */
  leader() {
    return Object.values(this.players).find((player) => {
      const shows = player.shows();
      return shows !== null && !player.sought && Math.abs(shows - this.state.atMs) < 1000;
    });
  }

  /**
   * @param {number} passed
   * @param {TrackPlayer | undefined} leader
   */
  advance(passed, leader) {
    const { state } = this;
    const shows = leader?.shows() ?? null;
    if (shows !== null && leader && !leader.video.paused) state.atMs = Math.max(shows, this.scale.startMs);
    else if (!state.waiting) state.atMs += passed * state.rate;
    if (state.skipGaps && !leader) state.atMs = skipTo(this.spans(), state.atMs) ?? state.atMs;
    if (state.atMs < this.scale.endMs) return;
    state.atMs = this.scale.endMs;
    state.playing = false;
  }

  spans() {
    return Object.values(this.players).map((player) => player.spans);
  }

  tell() {
    const { state } = this;
    const now = JSON.stringify(state);
    if (now === this.told) return;
    this.told = now;
    this.onChange({ ...state, players: { ...state.players } });
  }
}
