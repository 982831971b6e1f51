/** @file Faces in a picture: BlazeFace for near and far ones, decoded as media/biometrics/faces.py does it. */

import { shrink } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./networks.js").Networks} Networks */

const MIN_SCORE = 0.2;
/** Boxes of one network that overlap more (intersection over union) are the same face. */
const OVERLAP = 0.3;
/** Boxes of the two networks are the same face when the smaller one lies in the larger by more than this share. */
const SAME_FACE = 0.5;

/** A weaker face must be confirmed by the mesh network. */
export const SURE = 0.6;

export class Face {
  /**
   * @param {number} left @param {number} top @param {number} width @param {number} height
   * @param {number} score 0 to 1, the network's own confidence
   * @param {number[]} keypoints x, y of: eye at the picture's left, eye at its right, nose tip, mouth, ears
   */
  constructor(left, top, width, height, score, keypoints) {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
    this.score = score;
    this.keypoints = keypoints;
  }

  /** Middle of the box. @returns {[number, number]} */
  get centre() {
    return [this.left + this.width / 2, this.top + this.height / 2];
  }

  /** Angle in radians of the line through the eyes, positive clockwise. */
  get roll() {
    const [leftX = 0, leftY = 0, rightX = 0, rightY = 0] = this.keypoints;
    return Math.atan2(rightY - leftY, rightX - leftX);
  }

  /** Share 0 to 1 of the smaller box that lies in the other one. @param {Face} other */
  inside(other) {
    const across = Math.min(this.left + this.width, other.left + other.width) - Math.max(this.left, other.left);
    const down = Math.min(this.top + this.height, other.top + other.height) - Math.max(this.top, other.top);
    const smaller = Math.min(this.width * this.height, other.width * other.height);
    return (Math.max(across, 0) * Math.max(down, 0)) / Math.max(smaller, 1e-6);
  }

  /** The same face with another score. @param {number} score */
  scored(score) {
    return new Face(this.left, this.top, this.width, this.height, score, this.keypoints);
  }

  /** The same face in a picture of which this one was a part. @param {number} left @param {number} top */
  moved(left, top) {
    const keypoints = this.keypoints.map((value, index) => value + (index % 2 ? top : left));
    return new Face(this.left + left, this.top + top, this.width, this.height, this.score, keypoints);
  }
}

/** Centres (0 to 1) of a network's cells. @param {number} size @param {[number, number][]} strides stride, anchors a cell */
function anchorsOf(size, strides) {
  /** @type {[number, number][]} */
  const cells = [];
  for (const [stride, repeats] of strides) {
    const ticks = Math.floor(size / stride);
    for (let y = 0; y < ticks; y += 1)
      for (let x = 0; x < ticks; x += 1)
        for (let again = 0; again < repeats; again += 1) cells.push([(x + 0.5) / ticks, (y + 0.5) / ticks]);
  }
  return cells;
}

/** The picture letterboxed into the square, values -1 to 1. @param {Picture} picture @param {number} size */
function letterbox(picture, size) {
  const scale = size / Math.max(picture.width, picture.height);
  const wide = Math.max(Math.round(picture.width * scale), 1);
  const high = Math.max(Math.round(picture.height * scale), 1);
  const left = Math.floor((size - wide) / 2);
  const top = Math.floor((size - high) / 2);
  const small = shrink(picture, wide, high);
  const tensor = new Float32Array(size * size * 3).fill(-1);
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const from = (y * wide + x) * 4;
      const to = ((top + y) * size + left + x) * 3;
      for (let channel = 0; channel < 3; channel += 1)
        tensor[to + channel] = ((small.rgba[from + channel] ?? 0) * 2) / 255 - 1;
    }
  }
  return { tensor, scale, left, top };
}

/** x, y of the centre, width, height, then the keypoints. @typedef {{values: number[], score: number}} Candidate */

