/** @file The company's exams: what is allowed, what is asked, how it is scored. */

import { h, icon, one } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { biometricsCell, openBiometrics } from "./exam_biometrics.js";
import { loadPeople, newExamsSwitch, openPeople, peopleCell } from "./exam_people.js";
import { ruleIcons } from "./rules.js";
import { TablePage } from "./table_page.js";
import { metricWord, modeWord } from "./words.js";

const mayEdit = pageData.permissions.includes("exam.edit");
const mayAssign = pageData.permissions.includes("assignment.edit");

/** @param {string} kind */
const identification = (kind) =>
  /** @type {Record<string, string>} */ ({
    skip: _("Not asked"),
    face: _("Face"),
    passport: _("Document"),
    face_and_passport: _("Face and document"),
  })[kind] ?? kind;

/** @param {any} exam */
function cells(exam) {
  const mode = modeWord(exam.mode);
  const weights = Object.entries(exam.weights ?? {});
  const { attention = 60, rejected = 80 } = exam.thresholds ?? {};
  return [
    h("div", { class: "cell-two" }, h("span", { class: "row-name" }, exam.name), h("span", { class: "muted mono" }, exam.external_id)),
    h("span", { class: "with-icon" }, icon(mode.icon, "icon-sm"), mode.title),
    _("{n} min", { n: exam.duration_minutes }),
    identification(exam.identification),
    biometricsCell(exam, () => openBiometrics(exam, () => table.load()), mayEdit),
    h("div", { class: "cell-two" }, ruleIcons(exam.rules ?? {}), exam.rules?.custom_rules && h("span", { class: "muted" }, exam.rules.custom_rules)),
    h("div", { class: "cell-two" }, weights.length ? h("span", null, weights.map(([name, weight]) => `${metricWord(name).title} × ${weight}`).join(", ")) : h("span", { class: "muted" }, _("Standard weights")), h("span", { class: "muted" }, _("attention from {attention}, rejection from {rejected} of suspicion", { attention, rejected }))),
    ...(mayAssign ? [peopleCell(exam, () => openPeople(exam, () => table.load()))] : []),
    String(exam.sittings),
  ];
}

const table = new TablePage({
  element: one("#table"),
  caption: _("Exams"),
  columns: [
    { title: _("Exam") },
    { title: _("Mode") },
    { title: _("Time") },
    { title: _("Identity") },
    { title: _("Biometrics") },
    { title: _("Rules") },
    { title: _("Score") },
    ...(mayAssign ? [{ title: _("Who works on it") }] : []),
    { title: _("Sittings"), class: "num" },
  ],
  cells,
  url: "/api/v1/exams",
  found: (answer) => ({ rows: answer.exams }),
  empty: { icon: "graduation-cap", title: _("No exams yet"), text: _("An exam appears here with the first candidate whom the learning platform sends.") },
});
if (mayAssign) await loadPeople();
if (mayAssign && pageData.permissions.includes("staff.edit")) one("#new-exams").append(newExamsSwitch());
await table.load();
