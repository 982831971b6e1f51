/** @file Pictures as plain bytes: shrinking, cutting turned squares out, measuring light. As OpenCV does it for the server. */

/**
 * @typedef {object} Picture red, green, blue and a fourth byte for each pixel, rows from the top
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array | Uint8ClampedArray} rgba
 */
/** @typedef {Float32Array} Points x, y, z of each point one behind the other, in pixels */

/** Shares of the source's pixels in each target pixel. @param {number} from @param {number} to */
function shares(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const start = index * scale;
    const end = Math.min(start + scale, from);
    /** @type {[number, number][]} */
    const list = [];
    for (let at = Math.floor(start); at < end; at += 1) {
      const part = Math.min(at + 1, end) - Math.max(at, start);
      if (part > 1e-6) list.push([at, part / scale]);
    }
    return list;
  });
}

/** Between which two pixels each target pixel lies, and how near the second. @param {number} from @param {number} to */
function between(from, to) {
  return Array.from({ length: to }, (_, index) => {
    const at = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(at);
    /** @type {[number, number][]} */
    const list = [
      [low, 1 - (at - low)],
      [Math.min(low + 1, from - 1), at - low],
    ];
    return list;
  });
}

/**
 * The picture in another size: mean over areas where it shrinks (INTER_AREA), else between neighbours.
 * @param {Picture} picture
 * @param {number} width
 * @param {number} height
 * @param {{left: number, top: number, width: number, height: number}} [part] whole pixels inside the picture
 * @returns {Picture}
 */
export function resize(picture, width, height, part = { left: 0, top: 0, width: picture.width, height: picture.height }) {
  const shrinks = part.width >= width && part.height >= height;
  const columns = shrinks ? shares(part.width, width) : between(part.width, width);
  const rows = shrinks ? shares(part.height, height) : between(part.height, height);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  const line = new Float64Array(width * 3);
  const sum = new Float64Array(width * 3);
  rows.forEach((list, y) => {
    sum.fill(0);
    for (const [row, share] of list) {
      acrossRow(picture, part.left, part.top + row, columns, line);
      for (let index = 0; index < sum.length; index += 1) sum[index] += (line[index] ?? 0) * share;
    }
    for (let x = 0, to = y * width * 4; x < width; x += 1, to += 4) {
      for (let channel = 0; channel < 3; channel += 1) rgba[to + channel] = Math.round(sum[x * 3 + channel] ?? 0);
    }
  });
  return { width, height, rgba };
}

/**
 * The picture as small as a network takes it, halved as often as it goes, then the rest (as the server does it).
 * @param {Picture} picture
 * @param {number} width
 * @param {number} height
 */
export function shrink(picture, width, height) {
  let left = picture;
  while (left.width >= 2 * width && left.height >= 2 * height)
    left = resize(left, Math.floor(left.width / 2), Math.floor(left.height / 2));
  return resize(left, width, height);
}

/** @param {Picture} picture @param {number} left @param {number} row @param {[number, number][][]} columns @param {Float64Array} line */
function acrossRow({ rgba, width }, left, row, columns, line) {
  const start = (row * width + left) * 4;
  for (let x = 0; x < columns.length; x += 1) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (const [column, share] of columns[x] ?? []) {
      const at = start + column * 4;
      red += (rgba[at] ?? 0) * share;
      green += (rgba[at + 1] ?? 0) * share;
      blue += (rgba[at + 2] ?? 0) * share;
    }
    line[x * 3] = red;
    line[x * 3 + 1] = green;
    line[x * 3 + 2] = blue;
  }
}

/** Grey values of all pixels. @param {Picture} picture */
export function grey({ rgba, width, height }) {
  const values = new Uint8Array(width * height);
  for (let index = 0, at = 0; index < values.length; index += 1, at += 4)
    values[index] = ((rgba[at] ?? 0) * 4899 + (rgba[at + 1] ?? 0) * 9617 + (rgba[at + 2] ?? 0) * 1868 + 8192) >> 14;
  return values;
}

