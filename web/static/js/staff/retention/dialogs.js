/** @file What the retention page asks: a term, a hold, its release, an erasure, an export. Each resolves once it is done. */

import { post } from "../../base/api.js";
import { openDialog } from "../../base/dialog.js";
import { busy, button, h } from "../../base/dom.js";
import { ApiError, wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { toast } from "../../base/toast.js";
import { ASKERS, BASES, classTitle, SCOPES } from "./words.js";

/** @param {string} id @param {string} label @param {Node} input @param {string} [hint] */
const field = (id, label, input, hint = "") => h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("span", { class: "hint" }, hint));

/** @param {string} id @param {[string, string][]} choices @param {string} [chosen] */
function select(id, choices, chosen = "") {
  const options = choices.map(([value, title]) => h("option", { value, selected: value === chosen }, title));
  return /** @type {HTMLSelectElement} */ (h("select", { class: "select", id }, options));
}

/** @param {string} id @param {Record<string, any>} [props] */
const input = (id, props = {}) => /** @type {HTMLInputElement} */ (h("input", { class: "input", type: "text", id, autocomplete: "off", ...props }));

/**
 * A dialog with one deed: what goes wrong stands in it, and it stays open.
 * @param {{title: string, icon: string, tone?: "accent" | "bad" | "warn", body: Node[], yes: string, danger?: boolean, done: string, act: () => Promise<unknown>, first: HTMLElement, extra?: Node[]}} options
 * @returns {Promise<boolean>}
 */
function ask({ title, icon, tone = "accent", body, yes, danger = false, done, act, first, extra = [] }) {
  return new Promise((resolve) => {
    let acted = false;
    const problem = h("p", { class: "error", role: "alert" });
    const send = button(
      yes,
      () =>
        void busy(send, async () => {
          problem.textContent = "";
          try {
            await act();
            acted = true;
            dialog.close();
            toast(done, "good");
          } catch (error) {
            // the general words speak of an exam; the server says what is in the way of a deletion
            problem.textContent = error instanceof ApiError && error.code === "impossible_step" ? error.message : wordError(error);
          }
        }),
      { kind: danger ? "btn-danger" : "btn-primary", icon },
    );
    const dialog = openDialog({ title, icon, tone, body: [h("div", { class: "keep-form" }, ...body, h("div", { class: "field" }, problem))], buttons: [...extra, send], onClose: () => resolve(acted) });
    first.focus();
  });
}

/** @param {any} term @param {{id: number, name: string}[]} exams */
export function askTerm(term, exams) {
  /** @type {[string, string][]} */
  const whose = [["", _("All exams without a term of their own")], ...exams.map(({ id, name }) => /** @type {[string, string]} */ ([String(id), name]))];
  const exam = select("term-exam", whose);
  const days = input("term-days", { type: "number", min: term.least, max: term.most, value: term.days ?? "", inputmode: "numeric" });
  const warn = input("term-warn", { type: "number", min: 3, max: 90, value: term.warn_days, inputmode: "numeric" });
  const endless = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", id: "term-endless", checked: term.days === null, on: { change: () => (days.disabled = endless.checked) } }));
  days.disabled = endless.checked;
  exam.addEventListener("change", () => {
    const own = term.exams.find((/** @type {any} */ one) => String(one.exam_id) === exam.value) ?? term;
    days.value = own.days ?? "";
    warn.value = own.warn_days;
  });
  const limits = term.most === null ? _("At least {least} days.", { least: term.least }) : _("{least} to {most} days.", { least: term.least, most: term.most });
  const rules = [term.least_rule, term.most_rule].filter(Boolean).map((rule) => h("p", { class: "small muted" }, _(rule)));
  return ask({
    title: _("Term: {what}", { what: classTitle(term.data_class) }),
    icon: "clock",
    body: [
      field("term-exam", _("For"), exam),
      h("div", { class: "keep-pair" }, field("term-days", _("Kept, days from the sitting's end"), days, limits), field("term-warn", _("Announced before, days"), warn)),
      ...(term.most === null ? [h("label", { class: "keep-check" }, endless, _("Keep without end"))] : []),
      ...rules,
    ],
    yes: _("Set"),
    done: _("The term is set."),
    act: () => post("/api/v1/retention/terms", { data_class: term.data_class, exam_id: exam.value ? Number(exam.value) : null, days: endless.checked ? null : Number(days.value), warn_days: Number(warn.value) }),
    first: exam,
    extra: [
      button(_("Back to the preset"), () => void post("/api/v1/retention/terms/drop", { data_class: term.data_class, exam_id: exam.value ? Number(exam.value) : null }).then(() => location.reload()), { kind: "btn-quiet", icon: "rotate-ccw" }),
    ],
  });
}

