/** @file What every detector offers, as media/detectors/detector.py. Types only. */

/** There is no picture. @typedef {{atMs: number, sinceMs: number}} Nothing */
/**
 * @typedef {object} Detector
 * @property {string} name how settings and findings call it
 * @property {string} type what it finds
 * @property {readonly string[]} models the files its scores come from
 * @property {(scene: import("../scene.js").Scene) => import("../rules.js").Sample | Promise<import("../rules.js").Sample>} sample
 * @property {(nothing: Nothing) => import("../rules.js").Sample} sampleNothing
 */

export {};
