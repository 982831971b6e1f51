/** @file The photos of the check-in, judged where they are taken: a face, one, good enough to compare? (media/biometrics/photos.py) */

import { FaceDetector } from "./faces.js";
import { DESCRIPTOR_MODEL, boxOf, brightness, distance, FIVE_POINTS_MODEL, Identity, verdictOf } from "./identity.js";
import { MeshNetwork } from "./mesh.js";
import { crop, deviation, grey, resize } from "./pixels.js";
import { round } from "./rules.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./faces.js").Face} Face */
/** @typedef {import("./mesh.js").FaceMesh} FaceMesh */
/** @typedef {{face: Face, mesh: FaceMesh}} Found */
/** What is told the server. @typedef {{usable: boolean, hints: string[], verdict: import("./identity.js").Verdict | null, distance: number | null, models: Record<string, string>}} Said */

const MAX_SIDE = 1600;
const SURE = 0.6;
/** Share of a document's width and height that is looked at at once; neighbours overlap. */
const PART = 0.55;
const [SMALL_FACE, SMALL_PORTRAIT] = [100, 40];
const MAX_TURN = 25;
const [DARK, BRIGHT] = [50, 225];
/** Variance of the Laplacian of the face at 150 pixels, below which it is blurred. */
const BLURRED = 8;
/** A printed portrait, years old: only a larger distance says that it is another person. */
const OLD_PORTRAIT = 0.7;
const MODELS = ["face_detection_short_range", "face_detection_full_range", "face_landmark", FIVE_POINTS_MODEL, DESCRIPTOR_MODEL];

/**
 * @param {import("./networks.js").Networks} networks
 * @param {import("./settings.js").Settings} settings
 * @param {"face" | "document"} kind
 * @param {Picture} taken
 * @param {import("./identity.js").Descriptor | null} reference of the face photo, for a face that of an earlier one
 * @returns {Promise<{said: Said, descriptor: import("./identity.js").Descriptor | null}>} the descriptor is a template: it stays here
 */
export async function judgePhoto(networks, settings, kind, taken, reference) {
  const eyes = new Eyes(networks);
  const identity = new Identity(networks, settings.thresholds, settings.gate);
  const picture = shrunk(taken);
  const models = networks.hashes(MODELS);
  const refuse = (/** @type {string[]} */ hints) => ({
    said: { usable: false, hints, verdict: null, distance: null, models },
    descriptor: null,
  });
  let faces = await eyes.faces(picture);
  if (!faces.length && kind === "document") faces = await eyes.inParts(picture);
  const [found] = faces;
  if (!found) return refuse(["no_face"]);
  if (kind === "face" && faces.length > 1) return refuse(["several_faces"]);
  const hints = quality(picture, found, kind === "document");
  if (hints.length) return refuse(hints);
  const descriptor = await identity.describeWell(picture, found.face);
  if (!reference)
    return { said: { usable: true, hints: [], verdict: null, distance: null, models }, descriptor };
  const apart = distance(descriptor, reference);
  let verdict = verdictOf(apart, settings.thresholds);
  if (kind === "document" && verdict === "mismatch" && apart < OLD_PORTRAIT) verdict = "undetermined";
  return { said: { usable: true, hints: [], verdict, distance: round(apart, 4), models }, descriptor };
}

class Eyes {
  /** @param {import("./networks.js").Networks} networks */
  constructor(networks) {
    this.detector = new FaceDetector(networks);
    this.meshes = new MeshNetwork(networks);
  }

  /** @param {Picture} picture */
  async faces(picture) {
    /** @type {Found[]} */
    const found = [];
    for (const face of await this.detector.all(picture)) {
      if (face.score < SURE) continue;
      const mesh = await this.meshes.mesh(picture, face);
      if (mesh.presence >= 0.5) found.push({ face, mesh });
    }
    return found;
  }

  /** A portrait on a document is small and pale: look again at overlapping parts of the picture. @param {Picture} picture */
  async inParts(picture) {
    const high = Math.round(picture.height * PART);
    const wide = Math.round(picture.width * PART);
    /** @type {Face | null} */
    let best = null;
    for (const top of [0, Math.floor((picture.height - high) / 2), picture.height - high]) {
      for (const left of [0, Math.floor((picture.width - wide) / 2), picture.width - wide]) {
        for (const { face } of await this.faces(crop(picture, left, top, wide, high))) {
          const moved = face.moved(left, top);
          if (best === null || moved.score * moved.width > best.score * best.width) best = moved;
        }
      }
    }
    return best ? [{ face: best, mesh: await this.meshes.mesh(picture, best) }] : [];
  }
}

/** @param {Picture} picture @returns {Picture} */
function shrunk(picture) {
  const scale = MAX_SIDE / Math.max(picture.width, picture.height);
  return scale < 1 ? resize(picture, Math.round(picture.width * scale), Math.round(picture.height * scale)) : picture;
}

/** @param {Picture} picture @param {Found} found @param {boolean} portrait */
function quality(picture, { face, mesh }, portrait) {
  const light = brightness(picture, face);
  const judged = {
    too_small: face.width < (portrait ? SMALL_PORTRAIT : SMALL_FACE),
    too_dark: light < DARK,
    too_bright: light > BRIGHT,
    turned_away: !portrait && Math.abs(mesh.pose.yaw) > MAX_TURN,
    blurred: !portrait && sharpness(picture, face) < BLURRED,
  };
  return Object.entries(judged).flatMap(([hint, bad]) => (bad ? [hint] : []));
}

/** Variance of the Laplacian of the face at 150 pixels. @param {Picture} picture @param {Face} face */
function sharpness(picture, face) {
  const box = boxOf(picture, face);
  if (!box.width || !box.height) return 0;
  const SIZE = 150;
  const values = grey(resize(picture, SIZE, SIZE, box));
  // At the edge the picture is mirrored about its last pixel, as OpenCV does it.
  const at = (/** @type {number} */ x, /** @type {number} */ y) => {
    const [column, row] = [x, y].map((value) => (value < 0 ? -value : value >= SIZE ? 2 * SIZE - 2 - value : value));
    return values[(row ?? 0) * SIZE + (column ?? 0)] ?? 0;
  };
  const laplacian = Array.from({ length: SIZE * SIZE }, (_, index) => {
    const [x, y] = [index % SIZE, Math.floor(index / SIZE)];
    return at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
  });
  return deviation(laplacian) ** 2;
}
