/** @file no_user_in_frame: nobody sits before the camera (media/detectors/absence.py). */

import { round } from "../rules.js";
import { THUMBNAIL } from "../scene.js";

/** @typedef {import("../scene.js").Scene} Scene */
/** @typedef {import("../faces.js").Face} Face */
/** Rows and columns of the thumbnail, ends excluded. @typedef {{top: number, left: number, right: number}} Body */

/** Grey levels by which a pixel of a jumper may differ between two pictures and still be the same jumper. */
const SAME_GREY = 14;
/** Grey levels between neighbours in the thumbnail that make an outline; flat parts may be wall or jumper. */
const EDGE = 10;
/** Pixels of the thumbnail below which nothing is concluded from them. */
const FEWEST = 60;
/** Widths of the face by which somebody who sits may move between two pictures. */
const SETTLED = 0.25;
/** Share of the body's pixels that stayed as they were, from which somebody is taken to sit there still. */
const SEATED_SHARE = 0.55;
const [WIDTH, HEIGHT] = THUMBNAIL;

export class Absence {
  name = "absence";
  type = "no_user_in_frame";
  models = ["face_detection_short_range", "face_detection_full_range"];
  /** @type {Body | null} */
  body = null;
  /** @type {Uint8Array | null} */
  thumbnail = null;
  /** @type {Face | null} */
  face = null;

  /** @param {Scene} scene @returns {import("../rules.js").Sample} */
  sample(scene) {
    const { atMs } = scene;
    if (scene.isBlank) return { atMs, score: null };
    if (scene.isDark) return { atMs, score: null, doubt: "too_dark" };
    const best = Math.max(0, ...scene.faces.map((face) => face.score));
    if (scene.mainFace) {
      this.remember(scene, scene.mainFace);
      return { atMs, score: 1 - best };
    }
    const seated = this.seated(scene);
    const details = { body: round(seated, 2) };
    return seated >= SEATED_SHARE
      ? { atMs, score: null, doubt: "face_hidden", details }
      : { atMs, score: 1 - best, details };
  }

  /** @param {import("./detector.js").Nothing} nothing @returns {import("../rules.js").Sample} */
  sampleNothing({ atMs }) {
    return { atMs, score: null };
  }

  /** Keep the body of somebody who sits still. @param {Scene} scene @param {Face} face */
  remember(scene, face) {
    const before = this.face;
    this.face = face;
    if (before === null || moved(before, face) > SETTLED) {
      this.body = null;
    } else {
      this.body = bodyOf(face, scene.picture.width, scene.picture.height);
      this.thumbnail = scene.thumbnail;
    }
  }

  /** Share 0 to 1 of the pixels at the body's outlines that are as they were. @param {Scene} scene */
  seated(scene) {
    if (!this.body || !this.thumbnail) return 0;
    const { top, left } = this.body;
    const right = Math.min(this.body.right, WIDTH);
    const before = this.thumbnail;
    // [of all pixels, of those at outlines]: how many there are, and how many are as they were.
    const all = [0, 0];
    const same = [0, 0];
    for (let row = top; row < HEIGHT; row += 1) {
      for (let column = left; column < right; column += 1) {
        const at = row * WIDTH + column;
        const grey = before[at] ?? 0;
        const stayed = Math.abs((scene.thumbnail[at] ?? 0) - grey) <= SAME_GREY ? 1 : 0;
        const differs = (/** @type {boolean} */ there, /** @type {number} */ other) =>
          there && Math.abs((before[other] ?? 0) - grey) >= EDGE;
        const outline =
          differs(row > top, at - WIDTH) ||
          differs(row + 1 < HEIGHT, at + WIDTH) ||
          differs(column > left, at - 1) ||
          differs(column + 1 < right, at + 1);
        for (const kind of outline ? [0, 1] : [0]) {
          all[kind] = (all[kind] ?? 0) + 1;
          same[kind] = (same[kind] ?? 0) + stayed;
        }
      }
    }
    const [pixels = 0, outlines = 0] = all;
    // A face at the lower edge: no body to speak of.
    if (pixels < FEWEST) return 0;
    return outlines >= FEWEST ? (same[1] ?? 0) / outlines : (same[0] ?? 0) / pixels;
  }
}

/** How far a face moved, in widths of its own. @param {Face} before @param {Face} now */
function moved(before, now) {
  const [x, y] = before.centre;
  const [newX, newY] = now.centre;
  return Math.max(Math.abs(newX - x), Math.abs(newY - y)) / Math.max(now.width, 1);
}

/** The body under a face: from below the chin down, two faces wide. @param {Face} face @param {number} width @param {number} height @returns {Body} */
function bodyOf(face, width, height) {
  const rows = HEIGHT / height;
  const columns = WIDTH / width;
  return {
    top: Math.max(Math.round((face.top + face.height * 1.25) * rows), 0),
    left: Math.max(Math.round((face.left - face.width * 0.5) * columns), 0),
    right: Math.max(Math.round((face.left + face.width * 1.5) * columns), 0),
  };
}
