/** @file The 468-point face mesh, the head's direction, and the irises, as media/biometrics/mesh.py has them. */

import { Square } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./faces.js").Face} Face */
/** Degrees: yaw to the picture's right, pitch down, roll clockwise. @typedef {{yaw: number, pitch: number, roll: number}} HeadPose */
/**
 * @typedef {object} EyeGaze
 * @property {number} across 0 at the eye's corner at the picture's left, 1 at the other
 * @property {number} opening distance of the lids divided by the eye's width
 * @property {number} down how far the iris stands below the corners, as a share of the eye's width
 */

const MESH_SIZE = 192;
const MESH_MARGIN = 1.5;
const EYE_SIZE = 64;
const EYE_MARGIN = 2.3;
/** The network is trained on crops round its own mesh. */
const MESH_PASSES = 3;
/** A crop that would move by less than this share of its side stays. */
const MESH_SETTLED = 0.05;
const CHIN = 152;
/** Pairs of points that mirror each other: eyes, brows, lids, nostrils, mouth, cheeks, jaw. Their mean is across. */
const SIDES = /** @type {const} */ ([
  [33, 263], [133, 362], [61, 291], [234, 454], [127, 356], [93, 323], [132, 361],
  [58, 288], [129, 358], [46, 276], [116, 345], [70, 300], [205, 425], [159, 386],
]); // prettier-ignore
const LEFT_EYE_CORNERS = /** @type {const} */ ([33, 133]);
const RIGHT_EYE_CORNERS = /** @type {const} */ ([362, 263]);
const DEGREES = 180 / Math.PI;

export class FaceMesh {
  /** @param {import("./pixels.js").Points} points 468 x 3 @param {number} presence 0 to 1: is there a face? */
  constructor(points, presence) {
    this.points = points;
    this.presence = presence;
  }

  /** @param {number} index @returns {[number, number, number]} */
  point(index) {
    const { points } = this;
    return [points[index * 3] ?? 0, points[index * 3 + 1] ?? 0, points[index * 3 + 2] ?? 0];
  }

