/**
 * @file One check of the pipeline: its steps appear as they are done. It asks by REST again and again, and not over the
 * socket: the socket's own process may be what is broken.
 */

import { get, post } from "../base/api.js";
import { busy, button, fill, h, icon, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _ } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { sleep } from "../base/time.js";
import { toast, toastError } from "../base/toast.js";
import { trackWord } from "./words.js";

/** @typedef {{key: string, scope: string, state: string, took_ms: number, title: string, meaning: string, cause_text: string, remedy: string, detail: string, shown: [string, string][]}} Step */
/** @typedef {{id: number, sitting_id: number | null, state: string, requested_ms: number, by: string, bundle: boolean, verdict: Step | null}} Summary */
/** @typedef {Summary & {steps: Step[]}} Check */

const POLL_MS = 500;
/** After a failed question: the server may be coming up again. */
const RETRY_MS = 3000;

/** @type {Record<string, [string, string]>} state -> tone, icon */
const MARKS = {
  passed: ["good", "check"],
  warning: ["warn", "triangle-alert"],
  failed: ["bad", "x"],
  skipped: ["none", "minus"],
};

const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
const api = `/api/v1/support/checks/${pageData.check_id}`;
const underWay = (/** @type {Summary} */ check) => check.state === "waiting" || check.state === "running";

/** @param {string} state */
function stateTitle(state) {
  const words = /** @type {Record<string, string>} */ ({
    passed: _("passed"),
    warning: _("warning"),
    failed: _("failed"),
    skipped: _("skipped"),
  });
  return words[state] ?? state;
}

/** @param {string} scope */
function scopeTitle(scope) {
  const words = /** @type {Record<string, string>} */ ({ recordings: _("recordings"), vault: _("vault"), forecast: _("forecast") });
  return words[scope] ?? (["camera", "screen"].includes(scope) ? trackWord(scope).title : scope);
}

/** @param {Step} step */
function stepRow(step) {
  const [tone, symbol] = MARKS[step.state] ?? ["none", "circle-help"];
  const wrong = step.state === "failed" || step.state === "warning";
  return h(
    "li",
    { class: `check-step tone-${tone} is-${step.state}` },
    h("span", { class: "check-mark", title: stateTitle(step.state) }, icon(symbol)),
    h(
      "div",
      null,
      h(
        "div",
        { class: "check-line" },
        h("span", { class: "visually-hidden" }, `${stateTitle(step.state)}: `),
        h("strong", { title: step.meaning }, step.title),
        step.scope && h("span", { class: "badge check-scope", title: step.scope }, scopeTitle(step.scope)),
        step.took_ms > 0 && h("time", null, _("{ms} ms", { ms: step.took_ms })),
      ),
      wrong && why(step),
      step.state === "skipped" && step.cause_text && h("div", { class: "check-note" }, step.cause_text),
      figures(step, wrong),
    ),
  );
}

/** @param {Step} step */
function why(step) {
  return h(
    "div",
    { class: "check-why" },
    h("p", null, h("strong", null, step.cause_text)),
    step.remedy && h("p", null, step.remedy),
    step.detail && h("p", { class: "mono" }, step.detail),
  );
}

