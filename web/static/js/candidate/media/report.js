/**
 * @file The page's own report for checks of the pipeline. It is sent while the socket stands, also and above all when no
 * connection for the media comes about.
 */

import { isOver } from "../state.js";
import { condense } from "./stats.js";

/** @typedef {import("../app.js").App} App */

/** The gateway keeps one in 10 s. */
const REPORT_MS = 11_000;

/** Report from now on. @param {App} app */
export function reportMedia(app) {
  let welcomes = 0;
  app.socket.on("welcome", () => {
    welcomes += 1;
    // What a reconnected page says first is what support is waiting for.
    setTimeout(() => void report(app, welcomes - 1), 1000);
  });
  setInterval(() => void report(app, Math.max(0, welcomes - 1)), REPORT_MS);
}

/** @param {App} app @param {number} socketReconnects */
async function report(app, socketReconnects) {
  if (app.socket.state !== "online" || !app.known || isOver(app.known)) return;
  /** @type {Record<string, import("./stats.js").Values>} */
  const values = { page: page(app, socketReconnects), ...(app.onDevice.wanted && { analysis: app.onDevice.figures }) };
  /** @type {Record<string, import("./stats.js").Pair[]>} */
  const pairs = {};
  const errors = [];
  for (const [track, publisher] of Object.entries(app.publishers)) {
    errors.push(...publisher.iceErrors);
    const tried = { [track]: publisher.pc && (await condense(publisher.pc).catch(() => null)), [`${track}_failed`]: publisher.failed };
    for (const [name, found] of Object.entries(tried)) {
      if (!found) continue;
      values[name] = { ...found.values, attempt: publisher.attempt };
      pairs[name] = found.pairs;
    }
  }
  app.socket.send({ type: "stats", values, pairs, ice_errors: errors.slice(-16) });
}

/** @param {App} app @param {number} socketReconnects @returns {import("./stats.js").Values} */
function page({ joined, media, clock }, socketReconnects) {
  return {
    joined,
    camera: stateOf(media.camera?.getVideoTracks()[0]),
    microphone: stateOf(media.camera?.getAudioTracks()[0]),
    screen: stateOf(media.screen?.getVideoTracks()[0]),
    userAgent: navigator.userAgent.slice(0, 500),
    hidden: document.hidden,
    socketReconnects,
    clockOffsetMs: Math.round(clock.offset),
    rttMs: clock.rtt === null ? null : Math.round(clock.rtt),
  };
}

/**
 * `muted` is the source's doing (a shutter, another program), `disabled` the page's.
 * @param {MediaStreamTrack | undefined} track
 */
function stateOf(track) {
  if (!track) return "none";
  if (track.readyState !== "live") return "ended";
  if (!track.enabled) return "disabled";
  return track.muted ? "muted" : "live";
}