  /** Mean of some points. @param {readonly number[]} indices @returns {Vector} */
  middle(indices) {
    const sum = indices.map((index) => this.point(index)).reduce((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
    return scaled(sum, 1 / indices.length);
  }

  /** Unit vectors across the face and up; right, up and towards the camera of each. @returns {{across: Vector, up: Vector}} */
  get axes() {
    const left = this.middle(SIDES.map((pair) => pair[0]));
    const across = unit(turned(difference(this.middle(SIDES.map((pair) => pair[1])), left)));
    const eyes = this.middle([...LEFT_EYE_CORNERS, ...RIGHT_EYE_CORNERS]);
    const up = turned(difference(eyes, this.point(CHIN)));
    return { across, up: unit(difference(up, scaled(across, dot(across, up)))) };
  }

  /** Leaning alone (roll) changes neither yaw nor pitch. @returns {HeadPose} */
  get pose() {
    const { across, up } = this.axes;
    return {
      yaw: Math.asin(-across[2]) * DEGREES,
      pitch: Math.asin(up[2]) * DEGREES,
      roll: Math.atan2(-across[1], across[0]) * DEGREES,
    };
  }
}

/** @typedef {[number, number, number]} Vector */
/** @param {Vector} a @param {Vector} b @returns {Vector} */
const difference = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
/** @param {Vector} vector @param {number} factor @returns {Vector} */
const scaled = (vector, factor) => [vector[0] * factor, vector[1] * factor, vector[2] * factor];
/** @param {Vector} a @param {Vector} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @param {Vector} vector @returns {Vector} */
const unit = (vector) => scaled(vector, 1 / Math.max(Math.hypot(...vector), 1e-9));
/** From down and away to up and near. @param {Vector} vector @returns {Vector} */
const turned = ([x, y, z]) => [x, -y, -z];

/** The crop for the mesh's own points: upright by the eyes' outer corners. @param {FaceMesh} mesh */
function round(mesh) {
  const start = mesh.point(LEFT_EYE_CORNERS[0]);
  const end = mesh.point(RIGHT_EYE_CORNERS[1]);
  const angle = Math.atan2(end[1] - start[1], end[0] - start[0]);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  for (let index = 0; index < mesh.points.length; index += 3) {
    const [x = 0, y = 0] = mesh.points.subarray(index, index + 2);
    [x * cosine + y * sine, y * cosine - x * sine].forEach((value, axis) => {
      low[axis] = Math.min(low[axis] ?? value, value);
      high[axis] = Math.max(high[axis] ?? value, value);
    });
  }
  const [lowX = 0, lowY = 0] = low;
  const [highX = 0, highY = 0] = high;
  const [x, y] = [(lowX + highX) / 2, (lowY + highY) / 2];
  const side = MESH_MARGIN * Math.max(highX - lowX, highY - lowY);
  return new Square(x * cosine - y * sine, x * sine + y * cosine, side, angle);
}

/** @param {Square} first @param {Square} second */
function isNear(first, second) {
  const moved = Math.hypot(first.x - second.x, first.y - second.y) / second.side;
  const grown = Math.abs(Math.log(Math.max(first.side, 1e-6) / Math.max(second.side, 1e-6)));
  const angle = Math.abs(Math.sin(first.angle - second.angle));
  return moved < MESH_SETTLED && grown < 2 * MESH_SETTLED && angle < 3 * MESH_SETTLED;
}

export class MeshNetwork {
  /** @param {import("./networks.js").Networks} networks */
  constructor(networks) {
    this.networks = networks;
  }

  /** @param {Picture} picture @param {Face} face */
  async mesh(picture, face) {
    const [x, y] = face.centre;
    let square = new Square(x, y, MESH_MARGIN * Math.max(face.width, face.height), face.roll);
    let mesh = await this.pass(picture, square);
    for (let pass = 1; pass < MESH_PASSES && mesh.presence >= 0.5; pass += 1) {
      const better = round(mesh);
      if (isNear(better, square)) break;
      square = better;
      mesh = await this.pass(picture, square);
    }
    return mesh;
  }

  /** @param {Picture} picture @param {Square} square */
  async pass(picture, square) {
    const input = square.cut(picture, MESH_SIZE);
    const [points, logit] = await this.networks.run("face_landmark", input, [1, MESH_SIZE, MESH_SIZE, 3]);
    const belief = Math.min(Math.max(logit?.[0] ?? -80, -80), 80);
    return new FaceMesh(square.back(points ?? [], MESH_SIZE), 1 / (1 + Math.exp(-belief)));
  }

  /** The eye at the picture's left, then the one at its right. @param {Picture} picture @param {FaceMesh} mesh @returns {Promise<[EyeGaze, EyeGaze]>} */
  async gaze(picture, mesh) {
    const left = await this.eye(picture, mesh, LEFT_EYE_CORNERS, false);
    return [left, await this.eye(picture, mesh, RIGHT_EYE_CORNERS, true)];
  }

  /** @param {Picture} picture @param {FaceMesh} mesh @param {readonly [number, number]} corners @param {boolean} mirrored @returns {Promise<EyeGaze>} */
  async eye(picture, mesh, corners, mirrored) {
    const start = mesh.point(corners[0]);
    const end = mesh.point(corners[1]);
    const wide = [end[0] - start[0], end[1] - start[1]];
    const square = new Square(
      (start[0] + end[0]) / 2,
      (start[1] + end[1]) / 2,
      EYE_MARGIN * Math.hypot(wide[0] ?? 0, wide[1] ?? 0),
      Math.atan2(wide[1] ?? 0, wide[0] ?? 0),
    );
    const input = square.cut(picture, EYE_SIZE, mirrored);
    const [contour, iris] = await this.networks.run("iris_landmark", input, [1, EYE_SIZE, EYE_SIZE, 3]);
    const eye = square.back(contour?.subarray(0, 48) ?? [], EYE_SIZE, mirrored);
    const at = (/** @type {number} */ index) => [eye[index * 3] ?? 0, eye[index * 3 + 1] ?? 0];
    const centre = square.back(iris?.subarray(0, 3) ?? [], EYE_SIZE, mirrored);
    // The contour's points 0 and 8 are the outer and inner corner, in the mirrored eye the other way round.
    const [firstX = 0, firstY = 0] = at(mirrored ? 8 : 0);
    const [lastX = 0, lastY = 0] = at(mirrored ? 0 : 8);
    const [alongX, alongY] = [lastX - firstX, lastY - firstY];
    const length = Math.max(alongX ** 2 + alongY ** 2, 1e-6);
    const [upX = 0, upY = 0] = at(4);
    const [lowX = 0, lowY = 0] = at(12);
    const fromX = (centre[0] ?? 0) - firstX;
    const fromY = (centre[1] ?? 0) - firstY;
    return {
      across: (fromX * alongX + fromY * alongY) / length,
      opening: Math.hypot(lowX - upX, lowY - upY) / Math.max(Math.hypot(alongX, alongY), 1e-6),
      down: (alongX * fromY - alongY * fromX) / length,
    };
  }
}