/** @param {{scope?: string, id?: number}} [of] */
export function askHold({ scope = "sitting", id } = {}) {
  const what = select("hold-scope", SCOPES, scope);
  const number = input("hold-id", { type: "number", min: 1, value: id ?? "", inputmode: "numeric" });
  const reason = h("textarea", { class: "textarea", id: "hold-reason", rows: 3, maxlength: 1000 });
  const owner = input("hold-owner", { maxlength: 1000 });
  return ask({
    title: _("Place a hold"),
    icon: "lock",
    body: [
      h("div", { class: "keep-pair" }, field("hold-scope", _("On"), what), field("hold-id", _("Number"), number)),
      field("hold-reason", _("Reason"), reason, _("For example the number of a complaint or a case.")),
      field("hold-owner", _("Owner"), owner, _("Who answers for it and is asked whether it is still needed.")),
    ],
    yes: _("Place the hold"),
    done: _("The hold is in force."),
    act: () => post("/api/v1/retention/holds", { scope: what.value, id: Number(number.value), reason: /** @type {HTMLTextAreaElement} */ (reason).value, owner: owner.value }),
    first: id ? reason : number,
  });
}

/** @param {any} hold */
export function askRelease(hold) {
  const reason = input("release-reason", { maxlength: 1000 });
  return ask({
    title: _("Release hold {n}?", { n: hold.id }),
    icon: "lock",
    tone: "warn",
    body: [h("p", null, _("What it stopped is announced anew before it is deleted.")), field("release-reason", _("Why it is no longer needed"), reason)],
    yes: _("Release"),
    done: _("The hold is released."),
    act: () => post(`/api/v1/retention/holds/${hold.id}/release`, { reason: reason.value }),
    first: reason,
  });
}

/** @param {any} person */
export function askErase(person) {
  const basis = select("erase-basis", BASES);
  const asker = select("erase-asker", ASKERS);
  const reference = input("erase-reference", { maxlength: 200 });
  const typed = input("erase-typed");
  return ask({
    title: _("Erase {name} for ever?", { name: person.name }),
    icon: "trash-2",
    tone: "bad",
    danger: true,
    body: [
      h("p", null, _("Recordings, photos, templates, chat, answers, name and e-mail are erased in every store; by the destroyed keys in every backup, too. What stays is a sitting of nobody with its outcome. Nobody can take this back.")),
      h("div", { class: "keep-pair" }, field("erase-basis", _("Legal basis"), basis), field("erase-asker", _("Asked for by"), asker)),
      field("erase-reference", _("Number of the letter or ticket"), reference, _("It stays in the certificate: never a name.")),
      field("erase-typed", _("Type the person's id to confirm: {id}", { id: person.external_id }), typed),
    ],
    yes: _("Erase for ever"),
    done: _("The person is being erased; the certificate appears here."),
    act: async () => {
      if (typed.value !== person.external_id) throw new ApiError(0, "bad_input", _("The id you typed is another one."));
      await post(`/api/v1/retention/people/${person.id}/erase`, { legal_basis: basis.value, asked_by: asker.value, reference: reference.value });
    },
    first: basis,
  });
}

/** @param {any} person */
export function askExport(person) {
  const films = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", id: "export-films" }));
  return ask({
    title: _("Everything stored of {name}", { name: person.name }),
    icon: "download",
    body: [
      h("p", null, _("An archive with pages to read in English and Russian, the same as data for programs, and pictures. Of other people only their role is named. It is destroyed after some days.")),
      h("label", { class: "keep-check" }, films, _("Take the recordings along")),
    ],
    yes: _("Make it up"),
    done: _("It is being made up; it appears below."),
    act: () => post(`/api/v1/retention/people/${person.id}/export`, { with_recordings: films.checked }),
    first: films,
  });
}
