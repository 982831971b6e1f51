/** @file camera_no_picture: the same picture again and again (media/detectors/frozen_picture.py). */

import { grey } from "../pixels.js";
import { round } from "../rules.js";

/** Mean difference of two pictures in grey levels, of which a living face has three times as much. */
const STILL = 0.25;

export class FrozenPicture {
  name = "frozen_picture";
  type = "camera_no_picture";
  /** @type {string[]} */
  models = [];
  /** @type {Uint8Array | null} */
  grey = null;
  atMs = 0;

  /** @param {import("../scene.js").Scene} scene @returns {import("../rules.js").Sample} */
  sample(scene) {
    const now = grey(scene.picture);
    const before = this.grey;
    const beforeMs = this.atMs;
    this.grey = now;
    this.atMs = scene.atMs;
    if (before === null || before.length !== now.length || scene.mainFace === null)
      return { atMs: scene.atMs, score: null };
    let sum = 0;
    for (let index = 0; index < now.length; index += 1) sum += Math.abs((now[index] ?? 0) - (before[index] ?? 0));
    const difference = sum / now.length;
    return {
      atMs: scene.atMs,
      score: Math.max(0, 1 - difference / (2 * STILL)),
      sinceMs: beforeMs,
      details: { reason: "frozen", difference: round(difference, 3) },
    };
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs }) {
    this.grey = null;
    return { atMs, score: null };
  }
}
