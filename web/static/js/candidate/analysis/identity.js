/** @file Same person or not: the descriptor of a face, and when a face is good enough to ask (media/biometrics/matching.py). */

import { CHIP_SIZE, chip, FivePoints } from "./five_points.js";
import { Face } from "./faces.js";
import { crop, grey, mean } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** 128 numbers: a template. It never leaves this browser. @typedef {Float32Array} Descriptor */
/** @typedef {"match" | "mismatch" | "undetermined"} Verdict */
/** @typedef {{match_below: number, mismatch_from: number, alone_match_below: number, several_match_below: number, several_mismatch_from: number}} Thresholds */
/** @typedef {{min_width: number, min_score: number, max_yaw: number, max_pitch: number, min_brightness: number}} QualityGate */

export const DESCRIPTOR_MODEL = "dlib_face_recognition_resnet_model_v1";
export const FIVE_POINTS_MODEL = "shape_predictor_5_face_landmarks";

/** All descriptors are compared at this length: their own tells light, not people (media/biometrics/engine.py). */
const LENGTH = 1.414;
/** What makes of a detector's box one that the five points expect: times as wide, up by that share (dlib_engine.py). */
const BOX_SIZE = 1.1;
const BOX_UP = 0.05;
/** How far from the face alignment may look, in widths of the face (media/biometrics/engine.py). */
const ROOM = 1;

/** The same direction at the common length. @param {Descriptor} descriptor @returns {Descriptor} */
function atLength(descriptor) {
  const scale = LENGTH / Math.max(Math.hypot(...descriptor), 1e-9);
  return descriptor.map((value) => value * scale);
}

/** The nearest whole number, of two the even one: as the appliance rounds. @param {number} value */
function toEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

/** Euclidean distance at one length; below 0.6 for most pairs of one person. @param {Descriptor} first @param {Descriptor} second */
export function distance(first, second) {
  const [one, other] = [atLength(first), atLength(second)];
  return Math.hypot(...one.map((value, index) => value - (other[index] ?? 0)));
}

/** The part of the picture about a face, and the face in it. @param {Picture} picture @param {Face} face @returns {[Picture, Face]} */
function surroundings(picture, face) {
  const room = ROOM * face.width;
  const left = Math.trunc(Math.min(Math.max(face.left - room, 0), picture.width - 1));
  const top = Math.trunc(Math.min(Math.max(face.top - room, 0), picture.height - 1));
  const right = Math.min(Math.trunc(face.left + face.width + room) + 1, picture.width);
  const bottom = Math.min(Math.trunc(face.top + face.height + room) + 1, picture.height);
  return [crop(picture, left, top, Math.max(right - left, 1), Math.max(bottom - top, 1)), face.moved(-left, -top)];
}

/** @param {Picture} picture @returns {Picture} */
function mirrored({ rgba, width, height }) {
  const flipped = new Uint8ClampedArray(rgba.length);
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < width; column += 1) {
      const from = (row * width + column) * 4;
      flipped.set(rgba.subarray(from, from + 4), (row * width + width - 1 - column) * 4);
    }
  return { width, height, rgba: flipped };
}

/** @param {number} apart @param {Thresholds} thresholds @returns {Verdict} */
export function verdictOf(apart, thresholds) {
  if (apart < thresholds.match_below) return "match";
  return apart >= thresholds.mismatch_from ? "mismatch" : "undetermined";
}

/** The same thresholds for the mean of three pictures. @param {Thresholds} thresholds @returns {Thresholds} */
export const ofSeveral = (thresholds) => ({
  ...thresholds,
  match_below: thresholds.several_match_below,
  mismatch_from: thresholds.several_mismatch_from,
});

/** What several descriptors of one person say together. @param {Descriptor[]} descriptors @returns {Descriptor} */
export function together(descriptors) {
  const sum = new Float32Array(descriptors[0]?.length ?? 0);
  for (const descriptor of descriptors) atLength(descriptor).forEach((value, index) => (sum[index] = (sum[index] ?? 0) + value));
  return atLength(sum);
}

/** The box of a face as far as it lies in the picture, in whole pixels. @param {Picture} picture @param {Face} face */
export function boxOf({ width, height }, face) {
  const left = Math.max(Math.round(face.left), 0);
  const top = Math.max(Math.round(face.top), 0);
  const right = Math.min(Math.round(face.left + face.width), width);
  const bottom = Math.min(Math.round(face.top + face.height), height);
  return { left, top, width: Math.max(right - left, 0), height: Math.max(bottom - top, 0) };
}

/** Mean grey 0..255 inside the face box. @param {Picture} picture @param {Face} face */
export function brightness(picture, face) {
  const { left, top, width, height } = boxOf(picture, face);
  return width && height ? mean(grey(crop(picture, left, top, width, height))) : 0;
}

export class Identity {
  /** @param {import("./networks.js").Networks} networks @param {Thresholds} thresholds @param {QualityGate} gate */
  constructor(networks, thresholds, gate) {
    this.networks = networks;
    this.thresholds = thresholds;
    this.gate = gate;
    /** @type {Promise<FivePoints> | null} */
    this.points = null;
  }

  /** Why this face cannot be compared; empty when it can. @param {Picture} picture @param {Face} face @param {import("./mesh.js").FaceMesh} mesh */
  objection(picture, face, mesh) {
    const { gate } = this;
    if (face.width < gate.min_width) return "too_small";
    if (face.score < gate.min_score || mesh.presence < 0.5) return "unclear";
    const { yaw, pitch } = mesh.pose;
    if (Math.abs(yaw) > gate.max_yaw || Math.abs(pitch) > gate.max_pitch) return "turned_away";
    return brightness(picture, face) < gate.min_brightness ? "too_dark" : "";
  }

  /** The face upright, 150 x 150. @param {Picture} picture @param {Face} face */
  async aligned(picture, face) {
    const { models, five_points: sizes } = this.networks.manifest;
    this.points ??= this.networks
      .file(models[FIVE_POINTS_MODEL]?.file ?? "")
      .then((content) => new FivePoints(content, sizes));
    const [part, near] = surroundings(picture, face);
    const [x, middle] = near.centre;
    const y = middle - BOX_UP * near.width;
    const half = (Math.max(near.width, near.height) * BOX_SIZE) / 2;
    const box = /** @type {import("./five_points.js").Box} */ (
      [x - half, y - half, x + half, y + half].map(toEven)
    );
    return chip(part, (await this.points).find(part, box));
  }

  /** The network's own answer. @param {Picture} picture @param {Face} face @returns {Promise<Descriptor>} */
  async describe(picture, face) {
    const input = await this.aligned(picture, face);
    const [found] = await this.networks.run(DESCRIPTOR_MODEL, input, [1, CHIP_SIZE, CHIP_SIZE, 3]);
    return Float32Array.from(found ?? []);
  }

  /** The face without its mirror image: tells sure matches. @param {Picture} picture @param {Face} face @returns {Promise<Descriptor>} */
  async describeAlone(picture, face) {
    const [part, near] = surroundings(picture, face);
    return together([await this.describe(part, near)]);
  }

  /** The mean of a face and its mirror image: to decide by (media/biometrics/describing.py). @param {Picture} picture @param {Face} face @returns {Promise<Descriptor>} */
  async describeWell(picture, face) {
    const [part, near] = surroundings(picture, face);
    const { left, top, width, height, score, keypoints } = near;
    const flipped = new Face(part.width - left - width, top, width, height, score, keypoints);
    return together([await this.describe(part, near), await this.describe(mirrored(part), flipped)]);
  }
}
