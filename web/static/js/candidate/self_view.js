/** @file The candidate's own camera in small, and what is being sent, in words. */

import { fill, h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {{tone: string, icon: string, text: string}} Look */

/** @param {App} app @param {import("./types.js").TrackName} track @returns {Look} */
function lookOf(app, track) {
  const camera = track === "camera";
  const there = camera ? app.media.cameraLive : app.media.screenLive;
  const name = camera ? _("Camera") : _("Screen");
  if (!there) return { tone: "bad", icon: camera ? "video-off" : "monitor-off", text: _("{name}: off", { name }) };
  if (!app.sent.includes(track))
    return { tone: "good", icon: "shield-check", text: _("{name}: stays on this computer", { name }) };
  const { state } = app.publishers[track];
  if (state === "live")
    return { tone: "good", icon: camera ? "video" : "monitor-check", text: _("{name}: on", { name }) };
  return { tone: "warn", icon: "loader-circle", text: _("{name}: connecting…", { name }) };
}

/** @param {App} app */
export function selfView(app) {
  const video = h("video", {
    class: "mirrored",
    autoplay: true,
    playsinline: true,
    muted: true,
    "aria-label": _("Your camera"),
  });
  const tracks = h("div", { class: "self-tracks" });
  let shown = "";
  const update = () => {
    if (video.srcObject !== app.media.camera) video.srcObject = app.media.camera;
    const looks = [lookOf(app, "camera"), lookOf(app, "screen")];
    if (!app.media.microphoneLive && app.media.cameraLive)
      looks.push({ tone: "bad", icon: "mic-off", text: _("Microphone: off") });
    const key = JSON.stringify(looks);
    if (key === shown) return;
    shown = key;
    fill(tracks, ...looks.map((look) => h("span", { class: `badge tone-${look.tone}` }, icon(look.icon), look.text)));
  };
  update();
  return {
    element: h("div", { class: "self" }, h("div", { class: "stage self-stage" }, video), tracks),
    update,
    destroy: () => void (video.srcObject = null),
  };
}
