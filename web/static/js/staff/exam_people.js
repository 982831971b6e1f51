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
let toProctors = false;

/** @type {() => [string, string][]} */
const roles = () => [
  ["proctor", _("Proctors")],
  ["reviewer", _("Reviewers")],
  ["organiser", _("Organisers")],
];

/** Learn who can be assigned; without it the cells stay empty. */
export async function loadPeople() {
  try {
    const found = await get("/api/v1/assignments");
    people = found.people;
    toProctors = found.new_exams_to_proctors;
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
  openChoice({
    title: _("Who works on {exam}", { exam: exam.name }),
    hint: _("A proctor sees the sittings of these exams that nobody has claimed, and their own. What is claimed stays with whom it is."),
    isChosen: ({ exam_ids }) => exam_ids.includes(exam.id),
    save: async (user_ids) => {
      people = (await post(`/api/v1/exams/${exam.id}/assignments`, { user_ids })).people;
      await saved();
    },
  });
}

/** Who works on one sitting by name, besides those of its exam. @param {number} id @param {string} name the candidate's */
export async function openPeopleOfSitting(id, name) {
  const path = `/api/v1/sittings/${id}/assignments`;
  try {
    const found = await get(path);
    people = found.people;
    openChoice({
      title: _("Who works on the sitting of {name} by name", { name }),
      hint: _("Besides those who are assigned to its exam."),
      isChosen: (person) => found.user_ids.includes(person.id),
      save: (user_ids) => post(path, { user_ids }),
    });
  } catch (error) {
    toastError(error);
  }
}

/**
 * @param {{title: string, hint: string, isChosen: (person: Person) => boolean, save: (userIds: number[]) => Promise<unknown>}} choice
 */
function openChoice({ title, hint, isChosen, save: keep }) {
  const failure = h("p", { class: "form-error", role: "alert" });
  const row = (/** @type {Person} */ person) =>
    h("label", { class: "with-icon" }, h("input", { type: "checkbox", name: "user", value: person.id, checked: isChosen(person) }), h("span", null, person.name, !person.limited && h("span", { class: "small muted" }, ` · ${_("sees all exams anyway")}`)));
  const groups = roles()
    .map(([role, words]) => [words, people.filter((person) => person.role === role)])
    .filter(([, list]) => list?.length)
    .map(([words, list]) => h("fieldset", null, h("legend", null, /** @type {string} */ (words)), /** @type {Person[]} */ (list).map(row)));
  const form = h("form", { class: "stack exam-biometrics", on: { submit: (event) => event.preventDefault() } }, groups.length ? groups : h("p", { class: "muted" }, _("There is nobody yet who could be assigned.")), h("p", { class: "small muted" }, hint), failure);
  const save = button(
    _("Save"),
    () =>
      void busy(save, async () => {
        try {
          await keep(new FormData(form).getAll("user").map(Number));
          dialog.close();
          toast(_("Saved."), "good");
        } catch (error) {
          fill(failure, wordError(error));
        }
      }),
    { kind: "btn-primary", icon: "save" },
  );
  const dialog = openDialog({ title, icon: "users", body: [form], buttons: [button(_("Cancel"), () => dialog.close()), save] });
}

/** Whether exams that the learning platform brings go to all proctors at once; a switch for who may edit accounts. */
export function newExamsSwitch() {
  const box = h("input", { type: "checkbox", checked: toProctors });
  box.addEventListener("change", async () => {
    box.disabled = true;
    try {
      toProctors = (await post("/api/v1/access/new-exams", { to_proctors: box.checked })).new_exams_to_proctors;
      toast(_("Saved."), "good");
    } catch (error) {
      toastError(error);
    }
    box.checked = toProctors;
    box.disabled = false;
  });
  return h("label", { class: "with-icon small" }, box, h("span", null, _("New exams go to all proctors")));
}
