/** @file Drives pictures and sound through the detectors: one piece in, what changed on the timeline out (media/analysis.py). */

import { Absence } from "./detectors/absence.js";
import { ExtraPerson } from "./detectors/extra_person.js";
import { FrozenPicture } from "./detectors/frozen_picture.js";
import { Gaze } from "./detectors/gaze.js";
import { Impostor } from "./detectors/impostor.js";
import { PictureLoss } from "./detectors/picture_loss.js";
import { Talk, Voice } from "./detectors/voice.js";
import { FaceDetector } from "./faces.js";
import { Identity } from "./identity.js";
import { MeshNetwork } from "./mesh.js";
import { RuleState } from "./rules.js";
import { SceneReader } from "./scene.js";
import { SpeechStream } from "./speech.js";

/** @typedef {import("./rules.js").ObservationEvent} ObservationEvent */
/** @typedef {import("./rules.js").Sample} Sample */
/** @typedef {import("./detectors/detector.js").Detector} Detector */

/** As long as nothing is suspected, pictures that follow sooner are left out: two a second are evaluated. */
const QUIET_MS = 450;
/** Only a rule that will decide within this time is worth a closer look. */
const SUSPECT_WITHIN_MS = 2500;
const DOUBTS = ["too_dark", "face_hidden", "identity_unclear"];

/** Follows one sitting's camera and microphone. */
export class Analyser {
  /**
   * @param {import("./networks.js").Networks} networks
   * @param {import("./settings.js").Settings} settings
   * @param {import("./identity.js").Descriptor | null} reference
   */
  constructor(networks, settings, reference) {
    const meshes = new MeshNetwork(networks);
    this.networks = networks;
    this.settings = settings;
    this.reader = new SceneReader(new FaceDetector(networks), meshes);
    const identity = new Identity(networks, settings.thresholds, settings.gate);
    /** @type {Detector[]} */
    const detectors = [
      new PictureLoss(),
      new FrozenPicture(),
      new Absence(),
      new ExtraPerson(),
      new Impostor(identity, reference, settings.interval),
      new Gaze(),
    ];
    this.watches = this.allowed(detectors);
    this.talk = new Talk();
    this.speech = new SpeechStream(networks);
    this.ears = this.allowed([new Voice(), this.talk]);
    const presence = ["face_detection_short_range", "face_detection_full_range"];
    this.doubts = DOUBTS.filter((doubt) => !settings.disabled.includes(doubt)).map((doubt) => ({
      doubt,
      state: this.state("undetermined", doubt, presence),
    }));
    /** @type {number | null} */
    this.lastMs = null;
  }

  /** @template {{name: string, type: string, models: readonly string[]}} D @param {D[]} detectors */
  allowed(detectors) {
    return detectors
      .filter(({ name }) => !this.settings.disabled.includes(name))
      .map((detector) => ({ detector, state: this.state(detector.type, detector.name, detector.models) }));
  }

  /** @param {string} type @param {string} name @param {readonly string[]} models */
  state(type, name, models) {
    const rule = this.settings.rules[name];
    if (!rule) throw new Error(`no rule for ${name}`);
    return new RuleState(type, name, rule, { models: this.networks.hashes(models) });
  }

  /** Whether a picture of this time would be evaluated: two a second, all four while something is suspected. @param {number} atMs */
  wants(atMs) {
    return this.lastMs === null || atMs >= this.lastMs + (this.suspects ? 1 : QUIET_MS);
  }

  /** Evaluate the next picture. @param {number} atMs @param {import("./pixels.js").Picture} picture @returns {Promise<ObservationEvent[]>} */
  async look(atMs, picture) {
    if (!this.wants(atMs)) return [];
    this.lastMs = atMs;
    const scene = await this.reader.read(atMs, picture);
    /** @type {Sample[]} */
    const samples = [];
    for (const { detector } of this.watches) samples.push(await detector.sample(scene));
    if (!this.settings.disabled.includes(this.talk.name)) await this.talk.look(scene);
    return this.sampled(atMs, samples);
  }

  /** There is no picture, since then. @param {number} atMs @param {number} sinceMs @returns {ObservationEvent[]} */
  lookAtNothing(atMs, sinceMs) {
    if (!this.wants(atMs)) return [];
    this.lastMs = atMs;
    return this.sampled(
      atMs,
      this.watches.map(({ detector }) => detector.sampleNothing({ atMs, sinceMs })),
    );
  }

  /** @param {import("./speech.js").Sound} sound @returns {Promise<ObservationEvent[]>} */
  async hear(sound) {
    if (!this.ears.length) return [];
    const moments = await this.speech.hear(sound);
    return this.ears.flatMap(({ detector, state }) => detector.hear(moments).flatMap((sample) => state.feed(sample)));
  }

  /** Close what is open. @param {number} atMs */
  finish(atMs) {
    return [...this.watches, ...this.ears, ...this.doubts].flatMap(({ state }) => state.finish(atMs));
  }

  get suspects() {
    return [...this.watches, ...this.doubts].some(
      ({ state }) => state.isPending && state.rule.min_duration_ms <= SUSPECT_WITHIN_MS,
    );
  }

  /** @param {number} atMs @param {Sample[]} samples */
  sampled(atMs, samples) {
    const events = this.watches.flatMap(({ state }, index) => state.feed(samples[index] ?? { atMs, score: null }));
    for (const { doubt, state } of this.doubts) {
      const told = samples.filter((sample) => sample.doubt === doubt).at(-1);
      events.push(...state.feed({ atMs, score: told ? 1 : 0, details: { reason: doubt, ...told?.details } }));
    }
    return events;
  }
}
