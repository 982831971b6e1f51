/** @file What an exam does with faces: a cell of the table, and the dialog in which an organiser changes it. */

import { post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { busy, button, fill, h, icon } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _ } from "../base/i18n.js";
import { toast } from "../base/toast.js";
import { actionWord, faceModeWord } from "./words.js";

/** @typedef {{id: number, name: string, biometrics: string, identity_action: string, liveness: boolean, gaze_calibration: boolean, forbidden: string[]}} Exam */

const MODES = () => [
  ["server", _("The appliance compares faces. A template of each face is enrolled, encrypted under the person's own key.")],
  ["on_device", _("The analysis runs in the candidate's browser; only findings and figures leave it. No template is made here.")],
  ["none", _("Nobody's face is measured and no template is ever made. Presence and the number of people are still seen; who sits there is for a person to judge.")],
];

const ACTIONS = () => [
  ["note", _("It is noted for the proctor and the reviewer.")],
  ["warn", _("The candidate is warned at once, in the name of the appliance.")],
  ["pause", _("The exam is paused. The proctor lets it go on; without a proctor a new photo of the face that matches does.")],
  ["stop", _("The exam ends; everything recorded is kept. Where the comparison is less sure, it is paused instead.")],
];

/** @param {Exam} exam @param {() => void} change @param {boolean} may */
export function biometricsCell(exam, change, may) {
  const mode = faceModeWord(exam.biometrics);
  const asked = [exam.liveness && _("liveness"), exam.gaze_calibration && _("gaze calibration")].filter(Boolean).join(", ");
  return h(
    "div",
    { class: "cell-two" },
    h("span", { class: `badge tone-${mode.tone}` }, icon(mode.icon), mode.title),
    exam.biometrics === "none" ? null : h("span", { class: "muted" }, _("another person: {action}", { action: actionWord(exam.identity_action).title })),
    asked && h("span", { class: "muted" }, _("check-in: {asked}", { asked })),
    may && button(_("Change…"), change, { kind: "btn-quiet btn-sm", icon: "pen-line", "aria-label": _("Change biometrics of {exam}", { exam: exam.name }) }),
  );
}

/** @param {Exam} exam @param {() => Promise<void>} saved */
export function openBiometrics(exam, saved) {
  const error = h("p", { class: "notice tone-bad", role: "alert", hidden: true });
  const forbidden = new Set(exam.forbidden);
  const choose = (/** @type {string} */ name, /** @type {string[][]} */ rows, /** @type {string} */ now, /** @type {typeof actionWord} */ word) =>
    rows.map(([value = "", text = ""]) => {
      const off = forbidden.has(value);
      return h("label", { class: "choice" }, h("input", { type: "radio", name, value, checked: value === now, disabled: off }), h("span", null, h("b", null, word(value).title), h("br", null), h("span", { class: "small muted" }, off ? _("The compliance profile of your organisation forbids this.") : text)));
    });
  const check = (/** @type {string} */ name, /** @type {boolean} */ on, /** @type {string} */ title, /** @type {string} */ text) => h("label", { class: "choice" }, h("input", { type: "checkbox", name, checked: on }), h("span", null, h("b", null, title), h("br", null), h("span", { class: "small muted" }, text)));
  const form = h(
    "form",
    { class: "stack exam-biometrics", on: { submit: (event) => event.preventDefault() } },
    h("fieldset", null, h("legend", null, _("Where faces are measured")), choose("biometrics", MODES(), exam.biometrics, faceModeWord)),
    h("fieldset", null, h("legend", null, _("When another person is seen in the candidate's place")), choose("identity_action", ACTIONS(), exam.identity_action, actionWord)),
    h("fieldset", null, h("legend", null, _("At the check-in")), check("liveness", exam.liveness, _("Liveness"), _("The candidate turns the head and blinks, so that a picture cannot pass.")), check("gaze_calibration", exam.gaze_calibration, _("Gaze calibration"), _("The candidate looks at five points, so that looking away is judged by their own eyes.")), h("p", { class: "muted small" }, _("Both send pictures of the face to the appliance, where they are judged and deleted; of a liveness that was not passed two are kept. With analysis on the candidate's device neither is asked for."))),
    h("p", { class: "muted small" }, _("Counts for check-ins that begin from now on. What was enrolled before stays until it is revoked on the page “Biometrics”.")),
    error,
  );
  const save = button(
    _("Save"),
    () =>
      void busy(save, async () => {
        error.hidden = true;
        const values = new FormData(form);
        try {
          await post(`/api/v1/exams/${exam.id}/biometrics`, { biometrics: values.get("biometrics"), identity_action: values.get("identity_action"), liveness: values.has("liveness"), gaze_calibration: values.has("gaze_calibration") });
          dialog.close();
          toast(_("Saved."), "good");
          await saved();
        } catch (problem) {
          fill(error, icon("circle-alert"), wordError(problem));
          error.hidden = false;
        }
      }),
    { kind: "btn-primary", icon: "save" },
  );
  const dialog = openDialog({ title: _("Biometrics of {exam}", { exam: exam.name }), icon: "scan-face", wide: true, body: [form], buttons: [save] });
}
