/** @file What a canvas tells of a picture before it is sent: light, sharpness, glare, movement. No model: the server judges faces. */

import { _ } from "../base/i18n.js";
import { h } from "../base/dom.js";

const WIDE = 160;
const HIGH = 120;
/** Mean brightness (0..255) out of which a photo is surely hard to read. */
const DARK = 45;
const BRIGHT = 225;
/** Share of the middle that is white through and through in a picture that is not bright as a whole. */
const GLARE = 0.03;
const WHITE = 250;
/** Variance of the Laplacian below which nothing is sharp; a wall out of focus has 2, a face in a webcam 40 and more. */
const BLURRED = 12;
/** Mean change of brightness between two looks half a second apart. */
const MOVED = 9;

/** @typedef {{light: number, glare: number, sharpness: number, moved: number}} Quality */

/**
 * Brightness of each pixel, row by row.
 * @param {Uint8ClampedArray} data red, green, blue, alpha
 */
export function greyOf(data) {
  const grey = new Float32Array(data.length / 4);
  for (let index = 0; index < grey.length; index += 1) {
    const at = index * 4;
    grey[index] = 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
  }
  return grey;
}

/**
 * Measure a picture of any size, given its grey values. Glare and sharpness are looked for in the middle, where face or document are.
 * @param {Float32Array} grey
 * @param {number} width
 * @param {Float32Array | null} before the last one, to see movement
 * @returns {Quality}
 */
export function measure(grey, width, before) {
  const height = grey.length / width;
  let sum = 0;
  let change = 0;
  for (let index = 0; index < grey.length; index += 1) {
    sum += grey[index] ?? 0;
    if (before) change += Math.abs((grey[index] ?? 0) - (before[index] ?? 0));
  }
  let white = 0;
  let edges = 0;
  let squares = 0;
  let count = 0;
  const at = (/** @type {number} */ x, /** @type {number} */ y) => grey[y * width + x] ?? 0;
  for (let y = Math.floor(height * 0.15); y < height * 0.85 - 1; y += 1) {
    for (let x = Math.floor(width * 0.2); x < width * 0.8 - 1; x += 1) {
      const edge = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
      edges += edge;
      squares += edge * edge;
      white += at(x, y) >= WHITE ? 1 : 0;
      count += 1;
    }
  }
  return {
    light: sum / grey.length,
    glare: white / count,
    sharpness: squares / count - (edges / count) ** 2,
    moved: before ? change / grey.length : 0,
  };
}

/** What to do better, the most important first. @param {Quality} quality @returns {("too_dark" | "too_bright" | "glare" | "moving" | "blurred")[]} */
export function objections({ light, glare, sharpness, moved }) {
  const judged = /** @type {const} */ ([
    ["too_dark", light < DARK],
    ["too_bright", light > BRIGHT],
    ["glare", glare > GLARE && light < 170],
    ["moving", moved > MOVED],
    ["blurred", sharpness < BLURRED],
  ]);
  return judged.filter(([, bad]) => bad).map(([name]) => name);
}

/** Looks at a video or a photo again and again, small. */
export class QualityLooker {
  constructor() {
    this.canvas = h("canvas", { width: WIDE, height: HIGH });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    /** @type {Float32Array | null} */
    this.before = null;
  }

  /** @param {CanvasImageSource} source @returns {Quality | null} */
  look(source) {
    if (!this.context) return null;
    this.context.drawImage(source, 0, 0, WIDE, HIGH);
    const grey = greyOf(this.context.getImageData(0, 0, WIDE, HIGH).data);
    const quality = measure(grey, WIDE, this.before);
    this.before = grey;
    return quality;
  }
}

/** @param {string} objection @param {"face" | "document"} kind */
export function liveWords(objection, kind) {
  switch (objection) {
    case "too_dark":
      return _("Too dark: turn on a light in front of you");
    case "too_bright":
      return _("Too bright: turn away from the light");
    case "glare":
      return kind === "document"
        ? _("Glare: tilt the document or move the lamp")
        : _("Glare: move the lamp, or take the glasses off for a moment");
    case "moving":
      return _("Hold still");
    case "blurred":
      return _("The picture is blurred: clean the lens, or move back a little");
    default:
      return _("Good light, sharp picture");
  }
}
