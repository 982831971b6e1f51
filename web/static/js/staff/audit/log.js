/** @file The entries of the audit log: a filter, and a table that goes on from the last entry it has. */

import { get } from "../../base/api.js";
import { button, busy, fill, h, icon } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";

const time = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium" });

/** @typedef {Record<string, string>} Query */

/** @param {string} result */
function resultBadge(result) {
  if (result === "success") return h("span", { class: "badge tone-good" }, icon("check"), _("success"));
  if (result === "refused") return h("span", { class: "badge tone-bad" }, icon("ban"), _("refused"));
  return h("span", { class: "badge tone-bad" }, icon("x"), result === "failed" ? _("failed") : result);
}

/** @param {Record<string, unknown>} details */
function detailsCell(details) {
  const entries = Object.entries(details ?? {});
  if (!entries.length) return h("span", { class: "muted" }, "—");
  const facts = entries.map(([name, value]) => [h("dt", null, name), h("dd", { class: "mono" }, typeof value === "string" ? value : JSON.stringify(value))]).flat();
  return h("details", { class: "audit-details" }, h("summary", null, entries.map(([name]) => name).join(", ")), h("dl", { class: "facts facts-dense" }, facts));
}

/** @param {any} entry */
function row(entry) {
  const { actor, subject } = entry;
  const who = [`${actor.kind}:${actor.id}`, actor.address].filter(Boolean).join(" · ");
  const cells = [
    h("span", { class: "muted figures" }, entry.id),
    h("time", { class: "nowrap", datetime: new Date(entry.at_ms).toISOString() }, time.format(entry.at_ms)),
    h("div", { class: "cell-two" }, h("span", null, actor.name || actor.kind), h("span", { class: "muted mono" }, who)),
    h("code", null, entry.action),
    h("span", { class: "nowrap" }, subject.kind ? `${subject.kind} #${subject.id}` : "—"),
    resultBadge(entry.result),
    detailsCell(entry.details),
    h("code", { class: "hash", title: entry.hash }, `${String(entry.hash).slice(0, 10)}…`),
  ];
  return h("tr", null, cells.map((cell) => h("td", null, cell)));
}

export class LogTable {
  /** @param {HTMLElement} element */
  constructor(element) {
    const titles = [_("No."), _("Time"), _("Who"), _("Action"), _("Subject"), _("Result"), _("Details"), _("Hash")];
    this.body = h("tbody");
    const head = h("thead", null, h("tr", null, titles.map((title) => h("th", { scope: "col" }, title))));
    this.table = h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, _("Audit log")), head, this.body);
    this.note = h("div", { hidden: true });
    this.foot = h("div", { class: "table-foot" });
    fill(element, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": _("Audit log") }, this.table), this.note, this.foot);
    element.classList.add("audit-table");
    /** @type {Query} */
    this.query = {};
    this.asked = 0;
    this.count = 0;
    this.skeleton(titles.length);
  }

  /** @param {number} columns */
  skeleton(columns) {
    const cell = () => h("td", null, h("div", { class: "skeleton table-skeleton" }));
    fill(this.body, Array.from({ length: 6 }, () => h("tr", { "aria-hidden": "true" }, Array.from({ length: columns }, cell))));
    this.table.setAttribute("aria-busy", "true");
  }

  /** @param {Query} query */
  async load(query) {
    this.query = query;
    this.count = 0;
    fill(this.foot); // "older" would go on in another search
    await this.fetch(null);
  }

  /** @param {number | null} before */
  async fetch(before) {
    const asked = ++this.asked;
    const text = new URLSearchParams({ ...this.query, ...(before ? { before: String(before) } : {}) });
    try {
      const answer = await get(`/api/v1/audit?${text}`);
      if (asked === this.asked) this.show(answer, before !== null);
    } catch (error) {
      if (asked === this.asked) this.fail(error, before);
    }
  }

  /**
   * @param {{entries: any[], next_before: number | null}} answer
   * @param {boolean} goesOn
   */
  show({ entries, next_before: next }, goesOn) {
    this.table.removeAttribute("aria-busy");
    if (goesOn) this.body.append(...entries.map(row));
    else fill(this.body, entries.map(row));
    this.count += entries.length;
    this.table.hidden = this.count === 0;
    this.note.hidden = this.count > 0;
    if (!this.count) fill(this.note, h("div", { class: "empty" }, icon("scroll-text"), h("strong", null, _("No entries")), h("p", null, _("Nothing fits the filter."))));
    const older = button(_("Older entries"), () => void busy(older, () => this.fetch(next)), { kind: "btn-sm", icon: "chevron-down" });
    fill(this.foot, this.count > 0 && h("span", { class: "muted small", role: "status" }, _("{count} shown, newest first", { count: this.count })), next !== null && older);
  }

  /**
   * @param {unknown} error
   * @param {number | null} before
   */
  fail(error, before) {
    this.table.removeAttribute("aria-busy");
    this.table.hidden = this.count === 0;
    this.note.hidden = false;
    fill(this.foot);
    const again = button(_("Try again"), () => void this.fetch(before), { icon: "refresh-cw" });
    fill(this.note, h("div", { class: "empty", role: "alert" }, icon("unlink"), h("strong", null, _("The table could not be loaded")), h("p", null, wordError(error)), again));
  }
}

/** @param {FormDataEntryValue | null} value of a datetime-local field */
const ms = (value) => (value ? String(new Date(String(value)).getTime()) : "");

/**
 * What the form asks for, without empty fields.
 *
 * @param {HTMLFormElement} form
 * @returns {Query}
 */
export function queryOf(form) {
  const data = new FormData(form);
  const fields = Object.fromEntries(["who", "action", "subject", "result", "address"].map((name) => [name, String(data.get(name) ?? "").trim()]));
  const query = { ...fields, from_ms: ms(data.get("from")), to_ms: ms(data.get("to")) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value));
}

/** @param {string | undefined} value UTC milliseconds */
function localTime(value) {
  if (!value || !Number.isFinite(Number(value))) return "";
  const moment = new Date(Number(value));
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * @param {HTMLFormElement} form
 * @param {Query} query
 */
export function fillForm(form, query) {
  for (const name of ["who", "action", "subject", "result", "address"]) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = query[name] ?? "";
  }
  for (const [name, key] of [["from", "from_ms"], ["to", "to_ms"]]) {
    const field = form.elements.namedItem(name ?? "");
    if (field instanceof HTMLInputElement) field.value = localTime(query[key ?? ""]);
  }
}
