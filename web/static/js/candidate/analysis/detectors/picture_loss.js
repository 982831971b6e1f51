/** @file camera_no_picture: black, covered, or no pictures at all (media/detectors/picture_loss.py). */

import { BLACK_BELOW } from "../scene.js";
import { round } from "../rules.js";

export class PictureLoss {
  name = "picture_loss";
  type = "camera_no_picture";
  /** @type {string[]} */
  models = [];

  /** @param {import("../scene.js").Scene} scene @returns {import("../rules.js").Sample} */
  sample(scene) {
    if (!scene.isBlank) return { atMs: scene.atMs, score: 0 };
    const reason = scene.brightness < BLACK_BELOW ? "black" : "covered";
    return { atMs: scene.atMs, score: 1, details: { reason, brightness: round(scene.brightness, 1) } };
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs, sinceMs }) {
    return { atMs, score: 1, sinceMs, details: { reason: "no_frames" } };
  }
}
