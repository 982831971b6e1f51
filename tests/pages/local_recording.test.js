// What of the candidate's own recording is kept, what is handed in for which gap, and where it lies meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  KEEP_BYTES,
  KEEP_MS,
  mayKeep,
  missing,
  outOfRing,
  plan,
} from "../../web/static/js/candidate/local_recording/plan.js";
import { Shelf } from "../../web/static/js/candidate/local_recording/shelf.js";

const MB = 1024 * 1024;

const segment = (start, end, more = {}) => ({
  id: `${more.track ?? "camera"}-${start}`,
  sitting: 1,
  track: "camera",
  mime: "video/webm",
  start_ms: start,
  end_ms: end,
  size: 1000,
  until_ms: end ?? start,
  ...more,
});
const gap = (start, end, track = "camera") => ({ track, start_ms: start, end_ms: end });
const ids = (segments) => segments.map((one) => one.start_ms);

test("while all is well only the last half minute stays, and what is being recorded", () => {
  const all = [segment(0, 10_000), segment(10_000, 20_000), segment(20_000, 30_000), segment(30_000, null)];
  assert.deepEqual(ids(outOfRing(all, 45_000)), [0]);
  assert.deepEqual(ids(outOfRing(all, 1_000_000)), [0, 10_000, 20_000]);
});

test("kept are ten minutes of a loss, so many bytes, and half of what the browser has left", () => {
  const now = { bytes: 0, free: null, sinceMs: 0, nowMs: 1000 };
  assert.ok(mayKeep(now));
  assert.ok(mayKeep({ ...now, nowMs: KEEP_MS }));
  assert.ok(!mayKeep({ ...now, nowMs: KEEP_MS + 1 }));
  assert.ok(!mayKeep({ ...now, bytes: KEEP_BYTES }));
  assert.ok(mayKeep({ ...now, bytes: 40 * MB, free: 50 * MB }));
  assert.ok(!mayKeep({ ...now, bytes: 50 * MB, free: 40 * MB }));
});

test("missing is what closed gaps have and nobody handed in", () => {
  const gaps = [gap(1000, 9000), gap(20_000, null), gap(30_000, 30_100)];
  assert.deepEqual(missing(gaps, []), [gap(1000, 9000)]);
  assert.deepEqual(missing(gaps, [{ ...gap(3000, 5000), state: "taken" }]), [gap(1000, 3000), gap(5000, 9000)]);
  assert.deepEqual(missing(gaps, [{ ...gap(0, 9000), state: "refused" }]), []);
  assert.deepEqual(missing(gaps, [{ ...gap(0, 9000, "screen"), state: "complete" }]), [gap(1000, 9000)]);
  // one that broke off is gone on with
  assert.deepEqual(missing(gaps, [{ ...gap(0, 9000), state: "receiving" }]), [gap(1000, 9000)]);
});

test("for a gap go the segments that show something of it, also what came before it was noticed", () => {
  const all = [segment(0, 10_300), segment(10_000, 20_300), segment(20_000, 30_300), segment(30_000, null)];
  const screen = segment(5000, 15_000, { track: "screen" });
  const [claim, ...rest] = plan([gap(9000, 25_000)], [...all, screen], 64 * MB);
  assert.deepEqual(rest, []);
  assert.deepEqual(ids(claim.segments), [0, 10_000, 20_000]);
  assert.deepEqual([claim.start_ms, claim.end_ms], [9000, 25_000]);
});

test("never more than is there, nor more than the gap", () => {
  const [claim] = plan([gap(0, 60_000)], [segment(20_000, 30_000)], 64 * MB);
  assert.deepEqual([claim.start_ms, claim.end_ms], [20_000, 30_000]);
  assert.deepEqual(plan([gap(0, 60_000)], [segment(70_000, 80_000), segment(10_000, 20_000, { size: 0 })], MB), []);
});

test("a long gap goes in several, one beginning where the other ends", () => {
  const all = Array.from({ length: 9 }, (_, n) => segment(n * 10_000, (n + 1) * 10_000 + 300, { size: 10 * MB }));
  const claims = plan([gap(0, 90_000)], all, 40 * MB);
  assert.deepEqual(
    claims.map((claim) => [claim.start_ms, claim.end_ms, claim.segments.length]),
    [
      [0, 40_000, 4],
      [40_000, 80_000, 4],
      [80_000, 90_000, 1],
    ],
  );
});

test("another kind of file goes by itself", () => {
  const claims = plan([gap(0, 20_000)], [segment(0, 10_000), segment(10_000, 20_000, { mime: "video/mp4" })], MB);
  assert.deepEqual(claims.map((claim) => claim.segments[0].mime), ["video/webm", "video/mp4"]);
});

/** A shelf without a disk, and a clock that is set by hand. */
function shelfAt(now) {
  const clock = { at: now, now: () => clock.at };
  return { clock, shelf: new Shelf(1, clock) };
}

const record = (shelf, clock, one, seconds) => {
  for (let n = 0; n < seconds; n += 1) {
    clock.at += 1000;
    shelf.chunk(one, new Blob(["x".repeat(100)]));
  }
  one.end_ms = clock.at;
  shelf.done(one);
};

test("the shelf keeps half a minute, and all of it from the first sign of trouble on", async () => {
  const { shelf, clock } = shelfAt(0);
  for (let n = 0; n < 8; n += 1) record(shelf, clock, segment(clock.at, null, { size: 0 }), 10);
  assert.deepEqual(ids(shelf.segments), [40_000, 50_000, 60_000, 70_000]);
  shelf.keep();
  for (let n = 0; n < 8; n += 1) record(shelf, clock, segment(clock.at, null, { size: 0 }), 10);
  assert.equal(shelf.segments.length, 12);
  assert.equal((await shelf.blob(shelf.segments[0])).size, 1000);
  await shelf.letGo(() => false);
  assert.equal(shelf.segments.length, 4);
  await shelf.clear();
  assert.equal(shelf.segments.length, 0);
});

test("after ten minutes no more is kept, what was kept first stays, and it is said", () => {
  const { shelf, clock } = shelfAt(0);
  shelf.keep();
  for (let n = 0; n < 65; n += 1) record(shelf, clock, segment(clock.at, null, { size: 0 }), 10);
  assert.equal(shelf.segments[0].start_ms, 0);
  assert.ok(Math.max(...shelf.segments.map((one) => one.end_ms)) <= KEEP_MS + 10_000);
  assert.ok(Math.abs(shelf.notKeptMs - 50_000) <= 2000, String(shelf.notKeptMs));
});
