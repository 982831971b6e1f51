/** @file Movements before the camera, in an order that the server draws; judged there. Nobody is kept out: a person can be asked instead. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { PictureTaker } from "../challenges/picture_taker.js";
import { awaitJudgement, chime, of, runChallenge } from "../challenges/run.js";
import { leaveButton, problemWords, resultNotice, showCamera } from "../challenges/stage.js";
import { MOVEMENTS } from "../challenges/words.js";
import { announce } from "../shell.js";
import { checkInFrame } from "./frame.js";

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function livenessView(app) {
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
  const sign = h("div", { class: "challenge-sign", "aria-hidden": "true", hidden: true });
  const stage = h("div", { class: "stage booth-stage" }, video, h("div", { class: "guide guide-face", "aria-hidden": "true" }), sign);
  const prompt = h("p", { class: "challenge-prompt" });
  const bar = h("progress", { class: "challenge-progress", max: 1, value: 0, "aria-hidden": "true" });
  const notes = h("div", { class: "stack stack-tight" });
  const buttons = h("div", { class: "booth-buttons" });
  const relaxed = h("input", { type: "checkbox", id: "liveness-relaxed" });
  const slower = h("label", { class: "tick" }, relaxed, h("span", null, _("I need more time for each movement")));

  const begin = button(_("Begin"), () => void run(), { kind: "btn-primary btn-lg", icon: "play" });
  const stop = button(_("Stop"), () => taker?.stop(), { kind: "btn-lg", icon: "square" });
  const person = leaveButton(app, "liveness", _("Ask for a person instead"), notes);

  /** @param {import("../types.js").ChallengeStep} step @param {number} all */
  function showStep(step, all) {
    const movement = MOVEMENTS[step.movement ?? "straight"];
    const words = movement?.ask() ?? "";
    if (step.index > 0) chime();
    setText(prompt, words);
    sign.hidden = false;
    fill(sign, icon(movement?.icon ?? "scan-face", "icon-lg"));
    announce(_("{n} of {all}: {movement}", { n: step.index + 1, all, movement: words }), true);
  }

  async function run() {
    problem = [];
    taker = new PictureTaker(video);
    render();
    try {
      await showCamera(app, video);
      await runChallenge(app, "liveness", taker, relaxed.checked, {
        show: showStep,
        progress: (share) => (bar.value = share),
        sending: () => setText(prompt, _("One moment…")),
      });
    } catch (error) {
      problem = problemWords(error);
    } finally {
      taker = null;
      if (!gone) render();
    }
    void awaitJudgement(app, "liveness", () => gone);
  }

  function render() {
    const challenge = of(app, "liveness");
    const judging = challenge.state === "judging";
    const key = JSON.stringify([taker !== null, challenge.state, challenge.id, challenge.failed, problem]);
    if (key === shown) return;
    shown = key;
    sign.hidden = taker === null;
    bar.hidden = taker === null;
    if (taker !== null) {
      fill(notes);
      fill(buttons, stop);
      return;
    }
    if (judging) {
      setText(prompt, _("Your movements are being looked at…"));
      fill(notes, h("div", { class: "row" }, h("span", { class: "spinner" }), h("span", { role: "status" }, _("This takes a few seconds"))));
      fill(buttons, person);
      return;
    }
    setText(prompt, _("You will be asked to turn your head, close your eyes and nod, one after the other."));
    fill(notes, resultNotice(challenge, problem));
    const label = begin.querySelector("span");
    if (label) setText(label, challenge.failed || problem.length ? _("Try again") : _("Begin"));
    fill(buttons, begin, person);
  }

  const element = checkInFrame(
    app.state,
    "liveness",
    {
      title: _("Show that you are there"),
      lead: _("A few movements before the camera tell you from a photo. They come in a random order."),
    },
    h(
      "div",
      { class: "booth-layout" },
      h("div", { class: "booth" }, stage, prompt, bar, notes, buttons),
      h(
        "ul",
        { class: "advice" },
        h("li", null, icon("user"), h("span", null, _("Alone in the picture, face inside the oval"))),
        h("li", null, icon("rotate-ccw"), h("span", null, _("Move clearly, and come back to the middle each time"))),
        h("li", null, icon("shield-check"), h("span", null, _("The pictures are deleted once they have been judged; after a failed try two are kept for the person who decides."))),
        h("li", null, icon("hand-helping"), h("span", null, _("If you cannot move like that or cannot see the screen, ask for a person. That is no disadvantage."))),
        h("li", null, slower),
      ),
    ),
  );
  void showCamera(app, video).catch((error) => {
    problem = problemWords(error);
    if (!gone) render();
  });
  render();
  void awaitJudgement(app, "liveness", () => gone);
  return {
    element,
    update: () => taker === null && render(),
    destroy() {
      gone = true;
      taker?.stop();
      video.srcObject = null;
    },
  };
}
