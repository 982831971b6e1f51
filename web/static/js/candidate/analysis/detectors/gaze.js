/** @file avert_eyes: head or eyes turned away from the screen for a while (media/detectors/gaze.py). */

import { round } from "../rules.js";
import { PRESENT } from "../scene.js";
import { median } from "./voice.js";

/** Degrees of gaze for a shift of the iris by the whole width of the eye. */
const EYE_DEGREES = 120;
const GAZE_AWAY = 14;
const HEAD_AWAY = 25;
const HEAD_UP_OR_DOWN = 22;
/** Opening of an eye below which nothing can be said of where it looks. */
const SHUT = 0.12;
/** Degrees of yaw from the usual, from which the irises are no longer trusted. */
const HEAD_HIDES_EYES = 20;
/** What makes the usual direction: the last two minutes. */
const USUAL_MS = 120_000;
/** Before that nothing is said: the usual direction of whoever sits there is not known yet. */
const LEARNING_MS = 5500;
/** Without a face for that long the usual direction is learned anew. */
const FORGET_MS = 1500;

/** @typedef {{atMs: number, pose: import("../mesh.js").HeadPose, across: number | null}} Look */

export class Gaze {
  name = "gaze";
  type = "avert_eyes";
  models = ["face_landmark", "iris_landmark"];
  /** @type {Look[]} */
  looks = [];
  /** @type {number | null} */
  seenMs = null;
  beganMs = 0;

  /** @param {import("../scene.js").Scene} scene @returns {Promise<import("../rules.js").Sample>} */
  async sample(scene) {
    const { atMs } = scene;
    const face = scene.mainFace;
    if (face === null) return { atMs, score: null };
    if (this.seenMs === null || atMs - this.seenMs > FORGET_MS) {
      // Who comes back may be another, or sit otherwise.
      this.looks = [];
      this.beganMs = atMs;
    }
    this.seenMs = atMs;
    const mesh = await scene.meshOf(face);
    if (mesh.presence < PRESENT) return { atMs, score: null };
    return this.judge(atMs, mesh.pose, await scene.gazeOf(face));
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs }) {
    return { atMs, score: null };
  }

  /** @param {number} atMs @param {import("../mesh.js").HeadPose} pose @param {[import("../mesh.js").EyeGaze, import("../mesh.js").EyeGaze]} eyes @returns {import("../rules.js").Sample} */
  judge(atMs, pose, eyes) {
    const yaw = pose.yaw - usual(this.looks.map((look) => look.pose.yaw), 0, 15);
    const pitch = pose.pitch - usual(this.looks.map((look) => look.pose.pitch), 0, 20);
    const open = Math.abs(yaw) <= HEAD_HIDES_EYES && Math.min(eyes[0].opening, eyes[1].opening) >= SHUT;
    const across = open ? (eyes[0].across + eyes[1].across) / 2 : null;
    const known = this.looks.map((look) => look.across).filter((value) => value !== null);
    const shift = across === null ? null : across - usual(known, 0.5, 0.06);
    this.looks.push({ atMs, pose, across });
    while ((this.looks[0]?.atMs ?? atMs) < atMs - USUAL_MS) this.looks.shift();
    const sideways = shift === null ? yaw / HEAD_AWAY : (yaw + EYE_DEGREES * shift) / GAZE_AWAY;
    const score = Math.max(Math.abs(sideways), Math.abs(pitch) / HEAD_UP_OR_DOWN) / 2;
    const blinks = shift === null && score < 0.5 && Math.abs(yaw) < HEAD_HIDES_EYES;
    if (blinks || atMs - this.beganMs < LEARNING_MS) return { atMs, score: null };
    const details = { yaw: round(yaw, 1), pitch: round(pitch, 1), ...(shift !== null && { eyes: round(shift, 3) }) };
    return { atMs, score: Math.min(score, 1), details };
  }
}

/** Median of the values, at most `reach` away from what people in general have. @param {number[]} values @param {number} general @param {number} reach */
const usual = (values, general, reach) =>
  values.length ? Math.min(Math.max(median(values), general - reach), general + reach) : general;
