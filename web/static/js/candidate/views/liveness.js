/** @file Movements before the camera, in an order that the server draws; judged there. Nobody is kept out: a person can be asked instead. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { chime } from "../challenges/run.js";
import { challengeView, ownPicture } from "../challenges/view.js";
import { MOVEMENTS } from "../challenges/words.js";
import { announce } from "../shell.js";

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function livenessView(app) {
  const video = ownPicture();
  const sign = h("div", { class: "challenge-sign", "aria-hidden": "true", hidden: true });
  const stage = h("div", { class: "stage booth-stage" }, video, h("div", { class: "guide guide-face", "aria-hidden": "true" }), sign);
  const prompt = h("p", { class: "challenge-prompt" });
  const bar = h("progress", { class: "challenge-progress", max: 1, value: 0, "aria-hidden": "true" });

  return challengeView(app, video, {
    kind: "liveness",
    heading: {
      title: _("Show that you are there"),
      lead: _("A few movements before the camera tell you from a photo. They come in a random order."),
    },
    booth: [stage, prompt, bar],
    advice: [
      ["user", _("Alone in the picture, face inside the oval")],
      ["rotate-ccw", _("Move clearly, and come back to the middle each time")],
      ["shield-check", _("The pictures are deleted once they have been judged; after a failed try two are kept for the person who decides.")],
      ["hand-helping", _("If you cannot move like that or cannot see the screen, ask for a person. That is no disadvantage.")],
    ],
    slower: _("I need more time for each movement"),
    leave: _("Ask for a person instead"),
    stopButton: (stop) => button(_("Stop"), stop, { kind: "btn-lg", icon: "square" }),
    changed(challenge, running) {
      sign.hidden = bar.hidden = !running;
      if (running) return;
      const judging = challenge.state === "judging";
      setText(
        prompt,
        judging
          ? _("Your movements are being looked at…")
          : _("You will be asked to turn your head, close your eyes and nod, one after the other."),
      );
    },
    show(step, all) {
      const movement = MOVEMENTS[step.movement ?? "straight"];
      const words = movement?.ask() ?? "";
      if (step.index > 0) chime();
      setText(prompt, words);
      sign.hidden = false;
      fill(sign, icon(movement?.icon ?? "scan-face", "icon-lg"));
      announce(_("{n} of {all}: {movement}", { n: step.index + 1, all, movement: words }), true);
    },
    progress: (share) => (bar.value = share),
    sending: () => setText(prompt, _("One moment…")),
  });
}
