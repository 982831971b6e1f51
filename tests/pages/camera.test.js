// What a camera calls itself, and what a small picture tells of its quality.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { lang: "en" }, getElementById: () => null };
const { isPlain, isProgram } = await import("../../web/static/js/candidate/media/virtual_camera.js");
const { measure, objections } = await import("../../web/static/js/candidate/picture_quality.js");

test("programs that offer a camera are known by their names", () => {
  for (const label of [
    "OBS Virtual Camera",
    "OBS-Camera",
    "ManyCam Virtual Webcam",
    "XSplit VCam",
    "Snap Camera",
    "Dummy video device (0x0000)",
    "DroidCam Source 3",
    "NVIDIA Broadcast",
    "Webcamoid Virtual Camera",
  ])
    assert.ok(isProgram(label), label);
});

test("devices are not taken for programs", () => {
  for (const label of [
    "",
    "fake_device_0",
    "/tmp/person.mjpeg",
    "Integrated Camera (04f2:b6d9)",
    "FaceTime HD Camera",
    "Logitech BRIO (046d:085e)",
    "HD Pro Webcam C920",
    "USB2.0 HD UVC WebCam",
    "Obsbot Tiny 4K",
    "Microsoft® LifeCam HD-3000",
  ])
    assert.ok(!isProgram(label), label);
});

test("a camera without anything that a lens has is plain", () => {
  const track = (can) => ({ getCapabilities: () => can });
  assert.ok(isPlain(track({ frameRate: { min: 30, max: 30 } })));
  assert.ok(!isPlain(track({ frameRate: { min: 1, max: 30 } })));
  assert.ok(!isPlain(track({ frameRate: { min: 30, max: 30 }, exposureMode: ["manual"] })));
  assert.ok(!isPlain(track({})));
  assert.ok(!isPlain(undefined));
});

const WIDTH = 160;
/** @param {(x: number, y: number) => number} value */
const picture = (value) => Float32Array.from({ length: WIDTH * 120 }, (_none, at) => value(at % WIDTH, Math.floor(at / WIDTH)));
const textured = (x, y) => 110 + 40 * Math.sin(x / 2) * Math.cos(y / 3);
const judge = (value, before = null) => objections(measure(picture(value), WIDTH, before && picture(before)));

test("what is wrong with a picture is told, the worst first", () => {
  assert.deepEqual(judge(textured), []);
  assert.deepEqual(judge((x, y) => textured(x, y) / 5)[0], "too_dark");
  assert.deepEqual(judge(() => 240)[0], "too_bright");
  assert.deepEqual(judge((x, y) => (x > 70 && x < 95 && y > 50 && y < 75 ? 255 : textured(x, y))), ["glare"]);
  assert.deepEqual(judge((x) => 100 + x / 10), ["blurred"]);
  assert.deepEqual(judge(textured, (x, y) => textured(x + 3, y)), ["moving"]);
});