/** A part of a picture, for looking at it alone. @param {Picture} picture @param {number} left @param {number} top @param {number} width @param {number} height @returns {Picture} */
export function crop(picture, left, top, width, height) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    const from = ((top + y) * picture.width + left) * 4;
    rgba.set(picture.rgba.subarray(from, from + width * 4), y * width * 4);
  }
  return { width, height, rgba };
}

/** A square of a picture; `angle` in radians, positive turns clockwise as seen on the screen. */
export class Square {
  /** @param {number} x its centre @param {number} y @param {number} side @param {number} [angle] */
  constructor(x, y, side, angle = 0) {
    this.x = x;
    this.y = y;
    this.side = side;
    this.angle = angle;
  }

  /** Six numbers from the cut-out's pixels to the picture's. @param {number} size @param {boolean} mirrored */
  toPicture(size, mirrored) {
    const scale = this.side / size;
    const cosine = Math.cos(this.angle) * scale;
    const sine = Math.sin(this.angle) * scale;
    const flip = mirrored ? -1 : 1;
    const [a, b, c, d] = [cosine * flip, -sine, sine * flip, cosine];
    const half = size / 2;
    return /** @type {const} */ ([a, b, this.x - (a + b) * half, c, d, this.y - (c + d) * half]);
  }

  /**
   * Red, green, blue of each pixel, 0 to 1; black outside of the picture.
   * @param {Picture} picture @param {number} size @param {boolean} [mirrored]
   */
  cut({ rgba, width, height }, size, mirrored = false) {
    const [a, b, e, c, d, f] = this.toPicture(size, mirrored);
    const result = new Float32Array(size * size * 3);
    for (let y = 0, to = 0; y < size; y += 1) {
      for (let x = 0; x < size; x += 1, to += 3) {
        const at = a * x + b * y + e;
        const down = c * x + d * y + f;
        const left = Math.floor(at);
        const top = Math.floor(down);
        if (left < -1 || top < -1 || left >= width || top >= height) continue;
        const right = at - left;
        const low = down - top;
        for (let channel = 0; channel < 3; channel += 1) {
          const pixel = (/** @type {number} */ column, /** @type {number} */ row) =>
            column < 0 || row < 0 || column >= width || row >= height
              ? 0
              : (rgba[(row * width + column) * 4 + channel] ?? 0);
          const upper = pixel(left, top) * (1 - right) + pixel(left + 1, top) * right;
          const lower = pixel(left, top + 1) * (1 - right) + pixel(left + 1, top + 1) * right;
          result[to + channel] = Math.round(upper * (1 - low) + lower * low) / 255;
        }
      }
    }
    return result;
  }

  /**
   * Points (x, y, z) in pixels of the cut-out, carried into the picture; z is scaled alike.
   * @param {ArrayLike<number>} points @param {number} size @param {boolean} [mirrored] @returns {Points}
   */
  back(points, size, mirrored = false) {
    const [a, b, e, c, d, f] = this.toPicture(size, mirrored);
    const result = new Float32Array(points.length);
    for (let index = 0; index + 2 < points.length; index += 3) {
      const x = points[index] ?? 0;
      const y = points[index + 1] ?? 0;
      result[index] = a * x + b * y + e;
      result[index + 1] = c * x + d * y + f;
      result[index + 2] = ((points[index + 2] ?? 0) * this.side) / size;
    }
    return result;
  }
}

/** Value below which a share of the values lie, between neighbours in proportion. @param {Uint8Array} values @param {number} share */
export function percentile(values, share) {
  const sorted = Uint8Array.from(values).sort();
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? 0;
  return low + ((sorted[Math.ceil(at)] ?? 0) - low) * (at - Math.floor(at));
}

/** @param {ArrayLike<number>} values */
export function mean(values) {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] ?? 0;
  return sum / values.length;
}

/** Standard deviation. @param {ArrayLike<number>} values */
export function deviation(values) {
  const middle = mean(values);
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += ((values[index] ?? 0) - middle) ** 2;
  return Math.sqrt(sum / values.length);
}
