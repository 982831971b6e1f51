/**
 * @file The worker in which faces and voices are looked at. Pictures, sound and templates come in and stay; findings and
 * figures go out. It works on one thing at a time and asks for the next picture when it is ready for one.
 */

import { Analyser } from "./analyser.js";
import { Networks } from "./networks.js";
import { judgePhoto } from "./photos.js";
import { keep, recall } from "./reference_store.js";
import { settingsFor } from "./settings.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./rules.js").ObservationEvent} ObservationEvent */
/**
 * @typedef {{type: "prepare", base: string, sitting: number, rules: Record<string, unknown>, detection: Record<string, any>}
 *   | {type: "photo", id: number, kind: "face" | "document", bitmap: ImageBitmap}
 *   | {type: "watch"}
 *   | {type: "picture", atMs: number, bitmap: ImageBitmap}
 *   | {type: "nothing", atMs: number, sinceMs: number}
 *   | {type: "sound", atMs: number, samples: Float32Array}
 *   | {type: "finish", atMs: number}} Order
 */
/**
 * @typedef {{type: "progress", share: number}
 *   | {type: "prepared", models: Record<string, string>, hasReference: boolean, seenMs: number | null, msPerPicture: number}
 *   | {type: "judged", id: number, said: import("./photos.js").Said}
 *   | {type: "wanted"}
 *   | {type: "found", events: ObservationEvent[], atMs: number, tookMs: number}
 *   | {type: "finished", events: ObservationEvent[]}
 *   | {type: "failed", reason: string, message: string, id?: number}} Answer
 */

/** Pictures come four a second at most; two of them are evaluated while nothing is suspected. */
const LOOK_MS = 250;
/** Pieces of half a second that wait at most: what a slow machine cannot hear is a hole in the sound. */
const SOUNDS = 6;
const SAW_MS = 2000;
/** Size of the exam's picture; a camera that gives more is shrunk to it. */
const MAX_WIDTH = 640;

/** @type {Networks | null} */
let networks = null;
/** @type {import("./settings.js").Settings | null} */
let settings = null;
/** @type {Analyser | null} */
let analyser = null;
/** @type {import("./reference_store.js").Kept} */
let kept = { sitting: 0, descriptor: null, seenMs: null, updatedMs: 0 };
let sounds = 0;
let asked = false;
let savedMs = 0;
/** One thing at a time. @type {Promise<unknown>} */
let turn = Promise.resolve();

const scope = /** @type {any} */ (self);

/** @param {Answer} answer */
const say = (answer) => scope.postMessage(answer);

