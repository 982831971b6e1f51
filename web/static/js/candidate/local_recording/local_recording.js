/** @file Records on while the connection is lost, and hands in what the server misses when it is back. */

import { ApiError } from "../../base/errors.js";
import { backOff, sleep } from "../../base/time.js";
import { isOver, isUnderWay } from "../state.js";
import { askGaps, handIn } from "./hand_in.js";
import { missing, overlaps, plan, sizeOf } from "./plan.js";
import { Shelf } from "./shelf.js";
import { canRecord, TrackRecorder } from "./track_recorder.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.js").TrackName} TrackName */
/** @typedef {import("./plan.js").Claim} Claim */
/**
 * @typedef {object} Progress
 * @property {"well" | "keeping" | "handing_in" | "handed_in" | "refused"} phase
 * @property {number} share 0..1 of what is being handed in
 * @property {number} notKeptMs what there was no room for
 */

/** The server closes a gap when the first picture is there. */
const LOOK_MS = 2000;
const LOOK_AT_MOST_MS = 5000;

export class LocalRecording {
  /** @param {App} app @param {number} sitting */
  constructor(app, sitting) {
    this.app = app;
    this.shelf = new Shelf(sitting, app.clock);
    this.recorders = {
      camera: new TrackRecorder("camera", sitting, app.clock, this.shelf),
      screen: new TrackRecorder("screen", sitting, app.clock, this.shelf),
    };
    /** Tracks that do not reach the server, as it says itself. @type {Set<TrackName>} */
    this.lost = new Set();
    /** @type {Progress} */
    this.progress = { phase: "well", share: 0, notKeptMs: 0 };
    this.settling = false;
    this.opened = false;
    this.listen();
  }

  listen() {
    this.app.socket.on("event", ({ kind, payload }) => {
      if (kind !== "media.state") return;
      if (payload.state === "lost") this.lost.add(payload.track);
      else if (payload.state !== "stopped") this.lost.delete(payload.track);
      this.update();
    });
    // What was missed of the server's words will be known by what it lacks.
    this.app.socket.on("reset", () => this.lost.clear());
    // Best effort: the browser may not wait for the disk.
    addEventListener("pagehide", () => this.shelf.isStored || (this.trouble && this.shelf.keep()));
  }

  async open() {
    if (!canRecord()) return;
    await this.shelf.open();
    this.opened = true;
    this.update();
    if (this.shelf.isStored) void this.settle();
  }

  /** Another tab has taken over: it hands in. */
  get isOurs() {
    return this.app.socket.state !== "superseded" && this.app.socket.state !== "refused";
  }

  get wanted() {
    const { app } = this;
    return this.opened && app.joined && this.isOurs && app.known !== null && isUnderWay(app.state);
  }

  /** Whether what is seen here may not reach the server just now. */
  get trouble() {
    const { app } = this;
    const { socket, publishers, media } = app;
    if (!this.wanted) return false;
    const away = (/** @type {TrackName} */ track) => publishers[track].state !== "live" || this.lost.has(track);
    return (
      socket.state !== "online" ||
      (media.cameraLive && app.sent.includes("camera") && away("camera")) ||
      (media.screenLive && away("screen"))
    );
  }

  /** The exam is over: nothing of it may stay on this computer. */
  get isLeftOver() {
    return this.app.known !== null && isOver(this.app.state) && this.shelf.isStored;
  }

  /** After every change of the page. */
  update() {
    const { media } = this.app;
    const camera = this.app.sent.includes("camera") && media.cameraLive;
    this.recorders.camera.follow(this.wanted && camera ? media.camera : null);
    this.recorders.screen.follow(this.wanted && media.screenLive ? media.screen : null);
    if (this.trouble) {
      this.shelf.keep();
      this.become("keeping");
    } else if ((this.shelf.keepingSince !== null || this.isLeftOver) && this.isOurs) {
      void this.settle();
    }
  }

  /** @param {Progress["phase"]} phase @param {number} [share] */
  become(phase, share = 0) {
    const { progress, shelf } = this;
    const notKeptMs = Math.max(shelf.notKeptMs, phase === "well" ? 0 : progress.notKeptMs);
    if (phase === progress.phase && share === progress.share && notKeptMs === progress.notKeptMs) return;
    this.progress = { phase, share, notKeptMs };
    this.app.tell();
  }

  /** Ask what is missing and hand it in, until nothing is. */
  async settle() {
    if (this.settling) return;
    this.settling = true;
    try {
      for (let wait = LOOK_MS, attempt = 0; ; ) {
        await sleep(wait);
        if (this.trouble || !this.isOurs) return;
        try {
          if (await this.look()) return;
          wait = Math.min(LOOK_AT_MOST_MS, wait * 1.5);
          attempt = 0;
        } catch (error) {
          if (!(error instanceof ApiError) || !error.passing) throw error;
          wait = LOOK_MS + backOff((attempt += 1));
        }
      }
    } catch (error) {
      console.error(error); // kept on disk: the next visit tries again
      this.become("refused");
    } finally {
      this.settling = false;
      if (this.trouble) this.update();
    }
  }

  /** Hand in once. @returns {Promise<boolean>} whether nothing more is to come */
  async look() {
    const told = await askGaps();
    if (!told.accepts) {
      await this.shelf.clear();
      this.become("well");
      return true;
    }
    const spans = missing(told.gaps, told.hand_ins);
    for (const recorder of Object.values(this.recorders)) {
      const { current } = recorder;
      if (current && spans.some((span) => overlaps(current.segment, span))) await recorder.next();
    }
    const claims = plan(spans, this.shelf.segments, told.hand_in_bytes);
    if (claims.length) {
      await this.handInAll(claims, told.chunk_bytes);
      return false;
    }
    if (told.gaps.some((gap) => gap.end_ms === null)) return !this.shelf.isStored && this.shelf.keepingSince === null;
    if (isOver(this.app.state)) await this.shelf.clear();
    else await this.shelf.letGo(() => false);
    if (this.progress.phase === "keeping") this.become("well");
    return true;
  }

  /** @param {Claim[]} claims @param {number} chunkBytes */
  async handInAll(claims, chunkBytes) {
    const total = claims.reduce((sum, claim) => sum + sizeOf(claim.segments), 0);
    let before = 0;
    let refused = false;
    for (const claim of claims) {
      const files = await Promise.all(claim.segments.map((segment) => this.shelf.blob(segment)));
      const segments = claim.segments.map((segment, n) => ({ ...segment, size: files[n]?.size ?? 0 }));
      const whole = new Blob(files, { type: claim.segments[0]?.mime ?? "" });
      this.become("handing_in", before / total);
      const tell = (/** @type {number} */ sent) => this.trouble || this.become("handing_in", (before + sent) / total);
      const row = await handIn({ ...claim, segments }, whole, chunkBytes, tell, () => this.isOurs && !this.trouble);
      refused ||= row.state === "refused";
      before += sizeOf(claim.segments);
    }
    if (!this.trouble) this.become(refused ? "refused" : "handed_in", 1);
  }
}
