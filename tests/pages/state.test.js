// What an event does to the candidate's state, and which view shows it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { blockingMessage, isUnderWay, reduce, viewOf, warningsOf } from "../../web/static/js/candidate/state.js";

const blank = (changes = {}, sitting = {}) => ({
  step: "consent",
  sitting: { id: 1, state: "check_in", started_ms: null, deadline_ms: null, ...sitting },
  messages: [],
  warnings: [],
  photos: { face: null, document: null },
  ...changes,
});
const event = (kind, payload) => ({ seq: 1, kind, payload, at_ms: 0 });
const message = (id, kind, author = "proctor", more = {}) => ({
  id,
  kind,
  author,
  name: "",
  text: "",
  at_ms: id,
  ref: `r${id}`,
  ...more,
});

test("an unknown event changes nothing, not even the object", () => {
  const state = blank();
  assert.equal(reduce(state, event("presence.changed", { online: true })), state);
});

test("a started sitting shows the exam once camera and screen are shared", () => {
  const state = reduce(
    blank({ step: "waiting_room" }, { state: "waiting" }),
    event("sitting.changed", { state: "running", started_ms: 5, deadline_ms: 9, reason: "start" }),
  );
  assert.equal(state.sitting.deadline_ms, 9);
  assert.equal(viewOf(state, false), "join");
  assert.equal(viewOf(state, true), "exam");
});

test("an interrupted sitting is under way only if it had been started", () => {
  assert.equal(isUnderWay(blank({}, { state: "interrupted", started_ms: 5 })), true);
  assert.equal(viewOf(blank({}, { state: "interrupted" }), true), "waiting");
});

test("every ending has its view", () => {
  for (const state of ["finished", "processing", "in_review", "concluded"])
    assert.equal(viewOf(blank({}, { state }), true), "finished");
  for (const state of ["declined", "identity_refused", "timed_out", "expired", "cancelled"])
    assert.equal(viewOf(blank({}, { state }), true), "ending");
});

test("the stored message takes the place of the one on its way", () => {
  const pending = message(-1, "message", "candidate", { pending: true, ref: "mine" });
  const state = reduce(
    blank({ messages: [pending] }),
    event("chat.message", { message: message(7, "message", "candidate", { ref: "mine" }) }),
  );
  assert.deepEqual(
    state.messages.map(({ id }) => id),
    [7],
  );
});

test("an incident message blocks until the proctor's next normal one, whatever the candidate says", () => {
  const stopped = blank({ messages: [message(1, "incident"), message(2, "message", "candidate")] });
  assert.equal(blockingMessage(stopped)?.id, 1);
  assert.equal(blockingMessage(reduce(stopped, event("chat.message", { message: message(3, "message") }))), null);
});

test("a warning that comes twice is one, a withdrawn one does not count", () => {
  const warning = { id: 4, type: "phone", comment: "", start_ms: 1, sent_ms: 2, seen_ms: null };
  const once = reduce(
    reduce(blank(), event("incident.warning", { incident: warning })),
    event("incident.warning", { incident: { ...warning, seen_ms: 3 } }),
  );
  assert.deepEqual(
    warningsOf(once).map(({ seen_ms }) => seen_ms),
    [3],
  );
  assert.deepEqual(
    warningsOf(reduce(once, event("incident.changed", { incident: { ...warning, withdrawn_ms: 5 } }))),
    [],
  );
});

test("what is said of an older photo does not touch the new one", () => {
  const state = reduce(blank(), event("photo.submitted", { kind: "face", photo_id: 2 }));
  assert.equal(reduce(state, event("photo.checked", { kind: "face", photo_id: 1, hints: ["too_dark"] })), state);
  assert.deepEqual(
    reduce(state, event("photo.checked", { kind: "face", photo_id: 2, hints: ["too_dark"] })).photos.face?.hints,
    ["too_dark"],
  );
});
