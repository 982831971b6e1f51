/** @file substitution_user: another person sits there than at the check-in (media/detectors/impostor.py). */

import { distance, ofSeveral, together, verdictOf } from "../identity.js";
import { round } from "../rules.js";

/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../faces.js").Face} Face */
/** @typedef {import("../identity.js").Descriptor} Descriptor */

/** Who is no match is told by that many successive pictures together. */
const CHECKS = 3;
/** Distance that scores 0, and by how much a distance is farther that scores 1. */
const NEAR = 0.33;
const SPAN = 0.4;
/** Highest score of a match, so that it ends what was told before. */
const MATCHED = 0.35;
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
    /** Of the last pictures, none of which was a match. @type {Descriptor[]} */
    this.unlike = [];
    this.apart = 0;
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
    this.unlike = [];
    this.checkedMs = this.verdict = this.mismatchMs = null;
  }

  /** @param {number} atMs */
  due(atMs) {
    if (this.checkedMs === null) return true;
    const waited = atMs - this.checkedMs;
    if (this.verdict === "match") return waited >= this.interval.matched_ms;
    if (this.unlike.length < CHECKS) return true;
    const { doubtful_ms: doubtful, mismatched_ms: mismatched } = this.interval;
    return waited >= (this.verdict === "undetermined" ? doubtful : mismatched);
  }

  /** @param {Scene} scene @param {Face} face @param {Descriptor} reference */
  async check(scene, face, reference) {
    const { thresholds } = this.identity;
    const { found, apart } = await this.nearest(scene, face, reference);
    const first = this.checkedMs === null;
    this.checkedMs = scene.atMs;
    this.apart = apart;
    this.verdict = verdictOf(apart, thresholds);
    if (this.verdict !== "match") {
      this.unlike = [...this.unlike, found].slice(-CHECKS);
      this.apart = distance(together(this.unlike), reference);
      this.verdict = verdictOf(this.apart, ofSeveral(thresholds));
    }
    if (this.verdict === "match") {
      this.unlike = [];
      this.mismatchMs = null;
    } else {
      this.mismatchMs ??= first ? this.trackMs : scene.atMs;
    }
  }

  /** Of the main face, or of others if that is no match. @param {Scene} scene @param {Face} face @param {Descriptor} reference */
  async nearest(scene, face, reference) {
    const alone = await this.identity.describeAlone(scene.picture, face);
    const away = distance(alone, reference);
    if (away < this.identity.thresholds.alone_match_below) return { found: alone, apart: away };
    let found = await this.identity.describeWell(scene.picture, face);
    let apart = distance(found, reference);
    for (const other of scene.sureFaces.filter((each) => each !== face).slice(0, OTHERS)) {
      if (apart < this.identity.thresholds.match_below) break;
      if (this.identity.objection(scene.picture, other, await scene.meshOf(other))) continue;
      const descriptor = await this.identity.describeWell(scene.picture, other);
      const distant = distance(descriptor, reference);
      if (distant < apart) [found, apart] = [descriptor, distant];
    }
    return { found, apart };
  }

  /** @param {number} atMs @returns {import("../rules.js").Sample} */
  score(atMs) {
    const matches = this.verdict === "match";
    if (this.verdict === null || !(matches || this.unlike.length === CHECKS)) return { atMs, score: null };
    return {
      atMs,
      score: Math.min(Math.max((this.apart - NEAR) / SPAN, 0), matches ? MATCHED : 1),
      sinceMs: this.mismatchMs,
      doubt: this.verdict === "undetermined" ? "identity_unclear" : "",
      details: { distance: round(this.apart, 3) },
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
