// Which tiles show small pictures, which live video, and what a binary frame says.
import assert from "node:assert/strict";
import { test } from "node:test";

import { MISSING_MS, parsePicture, Pictures } from "../../web/static/js/staff/room/pictures.js";
import { audible, pictured, watchedLive } from "../../web/static/js/staff/room/selectors.js";
import { initialState, reduce } from "../../web/static/js/staff/room/state.js";

const entry = (id, state = "running") => ({
  id,
  state,
  started_ms: 1,
  candidate: { name: `c${id}`, external_id: "", email: "" },
  exam: { name: "e" },
  observations: [],
});
const room = (count, more = {}) => {
  const sittings = new Map(Array.from({ length: count }, (_, index) => [index + 1, entry(index + 1)]));
  return { ...initialState({ perPage: 30 }), phase: "ready", sittings, active: 1, ...more };
};
const ids = (entries) => entries.map((item) => item.id);

const frame = (sittingId, track, takenMs, version = 1) => {
  const bytes = new Uint8Array(24 + 3);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint8(1, track);
  view.setFloat64(8, sittingId);
  view.setFloat64(16, takenMs);
  bytes.set([0xff, 0xd8, 0xff], 24);
  return bytes.buffer;
};

test("up to four tiles are all looked at", () => {
  assert.deepEqual(ids(watchedLive(room(4))), [1, 2, 3, 4]);
  assert.deepEqual(pictured(room(4)), []);
});

test("of more, the active and the hovered one are live, the rest are small pictures", () => {
  const state = room(30, { hovered: 7 });
  assert.deepEqual(ids(watchedLive(state)), [1, 7]);
  assert.equal(pictured(state).length, 28);
});

test("who is called becomes active, is seen live and heard although the sound is off; afterwards it is off again", () => {
  const quiet = room(30, { sound: false });
  assert.equal(audible(quiet), null);
  const called = reduce(quiet, { type: "call", id: 9 });
  assert.deepEqual([called.active, audible(called), called.sound], [9, 9, false]);
  const elsewhere = reduce(called, { type: "activate", id: 2 });
  assert.deepEqual([audible(elsewhere), ids(watchedLive(elsewhere))], [9, [2, 9]]);
  const over = reduce(elsewhere, { type: "call", id: null });
  assert.deepEqual([over.active, audible(over)], [2, null]);
  assert.equal(reduce(over, { type: "call", id: null }), over);
});

test("who waits for the start has no analysis, so no small pictures", () => {
  const state = room(6);
  state.sittings.set(3, entry(3, "waiting"));
  assert.deepEqual(ids(watchedLive(state)), [3, 1]); // who waits stands first
});

test("a tile whose pictures do not come shows live video, and goes on wanting them", () => {
  const state = reduce(room(8), { type: "pictureless", ids: [5] });
  assert.deepEqual(ids(watchedLive(state)), [1, 5]);
  assert.ok(ids(pictured(state)).includes(5));
  assert.equal(reduce(state, { type: "pictureless", ids: [5] }), state);
});

test("a frame is read, rubbish is not", async () => {
  const picture = parsePicture(frame(42, 1, 1_700_000_000_123));
  assert.deepEqual([picture.sittingId, picture.track, picture.takenMs], [42, "screen", 1_700_000_000_123]);
  assert.deepEqual(new Uint8Array(await picture.blob.arrayBuffer()), new Uint8Array([0xff, 0xd8, 0xff]));
  assert.equal(parsePicture(frame(42, 0, 1, 2)), null);
  assert.equal(parsePicture(frame(42, 9, 1)), null);
  assert.equal(parsePicture(new ArrayBuffer(24)), null);
});

test("what is wanted is said once, and again after a reconnect; what does not come is missing", () => {
  const said = [];
  const seen = [];
  const pictures = new Pictures({ send: (message) => said.push(message.sitting_ids), onPicture: (picture) => seen.push(picture.sittingId) });
  pictures.reconcile([3, 2], 0);
  assert.deepEqual(said, []);
  pictures.open(1_000);
  pictures.reconcile([2, 3], 1_100);
  assert.deepEqual(said, [[2, 3]]);
  pictures.receive(frame(2, 0, 5), 5_000);
  pictures.receive(frame(3, 1, 5), 5_000);
  pictures.receive(frame(9, 0, 5), 5_000);
  assert.deepEqual(seen, [2, 3]);
  assert.deepEqual(pictures.missing(1_000 + MISSING_MS + 1), [3]); // its camera is what counts
  pictures.lost();
  assert.deepEqual(pictures.missing(99_000), []);
  pictures.open(100_000);
  assert.deepEqual(said, [[2, 3], [2, 3]]);
  pictures.reconcile([], 100_001);
  assert.deepEqual(said.at(-1), []);
});
