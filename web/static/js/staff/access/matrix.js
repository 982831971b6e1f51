/** @file The permission map: a row for each permission, a column for each role, a scope in each cell. */

import { fill, h, one } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";

/** @typedef {{permission: string, title: string, cells: (string | null)[]}} Row */
/** @typedef {{columns: string[], groups: {title: string, rows: Row[]}[]}} Matrix */

/** @type {() => Record<string, string>} */
const columnWords = () => ({
  admin: _("Administrator"),
  organiser: _("Organiser"),
  proctor: _("Proctor"),
  reviewer: _("Reviewer"),
  security_officer: _("Security officer"),
  support: _("Support engineer"),
  auditor: _("Auditor"),
  api_client: _("API client"),
  candidate: _("Candidate"),
});

/** @type {() => [string, string, string][]} */
const scopeWords = () => [
  ["company", _("company"), _("everything of the own company; an account limited to its exams: these")],
  ["exam", _("exams"), _("assigned exams and their sittings")],
  ["sitting", _("sittings"), _("sittings assigned or claimed, and unclaimed ones of assigned exams")],
  ["granted", _("ticket"), _("what was opened for a ticket, for some hours")],
  ["own", _("own"), _("one's own sitting or account")],
  ["appliance", _("appliance"), _("the whole appliance")],
];

/** @param {Matrix} matrix */
export function showMatrix({ columns, groups }) {
  const titles = columnWords();
  const words = scopeWords();
  const cell = (/** @type {string | null} */ scope) => {
    const word = words.find(([name]) => name === scope);
    return h("td", null, word ? h("span", { class: `scope scope-${word[0]}` }, word[1]) : h("span", { class: "scope-none" }, h("span", { "aria-hidden": "true" }, "—"), h("span", { class: "visually-hidden" }, _("no"))));
  };
  const body = groups.flatMap((group) => [
    h("tr", { class: "matrix-group" }, h("th", { scope: "rowgroup", colspan: columns.length + 1 }, group.title)),
    ...group.rows.map((row) => h("tr", null, h("th", { scope: "row" }, row.title, h("span", { class: "mono" }, row.permission)), row.cells.map(cell))),
  ]);
  const table = h(
    "table",
    { class: "table matrix" },
    h("caption", { class: "visually-hidden" }, _("Roles and permissions")),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, _("Permission")), columns.map((name) => h("th", { scope: "col" }, titles[name] ?? name)))),
    h("tbody", null, body),
  );
  const legend = h("dl", { class: "access-legend" }, words.map(([name, word, text]) => h("div", null, h("dt", null, h("span", { class: `scope scope-${name}` }, word)), h("dd", null, text))));
  fill(one("#matrix"), legend, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": _("Roles and permissions") }, table));
  one("#matrix").removeAttribute("aria-busy");
}
