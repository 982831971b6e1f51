/** @file A page that is one table fed by REST: loading, empty and error states, paging, and the query kept in the address. */

import { get } from "../base/api.js";
import { button, fill, h, icon } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, ngettext } from "../base/i18n.js";

/** @typedef {Record<string, string | number>} Query */
/** @typedef {{rows: any[], page?: number, pages?: number, total?: number}} Found */

/**
 * @typedef {object} TableOptions
 * @property {HTMLElement} element where the table goes
 * @property {string} caption
 * @property {{title: string, class?: string}[]} columns
 * @property {(row: any) => (Node | string | number | null)[]} cells one for each column
 * @property {string} url
 * @property {(answer: any) => Found} found
 * @property {{icon: string, title: string, text: string}} empty
 * @property {(row: any) => string} [href] where a click on the row leads
 * @property {string} [path] address of the page, kept in step with the query
 */

export class TablePage {
  /** @param {TableOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {Query} */
    this.query = {};
    this.asked = 0;
    this.body = h("tbody");
    this.table = h(
      "table",
      { class: "table" },
      h("caption", { class: "visually-hidden" }, options.caption),
      h("thead", null, h("tr", null, options.columns.map((column) => h("th", { scope: "col", class: column.class }, column.title)))),
      this.body,
    );
    this.note = h("div", { hidden: true });
    this.foot = h("div", { class: "table-foot" });
    const scroll = h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": options.caption }, this.table);
    fill(options.element, scroll, this.note, this.foot);
    this.skeleton();
  }

  skeleton() {
    const cells = this.options.columns.map(() => h("td", null, h("div", { class: "skeleton table-skeleton" })));
    fill(this.body, Array.from({ length: 6 }, () => h("tr", { "aria-hidden": "true" }, cells.map((cell) => cell.cloneNode(true)))));
    this.table.setAttribute("aria-busy", "true");
  }

  /** @param {Query} query */
  async load(query = this.query) {
    this.query = query;
    const asked = ++this.asked;
    const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== 1).map(([name, value]) => [name, String(value)])).toString();
    if (this.options.path) history.replaceState(null, "", text ? `${this.options.path}?${text}` : this.options.path);
    try {
      const answer = await get(text ? `${this.options.url}?${text}` : this.options.url);
      if (asked === this.asked) this.show(this.options.found(answer));
    } catch (error) {
      if (asked === this.asked) this.fail(error);
    }
  }

  /** @param {Found} found */
  show({ rows, page = 1, pages = 1, total = rows.length }) {
    this.table.removeAttribute("aria-busy");
    this.table.hidden = !rows.length;
    this.note.hidden = rows.length > 0;
    fill(this.body, rows.map((row) => this.row(row)));
    const { empty } = this.options;
    if (!rows.length) fill(this.note, h("div", { class: "empty" }, icon(empty.icon), h("strong", null, empty.title), h("p", null, empty.text)));
    fill(this.foot, rows.length > 0 && h("span", { class: "muted small" }, ngettext("{n} entry", "{n} entries", total)), pages > 1 && this.pager(page, pages));
  }

  /** @param {any} row */
  row(row) {
    const href = this.options.href?.(row);
    const cells = this.options.cells(row).map((cell, index) => h("td", { class: this.options.columns[index]?.class }, cell));
    const element = h("tr", { class: href ? "is-link" : "" }, cells);
    if (href) {
      element.addEventListener("click", (event) => {
        if (event.target instanceof Element && event.target.closest("a, button")) return;
        location.assign(href);
      });
    }
    return element;
  }

  /**
   * @param {number} page
   * @param {number} pages
   */
  pager(page, pages) {
    const turn = (/** @type {number} */ to) => void this.load({ ...this.query, page: to });
    return h(
      "nav",
      { class: "row row-tight", "aria-label": _("Pages") },
      button(_("Previous page"), () => turn(page - 1), { kind: "btn-quiet btn-sm", icon: "chevron-left", iconOnly: true, disabled: page <= 1 }),
      h("span", { class: "small figures" }, _("{page} of {pages}", { page, pages })),
      button(_("Next page"), () => turn(page + 1), { kind: "btn-quiet btn-sm", icon: "chevron-right", iconOnly: true, disabled: page >= pages }),
    );
  }

  /** @param {unknown} error */
  fail(error) {
    this.table.removeAttribute("aria-busy");
    this.table.hidden = true;
    this.note.hidden = false;
    fill(this.foot);
    fill(this.note, h("div", { class: "empty", role: "alert" }, icon("unlink"), h("strong", null, _("The table could not be loaded")), h("p", null, wordError(error)), button(_("Try again"), () => void this.load(), { icon: "refresh-cw" })));
  }
}

/**
 * Loads the table again when a field of the form changes; typing waits for a pause.
 *
 * @param {HTMLFormElement} form
 * @param {(query: Query) => void} onQuery
 */
export function connectFilter(form, onQuery) {
  /** @type {number | undefined} */
  let timer;
  const ask = () => {
    window.clearTimeout(timer);
    const entries = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    onQuery({ ...Object.fromEntries(entries), page: 1 });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  form.addEventListener("change", ask);
  form.addEventListener("input", (event) => {
    if (!(event.target instanceof HTMLInputElement)) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, 300);
  });
}

/** @param {string} selector */
export function formOf(selector) {
  const form = document.querySelector(selector);
  if (!(form instanceof HTMLFormElement)) throw new Error(`The page has no form ${selector}`);
  return form;
}
