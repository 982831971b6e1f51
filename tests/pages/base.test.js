// The server's clock as seen by a browser, the back-off, and what must not be lost with a socket.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../web/static/js/base/outbox.js";
import { backOff, formatDuration, ServerClock } from "../../web/static/js/base/time.js";

test("the clock trusts the ping with the shortest way", () => {
  const clock = new ServerClock(Date.now());
  clock.sample(1000, 6050, 1100); // 100 ms both ways, server 5000 ahead
  clock.sample(2000, 7900, 3000); // 1000 ms, most of it on one way: looks like 5400
  assert.equal(clock.offset, 5000);
  assert.equal(clock.rtt, 100);
});

test("a clock that was set is believed at once", () => {
  const clock = new ServerClock(Date.now());
  clock.sample(1000, 6050, 1100);
  clock.sample(3_602_000, 8100, 3_602_200); // the person moved the clock by an hour
  assert.equal(clock.offset, 8100 - 3_602_100);
});

test("old samples make room", () => {
  const clock = new ServerClock(Date.now());
  clock.sample(0, 1000, 10);
  for (let ping = 1; ping <= 8; ping += 1) clock.sample(ping * 10_000, ping * 10_000 + 1020, ping * 10_000 + 40);
  assert.equal(clock.rtt, 40);
});

test("back-off doubles within its limits and never comes at once", () => {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const wait = backOff(attempt, 500, 15_000);
    assert.ok(wait >= Math.min(500 * 2 ** attempt, 15_000) / 2 && wait <= 15_000, `${attempt}: ${wait}`);
  }
});

test("durations are read as on a clock", () => {
  assert.equal(formatDuration(187_000), "3:07");
  assert.equal(formatDuration(3_787_000), "1:03:07");
  assert.equal(formatDuration(1), "0:01");
  assert.equal(formatDuration(-5000), "0:00");
});

const observe = (ref) => ({ type: "observe", ref });
const chat = (ref) => ({ type: "chat", ref });

test("only a pong of a later ping confirms what was sent", () => {
  const outbox = new Outbox();
  outbox.add(observe("a"));
  outbox.flush(() => true);
  outbox.confirm(5); // a ping from before
  assert.equal(outbox.has("a"), true);
  outbox.markSent(10);
  outbox.add(observe("b"));
  outbox.flush(() => true);
  outbox.confirm(10);
  assert.deepEqual([outbox.has("a"), outbox.has("b")], [false, true]);
});

test("after a lost socket everything unconfirmed is said again, in order", () => {
  const outbox = new Outbox();
  for (const ref of ["a", "b"]) outbox.add(observe(ref));
  outbox.flush(() => true);
  outbox.markSent(10);
  outbox.reopen();
  outbox.confirm(10);
  const said = [];
  outbox.flush((message) => Boolean(said.push(message.ref)));
  assert.deepEqual(said, ["a", "b"]);
});

test("a full outbox drops the oldest observation, never chat", () => {
  const outbox = new Outbox();
  outbox.add(chat("words"));
  for (let number = 0; number < 300; number += 1) outbox.add(observe(`o${number}`));
  assert.equal(outbox.entries.length, 300);
  assert.equal(outbox.has("words"), true);
  assert.equal(outbox.has("o0"), false);
  assert.equal(outbox.dropped, 1);
});