/** Weighted non-maximum suppression: the candidates of each face, best face first. @param {Candidate[]} candidates */
export function facesOf(candidates) {
  let rest = [...candidates].sort((a, b) => b.score - a.score);
  /** @type {Face[]} */
  const faces = [];
  while (rest.length) {
    const best = /** @type {Candidate} */ (rest[0]);
    const same = rest.filter((other) => other === best || overlap(best.values, other.values) > OVERLAP);
    rest = rest.filter((other) => !same.includes(other));
    const total = same.reduce((sum, { score }) => sum + score, 0);
    const values = best.values.map(
      (_, index) => same.reduce((sum, each) => sum + (each.values[index] ?? 0) * each.score, 0) / total,
    );
    const [x = 0, y = 0, width = 0, height = 0, ...keypoints] = values;
    faces.push(new Face(x - width / 2, y - height / 2, width, height, best.score, keypoints));
  }
  return faces;
}

/** Intersection over union. @param {number[]} first @param {number[]} second */
function overlap([x = 0, y = 0, width = 0, height = 0], [otherX = 0, otherY = 0, otherWidth = 0, otherHeight = 0]) {
  const across = Math.min(x + width / 2, otherX + otherWidth / 2) - Math.max(x - width / 2, otherX - otherWidth / 2);
  const down = Math.min(y + height / 2, otherY + otherHeight / 2) - Math.max(y - height / 2, otherY - otherHeight / 2);
  const shared = Math.max(across, 0) * Math.max(down, 0);
  return shared / (width * height + otherWidth * otherHeight - shared);
}

class BlazeFace {
  /** @param {Networks} networks @param {string} model @param {number} size @param {[number, number][]} strides */
  constructor(networks, model, size, strides) {
    this.networks = networks;
    this.model = model;
    this.size = size;
    this.cells = anchorsOf(size, strides);
  }

  /** Faces with a score above MIN_SCORE, best first. @param {Picture} picture */
  async detect(picture) {
    const { tensor, scale, left, top } = letterbox(picture, this.size);
    const [boxes, logits] = await this.networks.run(this.model, tensor, [1, this.size, this.size, 3]);
    /** @type {Candidate[]} */
    const candidates = [];
    this.cells.forEach(([x, y], index) => {
      const score = 1 / (1 + Math.exp(-Math.min(Math.max(logits?.[index] ?? -80, -80), 80)));
      if (score <= MIN_SCORE) return;
      const values = Array.from(boxes?.subarray(index * 16, index * 16 + 16) ?? []);
      const placed = values.map((value, at) => {
        // The third and fourth are the box's size, all else are places.
        if (at === 2 || at === 3) return value / scale;
        return at % 2 ? (value + y * this.size - top) / scale : (value + x * this.size - left) / scale;
      });
      candidates.push({ values: placed, score });
    });
    return facesOf(candidates);
  }
}

export class FaceDetector {
  /** @param {Networks} networks */
  constructor(networks) {
    this.short = new BlazeFace(networks, "face_detection_short_range", 128, [
      [8, 2],
      [16, 6],
    ]);
    this.full = new BlazeFace(networks, "face_detection_full_range", 192, [[4, 1]]);
  }

  /** All faces, largest first; of a face that both networks see, the surer one is kept. @param {Picture} picture */
  async all(picture) {
    return distinct(byTrust([...(await this.short.detect(picture)), ...(await this.full.detect(picture))]));
  }

  /** The same for pictures of a camera: a sure near face keeps the near detector's box, so that it does not jump. @param {Picture} picture */
  async watch(picture) {
    const near = await this.short.detect(picture);
    const far = await this.full.detect(picture);
    return distinct([...near.filter((each) => each.score >= SURE), ...byTrust([...near, ...far])]);
  }
}

/** @param {Face[]} faces */
const byTrust = (faces) => faces.sort((a, b) => b.score - a.score);

/** Each face once, the first named of those that are the same; largest first. @param {Face[]} found */
function distinct(found) {
  /** @type {Face[]} */
  const faces = [];
  for (const face of found) if (faces.every((known) => face.inside(known) < SAME_FACE)) faces.push(face);
  return faces.sort((a, b) => b.width * b.height - a.width * a.height);
}