/** @param {ImageBitmap} bitmap @param {number} [most] width @returns {Picture} */
function pixelsOf(bitmap, most = bitmap.width) {
  const scale = Math.min(1, most / bitmap.width);
  const width = Math.round(bitmap.width * scale);
  const height = Math.round(bitmap.height * scale);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

/** @param {Extract<Order, {type: "prepare"}>} order */
async function prepare({ base, sitting, rules, detection }) {
  const manifest = await (await fetch(`${base}manifest.json`, { cache: "no-store" })).json();
  const place = new URL(`${base}${manifest.version}/`, location.href).href;
  const all = Object.values(/** @type {import("./networks.js").Manifest} */ (manifest).files).reduce(
    (sum, file) => sum + file.bytes,
    0,
  );
  let loaded = 0;
  networks = new Networks(
    manifest,
    async (name) => {
      const answer = await fetch(place + name);
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      const content = new Uint8Array(await answer.arrayBuffer());
      loaded += content.length;
      say({ type: "progress", share: Math.min(1, loaded / all) });
      return content;
    },
    (name) => import(place + name),
  );
  settings = settingsFor(manifest.settings, rules, detection);
  kept = await recall(sitting);
  const msPerPicture = await rehearse(networks, settings);
  const models = networks.hashes(Object.keys(manifest.models));
  say({ type: "prepared", models, hasReference: kept.descriptor !== null, seenMs: kept.seenMs, msPerPicture });
}

/** Load everything and see how long a picture takes on this machine. @param {Networks} networks @param {import("./settings.js").Settings} settings */
async function rehearse(networks, settings) {
  const picture = { width: 640, height: 480, rgba: new Uint8ClampedArray(640 * 480 * 4).map((_, at) => (at * 7919) % 256) };
  for (const model of Object.keys(networks.manifest.models))
    if (networks.manifest.models[model]?.file.endsWith(".onnx")) await networks.session(model);
  const rehearsal = new Analyser(networks, settings, null);
  let tookMs = 0;
  for (let count = 0; count < 3; count += 1) {
    const begin = performance.now();
    await rehearsal.look(count * 1000, picture);
    tookMs = performance.now() - begin;
  }
  return tookMs;
}

/** @param {Extract<Order, {type: "photo"}>} order */
async function judge({ id, kind, bitmap }) {
  if (!networks || !settings) throw new Error("not prepared");
  const { said, descriptor } = await judgePhoto(networks, settings, kind, pixelsOf(bitmap), kept.descriptor);
  // During the exam another's photo must not become what is compared with.
  if (kind === "face" && descriptor && !(analyser && said.verdict === "mismatch")) {
    kept = { ...kept, descriptor };
    await keep(kept);
  }
  say({ type: "judged", id, said });
}

function watch() {
  if (!networks || !settings) throw new Error("not prepared");
  analyser = new Analyser(networks, settings, kept.descriptor);
  asked = false;
}

/** @param {number} atMs @param {(analyser: Analyser) => Promise<ObservationEvent[]> | ObservationEvent[]} look */
async function look(atMs, look) {
  if (!analyser) return;
  const begin = performance.now();
  const events = await look(analyser);
  say({ type: "found", events, atMs, tookMs: performance.now() - begin });
  asked = false;
  if (atMs - savedMs >= SAW_MS) {
    savedMs = atMs;
    kept = { ...kept, seenMs: atMs };
    await keep(kept);
  }
}

/** @param {Extract<Order, {type: "sound"}>} sound */
async function hear(sound) {
  sounds -= 1;
  const events = (await analyser?.hear(sound)) ?? [];
  if (events.length) say({ type: "found", events, atMs: sound.atMs, tookMs: 0 });
}

/** @param {number} atMs */
function finish(atMs) {
  const events = analyser?.finish(atMs) ?? [];
  analyser = null;
  say({ type: "finished", events });
}

/** @param {Order} order @returns {Promise<void> | void} */
function obey(order) {
  switch (order.type) {
    case "prepare":
      return prepare(order);
    case "photo":
      return judge(order);
    case "watch":
      return watch();
    case "picture":
      return look(order.atMs, (each) => each.look(order.atMs, pixelsOf(order.bitmap, MAX_WIDTH)));
    case "nothing":
      return look(order.atMs, (each) => each.lookAtNothing(order.atMs, order.sinceMs));
    case "sound":
      return hear(order);
    case "finish":
      return finish(order.atMs);
  }
}

scope.onmessage = (/** @type {MessageEvent<Order>} */ { data: order }) => {
  if (order.type === "sound" && (!analyser || sounds >= SOUNDS)) return;
  if (order.type === "sound") sounds += 1;
  turn = turn.then(() => obey(order)).catch((error) => {
    asked = false;
    const reason = error?.name === "WrongModel" ? "model_changed" : "own_analysis_failed";
    const id = order.type === "photo" ? order.id : undefined;
    say({ type: "failed", reason, message: String(error).slice(0, 300), ...(id !== undefined && { id }) });
  });
};

// The worker's clock drives: a page's own timers are slowed down while it is hidden.
setInterval(() => {
  if (!analyser || asked || !analyser.wants(Date.now())) return;
  asked = true;
  say({ type: "wanted" });
}, LOOK_MS);
