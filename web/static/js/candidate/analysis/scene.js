/** @file One picture, evaluated once for all detectors, as media/detectors/scene.py does it. */

import { SURE } from "./faces.js";
import { deviation, grey, percentile, resize } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./faces.js").Face} Face */
/** @typedef {import("./mesh.js").FaceMesh} FaceMesh */
/** @typedef {import("./mesh.js").EyeGaze} EyeGaze */

/** Width and height of the grey picture in which light and movement are measured. */
export const THUMBNAIL = /** @type {const} */ ([80, 60]);
/** Share of a face's width beyond the picture's side, from which it is somebody coming or going. */
const CUT_OFF = 0.25;
/** Mesh network's belief from which a face counts as confirmed. */
export const PRESENT = 0.5;
/** Brightness (95th percentile, 0..255): no light at all comes through. */
export const BLACK_BELOW = 3;
const DARK_BELOW = 32;
/** Contrast (standard deviation, 0..255): a covered lens. */
const UNIFORM_BELOW = 3;

export class Scene {
  /** @param {number} atMs @param {Picture} picture @param {import("./mesh.js").MeshNetwork} networks */
  constructor(atMs, picture, networks) {
    this.atMs = atMs;
    this.picture = picture;
    this.networks = networks;
    this.thumbnail = grey(resize(picture, ...THUMBNAIL));
    this.brightness = percentile(this.thumbnail, 0.95);
    this.contrast = deviation(this.thumbnail);
    /** Largest first; weak ones included. @type {Face[]} */
    this.faces = [];
    /** @type {Map<Face, Promise<FaceMesh>>} */
    this.meshes = new Map();
    /** @type {Map<Face, Promise<[EyeGaze, EyeGaze]>>} */
    this.gazes = new Map();
  }

  get isDark() {
    return this.brightness < DARK_BELOW;
  }

  /** Black or of one colour: there is no picture in the picture. */
  get isBlank() {
    return this.brightness < BLACK_BELOW || (this.contrast < UNIFORM_BELOW && !this.isDark);
  }

  get isReadable() {
    return !(this.isDark || this.isBlank);
  }

  get sureFaces() {
    return this.faces.filter((face) => face.score >= 0.5);
  }

  /** The face nearest to the camera. @returns {Face | null} */
  get mainFace() {
    return this.sureFaces[0] ?? null;
  }

  /** Computed when first asked for. @param {Face} face */
  meshOf(face) {
    const mesh = this.meshes.get(face) ?? this.networks.mesh(this.picture, face);
    this.meshes.set(face, mesh);
    return mesh;
  }

  /** @param {Face} face */
  gazeOf(face) {
    const gaze = this.gazes.get(face) ?? this.meshOf(face).then((mesh) => this.networks.gaze(this.picture, mesh));
    this.gazes.set(face, gaze);
    return gaze;
  }
}

export class SceneReader {
  /** @param {import("./faces.js").FaceDetector} detector @param {import("./mesh.js").MeshNetwork} networks */
  constructor(detector, networks) {
    this.detector = detector;
    this.networks = networks;
  }

  /** Faces are looked for only where there is light. @param {number} atMs @param {Picture} picture */
  async read(atMs, picture) {
    const scene = new Scene(atMs, picture, this.networks);
    if (!scene.isReadable) return scene;
    for (const face of await this.detector.watch(picture)) {
      const confirmed =
        face.score >= SURE || isCutOff(face, picture.width) || (await scene.meshOf(face)).presence >= PRESENT;
      // Half the score for what the mesh network does not see.
      scene.faces.push(confirmed ? face : face.scored(face.score / 2));
    }
    return scene;
  }
}

/** A good part lies beyond the picture's side: the mesh network cannot confirm half a face. @param {Face} face @param {number} width */
function isCutOff(face, width) {
  return Math.max(-face.left, face.left + face.width - width, 0) > CUT_OFF * face.width;
}
