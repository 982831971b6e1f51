/** @file Eyes and nose by dlib's five-point predictor, and the face cut out upright by them, pixel by pixel as dlib does it. */

import { crop } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./networks.js").Manifest["five_points"]} Sizes */
/** @typedef {[number, number]} Point */
/** Scaling and turning, then moving: x' = a x - b y + x0, y' = b x + a y + y0. @typedef {{a: number, b: number, x: number, y: number}} Similarity */
/** Left, top, right, bottom. @typedef {[number, number, number, number]} Box */

export const CHIP_SIZE = 150;
const PADDING = 0.25;
/** Where the five points lie in the mean face, in shares of it (dlib's interpolation.h). */
const MEAN_FACE = /** @type {Point[]} */ ([
  [0.8595674595992, 0.2134981538014],
  [0.6460604764104, 0.2289674387677],
  [0.1205750620789, 0.2137274526848],
  [0.3340850613712, 0.2290642403242],
  [0.4901123135679, 0.6277975316475],
]);

/** The similarity that brings points nearest to others (Umeyama; dlib's find_similarity_transform). @param {Point[]} from @param {Point[]} to @returns {Similarity} */
export function similarity(from, to) {
  const centre = (/** @type {Point[]} */ points) =>
    /** @type {Point} */ ([0, 1].map((axis) => points.reduce((sum, at) => sum + (at[axis] ?? 0), 0) / points.length));
  const [fromX, fromY] = centre(from);
  const [toX, toY] = centre(to);
  let [same, cross, spread] = [0, 0, 0];
  from.forEach(([x, y], index) => {
    const [otherX, otherY] = to[index] ?? [0, 0];
    const [dx, dy, ex, ey] = [x - fromX, y - fromY, otherX - toX, otherY - toY];
    same += dx * ex + dy * ey;
    cross += dx * ey - dy * ex;
    spread += dx * dx + dy * dy;
  });
  const [a, b] = [same / spread, cross / spread];
  return { a, b, x: toX - (a * fromX - b * fromY), y: toY - (b * fromX + a * fromY) };
}

/** @param {Similarity} by @param {number} x @param {number} y @returns {Point} */
const moved = (by, x, y) => [by.a * x - by.b * y + by.x, by.b * x + by.a * y + by.y];

export class FivePoints {
  /** @param {Uint8Array<ArrayBuffer>} content as media/biometrics/five_points.py packs it @param {Sizes} sizes */
  constructor(content, sizes) {
    const { cascades, trees, splits, pixels, points } = sizes;
    this.sizes = sizes;
    let at = 0;
    /** @template T @param {new (buffer: ArrayBuffer, offset: number, length: number) => T} Kind @param {number} bytes @param {number} count @returns {T} */
    const take = (Kind, bytes, count) => {
      const part = new Kind(content.buffer, content.byteOffset + at, count);
      at += bytes * count;
      return part;
    };
    this.initial = take(Float32Array, 4, points * 2);
    this.offsets = take(Float32Array, 4, cascades * pixels * 2);
    this.thresholds = take(Float32Array, 4, cascades * trees * splits);
    this.leaves = take(Float32Array, 4, cascades * trees * (splits + 1) * points * 2);
    this.pixels = take(Uint16Array, 2, cascades * trees * splits * 2);
    this.anchors = take(Uint16Array, 2, cascades * pixels);
  }

  /** The points in whole pixels. @param {Picture} picture @param {Box} box @returns {Point[]} */
  find(picture, box) {
    const { cascades, points } = this.sizes;
    const shape = Float32Array.from(this.initial);
    for (let cascade = 0; cascade < cascades; cascade += 1) this.step(shape, cascade, this.look(picture, box, shape, cascade));
    return Array.from({ length: points }, (_, index) => {
      const [x, y] = placed(box, shape[index * 2] ?? 0, shape[index * 2 + 1] ?? 0);
      return [Math.floor(x + 0.5), Math.floor(y + 0.5)];
    });
  }

  /** Grey values of the pixels that a cascade compares. @param {Picture} picture @param {Box} box @param {Float32Array} shape @param {number} cascade */
  look({ rgba, width, height }, box, shape, cascade) {
    const { pixels } = this.sizes;
    const turn = similarity(pairs(this.initial), pairs(shape));
    const values = new Uint8Array(pixels);
    for (let index = 0; index < pixels; index += 1) {
      const at = cascade * pixels + index;
      const anchor = (this.anchors[at] ?? 0) * 2;
      const dx = this.offsets[at * 2] ?? 0;
      const dy = this.offsets[at * 2 + 1] ?? 0;
      const [x, y] = placed(
        box,
        turn.a * dx - turn.b * dy + (shape[anchor] ?? 0),
        turn.b * dx + turn.a * dy + (shape[anchor + 1] ?? 0),
      );
      const column = Math.floor(x + 0.5);
      const row = Math.floor(y + 0.5);
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      const pixel = (row * width + column) * 4;
      values[index] = ((rgba[pixel] ?? 0) + (rgba[pixel + 1] ?? 0) + (rgba[pixel + 2] ?? 0)) / 3;
    }
    return values;
  }

  /** Walk all trees of a cascade and add what their leaves say. @param {Float32Array} shape @param {number} cascade @param {Uint8Array} values */
  step(shape, cascade, values) {
    const { trees, splits } = this.sizes;
    for (let tree = cascade * trees; tree < (cascade + 1) * trees; tree += 1) {
      let node = 0;
      while (node < splits) {
        const at = tree * splits + node;
        const apart = (values[this.pixels[at * 2] ?? 0] ?? 0) - (values[this.pixels[at * 2 + 1] ?? 0] ?? 0);
        node = 2 * node + (apart > (this.thresholds[at] ?? 0) ? 1 : 2);
      }
      const leaf = (tree * (splits + 1) + node - splits) * shape.length;
      for (let index = 0; index < shape.length; index += 1) shape[index] += this.leaves[leaf + index] ?? 0;
    }
  }
}

