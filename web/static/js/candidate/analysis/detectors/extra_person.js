/** @file extra_user_in_frame: a second face in the picture (media/detectors/extra_person.py). */

import { PRESENT } from "../scene.js";

/** Face widths below this share of the picture's are not judged. */
const SMALLEST = 0.03;

export class ExtraPerson {
  name = "extra_person";
  type = "extra_user_in_frame";
  models = ["face_detection_short_range", "face_detection_full_range", "face_landmark"];

  /** @param {import("../scene.js").Scene} scene @returns {Promise<import("../rules.js").Sample>} */
  async sample(scene) {
    const { atMs } = scene;
    if (!scene.isReadable) return { atMs, score: null, doubt: scene.isDark && !scene.isBlank ? "too_dark" : "" };
    const wide = scene.picture.width * SMALLEST;
    const candidates = scene.faces.filter((face) => face.width >= wide && face.score >= 0.3);
    if (candidates.length < 2) return { atMs, score: 0, details: { faces: candidates.length } };
    const scores = [];
    for (const face of candidates)
      scores.push((await scene.meshOf(face)).presence >= PRESENT ? face.score : face.score / 2);
    scores.sort((a, b) => b - a);
    return { atMs, score: scores[1] ?? 0, details: { faces: scores.filter((score) => score >= 0.5).length } };
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs }) {
    return { atMs, score: null };
  }
}
