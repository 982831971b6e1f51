/** @file Five points to look at, one after the other, over the whole window: learns where the screen is for this candidate's eyes. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { PictureTaker } from "../challenges/picture_taker.js";
import { awaitJudgement, chime, of, runChallenge } from "../challenges/run.js";
import { leaveButton, problemWords, resultNotice, showCamera } from "../challenges/stage.js";
import { announce } from "../shell.js";
import { checkInFrame } from "./frame.js";

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function gazeCalibrationView(app) {
  /** @type {PictureTaker | null} */
  let taker = null;
  let gone = false;
  /** @type {string[]} */
  let problem = [];
  let shown = "";

  const video = h("video", {
    class: "mirrored",
    autoplay: true,
    playsinline: true,
    muted: true,
    "aria-label": _("Live picture of your camera"),
  });
  const notes = h("div", { class: "stack stack-tight" });
  const buttons = h("div", { class: "booth-buttons" });
  const relaxed = h("input", { type: "checkbox", id: "gaze-relaxed" });
  const slower = h("label", { class: "tick" }, relaxed, h("span", null, _("I need more time for each point")));
  const point = h("div", { class: "gaze-point", hidden: true });
  const words = h("p", { class: "gaze-words" });
  const overlay = h("div", { class: "gaze-overlay", role: "dialog", "aria-modal": "true", "aria-label": _("Look at the point"), hidden: true, tabindex: -1 }, point, words);

  const begin = button(_("Begin"), () => void run(), { kind: "btn-primary btn-lg", icon: "play" });
  const skip = leaveButton(app, "gaze_calibration", _("Go on without it"), notes);
  const onKey = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && taker?.stop();

  /** @param {import("../types.js").ChallengeStep} step @param {number} all */
  function showPoint(step, all) {
    point.hidden = false;
    point.style.left = `${(step.x ?? 0.5) * 100}%`;
    point.style.top = `${(step.y ?? 0.5) * 100}%`;
    setText(words, _("Look at the point until it goes ({n} of {all}). Escape stops.", { n: step.index + 1, all }));
    announce(_("Point {n} of {all}", { n: step.index + 1, all }), true);
    chime();
  }

  async function run() {
    problem = [];
    taker = new PictureTaker(video);
    document.body.append(overlay);
    overlay.hidden = false;
    overlay.focus();
    addEventListener("keydown", onKey);
    try {
      await showCamera(app, video);
      await runChallenge(app, "gaze_calibration", taker, relaxed.checked, {
        show: showPoint,
        progress: () => {},
        sending: () => (point.hidden = true),
      });
    } catch (error) {
      problem = problemWords(error);
    } finally {
      taker = null;
      close();
      if (!gone) render();
    }
    void awaitJudgement(app, "gaze_calibration", () => gone);
  }

  function close() {
    removeEventListener("keydown", onKey);
    overlay.hidden = true;
    overlay.remove();
    if (!gone) begin.focus();
  }

  function render() {
    const challenge = of(app, "gaze_calibration");
    const key = JSON.stringify([taker !== null, challenge.state, challenge.id, challenge.failed, problem]);
    if (key === shown || taker !== null) return;
    shown = key;
    if (challenge.state === "judging") {
      fill(notes, h("div", { class: "row" }, h("span", { class: "spinner" }), h("span", { role: "status" }, _("This takes a few seconds"))));
      fill(buttons, skip);
      return;
    }
    fill(notes, resultNotice(challenge, problem));
    const label = begin.querySelector("span");
    if (label) setText(label, challenge.failed || problem.length ? _("Try again") : _("Begin"));
    fill(buttons, begin, skip);
  }

  const element = checkInFrame(
    app.state,
    "gaze_calibration",
    {
      title: _("Look at five points"),
      lead: _("So that a glance at the corner of your screen is not taken for one past it."),
    },
    h(
      "div",
      { class: "booth-layout" },
      h("div", { class: "booth" }, h("div", { class: "stage booth-stage" }, video), notes, buttons),
      h(
        "ul",
        { class: "advice" },
        h("li", null, icon("monitor"), h("span", null, _("Sit as you will sit during the exam, with the window as large as then"))),
        h("li", null, icon("eye"), h("span", null, _("Move your eyes to each point, and the head if you usually do"))),
        h("li", null, icon("hand-helping"), h("span", null, _("If you cannot do this, go on without it: the exam then learns where you usually look."))),
        h("li", null, slower),
      ),
    ),
  );
  void showCamera(app, video).catch((error) => {
    problem = problemWords(error);
    if (!gone) render();
  });
  render();
  void awaitJudgement(app, "gaze_calibration", () => gone);
  return {
    element,
    update: () => taker === null && render(),
    destroy() {
      gone = true;
      taker?.stop();
      close();
      video.srcObject = null;
    },
  };
}
