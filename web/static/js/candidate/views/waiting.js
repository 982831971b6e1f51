/** @file The waiting room: seen by the proctor, chat open, rules to read. */

import { fill, h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { chatPanel } from "../chat.js";
import { photoNotices } from "../retake.js";
import { rulesList } from "../rules.js";
import { staysHere } from "../state.js";
import { selfView } from "../self_view.js";
import { setTitle } from "../shell.js";

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function waitingView(app) {
  setTitle(_("Waiting room"));
  const chat = chatPanel(app);
  const self = selfView(app);
  const notices = photoNotices(app);
  const online = app.state.sitting.mode === "online" || app.state.sitting.mode === "identification";
  const status = h("div", { class: "waiting-status" });
  let shown = "";

  const update = () => {
    chat.update();
    self.update();
    notices.update();
    const sent = app.sent.every((track) => app.publishers[track].state === "live");
    const key = String(sent);
    if (key === shown) return;
    shown = key;
    const words = !sent
      ? _("Connecting your camera and screen…")
      : online
        ? _("The proctor sees you and will start the exam")
        : _("The exam starts in a moment");
    fill(
      status,
      sent ? icon(online ? "eye" : "hourglass", "icon-lg") : h("span", { class: "spinner" }),
      h("span", { role: "status" }, words),
    );
  };

  const intro = h(
    "section",
    { class: "card check-in-card waiting-card" },
    h(
      "header",
      { class: "stack stack-tight" },
      h("h1", { tabindex: -1 }, _("You are in the waiting room")),
      h(
        "p",
        { class: "lead" },
        online
          ? _("Your document and workplace may be looked at first. Have your desk clear and stay in the picture.")
          : _("Nobody needs to be there: the exam begins by itself."),
      ),
      staysHere(app.state) && h("p", null, _("This computer watches you by itself; the proctor sees your screen and what it finds.")),
    ),
    status,
    notices.element,
    h("h2", null, _("What is allowed")),
    rulesList(app.state),
  );
  const side = h(
    "aside",
    { class: "side", "aria-label": _("You and the proctor") },
    h("section", { class: "panel" }, self.element),
    h(
      "section",
      { class: "panel panel-chat" },
      h("h2", { class: "panel-title" }, _("Chat with the proctor")),
      chat.element,
    ),
  );
  update();
  return { element: h("div", { class: "waiting" }, intro, side), update, destroy: self.destroy };
}
