/** @file The support engineer's table: which stage is a candidate at, how is the media, what did the check say. No faces. */

import { post } from "../base/api.js";
import { busy, button, h, icon, one } from "../base/dom.js";
import { _, ngettext } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toastError } from "../base/toast.js";
import { DiskNotice } from "./disk_notice.js";
import { connectFilter, formOf, TablePage } from "./table_page.js";
import { wallTime } from "./wall_time.js";
import { checkWord, gapWord, stateWord, stepWord, trackWord } from "./words.js";

// Stages change within seconds; the page is looked at while one talks to the candidate.
const REFRESH_MS = 5000;

/** @param {Record<string, string>} tracks */
function media(tracks) {
  const words = /** @type {Record<string, [string, string, string]>} */ ({
    live: ["good", "check", _("live")],
    lost: ["bad", "x", _("lost")],
    none: ["none", "minus", _("none")],
    stays: ["good", "shield-check", _("stays with the candidate")],
  });
  return h("div", { class: "row row-tight" }, Object.entries(tracks ?? {}).map(([track, state]) => {
    const [tone, symbol, title] = words[state] ?? ["none", "circle-help", state];
    return h("span", { class: `badge tone-${tone}` }, icon(trackWord(track).icon), `${trackWord(track).title}: ${title}`, icon(symbol));
  }));
}

/** @param {any} check */
function checked(check) {
  if (!check) return h("span", { class: "muted" }, _("none yet"));
  const troubles = Object.entries(check.results ?? {}).filter(([, result]) => result?.state && result.state !== "passed");
  const client = check.client ?? {};
  const browser = [client.browser, client.os, client.user_agent].find((value) => typeof value === "string") ?? "";
  return h(
    "div",
    { class: "cell-two" },
    h("span", { class: `badge tone-${check.passed ? "good" : "bad"}` }, icon(check.passed ? "check" : "x"), check.passed ? _("passed") : _("failed")),
    troubles.map(([name, result]) => h("span", { class: "muted" }, `${checkWord(name).title}: ${result.detail || result.state}`)),
    h("span", { class: "muted cell-cut", title: browser }, browser),
  );
}

const mayCheck = pageData.permissions.includes("support.check");

/** Ask for a check and go to its page. @param {string} path */
async function ask(path) {
  try {
    const answer = await post(path);
    location.assign(`/support/checks/${answer.check.id}`);
  } catch (error) {
    toastError(error);
  }
}

/** @param {any} sitting */
function checkButton(sitting) {
  if (!mayCheck) return null;
  const check = button(_("Check pipeline"), () => void busy(check, () => ask(`/api/v1/support/sittings/${sitting.id}/check`)), { kind: "btn-sm", icon: "activity", "aria-label": _("Check the pipeline of {name}", { name: sitting.candidate.name }) });
  return check;
}

/** @param {any} sitting */
function cells(sitting) {
  const word = stateWord(sitting.state);
  const { gaps = [] } = sitting;
  const seen = sitting.last_seen_ms;
  const offset = Math.round((sitting.clock_offset_ms ?? 0) / 1000);
  const connection = [seen && _("seen {time}", { time: wallTime(seen) }), Math.abs(offset) > 2 && _("clock off by {n} s", { n: offset })];
  return [
    h("span", { class: "muted figures" }, `#${sitting.id}`),
    h("div", { class: "cell-two" }, h("span", { class: "row-name" }, sitting.candidate.name), h("span", { class: "muted" }, sitting.candidate.email || sitting.candidate.external_id)),
    h("div", { class: "cell-two" }, h("span", { class: `badge tone-${word.tone}` }, icon(word.icon), word.title), h("span", { class: "muted" }, sitting.state === "check_in" ? stepWord(sitting.step).title : sitting.exam.name)),
    h("div", { class: "cell-two" }, h("span", { class: `with-icon tone-${sitting.online ? "good" : "bad"}` }, icon(sitting.online ? "wifi" : "wifi-off", "icon-sm icon-tone"), sitting.online ? _("connected") : _("not connected")), h("span", { class: "muted" }, connection.filter(Boolean).join(" · "))),
    media(sitting.tracks),
    h("div", { class: "cell-two" }, gaps.length ? h("span", null, ngettext("{n} gap", "{n} gaps", gaps.length)) : h("span", { class: "muted" }, _("none")), gaps.slice(-2).map((/** @type {any} */ gap) => h("span", { class: "muted" }, `${wallTime(gap.start_ms)} ${trackWord(gap.track).title}: ${gapWord(gap.cause).title}`))),
    checked(sitting.system_check),
    checkButton(sitting),
  ];
}

const disk = new DiskNotice(one("#disk"));
const table = new TablePage({
  element: one("#table"),
  caption: _("Present sittings"),
  columns: [{ title: _("No.") }, { title: _("Candidate") }, { title: _("Stage") }, { title: _("Connection") }, { title: _("Media") }, { title: _("Gaps") }, { title: _("System check") }, { title: _("Check") }],
  cells,
  url: "/api/v1/support/sittings",
  path: "/support",
  found: (answer) => {
    disk.show(answer.disk);
    return { rows: answer.sittings };
  },
  empty: { icon: "life-buoy", title: _("Nobody is here now"), text: _("Sittings appear from the check-in on, until they are over.") },
});

if (mayCheck) {
  const whole = button(_("Check the appliance"), () => void busy(whole, () => ask("/api/v1/support/check")), { kind: "btn-sm", icon: "server" });
  one("#filter").append(whole);
}
connectFilter(formOf("#filter"), (query) => void table.load(query));
await table.load({ q: new URLSearchParams(location.search).get("q") ?? "" });
setInterval(() => !document.hidden && void table.load(), REFRESH_MS);
