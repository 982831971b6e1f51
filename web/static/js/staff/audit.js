/** @file The security officer's page: joins the state of the log, its search, viewers and unusual access. */

import { busy, one } from "../base/dom.js";
import { fillForm, LogTable, queryOf } from "./audit/log.js";
import { showState, verify } from "./audit/state.js";
import { showUnusual } from "./audit/unusual.js";
import { showWatchers } from "./audit/watchers.js";
import { formOf } from "./table_page.js";
import { connectTabs } from "./tabs.js";

const table = new LogTable(one("#table"));
const filter = formOf("#filter");
const unusualForm = formOf("#unusual-form");
const watchersForm = formOf("#watchers-form");

/** @param {Record<string, string>} query */
function search(query) {
  const text = new URLSearchParams(query).toString();
  history.replaceState(null, "", text ? `/audit?${text}` : "/audit");
  for (const link of document.querySelectorAll("a[data-form]")) {
    if (link instanceof HTMLAnchorElement) link.href = `/api/v1/audit/file?${new URLSearchParams({ ...query, form: link.dataset.form ?? "csv" })}`;
  }
  return table.load(query);
}

/** @type {number | undefined} */
let timer;
// A field that was typed in also changes when it is left: what is shown already is not asked for again.
const ask = (again = false) => {
  window.clearTimeout(timer);
  const wanted = queryOf(filter);
  if (again || JSON.stringify(wanted) !== JSON.stringify(table.query)) void search(wanted);
};
filter.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(true);
});
filter.addEventListener("change", () => ask());
filter.addEventListener("input", (event) => {
  if (!(event.target instanceof HTMLInputElement) || event.target.type !== "search") return;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => ask(), 400);
});

watchersForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = String(new FormData(watchersForm).get("q") ?? "").trim();
  if (wanted) void showWatchers(one("#watchers-list"), wanted);
});

const lookUnusual = () =>
  showUnusual(one("#unusual-list"), Number(new FormData(unusualForm).get("days")), (query) => {
    fillForm(filter, query);
    one("#tab-log").click();
    void search(query);
  });
unusualForm.addEventListener("change", () => void lookUnusual());
unusualForm.addEventListener("submit", (event) => event.preventDefault());
one("#tab-unusual").addEventListener("click", () => void lookUnusual());

const again = one("#verify");
again.addEventListener("click", () => again instanceof HTMLButtonElement && void busy(again, verify));

connectTabs(one("#tabs"));
const query = Object.fromEntries(new URLSearchParams(location.search));
delete query.lang;
fillForm(filter, query);
await Promise.all([search(queryOf(filter)), showState()]);
