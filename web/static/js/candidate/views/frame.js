/** @file The frame of the check-in: the steps on the side (on top on small screens) and one card with the step's content. */

import { h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { setTitle } from "../shell.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Step} Step */

/** @type {Record<Step, () => string>} */
const TITLES = {
  consent: () => _("Consent"),
  system_check: () => _("System check"),
  face_photo: () => _("Your photo"),
  document_photo: () => _("Your document"),
  liveness: () => _("Movements"),
  gaze_calibration: () => _("Your gaze"),
  waiting_room: () => _("To the exam"),
};

/** The steps of this exam. @param {State} state @returns {Step[]} */
export function stepsOf(state) {
  const { identification } = state.exam;
  /** @type {Step[]} */
  const steps = ["consent", "system_check"];
  if (identification.includes("face")) steps.push("face_photo");
  if (identification.includes("passport")) steps.push("document_photo");
  if (state.challenges?.liveness) steps.push("liveness");
  if (state.challenges?.gaze_calibration) steps.push("gaze_calibration");
  return [...steps, "waiting_room"];
}

/** @param {State} state @param {Step} current */
function rail(state, current) {
  const steps = stepsOf(state);
  const at = steps.indexOf(current);
  const items = steps.map((step, index) => {
    const done = index < at;
    const mark = h("span", { class: "step-mark" }, done ? icon("check", "icon-sm") : index + 1);
    const note = h("span", { class: "visually-hidden" }, done ? _("done") : "");
    return h(
      "li",
      { class: `step ${done ? "is-done" : ""}`, "aria-current": index === at ? "step" : null },
      mark,
      h("span", null, TITLES[step]()),
      note,
    );
  });
  const where = h("p", { class: "steps-where" }, _("Step {n} of {all}", { n: at + 1, all: steps.length }));
  return h("nav", { class: "steps", "aria-label": _("Check-in") }, where, h("ol", { class: "steps-list" }, items));
}

/**
 * @param {State} state
 * @param {Step} step
 * @param {{title: string, lead?: string}} words
 * @param {...(Node | null | false)} content
 */
export function checkInFrame(state, step, { title, lead }, ...content) {
  setTitle(title);
  const head = h(
    "header",
    { class: "stack stack-tight" },
    h("h1", { tabindex: -1 }, title),
    lead ? h("p", { class: "lead" }, lead) : null,
  );
  return h(
    "div",
    { class: "check-in" },
    rail(state, step),
    h(
      "section",
      { class: "check-in-card card" },
      head,
      ...content.filter((child) => child !== false && child !== null),
    ),
  );
}
