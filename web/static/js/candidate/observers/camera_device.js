/** @file What the exam's camera calls itself: a known program's name, or another camera than the exam began with. */

import { isProgram } from "../media/virtual_camera.js";

const LOOK_MS = 2000;

/** @param {import("../app.js").App} app @returns {() => void} */
export function watchCameraDevice(app) {
  /** @type {string | null} */
  let known = null;
  const look = () => {
    const track = app.media.camera?.getVideoTracks()[0];
    if (track?.readyState !== "live") return;
    const label = track.label;
    const sign = isProgram(label);
    app.observations.reflect("virtual_machine", sign, { reason: "virtual_camera", sign: "label", label });
    const device = track.getSettings().deviceId ?? label;
    if (known !== null && device !== known && !sign)
      app.observations.moment("virtual_machine", { reason: "virtual_camera", sign: "changed", label });
    known = device;
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}
