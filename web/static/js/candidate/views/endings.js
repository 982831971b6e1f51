/** @file The last pages: finished, and all the other ways a sitting can end here. */

import { button, h, icon } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { setTitle } from "../shell.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {{icon: string, tone: string, title: string, text: string[], extra?: Node | null, action?: Node | null}} Ending */

/** @param {Ending} ending @param {string} [support] @returns {import("../types.js").View} */
function page({ icon: name, tone, title, text, extra = null, action = null }, support = "") {
  setTitle(title);
  const help = support
    ? h("p", { class: "muted small" }, _("Questions:"), " ", h("a", { href: `mailto:${support}` }, support))
    : null;
  const element = h(
    "div",
    { class: "page page-tiny ending" },
    h(
      "section",
      { class: "card check-in-card" },
      h("span", { class: `ending-mark tone-${tone}` }, icon(name, "icon-lg")),
      h("h1", { tabindex: -1 }, title),
      text.map((line) => h("p", { class: "ending-text" }, line)),
      extra,
      action && h("div", { class: "row" }, action),
      help,
    ),
  );
  return { element };
}

/** @param {App} app @returns {import("../types.js").View} */
export function finishedView(app) {
  const { sitting, support_email: support } = app.state;
  const only = sitting.mode === "identification";
  const how = {
    proctor: _("The proctor has ended the exam."),
    clock: _("The time was up; everything you had answered was handed in."),
    candidate: _("You have handed in your exam."),
    appliance: _("The exam was ended by its rule, because another face was seen in your place. A person looks at it; what you had answered is kept."),
  }[sitting.finished_by ?? "candidate"];
  const next = {
    auto: _("The recording is now checked; a person looks at it where something stands out."),
    offline: _("A reviewer will look at the recording and decide."),
    online: _("The proctor's notes and the recording are now put together; then a person decides."),
    identification: _("Your identity was checked."),
  }[sitting.mode];
  const steps = h(
    "ol",
    { class: "next-steps" },
    h("li", null, icon("circle-check"), h("span", null, _("Camera and screen are no longer shared."))),
    h("li", null, icon("lock"), h("span", null, _("The recording is encrypted; who looks at it is written down."))),
    next && h("li", null, icon("clipboard-check"), h("span", null, next)),
    h(
      "li",
      null,
      icon("graduation-cap"),
      h("span", null, _("Your institution tells you the result. You can close this page.")),
    ),
  );
  const when = sitting.finished_ms
    ? h("p", { class: "muted small" }, _("Finished {when}", { when: formatDateTime(sitting.finished_ms) }))
    : null;
  return page(
    {
      icon: "circle-check",
      tone: "good",
      title: only ? _("Thank you, that was all") : _("The exam is finished"),
      text: [only ? _("The check-in is complete.") : (how ?? "")],
      extra: h("div", { class: "stack" }, steps, when),
    },
    support,
  );
}

/** @type {Record<string, () => Ending>} */
const ENDINGS = {
  declined: () => ({
    icon: "hand-helping",
    tone: "info",
    title: _("You have not agreed"),
    text: [
      _("That is your right. Nothing was recorded of you, and the exam did not begin."),
      _("The organiser is told and will offer you another way to take the exam. Nothing is held against you."),
    ],
  }),
  identity_refused: () => ({
    icon: "user-x",
    tone: "warn",
    title: _("Your identity could not be confirmed"),
    text: [
      _("The proctor could not match you with your document, so the exam did not begin."),
      _("Please turn to the organiser of the exam; a new date needs a new link."),
    ],
  }),
  timed_out: () => ({
    icon: "hourglass",
    tone: "warn",
    title: _("The exam did not go on in time"),
    text: [
      _("The connection was away for too long, or the check-in was not completed."),
      _("What was recorded is kept. Please turn to the organiser of the exam."),
    ],
  }),
  expired: () => ({
    icon: "calendar",
    tone: "warn",
    title: _("This exam is no longer open"),
    text: [_("The time in which it could be taken has passed."), _("Please turn to the organiser of the exam.")],
  }),
  cancelled: () => ({
    icon: "circle-x",
    tone: "warn",
    title: _("This exam was cancelled"),
    text: [_("The organiser has cancelled it. Please turn to them for a new date.")],
  }),
};

/** @param {App} app @returns {import("../types.js").View} */
export function endingView(app) {
  const ending = ENDINGS[app.state.sitting.state]?.() ?? {
    icon: "info",
    tone: "info",
    title: _("This exam has ended"),
    text: [],
  };
  return page(ending, app.state.support_email);
}

/** @returns {import("../types.js").View} */
export function supersededView() {
  const here = button(_("Use this tab instead"), () => location.reload(), {
    kind: "btn-primary btn-lg",
    icon: "app-window",
  });
  return page({
    icon: "copy",
    tone: "info",
    title: _("The exam is open in another tab"),
    text: [
      _(
        "This tab no longer takes part: its camera and screen are switched off. Your exam goes on in the other tab or window.",
      ),
      _("If you cannot find the other one, go on here; you will be asked to share your screen again."),
    ],
    action: here,
  });
}

/** The link does not let in, or not any more. @param {unknown} error @param {string} [support] */
export function linkView(error, support) {
  return page(
    {
      icon: "unlink",
      tone: "warn",
      title: _("This page cannot be opened"),
      text: [wordError(error)],
      action: button(_("Try again"), () => location.reload(), { icon: "rotate-cw" }),
    },
    support,
  );
}
