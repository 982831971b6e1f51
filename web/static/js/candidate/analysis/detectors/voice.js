/** @file voice_detected and talk: somebody speaks, and whether it is the candidate (media/detectors/voice.py, talking.py). */

import { deviation } from "../pixels.js";
import { round } from "../rules.js";
import { PRESENT } from "../scene.js";
import { VOICE_MODEL } from "../speech.js";

/** @typedef {import("../speech.js").Moment} Moment */
/** @typedef {import("../rules.js").Sample} Sample */

/** One score in so many is a sample: 128 ms apart. */
export const EVERY = 4;
const [UPPER_LIP, LOWER_LIP, FOREHEAD, CHIN] = /** @type {const} */ ([13, 14, 10, 152]);
/** Of the mouth that counts: six pictures at two a second. */
const SPAN_MS = 3000;
const FEWEST = 4;
/** Width of a face in pixels, below which the lips are not told apart. */
const SMALLEST = 80;
/** Standard deviation of the mouth's opening, in heights of the face. */
const MOVES = 0.012;
/** How many times the movement without any voice a speaking mouth must show. */
const ABOVE_USUAL = 1.8;
const USUAL_SAMPLES = 60;
const QUIET = 0.15;
const HEARD = 0.6;

export class Voice {
  name = "voice";
  type = "voice_detected";
  models = [VOICE_MODEL];

  /** @param {Moment[]} moments @returns {Sample[]} */
  hear(moments) {
    return moments.filter((_, index) => index % EVERY === 0).map(({ atMs, score }) => ({ atMs, score }));
  }
}

export class Talk {
  name = "talk";
  type = "talk";
  models = [VOICE_MODEL, "face_landmark"];
  /** @type {{atMs: number, opening: number}[]} */
  openings = [];
  /** @type {number[]} */
  usual = [];
  voiceMs = 0;

  /** Note how far the mouth is open; the next sound tells what that means. @param {import("../scene.js").Scene} scene */
  async look(scene) {
    const face = scene.mainFace;
    if (face === null || face.width < SMALLEST) return;
    const mesh = await scene.meshOf(face);
    if (mesh.presence < PRESENT) return;
    this.openings.push({ atMs: scene.atMs, opening: mouthOpening(mesh) });
    while (this.openings.length > 64) this.openings.shift();
  }

  /** @param {Moment[]} moments @returns {Sample[]} */
  hear(moments) {
    return moments.filter((_, index) => index % EVERY === 0).map(({ atMs, score }) => this.judge(atMs, score));
  }

  /** @param {number} atMs @param {number} voice @returns {Sample} */
  judge(atMs, voice) {
    const recent = this.openings.filter((each) => each.atMs >= atMs - SPAN_MS && each.atMs <= atMs);
    if (voice >= QUIET) this.voiceMs = atMs;
    if (recent.length < FEWEST) return { atMs, score: null };
    const movement = deviation(recent.map(({ opening }) => opening));
    if (atMs - this.voiceMs > SPAN_MS) this.usual = [...this.usual, movement].slice(-USUAL_SAMPLES);
    const bound = this.usual.length ? Math.max(MOVES, ABOVE_USUAL * median(this.usual)) : MOVES;
    const score = Math.min(1, voice / HEARD, movement / bound / 2);
    return { atMs, score, details: { mouth: round(movement, 3), voice: round(voice, 2) } };
  }
}

/** Distance of the lips' inner edges, in heights of the face. @param {import("../mesh.js").FaceMesh} mesh */
function mouthOpening(mesh) {
  const apart = (/** @type {number} */ first, /** @type {number} */ second) => {
    const [x, y] = mesh.point(first);
    const [otherX, otherY] = mesh.point(second);
    return Math.hypot(otherX - x, otherY - y);
  };
  return apart(UPPER_LIP, LOWER_LIP) / Math.max(apart(FOREHEAD, CHIN), 1);
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length % 2 ? (sorted[Math.floor(half)] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}
