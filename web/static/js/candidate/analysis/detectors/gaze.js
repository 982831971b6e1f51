/** @file avert_eyes: head or eyes turned away from the screen for a while (media/detectors/gaze.py). */

import { round } from "../rules.js";
import { PRESENT } from "../scene.js";

/** Degrees of gaze for a shift of the iris by the whole width of the eye. */
const EYE_DEGREES = 120;
const GAZE_AWAY = 14;
const HEAD_AWAY = 25;
const HEAD_UP_OR_DOWN = 22;
/** Opening of an eye below which nothing can be said of where it looks. */
const SHUT = 0.12;
/** Degrees of yaw from the usual, from which the irises are no longer trusted. */
const HEAD_HIDES_EYES = 20;
/** Samples that make the usual direction: two minutes at two a second. */
const USUAL_SPAN = 240;
const LEARNING = 12;
const FORGET_MS = 1500;

export class Gaze {
  name = "gaze";
  type = "avert_eyes";
  models = ["face_landmark", "iris_landmark"];
  /** @type {number[]} */
  yaw = [];
  /** @type {number[]} */
  pitch = [];
  /** @type {number[]} */
  across = [];
  seenMs = 0;

  /** @param {import("../scene.js").Scene} scene @returns {Promise<import("../rules.js").Sample>} */
  async sample(scene) {
    const { atMs } = scene;
    const face = scene.mainFace;
    if (face === null) return { atMs, score: null };
    // Who comes back may be another, or sit otherwise.
    if (atMs - this.seenMs > FORGET_MS) this.forget();
    this.seenMs = atMs;
    const mesh = await scene.meshOf(face);
    if (mesh.presence < PRESENT) return { atMs, score: null };
    const learned = this.yaw.length >= LEARNING;
    const yaw = mesh.pose.yaw - usual(this.yaw, 0, 15);
    const pitch = mesh.pose.pitch - usual(this.pitch, 0, 20);
    const eyes = await scene.gazeOf(face);
    const shift = this.shift(eyes, yaw);
    this.learn(mesh.pose, shift === null ? null : eyes);
    const across = shift === null ? yaw / HEAD_AWAY : (yaw + EYE_DEGREES * shift) / GAZE_AWAY;
    const score = Math.max(Math.abs(across), Math.abs(pitch) / HEAD_UP_OR_DOWN) / 2;
    const blinks = shift === null && score < 0.5 && Math.abs(yaw) < HEAD_HIDES_EYES;
    if (blinks || !learned) return { atMs, score: null };
    const details = { yaw: round(yaw, 1), pitch: round(pitch, 1), eyes: shift === null ? null : round(shift, 3) };
    return { atMs, score: Math.min(score, 1), details };
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs }) {
    return { atMs, score: null };
  }

  /** Mean shift of both irises; null when they cannot be trusted. @param {[import("../mesh.js").EyeGaze, import("../mesh.js").EyeGaze]} eyes @param {number} yaw */
  shift(eyes, yaw) {
    if (Math.abs(yaw) > HEAD_HIDES_EYES || Math.min(eyes[0].opening, eyes[1].opening) < SHUT) return null;
    return (eyes[0].across + eyes[1].across) / 2 - usual(this.across, 0.5, 0.06);
  }

  forget() {
    this.yaw = [];
    this.pitch = [];
    this.across = [];
  }

  /** @param {import("../mesh.js").HeadPose} pose @param {[import("../mesh.js").EyeGaze, import("../mesh.js").EyeGaze] | null} eyes */
  learn(pose, eyes) {
    keep(this.yaw, pose.yaw);
    keep(this.pitch, pose.pitch);
    if (eyes) keep(this.across, (eyes[0].across + eyes[1].across) / 2);
  }
}

/** @param {number[]} values @param {number} value */
function keep(values, value) {
  values.push(value);
  if (values.length > USUAL_SPAN) values.shift();
}

/** Median of the values, at most `reach` away from what people in general have. @param {number[]} values @param {number} general @param {number} reach */
function usual(values, general, reach) {
  if (!values.length) return general;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const median =
    sorted.length % 2 ? (sorted[Math.floor(half)] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
  return Math.min(Math.max(median, general - reach), general + reach);
}
