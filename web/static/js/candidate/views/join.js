/** @file One click to share camera and screen: on entering the waiting room, and again after the page was reloaded. */

import { busy, button, fill, h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { toastError } from "../../base/toast.js";
import { cameraFailure, screenFailure } from "../media/failures.js";
import { isUnderWay, staysHere } from "../state.js";
import { setTitle } from "../shell.js";
import { examTimer } from "../timer.js";
import { checkInFrame } from "./frame.js";

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function joinView(app) {
  const again = isUnderWay(app.state);
  const problem = h("div", { class: "notice tone-bad", role: "alert", hidden: true });

  /** @param {{title: string, advice: string}} failure */
  const tell = ({ title, advice }) => {
    problem.hidden = false;
    fill(problem, icon("circle-alert"), h("div", null, h("strong", null, title), advice));
  };

  async function enter() {
    // The camera needs no click where it was allowed before, the screen always does: so the screen first.
    if (!app.media.screenLive) {
      const shared = await app.media.openScreen().catch((error) => tell(screenFailure(error)));
      if (!shared) return;
    }
    if (!app.media.cameraLive || !app.media.microphoneLive) {
      const opened = await app.media.openCamera().catch((error) => tell(cameraFailure(error)));
      if (!opened) return;
    }
    problem.hidden = true;
    try {
      if (app.state.sitting.state === "check_in") await app.act("waiting-room");
      app.join();
    } catch (error) {
      toastError(error);
    }
  }

  const go = button(again ? _("Continue the exam") : _("Share and enter"), () => void busy(go, enter), {
    kind: "btn-primary btn-lg",
    icon: again ? "circle-play" : "log-in",
    autofocus: true,
  });
  const needs = h(
    "ul",
    { class: "join-list" },
    h(
      "li",
      null,
      icon("camera"),
      h(
        "span",
        null,
        h("strong", null, _("Camera and microphone")),
        h("span", { class: "muted small" }, _("Switched on by itself where you allowed it before.")),
      ),
    ),
    h(
      "li",
      null,
      icon("monitor-up"),
      h(
        "span",
        null,
        h("strong", null, _("Your whole screen")),
        h("span", { class: "muted small" }, _("Choose “Entire screen” in the browser's window.")),
      ),
    ),
  );
  let element;
  /** @type {ReturnType<typeof examTimer> | null} */
  let timer = null;
  if (again) {
    timer = examTimer(app);
    const paused = app.state.sitting.state === "paused";
    const lead = paused
      ? _("Your exam is paused; your answers are kept. Share again and stay ready.")
      : _("Your exam goes on where you left it; your answers are kept. Time is running, so share again and continue.");
    setTitle(_("Continue the exam"));
    element = h(
      "div",
      { class: "page page-narrow join" },
      h(
        "section",
        { class: "card check-in-card" },
        h(
          "header",
          { class: "stack stack-tight" },
          h("h1", { tabindex: -1 }, _("Welcome back")),
          h("p", { class: "lead" }, lead),
        ),
        needs,
        problem,
        h("div", { class: "check-in-foot" }, h("div", { class: "grow row" }, timer.element), go),
      ),
    );
  } else {
    element = checkInFrame(
      app.state,
      "waiting_room",
      {
        title: _("Everything is checked"),
        lead: staysHere(app.state)
          ? _("Your camera stays on this computer. From the next page on your screen is shared; the exam itself is recorded.")
          : _("From the next page on your camera and your screen are shared; the exam itself is recorded."),
      },
      needs,
      problem,
      h("div", { class: "check-in-foot" }, go),
    );
  }
  // All is shared already, fresh from the system check: nothing to ask for.
  if (app.media.complete) void enter();
  return { element, update: timer?.update, destroy: timer?.destroy };
}
