/** @file What surrounds the views: the banner of the connection, what screen readers are told, the title. */

import { button, fill, icon, one, setText } from "../base/dom.js";
import { _ } from "../base/i18n.js";

/** @typedef {import("./app.js").App} App */

/** Say something once: politely, or at once when it must not wait. @param {string} text @param {boolean} [urgent] */
export function announce(text, urgent = false) {
  const region = document.getElementById(urgent ? "live-urgent" : "live");
  if (!region) return;
  // The same words twice are only read when the region changed in between.
  setText(region, "");
  setTimeout(() => setText(region, text), 50);
}

/** A short break is not worth a word. */
const GRACE_MS = 2500;
const BACK_MS = 4000;

/** Keep the banner of the connection up to date. @param {App} app */
export function showConnection(app) {
  const banner = one("#connection");
  let shown = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let waiting = false;
  const show = (/** @type {string} */ name) => {
    if (name === shown) return;
    shown = name;
    banner.hidden = name === "";
    banner.className = `connection ${name === "back" ? "tone-good" : "tone-warn"}`;
    if (name === "lost") {
      fill(
        banner,
        icon("wifi-off"),
        app.recording.progress.phase === "keeping"
          ? _("Connection lost. The exam goes on; your recording is kept on this computer and will be handed in.")
          : _("No connection. Stay on this page: your answers are kept here and we reconnect by ourselves."),
        button(_("Try now"), () => app.socket.hurry(), { kind: "btn-sm" }),
      );
    } else if (name === "back") {
      fill(banner, icon("wifi"), _("Connected again."));
    } else {
      fill(banner);
    }
  };
  app.socket.on("state", (state) => {
    const lost = state === "offline" || state === "connecting";
    // A second failed try is no news.
    if (lost && (shown === "lost" || waiting)) return;
    clearTimeout(timer);
    waiting = lost;
    if (lost) {
      timer = setTimeout(() => show("lost"), GRACE_MS);
    } else if (state === "online" && shown === "lost") {
      show("back");
      timer = setTimeout(() => show(""), BACK_MS);
    } else {
      show("");
    }
  });
}

/** @param {string} title of the view */
export function setTitle(title) {
  document.title = title ? `${title} · Kustos` : "Kustos";
}
