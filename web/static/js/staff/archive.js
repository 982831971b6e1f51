/** @file The archive: all sittings of the company, searched, filtered and paged. */

import { h, icon, one } from "../base/dom.js";
import { _, formatDateTime } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { connectFilter, formOf, TablePage } from "./table_page.js";
import { conclusionWord, modeWord, stateWord } from "./words.js";

/** @typedef {import("./types.js").Summary} Summary */

const mayReview = pageData.permissions.includes("sitting.review");

/**
 * @param {{title: string, icon: string, tone: string}} word
 */
const badge = (word) => h("span", { class: `badge tone-${word.tone}` }, icon(word.icon), word.title);

/** Bands of the score as it is first set for an exam; the review shows the exam's own. @param {number | null} score */
function scoreBadge(score) {
  if (score === null) return h("span", { class: "muted" }, "—");
  const [tone, symbol] = score <= 20 ? ["bad", "circle-x"] : score <= 40 ? ["warn", "triangle-alert"] : ["good", "circle-check"];
  return h("span", { class: `badge tone-${tone}`, title: _("Trust score {score} of 100", { score }) }, icon(symbol), String(score));
}

/** @param {Summary} sitting */
function cells(sitting) {
  const name = mayReview ? h("a", { class: "row-name", href: `/sittings/${sitting.id}` }, sitting.candidate.name) : h("span", { class: "row-name" }, sitting.candidate.name);
  return [
    h("span", { class: "muted figures" }, `#${sitting.id}`),
    h("div", { class: "cell-two" }, name, h("span", { class: "muted" }, [sitting.candidate.external_id, sitting.candidate.email].filter(Boolean).join(" · "))),
    h("div", { class: "cell-two" }, h("span", null, sitting.exam.name), h("span", { class: "muted" }, modeWord(sitting.mode).title)),
    h("span", { class: "nowrap" }, formatDateTime(sitting.started_ms ?? sitting.created_ms)),
    badge(stateWord(sitting.state)),
    scoreBadge(sitting.score),
    sitting.conclusion ? badge(conclusionWord(sitting.conclusion)) : h("span", { class: "muted" }, "—"),
    sitting.proctor?.name ?? "",
  ];
}

const table = new TablePage({
  element: one("#table"),
  caption: _("Sittings"),
  columns: [
    { title: _("No.") },
    { title: _("Candidate") },
    { title: _("Exam") },
    { title: _("Begun") },
    { title: _("State") },
    { title: _("Trust") },
    { title: _("Conclusion") },
    { title: _("Proctor") },
  ],
  cells,
  url: "/api/v1/sittings",
  path: "/archive",
  found: (answer) => ({ ...answer, rows: answer.sittings }),
  empty: { icon: "search", title: _("No sittings found"), text: _("Nothing fits the search and the filter, or nobody has sat an exam yet.") },
  ...(mayReview && { href: (/** @type {Summary} */ sitting) => `/sittings/${sitting.id}` }),
});

connectFilter(formOf("#filter"), (query) => void table.load(query));
await table.load({ ...pageData.query });