/** @param {Step} step @param {boolean} open */
function figures(step, open) {
  const told = step.shown.filter(([, value]) => value && value !== "–");
  if (!told.length) return null;
  return h(
    "details",
    { class: "check-figures", open },
    h("summary", null, told.slice(0, 3).map(([name, value]) => `${name} ${value}`).join(" · ")),
    h("dl", { class: "facts facts-dense" }, told.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
  );
}

/** @param {Check} check */
function verdictCard(check) {
  if (underWay(check)) {
    const text = check.state === "waiting" ? _("Waiting for a gateway to take it…") : _("Looking…");
    return h("div", { class: "verdict tone-info" }, h("span", { class: "spinner" }), h("div", null, h("h2", null, text), h("p", null, _("The steps appear as they are done, in the order of the path."))));
  }
  const found = check.verdict ?? check.steps.find((step) => step.state === "failed");
  if (!found) return h("div", { class: "verdict tone-good" }, icon("circle-check", "icon-lg"), h("div", null, h("h2", null, _("All is well")), h("p", null, _("Every step that could be taken has passed."))));
  const failed = found.state === "failed";
  return h(
    "div",
    { class: `verdict tone-${failed ? "bad" : "warn"}` },
    icon(failed ? "octagon-alert" : "triangle-alert", "icon-lg"),
    h(
      "div",
      null,
      h("span", { class: "verdict-where" }, [found.title, found.scope && scopeTitle(found.scope)].filter(Boolean).join(" · ")),
      h("h2", null, found.cause_text),
      h("p", null, found.remedy),
    ),
  );
}

/** @param {Check} check */
function actions(check) {
  const again = button(_("Check again"), () => void busy(again, () => run(check)), { icon: "refresh-cw", disabled: underWay(check) });
  const copy = button(_("Copy as text"), () => void busy(copy, copyText), { icon: "copy", kind: "btn-quiet" });
  const bundle = check.bundle && h("a", { class: "btn btn-primary", href: `${api}/bundle`, download: "" }, icon("download"), h("span", null, _("Bundle for the ticket")));
  return [copy, again, bundle];
}

/** @param {Check} check */
async function run(check) {
  try {
    const path = check.sitting_id === null ? "/api/v1/support/check" : `/api/v1/support/sittings/${check.sitting_id}/check`;
    const answer = await post(path);
    location.assign(`/support/checks/${answer.check.id}`);
  } catch (error) {
    toastError(error);
  }
}

async function copyText() {
  try {
    const answer = await fetch(`${api}/text`, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    toast(_("Copied"), "good");
  } catch {
    // A page without https may not write the clipboard: show the text to copy it by hand.
    window.open(`${api}/text`, "_blank", "noopener");
  }
}

/** @param {Summary[]} history */
function showHistory(history) {
  const place = one("#history");
  place.hidden = history.length < 2;
  fill(
    place,
    h("div", { class: "card-head" }, h("h2", null, _("Checks before"))),
    h(
      "ol",
      { class: "check-history" },
      history.map((check) => {
        const found = check.verdict;
        const [tone, symbol] = underWay(check) ? ["info", "loader-circle"] : found ? (MARKS[found.state] ?? ["none", "minus"]) : ["good", "check"];
        const text = underWay(check) ? _("Looking…") : (found?.cause_text ?? _("All is well"));
        return h(
          "li",
          null,
          h(
            "a",
            { href: `/support/checks/${check.id}`, "aria-current": check.id === pageData.check_id ? "page" : null },
            h("span", { class: `with-icon tone-${tone}` }, icon(symbol, "icon-sm icon-tone"), h("span", null, text)),
            h("span", { class: "muted" }, [when.format(check.requested_ms), check.by].filter(Boolean).join(" · ")),
          ),
        );
      }),
    ),
  );
}

let drawn = "";

/** @param {{check: Check, history: Summary[]}} answer */
function show({ check, history }) {
  // Drawing anew would close what somebody has opened.
  const now = JSON.stringify([check, history]);
  if (now === drawn) return;
  drawn = now;
  fill(one("#actions"), actions(check));
  fill(one("#verdict"), verdictCard(check));
  const rows = check.steps.map(stepRow);
  if (underWay(check)) rows.push(h("li", { class: "check-step tone-info", "aria-hidden": "true" }, h("span", { class: "check-mark" }, h("span", { class: "spinner" })), h("div", { class: "check-line" }, h("span", { class: "skeleton table-skeleton" }))));
  fill(one("#steps"), rows);
  showHistory(history);
}

/** @param {unknown} error */
function fail(error) {
  drawn = "";
  fill(one("#verdict"), h("div", { class: "verdict tone-bad", role: "alert" }, icon("unlink", "icon-lg"), h("div", null, h("h2", null, _("The check could not be loaded")), h("p", null, wordError(error)), h("p", null, _("It is tried again by itself.")))));
}

for (;;) {
  try {
    const answer = await get(api);
    show(answer);
    if (!underWay(answer.check)) break;
    await sleep(POLL_MS);
  } catch (error) {
    fail(error);
    await sleep(RETRY_MS);
  }
}
