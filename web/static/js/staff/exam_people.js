/** @file Who works on an exam: a cell of the table, and the dialog in which people are assigned to it. */

import { get, post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { busy, button, fill, h } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, ngettext } from "../base/i18n.js";
import { toast, toastError } from "../base/toast.js";

/** @typedef {{id: number, name: string, role: string, limited: boolean, exam_ids: number[]}} Person */
/** @typedef {{id: number, name: string}} Exam */

/** @type {Person[]} */
let people = [];

/** @type {() => [string, string][]} */
const roles = () => [
  ["proctor", _("Proctors")],
  ["reviewer", _("Reviewers")],
  ["organiser", _("Organisers")],
];

/** Learn who can be assigned; without it the cells stay empty. */
export async function loadPeople() {
  try {
    people = (await get("/api/v1/assignments")).people;
  } catch (error) {
    toastError(error);
  }
}

/** @param {Exam} exam @param {() => void} change */
export function peopleCell(exam, change) {
  const assigned = people.filter(({ exam_ids }) => exam_ids.includes(exam.id));
  const proctors = assigned.filter(({ role }) => role === "proctor").length;
  const others = assigned.length - proctors;
  return h(
    "div",
    { class: "cell-two" },
    h("span", { title: assigned.map(({ name }) => name).join(", ") }, proctors ? ngettext("{n} proctor", "{n} proctors", proctors) : _("no proctor")),
    others > 0 && h("span", { class: "muted" }, ngettext("{n} other by name", "{n} others by name", others)),
    button(_("Assign…"), change, { kind: "btn-quiet btn-sm", icon: "users", "aria-label": _("Assign people to {exam}", { exam: exam.name }) }),
  );
}

/** @param {Exam} exam @param {() => Promise<void>} saved */
export function openPeople(exam, saved) {
  const failure = h("p", { class: "form-error", role: "alert" });
  const row = (/** @type {Person} */ person) =>
    h("label", { class: "with-icon" }, h("input", { type: "checkbox", name: "user", value: person.id, checked: person.exam_ids.includes(exam.id) }), h("span", null, person.name, !person.limited && h("span", { class: "small muted" }, ` · ${_("sees all exams anyway")}`)));
  const groups = roles()
    .map(([role, title]) => [title, people.filter((person) => person.role === role)])
    .filter(([, list]) => list?.length)
    .map(([title, list]) => h("fieldset", null, h("legend", null, /** @type {string} */ (title)), /** @type {Person[]} */ (list).map(row)));
  const form = h("form", { class: "stack exam-biometrics", on: { submit: (event) => event.preventDefault() } }, groups.length ? groups : h("p", { class: "muted" }, _("There is nobody yet who could be assigned.")), h("p", { class: "small muted" }, _("A proctor sees the sittings of these exams that nobody has claimed, and their own. What is claimed stays with whom it is.")), failure);
  const save = button(
    _("Save"),
    () =>
      void busy(save, async () => {
        try {
          people = (await post(`/api/v1/exams/${exam.id}/assignments`, { user_ids: new FormData(form).getAll("user").map(Number) })).people;
          dialog.close();
          toast(_("Saved."), "good");
          await saved();
        } catch (error) {
          fill(failure, wordError(error));
        }
      }),
    { kind: "btn-primary", icon: "save" },
  );
  const dialog = openDialog({ title: _("Who works on {exam}", { exam: exam.name }), icon: "users", body: [form], buttons: [button(_("Cancel"), () => dialog.close()), save] });
}
