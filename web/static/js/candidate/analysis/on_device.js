/** @file The page's side of the analysis in this browser: gives the worker pictures and sound, and tells what it finds. */

import { isOver, isRunning, isUnderWay, staysHere } from "../state.js";
import { Findings } from "./findings.js";
import { forget } from "./reference_store.js";
import { Ear } from "./ear.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("./worker.js").Answer} Answer */
/** @typedef {import("./worker.js").Order} Order */
/** @typedef {import("./photos.js").Said} Said */
/** @typedef {"off" | "loading" | "ready" | "running" | "slow" | "failed"} AnalysisState */

const BASE = "/static/vendor/analysis/";
/** A machine that takes longer for a picture, five times in a row, sees less than one a second: too little to judge by. */
const SLOW_MS = 1000;
const SLOW_IN_A_ROW = 5;
/** A shorter span without analysis is what a reload takes. */
const UNWATCHED_MS = 3000;
/** A camera that gives no new picture for so long gives none. */
const NO_FRAMES_MS = 1500;
/** Forty megabytes over a slow line; after that the exam goes on without. */
const PREPARE_MS = 180_000;

export class OnDevice {
  /** @param {App} app @param {number} sitting */
  constructor(app, sitting) {
    this.app = app;
    this.sitting = sitting;
    /** @type {AnalysisState} */
    this.state = "off";
    this.reason = "";
    this.share = 0;
    this.msPerPicture = 0;
    this.pictures = 0;
    this.hasReference = false;
    /** @type {number | null} */
    this.seenMs = null;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Promise<void> | null} */
    this.preparing = null;
    /** @type {Map<number, {resolve: (said: Said) => void, reject: (error: Error) => void}>} */
    this.asked = new Map();
    this.findings = new Findings((message) => app.socket.sendReliably(message));
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = true;
    this.watching = false;
    this.late = 0;
    this.frameMs = Date.now();
    this.frameTime = -1;
    this.ear = new Ear((atMs, samples) => this.tell({ type: "sound", atMs, samples }, [samples.buffer]));
    app.socket.on("welcome", () => this.findings.reopen((ref) => app.socket.outbox.has(ref)));
  }

  /** Whether this exam is analysed here. */
  get wanted() {
    return this.app.known !== null && staysHere(this.app.known);
  }

  /** Whether a face photo is part of this exam. */
  get needsFace() {
    return ["face", "face_and_passport"].includes(this.app.state.exam.identification);
  }

  /** What the candidate should know of, and can perhaps help. @returns {"failed" | "no_reference" | null} */
  get trouble() {
    if (!this.wanted) return null;
    if (this.state === "failed") return "failed";
    return this.watching && this.needsFace && !this.hasReference ? "no_reference" : null;
  }

  /** Load runtime and models; resolves when all is ready, or is known not to be. @returns {Promise<void>} */
  prepare() {
    this.preparing ??= new Promise((resolve) => {
      this.become("loading");
      const done = () => resolve();
      const timer = setTimeout(() => this.fail("analysis_timeout", done), PREPARE_MS);
      try {
        this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      } catch {
        clearTimeout(timer);
        return this.fail("no_worker", done);
      }
      this.worker.onerror = () => this.fail("own_analysis_failed", done);
      this.worker.onmessage = ({ data }) => {
        this.hear(data);
        if (data.type !== "prepared" && data.type !== "failed") return;
        clearTimeout(timer);
        done();
      };
      const { rules, detection = {} } = this.app.state;
      this.tell({ type: "prepare", base: BASE, sitting: this.sitting, rules, detection });
    });
    return this.preparing;
  }

  /** @param {Order} order @param {Transferable[]} [given] */
  tell(order, given = []) {
    this.worker?.postMessage(order, given);
  }

  /** @param {AnalysisState} state */
  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.app.tell();
  }

  /** Nothing can be judged: say so and let the exam go on. @param {string} reason @param {() => void} [then] */
  fail(reason, then) {
    this.reason = reason;
    this.worker?.terminate();
    this.worker = null;
    for (const { reject } of this.asked.values()) reject(new Error(reason));
    this.asked.clear();
    this.become("failed");
    if (this.watching) this.findings.doubting(reason, true);
    then?.();
  }

  /** @param {Answer} answer */
  hear(answer) {
    if (answer.type === "progress") this.share = answer.share;
    else if (answer.type === "prepared") this.prepared(answer);
    else if (answer.type === "judged") {
      this.asked.get(answer.id)?.resolve(answer.said);
      this.asked.delete(answer.id);
    } else if (answer.type === "wanted") void this.look();
    else if (answer.type === "found") this.found(answer);
    else if (answer.type === "finished") for (const event of answer.events) this.findings.take(event);
    else if (answer.id !== undefined) {
      this.asked.get(answer.id)?.reject(new Error(answer.reason));
      this.asked.delete(answer.id);
    } else {
      console.error(answer.message);
      this.fail(answer.reason);
    }
    if (answer.type === "progress") this.app.tell();
  }

  /** @param {Extract<Answer, {type: "prepared"}>} answer */
  prepared({ hasReference, seenMs, msPerPicture }) {
    this.hasReference = hasReference;
    this.seenMs = seenMs;
    this.msPerPicture = msPerPicture;
    this.share = 1;
    this.become("ready");
    this.update();
  }

  /** @param {Extract<Answer, {type: "found"}>} answer */
  found({ events, tookMs }) {
    for (const event of events) this.findings.take(event);
    if (!tookMs || !this.watching) return;
    this.pictures += 1;
    this.msPerPicture = this.pictures === 1 ? tookMs : this.msPerPicture * 0.8 + tookMs * 0.2;
    this.late = tookMs > SLOW_MS ? this.late + 1 : 0;
    if (this.late >= SLOW_IN_A_ROW) this.become("slow");
    else if (this.late === 0 && this.state === "slow") this.become("running");
    this.findings.doubting("device_too_slow", this.state === "slow");
  }

  /**
   * Judge a photo of the check-in here. @param {"face" | "document"} kind @param {Blob} photo
   * @returns {Promise<Said>} what may be told the server @throws {Error} when nothing can be judged here
   */
  async judge(kind, photo) {
    await this.prepare();
    if (!this.worker) throw new Error(this.reason);
    const bitmap = await createImageBitmap(photo);
    const id = Math.floor(Math.random() * 1e9);
    const said = await new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.tell({ type: "photo", id, kind, bitmap }, [bitmap]);
    });
    if (kind === "face" && said.usable) {
      this.hasReference = true;
      // What was compared with the older photo is compared with this one from now on.
      if (this.watching) this.restart();
    }
    return said;
  }

  /** After every change of the page. */
  update() {
    const { app } = this;
    if (!this.wanted) return;
    const over = isOver(app.state) || app.socket.state === "superseded";
    const watching = !over && app.joined && isUnderWay(app.state) && app.state.sitting.state !== "interrupted";
    if (watching && this.state === "off") void this.prepare();
    if (watching && !this.watching && ["ready", "running", "slow", "failed"].includes(this.state)) this.begin();
    if (!watching && this.watching) this.end();
    if (isOver(app.state)) this.leave();
  }

  begin() {
    this.watching = true;
    this.tellUnwatched();
    if (this.state === "failed") return this.findings.doubting(this.reason, true);
    this.become("running");
    this.restart();
  }

  /** Who reloads the page, or whose worker took long to load, was not watched meanwhile. */
  tellUnwatched() {
    const { app } = this;
    const startedMs = (app.state.sitting.started_ms ?? 0) - app.clock.offset;
    const sinceMs = Math.max(this.seenMs ?? 0, startedMs);
    if (Date.now() - sinceMs > UNWATCHED_MS)
      this.findings.doubt(this.seenMs === null ? "analysis_late" : "analysis_interrupted", sinceMs, Date.now());
    this.findings.doubting("no_reference", this.needsFace && !this.hasReference && this.state !== "failed");
  }

  /** Look afresh, at the camera as it is now. */
  restart() {
    this.tell({ type: "finish", atMs: Date.now() });
    this.tell({ type: "watch" });
    this.findings.doubting("no_reference", this.needsFace && !this.hasReference);
  }

  end() {
    this.watching = false;
    this.tell({ type: "finish", atMs: Date.now() });
    this.ear.close();
    this.findings.endAll();
    this.video.srcObject = null;
    if (this.worker) this.become("ready");
  }

  /** The sitting is over: nothing of it may stay in this browser. */
  leave() {
    if (this.state === "off" && this.preparing === null && this.left) return;
    this.left = true;
    this.worker?.terminate();
    this.worker = null;
    this.preparing = null;
    this.hasReference = false;
    this.state = "off";
    void forget(this.sitting);
  }

  left = false;

  /** The worker is ready for a picture. */
  async look() {
    const { media } = this.app;
    const now = Date.now();
    const stream = media.camera;
    const track = stream?.getVideoTracks()[0];
    if (this.watching && stream && media.microphoneLive) void this.ear.listen(stream);
    if (!this.watching || !stream || !media.cameraLive || track?.muted) return this.lookAtNothing(now);
    if (this.video.srcObject !== stream) {
      this.video.srcObject = stream;
      await this.video.play().catch(() => undefined);
    }
    const { videoWidth, currentTime } = this.video;
    if (currentTime !== this.frameTime) {
      this.frameTime = currentTime;
      this.frameMs = now;
    }
    if (!videoWidth || now - this.frameMs > NO_FRAMES_MS) return this.lookAtNothing(now);
    try {
      const bitmap = await createImageBitmap(this.video);
      this.tell({ type: "picture", atMs: Date.now(), bitmap }, [bitmap]);
    } catch {
      this.lookAtNothing(now);
    }
  }

  /** @param {number} now */
  lookAtNothing(now) {
    this.tell({ type: "nothing", atMs: now, sinceMs: this.frameMs });
  }

  /** For support: how the analysis goes. */
  get figures() {
    return {
      state: this.state,
      reason: this.reason,
      pictures: this.pictures,
      msPerPicture: Math.round(this.msPerPicture),
      reference: this.hasReference,
      running: this.app.known !== null && isRunning(this.app.known),
    };
  }
}
