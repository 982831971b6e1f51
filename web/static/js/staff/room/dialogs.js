/** @file The room's questions: warn, drop, finish. Each gives its answer or null when it was closed. */

import { button, fill, h } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { ask, choices, chosen, commentField, submitOnEnter } from "../ask.js";
import { conclusionWord, typeWord } from "../words.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 */

/**
 * @param {Entry} entry
 * @param {string[]} types
 * @returns {Promise<{type: string, comment: string} | null>}
 */
export function askWarning(entry, types) {
  const body = h("div", { class: "choices", role: "radiogroup", "aria-label": _("What for") }, ...choices("type", types.map((value) => ({ value, ...typeWord(value) })), types[0] ?? ""));
  const comment = commentField(_("Comment"), _("The candidate sees it under the warning; the archive keeps it."));
  return ask((answer) => {
    const send = () => answer({ type: chosen(body, "type"), comment: comment.input.value.trim() });
    submitOnEnter(body, send);
    return {
      title: _("Warn {name}", { name: entry.candidate.name }),
      icon: "triangle-alert",
      tone: "warn",
      wide: true,
      body: [h("p", null, _("The warning is shown to the candidate at once and marks the recording here.")), body, comment.field],
      buttons: [button(_("Send the warning"), send, { kind: "btn-primary", icon: "triangle-alert" })],
    };
  });
}

/**
 * @param {Entry} entry
 * @returns {Promise<{reason: string} | null>}
 */
export function askRefusal(entry) {
  const reasons = [
    { value: _("No valid document was shown."), icon: "id-card" },
    { value: _("The name in the document differs from the declared name."), icon: "pen-line" },
    { value: _("The face does not match the document."), icon: "user-x" },
    { value: _("The photo cannot be read, also after asking again."), icon: "eye-off" },
  ].map((reason) => ({ ...reason, title: reason.value, tone: "bad" }));
  const body = h("div", { class: "choices choices-one", role: "radiogroup", "aria-label": _("Reason") }, ...choices("reason", reasons, reasons[0]?.value ?? ""));
  const comment = commentField(_("In your own words"), _("Kept with the sitting and told to the organiser."));
  return ask((answer) => {
    const drop = () => answer({ reason: [chosen(body, "reason"), comment.input.value.trim()].filter(Boolean).join(" ") });
    return {
      title: _("Drop the sitting of {name}?", { name: entry.candidate.name }),
      icon: "user-x",
      tone: "bad",
      body: [h("p", null, _("The sitting ends before the exam begins, for want of identity. It cannot be taken up again.")), body, comment.field],
      buttons: [button(_("Drop the sitting"), drop, { kind: "btn-danger", icon: "x" })],
    };
  });
}

/**
 * @param {Entry[]} entries whom the proctor may speak to
 * @returns {Promise<number[] | null>} their sittings
 */
export function askBroadcast(entries) {
  const boxes = entries.map((entry) => ({ entry, box: h("input", { type: "checkbox", checked: true }) }));
  const list = boxes.map(({ entry, box }) =>
    h("label", { class: "choice choice-sm" }, box, h("span", null, entry.candidate.name, " ", h("span", { class: "muted" }, `#${entry.id} · ${entry.exam.name}`))),
  );
  return ask((answer) => {
    const yes = button(_("Begin to speak"), () => answer(boxes.filter(({ box }) => box.checked).map(({ entry }) => entry.id)), { kind: "btn-primary", icon: "mic", disabled: !entries.length });
    const body = h("fieldset", { class: "talk-choices" }, h("legend", null, _("Who hears you")), list.length ? list : h("p", { class: "muted" }, _("Nobody is here whom you could speak to.")));
    body.addEventListener("change", () => {
      yes.disabled = !boxes.some(({ box }) => box.checked);
    });
    return {
      title: _("Speak to several candidates"),
      icon: "headphones",
      body: [h("p", null, _("They hear you at once. None of them hears another, and the exam goes on.")), body],
      buttons: [yes],
    };
  });
}

/**
 * @param {Entry} entry
 * @returns {Promise<{conclusion: string | null, comment: string} | null>}
 */
export function askFinish(entry) {
  const later = { value: "", title: _("Decide in the review"), icon: "clock", tone: "none" };
  const list = [later, ...["accepted", "suspicious", "rejected"].map((value) => ({ value, ...conclusionWord(value) }))];
  const body = h("div", { class: "choices", role: "radiogroup", "aria-label": _("Conclusion") }, ...choices("conclusion", list, ""));
  const comment = commentField(_("Comment"), "");
  const sure = h("input", { type: "checkbox", id: "dialog-sure" });
  const error = h("p", { class: "form-error", role: "alert" });
  return ask((answer) => {
    const finish = () => {
      if (sure.checked) return answer({ conclusion: chosen(body, "conclusion") || null, comment: comment.input.value.trim() });
      fill(error, _("Please tick the box first: a finished exam cannot be resumed."));
      return sure.focus();
    };
    return {
      title: _("Finish the exam of {name}?", { name: entry.candidate.name }),
      icon: "circle-stop",
      tone: "bad",
      body: [
        body,
        comment.field,
        h("label", { class: "choice choice-sm", for: "dialog-sure" }, sure, h("span", null, _("Yes, end it now. The candidate cannot go on."))),
        error,
      ],
      buttons: [button(_("Finish the exam"), finish, { kind: "btn-danger", icon: "circle-stop" })],
    };
  });
}
