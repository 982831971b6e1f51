/** @file Says calmly what becomes of the recording while the picture does not reach the server, and afterwards. */

import { fill, h, icon, one } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { announce } from "../shell.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {{name: string, icon: string, tone: string, text: string, bar?: number}} Words */

/** A short break is not worth a word. */
const GRACE_MS = 2500;
const DONE_MS = 10_000;

/** @param {App} app @returns {Words | null} */
function wordsOf(app) {
  const { phase, share, notKeptMs } = app.recording.progress;
  const minutes = Math.ceil(notKeptMs / 60_000);
  const missing =
    notKeptMs > 0
      ? ` ${ngettext("There was no room for {n} minute of it.", "There was no room for {n} minutes of it.", minutes)}`
      : "";
  switch (phase) {
    case "keeping":
      // Without a socket the banner of the connection says it.
      if (app.socket.state !== "online" && !missing) return null;
      return {
        name: `keeping-${minutes}`,
        icon: "hard-drive",
        tone: "warn",
        text:
          _("The picture does not get through. The exam goes on; your recording is kept on this computer and will be handed in.") +
          missing,
      };
    case "handing_in":
      return {
        name: "handing_in",
        icon: "upload",
        tone: "info",
        text: _("Handing in what was recorded on this computer meanwhile. Please leave this page open."),
        bar: share,
      };
    case "handed_in":
      return {
        name: "handed_in",
        icon: "circle-check",
        tone: missing ? "warn" : "good",
        text: _("What was recorded on this computer meanwhile has been handed in.") + missing,
      };
    case "refused":
      return {
        name: "refused",
        icon: "triangle-alert",
        tone: "warn",
        text: _("What was recorded on this computer meanwhile could not be handed in. The exam is not affected; the gap is on record with its cause."),
      };
    default:
      return null;
  }
}

/** Keep the banner up to date. @param {App} app */
export function showRecording(app) {
  const place = one("#recording");
  const bar = h("progress", { class: "recording-bar", max: "100" });
  let shown = "";
  let due = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const show = (/** @type {Words | null} */ words) => {
    shown = words?.name ?? "";
    place.hidden = !words;
    if (!words) return fill(place);
    place.className = `connection tone-${words.tone}`;
    fill(place, icon(words.icon), h("span", null, words.text), words.bar !== undefined && bar);
    announce(words.text);
  };
  app.watch(() => {
    const words = wordsOf(app);
    if (words?.bar !== undefined) {
      bar.value = Math.round(words.bar * 100);
      bar.setAttribute("aria-label", words.text);
    }
    const name = words?.name ?? "";
    if (name === due) return;
    due = name;
    clearTimeout(timer);
    if (name.startsWith("keeping") && !shown.startsWith("keeping")) timer = setTimeout(() => show(wordsOf(app)), GRACE_MS);
    else show(words);
    if (name === "handed_in" || name === "refused") timer = setTimeout(() => show(null), DONE_MS);
  });
}
