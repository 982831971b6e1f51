/**
 * @file Which tracks are watched: the visible tiles' live ones, never more. Routes the socket's answers to their viewers.
 *
 * @typedef {import("../types.js").Track} Track
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./viewer.js").ViewState} ViewState
 *
 * @typedef {object} Screenings
 * @property {(sittingId: number, track: Track, stream: MediaStream | null) => void} onStream
 * @property {(sittingId: number, track: Track, state: ViewState) => void} onState
 * @property {(message: Record<string, unknown>) => void} send
 */

import { Viewer } from "./viewer.js";

/** @type {readonly Track[]} */
export const TRACKS = ["camera", "screen"];

// Offers in the air at once: a page of 12 tiles is 24 connections, and a node's first key frames should not all collide.
const AT_ONCE = 6;

export class Viewing {
  /** @param {Screenings} screenings */
  constructor(screenings) {
    this.screenings = screenings;
    /** @type {Map<string, {viewer: Viewer, published: number}>} */
    this.viewers = new Map();
    this.connected = false;
    this.negotiating = 0;
    /** @type {(() => void)[]} */
    this.queue = [];
  }

  /** @param {Entry[]} entries tiles that can be seen */
  reconcile(entries) {
    /** @type {Set<string>} */
    const wanted = new Set();
    for (const entry of entries) {
      for (const track of TRACKS) {
        if (entry.tracks[track] !== "live") continue;
        wanted.add(`${entry.id}/${track}`);
        this.want(entry, track);
      }
    }
    for (const [key, { viewer }] of this.viewers) {
      if (wanted.has(key)) continue;
      this.viewers.delete(key);
      viewer.stop();
      this.screenings.onStream(viewer.watching.sittingId, viewer.watching.track, null);
    }
  }

  /**
   * @param {Entry} entry
   * @param {Track} track
   */
  want(entry, track) {
    const key = `${entry.id}/${track}`;
    const known = this.viewers.get(key);
    const published = entry.published[track];
    if (known) {
      if (known.published !== published) {
        known.published = published;
        if (this.connected) known.viewer.renew();
      }
      return;
    }
    const viewer = new Viewer({
      sittingId: entry.id,
      track,
      send: (message) => this.screenings.send(message),
      onStream: (stream) => this.screenings.onStream(entry.id, track, stream),
      onState: (state) => this.screenings.onState(entry.id, track, state),
      turn: () => this.turn(),
    });
    this.viewers.set(key, { viewer, published });
    if (this.connected) viewer.start();
  }

  /** The socket is open (again): the gateway knows none of the old connections. */
  open() {
    this.connected = true;
    for (const { viewer } of this.viewers.values()) viewer.renew();
  }

  /** Pictures may go on for a while without the socket; nothing new can be asked for. */
  lost() {
    this.connected = false;
  }

  /**
   * @param {Record<string, any>} message
   * @returns {boolean} whether it was for a viewer
   */
  handle(message) {
    const name = message.connection || message.ref;
    const viewer = name && [...this.viewers.values()].find((item) => item.viewer.connection === name)?.viewer;
    if (!viewer) return message.type === "answer" || message.type === "candidate" || message.type === "view_ended";
    void viewer.handle(message);
    return true;
  }

  /**
   * @param {number} sittingId
   * @param {Track} track
   */
  shown(sittingId, track) {
    this.viewers.get(`${sittingId}/${track}`)?.viewer.proven();
  }

  /** @returns {Promise<() => void>} */
  async turn() {
    if (this.negotiating >= AT_ONCE) await new Promise((resolve) => this.queue.push(() => resolve(undefined)));
    this.negotiating += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.negotiating -= 1;
      this.queue.shift()?.();
    };
  }
}