/** @param {Float32Array} flat @returns {Point[]} */
const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2] ?? 0, flat[index * 2 + 1] ?? 0]);

/** From shares of a box to the picture. @param {Box} box @param {number} x @param {number} y @returns {Point} */
const placed = ([left, top, right, bottom], x, y) => [left + x * (right - left), top + y * (bottom - top)];

/**
 * The face upright, 150 x 150, red green blue: eyes and nose where the descriptor wants them.
 * @param {Picture} picture @param {Point[]} points
 * @returns {Uint8Array}
 */
export function chip(picture, points) {
  const wanted = MEAN_FACE.map(
    ([x, y]) => /** @type {Point} */ ([x, y].map((value) => ((PADDING + value) / (2 * PADDING + 1)) * CHIP_SIZE)),
  );
  const to = similarity(wanted, points);
  const scale = Math.hypot(to.a, to.b);
  // From the first to the last pixel, which is one less than their number.
  const side = CHIP_SIZE * scale - 1;
  const angle = Math.atan2(to.b, to.a);
  const [x, y] = moved(to, CHIP_SIZE / 2, CHIP_SIZE / 2);
  const { source, left, top, depth } = surroundings(picture, x, y, side, angle);
  // The square in the source, which may have been halved some times.
  let box = { x: x - left, y: y - top, side };
  let smaller = source;
  for (let level = 0; level < depth; level += 1) {
    box = { x: box.x / 2 - 1.25, y: box.y / 2 - 0.75, side: box.side / 2 };
    smaller = halved(smaller);
  }
  return cutChip(smaller, box, angle);
}

/** The part of the picture that a turned square needs, and how often it is to be halved. @param {Picture} picture @param {number} x @param {number} y @param {number} side @param {number} angle */
function surroundings(picture, x, y, side, angle) {
  let depth = 0;
  let grow = 2;
  for (let half = side / 2; half + 1 > CHIP_SIZE; half /= 2) {
    depth += 1;
    grow = grow * 2 + 2;
  }
  const reach = (side / 2) * (Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle))) + grow;
  const left = Math.max(Math.floor(x - reach + 0.5), 0);
  const top = Math.max(Math.floor(y - reach + 0.5), 0);
  const right = Math.min(Math.floor(x + reach + 0.5), picture.width - 1);
  const bottom = Math.min(Math.floor(y + reach + 0.5), picture.height - 1);
  const source = crop(picture, left, top, Math.max(right - left + 1, 1), Math.max(bottom - top + 1, 1));
  return { source, left, top, depth };
}

/** Half the size, smoothed by 1 4 6 4 1 in both directions (dlib's pyramid_down<2>). @param {Picture} picture @returns {Picture} */
function halved({ rgba, width, height }) {
  const wide = Math.max(Math.floor((width - 3) / 2), 1);
  const high = Math.max(Math.floor((height - 3) / 2), 1);
  const weights = [1, 4, 6, 4, 1];
  const across = new Uint16Array(wide * height * 3);
  for (let row = 0; row < height; row += 1)
    for (let column = 0; column < wide; column += 1)
      for (let channel = 0; channel < 3; channel += 1)
        across[(row * wide + column) * 3 + channel] = weights.reduce(
          (sum, weight, step) => sum + weight * (rgba[(row * width + column * 2 + step) * 4 + channel] ?? 0),
          0,
        );
  const small = new Uint8ClampedArray(wide * high * 4).fill(255);
  for (let row = 0; row < high; row += 1)
    for (let column = 0; column < wide; column += 1)
      for (let channel = 0; channel < 3; channel += 1)
        small[(row * wide + column) * 4 + channel] = Math.floor(
          weights.reduce(
            (sum, weight, step) => sum + weight * (across[((row * 2 + step) * wide + column) * 3 + channel] ?? 0),
            0,
          ) / 256,
        );
  return { width: wide, height: high, rgba: small };
}

/** @param {Picture} picture @param {{x: number, y: number, side: number}} box @param {number} angle */
function cutChip({ rgba, width, height }, { x, y, side }, angle) {
  const result = new Uint8Array(CHIP_SIZE * CHIP_SIZE * 3);
  // Corner to corner: the last pixel's place is the square's far side.
  const step = side / (CHIP_SIZE - 1);
  const [cosine, sine] = [Math.cos(angle) * step, Math.sin(angle) * step];
  const half = (CHIP_SIZE - 1) / 2;
  for (let row = 0, to = 0; row < CHIP_SIZE; row += 1) {
    for (let column = 0; column < CHIP_SIZE; column += 1, to += 3) {
      const across = x + (column - half) * cosine - (row - half) * sine;
      const down = y + (column - half) * sine + (row - half) * cosine;
      const left = Math.floor(across);
      const top = Math.floor(down);
      if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) continue;
      const [right, low] = [across - left, down - top];
      const at = (top * width + left) * 4;
      for (let channel = 0; channel < 3; channel += 1) {
        const upper = (rgba[at + channel] ?? 0) * (1 - right) + (rgba[at + 4 + channel] ?? 0) * right;
        const below = at + width * 4 + channel;
        const lower = (rgba[below] ?? 0) * (1 - right) + (rgba[below + 4] ?? 0) * right;
        result[to + channel] = upper * (1 - low) + lower * low;
      }
    }
  }
  return result;
}
