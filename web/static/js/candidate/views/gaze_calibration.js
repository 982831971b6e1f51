/** @file Five points to look at, one after the other, over the whole window: learns where the screen is for this candidate's eyes. */

import { h, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { chime } from "../challenges/run.js";
import { challengeView, ownPicture } from "../challenges/view.js";
import { announce } from "../shell.js";

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function gazeCalibrationView(app) {
  const video = ownPicture();
  const point = h("div", { class: "gaze-point", hidden: true });
  const words = h("p", { class: "gaze-words" });
  const overlay = h("div", { class: "gaze-overlay", role: "dialog", "aria-modal": "true", "aria-label": _("Look at the point"), tabindex: -1 }, point, words);
  let stop = () => {};
  const onKey = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && stop();

  return challengeView(app, video, {
    kind: "gaze_calibration",
    heading: {
      title: _("Look at five points"),
      lead: _("So that a glance at the corner of your screen is not taken for one past it."),
    },
    booth: [h("div", { class: "stage booth-stage" }, video)],
    advice: [
      ["monitor", _("Sit as you will sit during the exam, with the window as large as then")],
      ["eye", _("Move your eyes to each point, and the head if you usually do")],
      ["hand-helping", _("If you cannot do this, go on without it: the exam then learns where you usually look.")],
    ],
    slower: _("I need more time for each point"),
    leave: _("Go on without it"),
    opened(stopTry) {
      stop = stopTry;
      document.body.append(overlay);
      overlay.focus();
      addEventListener("keydown", onKey);
    },
    closed() {
      removeEventListener("keydown", onKey);
      overlay.remove();
    },
    show(step, all) {
      point.hidden = false;
      point.style.left = `${(step.x ?? 0.5) * 100}%`;
      point.style.top = `${(step.y ?? 0.5) * 100}%`;
      setText(words, _("Look at the point until it goes ({n} of {all}). Escape stops.", { n: step.index + 1, all }));
      announce(_("Point {n} of {all}", { n: step.index + 1, all }), true);
      chime();
    },
    sending: () => (point.hidden = true),
  });
}
