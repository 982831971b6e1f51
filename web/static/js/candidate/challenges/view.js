/**
 * @file The page of one kind of challenge: camera, a try, its result, the way out. What is shown during the try is the kind's own.
 *
 * @typedef {import("../types.js").Challenge} Challenge
 * @typedef {import("../types.js").ChallengeStep} ChallengeStep
 *
 * @typedef {object} Scene
 * @property {import("./run.js").Kind} kind
 * @property {{title: string, lead: string}} heading
 * @property {HTMLElement[]} booth from the camera's picture down to the notices
 * @property {[string, string][]} advice icon and words
 * @property {string} slower
 * @property {string} leave
 * @property {(step: ChallengeStep, all: number) => void} show
 * @property {(share: number) => void} [progress]
 * @property {() => void} sending
 * @property {(stop: () => void) => void} [opened] a try begins
 * @property {() => void} [closed] a try is over, or the page is left
 * @property {(challenge: Challenge, running: boolean) => void} [changed]
 * @property {(stop: () => void) => HTMLElement} [stopButton] instead of the other buttons during a try
 */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { checkInFrame } from "../views/frame.js";
import { PictureTaker } from "./picture_taker.js";
import { awaitJudgement, of, runChallenge } from "./run.js";
import { leaveButton, problemWords, resultNotice, showCamera } from "./stage.js";

/** @returns {HTMLVideoElement} the candidate's own picture */
export function ownPicture() {
  return h("video", {
    class: "mirrored",
    autoplay: true,
    playsinline: true,
    muted: true,
    "aria-label": _("Live picture of your camera"),
  });
}

/**
 * @param {import("../app.js").App} app
 * @param {HTMLVideoElement} video that shows the camera
 * @param {Scene} scene
 * @returns {import("../types.js").View}
 */
export function challengeView(app, video, scene) {
  const { kind } = scene;
  /** @type {PictureTaker | null} */
  let taker = null;
  let gone = false;
  /** @type {string[]} */
  let problem = [];
  let shown = "";

  const notes = h("div", { class: "stack stack-tight" });
  const buttons = h("div", { class: "booth-buttons" });
  const relaxed = h("input", { type: "checkbox" });
  const begin = button(_("Begin"), () => void run(), { kind: "btn-primary btn-lg", icon: "play" });
  const leave = leaveButton(app, kind, scene.leave, notes);
  const stop = () => taker?.stop();
  const stopButton = scene.stopButton?.(stop);

  async function run() {
    problem = [];
    taker = new PictureTaker(video);
    scene.opened?.(stop);
    render();
    try {
      await showCamera(app, video);
      const { show, sending, progress = () => {} } = scene;
      await runChallenge(app, kind, taker, relaxed.checked, { show, progress, sending });
    } catch (error) {
      problem = problemWords(error);
    } finally {
      taker = null;
      scene.closed?.();
      if (!gone) {
        render();
        if (!stopButton) begin.focus();
      }
    }
    void awaitJudgement(app, kind, () => gone);
  }

  function render() {
    const challenge = of(app, kind);
    const running = taker !== null;
    const key = JSON.stringify([running, challenge.state, challenge.id, challenge.failed, problem]);
    if (key === shown) return;
    shown = key;
    scene.changed?.(challenge, running);
    if (running) {
      if (!stopButton) return;
      fill(notes);
      fill(buttons, stopButton);
    } else if (challenge.state === "judging") {
      fill(notes, h("div", { class: "row" }, h("span", { class: "spinner" }), h("span", { role: "status" }, _("This takes a few seconds"))));
      fill(buttons, leave);
    } else {
      fill(notes, resultNotice(challenge, problem));
      const label = begin.querySelector("span");
      if (label) setText(label, challenge.failed || problem.length ? _("Try again") : _("Begin"));
      fill(buttons, begin, leave);
    }
  }

  const element = checkInFrame(
    app.state,
    kind,
    scene.heading,
    h(
      "div",
      { class: "booth-layout" },
      h("div", { class: "booth" }, scene.booth, notes, buttons),
      h(
        "ul",
        { class: "advice" },
        scene.advice.map(([name, words]) => h("li", null, icon(name), h("span", null, words))),
        h("li", null, h("label", { class: "tick" }, relaxed, h("span", null, scene.slower))),
      ),
    ),
  );
  void showCamera(app, video).catch((error) => {
    problem = problemWords(error);
    if (!gone) render();
  });
  render();
  void awaitJudgement(app, kind, () => gone);
  return {
    element,
    update: () => taker === null && render(),
    destroy() {
      gone = true;
      stop();
      scene.closed?.();
      video.srcObject = null;
    },
  };
}
