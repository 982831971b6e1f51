/** @file The remaining time, by the server's clock. Screen readers hear it at ten minutes and at one, not every second. */

import { h, icon, setText } from "../base/dom.js";
import { _, ngettext } from "../base/i18n.js";
import { formatDuration } from "../base/time.js";
import { announce } from "./shell.js";

const MINUTE = 60_000;
const MARKS = [10, 1];
/** Of a short exam, the last fifth is "soon", not ten minutes of five. */
const SHORT_PART = 0.2;
/** The server ends the exam itself; when its word is missing so long after the end, ask. */
const ASK_AFTER_MS = 3000;

/** @param {import("./app.js").App} app */
export function examTimer(app) {
  const face = h("span", { class: "timer-face figures" });
  const label = h("span", { class: "visually-hidden" }, _("Remaining time"));
  const element = h("div", { class: "timer", role: "timer", "aria-live": "off" }, icon("timer"), label, face);
  /** @type {number | null} */
  let last = null;
  let asked = 0;

  const look = () => {
    const { deadline_ms: deadline, state } = app.state.sitting;
    if (state === "paused" || deadline === null) {
      element.className = "timer is-paused";
      setText(face, last === null ? _("paused") : formatDuration(last));
      return;
    }
    const rest = deadline - app.clock.now();
    for (const minutes of MARKS) {
      // Only when the mark is passed while looking, not when the page is opened after it.
      if (last !== null && last > minutes * MINUTE && rest <= minutes * MINUTE && rest > 0) {
        announce(ngettext("{n} minute left", "{n} minutes left", minutes), minutes === 1);
      }
    }
    last = rest;
    const soon = Math.min(10, app.state.exam.duration_minutes * SHORT_PART) * MINUTE;
    element.className = `timer ${rest <= MINUTE ? "is-last" : rest <= soon ? "is-short" : ""}`;
    setText(face, formatDuration(rest));
    if (rest < -ASK_AFTER_MS && Date.now() - asked > 5000) {
      asked = Date.now();
      void app.load().catch(() => undefined);
    }
  };
  look();
  const ticking = setInterval(look, 250);
  return { element, update: look, destroy: () => clearInterval(ticking) };
}
