/** @file substitution_user: another person sits there than at the check-in (media/detectors/impostor.py). */

import { distance, verdictOf } from "../identity.js";
import { mean } from "../pixels.js";
import { round } from "../rules.js";

/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../faces.js").Face} Face */
/** @typedef {import("../identity.js").Descriptor} Descriptor */

/** Another person is told after that many comparisons in a row, by their mean distance. */
const CHECKS = 3;
/** A face that moves by more than this share of its width between two pictures may be another one. */
const JUMP = 0.8;
/** Further faces compared when the nearest is not the candidate's. */
const OTHERS = 2;

export class Impostor {
  name = "impostor";
  type = "substitution_user";
  models = ["shape_predictor_5_face_landmarks", "dlib_face_recognition_resnet_model_v1"];

  /**
   * @param {import("../identity.js").Identity} identity
   * @param {Descriptor | null} reference without one there is never a score
   * @param {{matched_ms: number, doubtful_ms: number, mismatched_ms: number}} interval
   */
  constructor(identity, reference, interval) {
    this.identity = identity;
    this.reference = reference;
    this.interval = interval;
    /** @type {Face | null} */
    this.face = null;
    this.trackMs = 0;
    /** @type {number[]} */
    this.distances = [];
    /** @type {import("../identity.js").Verdict | null} */
    this.verdict = null;
    /** @type {number | null} */
    this.checkedMs = null;
    /** @type {number | null} */
    this.mismatchMs = null;
  }

  /** @param {Scene} scene @returns {Promise<import("../rules.js").Sample>} */
  async sample(scene) {
    const { atMs } = scene;
    if (this.reference === null) return { atMs, score: null };
    const face = scene.mainFace;
    if (face === null || !scene.isReadable) {
      this.face = null;
      // Nobody there is no substitution; in the dark nothing can be said.
      return { atMs, score: scene.isReadable ? 0 : null };
    }
    if (this.face === null || jumped(this.face, face)) this.start(atMs);
    this.face = face;
    if (this.due(atMs)) {
      const objection = this.identity.objection(scene.picture, face, await scene.meshOf(face));
      if (!objection) await this.check(scene, face, this.reference);
      else if (this.verdict === null)
        return { atMs, score: null, doubt: "identity_unclear", details: { quality: objection } };
    }
    return this.score(atMs);
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs }) {
    this.face = null;
    return { atMs, score: null };
  }

  /** A face appeared, or another one may have taken its place. @param {number} atMs */
  start(atMs) {
    this.trackMs = atMs;
    this.distances = [];
    this.checkedMs = this.verdict = this.mismatchMs = null;
  }

  /** @param {number} atMs */
  due(atMs) {
    if (this.checkedMs === null) return true;
    const waited = atMs - this.checkedMs;
    if (this.verdict === "match") return waited >= this.interval.matched_ms;
    if (this.verdict === "undetermined") return waited >= this.interval.doubtful_ms;
    return this.distances.length < CHECKS || waited >= this.interval.mismatched_ms;
  }

  /** @param {Scene} scene @param {Face} face @param {Descriptor} reference */
  async check(scene, face, reference) {
    const apart = await this.nearest(scene, face, reference);
    const first = this.checkedMs === null;
    this.checkedMs = scene.atMs;
    const latest = verdictOf(apart, this.identity.thresholds);
    if (latest !== "mismatch") {
      this.distances = [];
      this.mismatchMs = null;
    } else {
      this.mismatchMs ??= first ? this.trackMs : scene.atMs;
    }
    this.distances = [...this.distances, apart].slice(-CHECKS);
    this.verdict = latest;
  }

  /** Of the main face, or of others when that is a stranger. @param {Scene} scene @param {Face} face @param {Descriptor} reference */
  async nearest(scene, face, reference) {
    let apart = distance(await this.identity.describeWell(scene.picture, face), reference);
    for (const other of scene.sureFaces.filter((each) => each !== face).slice(0, OTHERS)) {
      if (apart < this.identity.thresholds.mismatch_from) break;
      if (!this.identity.objection(scene.picture, other, await scene.meshOf(other)))
        apart = Math.min(apart, distance(await this.identity.describeWell(scene.picture, other), reference));
    }
    return apart;
  }

  /** @param {number} atMs @returns {import("../rules.js").Sample} */
  score(atMs) {
    const waiting = this.verdict === "mismatch" && this.distances.length < CHECKS;
    if (this.verdict === null || waiting) return { atMs, score: null };
    const apart = mean(this.distances);
    return {
      atMs,
      score: Math.min(Math.max((apart - 0.4) / 0.4, 0), 1),
      sinceMs: this.mismatchMs,
      doubt: this.verdict === "undetermined" ? "identity_unclear" : "",
      details: { distance: round(apart, 3) },
    };
  }
}

/** @param {Face} before @param {Face} now */
function jumped(before, now) {
  const [x, y] = before.centre;
  const [newX, newY] = now.centre;
  const moved = Math.max(Math.abs(newX - x), Math.abs(newY - y)) > JUMP * Math.max(before.width, now.width);
  const share = now.width / Math.max(before.width, 1);
  return moved || !(share > 0.6 && share < 1 / 0.6);
}
