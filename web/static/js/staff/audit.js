/** @file The audit log: who did what when, and whether its chain of hashes stands. */

import { post } from "../base/api.js";
import { busy, fill, h, icon, one } from "../base/dom.js";
import { ApiError, wordError } from "../base/errors.js";
import { _, ngettext } from "../base/i18n.js";
import { connectFilter, formOf, TablePage } from "./table_page.js";

const time = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium" });

/** @param {string} result */
function resultBadge(result) {
  if (result === "success") return h("span", { class: "badge tone-good" }, icon("check"), _("success"));
  return h("span", { class: "badge tone-bad" }, icon("x"), result);
}

/** @param {Record<string, unknown>} details */
function detailsCell(details) {
  const entries = Object.entries(details ?? {});
  if (!entries.length) return h("span", { class: "muted" }, "—");
  return h("details", { class: "audit-details" }, h("summary", null, entries.map(([name]) => name).join(", ")), h("dl", { class: "facts facts-dense" }, entries.map(([name, value]) => [h("dt", null, name), h("dd", { class: "mono" }, typeof value === "string" ? value : JSON.stringify(value))]).flat()));
}

/** @param {any} entry */
function cells(entry) {
  return [
    h("span", { class: "muted figures" }, entry.id),
    h("time", { class: "nowrap", datetime: new Date(entry.at_ms).toISOString() }, time.format(entry.at_ms)),
    h("div", { class: "cell-two" }, h("span", null, entry.actor.name || entry.actor.kind), h("span", { class: "muted mono" }, [`${entry.actor.kind}:${entry.actor.id}`, entry.actor.address].filter(Boolean).join(" · "))),
    h("code", null, entry.action),
    h("span", { class: "nowrap" }, entry.subject.kind ? `${entry.subject.kind} #${entry.subject.id}` : "—"),
    resultBadge(entry.result),
    detailsCell(entry.details),
    h("code", { class: "hash", title: entry.hash }, `${String(entry.hash).slice(0, 10)}…`),
  ];
}

const table = new TablePage({
  element: one("#table"),
  caption: _("Audit log"),
  columns: [
    { title: _("No.") },
    { title: _("Time") },
    { title: _("Who") },
    { title: _("Action") },
    { title: _("Subject") },
    { title: _("Result") },
    { title: _("Details") },
    { title: _("Hash") },
  ],
  cells,
  url: "/api/v1/audit",
  path: "/audit",
  found: (answer) => ({ ...answer, rows: answer.entries }),
  empty: { icon: "scroll-text", title: _("No entries"), text: _("Nothing fits the filter.") },
});

/** @param {"good" | "bad" | "warn"} tone */
function showChain(tone, /** @type {string} */ symbol, /** @type {string} */ title, /** @type {string} */ text) {
  const place = one("#chain");
  place.className = `notice tone-${tone}`;
  fill(place, icon(symbol), h("div", { class: "grow" }, h("strong", null, title), h("span", { class: "small mono" }, text)));
}

async function verify() {
  try {
    const { entries, head_hash: head } = await post("/api/v1/audit/verify");
    showChain("good", "shield-check", ngettext("The chain is whole: {n} entry verified", "The chain is whole: {n} entries verified", entries), _("Head {hash}", { hash: head }));
  } catch (error) {
    const broken = error instanceof ApiError && error.code === "audit_broken";
    if (broken) showChain("bad", "shield-alert", _("The chain is broken"), error.message);
    else showChain("warn", "triangle-alert", _("The chain could not be verified"), wordError(error));
  }
}

const again = one("#verify");
again.addEventListener("click", () => again instanceof HTMLButtonElement && void busy(again, verify));
connectFilter(formOf("#filter"), (query) => void table.load(query));
const query = Object.fromEntries(new URLSearchParams(location.search));
await table.load({ action: query.action ?? "", actor: query.actor ?? "", page: Number(query.page ?? 1) });
await verify();
