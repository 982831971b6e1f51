/** @file The sealed parts with their hashes, gaps, consent, and the results of the system check. */

import { fill, h, icon } from "../../base/dom.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { formatDuration } from "../../base/time.js";
import { wallTime } from "../wall_time.js";
import { checkWord, gapWord, trackWord } from "../words.js";

/** @typedef {import("../types.js").Timeline} Timeline */
/** @typedef {import("../types.js").Part} Part */

const megabytes = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });

/**
 * @param {HTMLElement} element
 * @param {Timeline} data
 */
export function renderParts(element, data) {
  fill(
    element,
    data.parts.length ? partsTable(data.parts) : h("p", { class: "muted small" }, _("Nothing was recorded.")),
    data.gaps.length > 0 && h("h3", { class: "sub" }, _("Gaps")),
    data.gaps.length > 0 && h("ul", { class: "plain small" }, data.gaps.map(gapLine)),
    data.hand_ins.some((one) => one.state !== "taken") && h("h3", { class: "sub" }, _("Handed in by the candidate's browser")),
    h("ul", { class: "plain small" }, data.hand_ins.filter((one) => one.state !== "taken").map(handInLine)),
  );
}

/** @param {Part[]} parts */
function partsTable(parts) {
  const head = [_("Track"), _("From"), _("Length"), _("Size"), _("State"), "SHA-256"];
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": _("Parts") },
    h("table", { class: "table table-dense" }, h("thead", null, h("tr", null, head.map((title) => h("th", { scope: "col" }, title)))), h("tbody", null, parts.map(partRow))),
  );
}

/** @param {Part} part */
function partRow(part) {
  const word = trackWord(part.track);
  const states = /** @type {Record<string, [string, string, string]>} */ ({
    sealed: [_("Sealed"), "lock", "good"],
    stopped: [_("Being sealed"), "loader-circle", "info"],
    recording: [_("Recording"), "circle-dot", "info"],
    lost: [_("Lost"), "circle-alert", "bad"],
  });
  const [title, symbol, tone] = states[part.state] ?? [part.state, "circle-help", "none"];
  return h(
    "tr",
    null,
    h("td", null, h("span", { class: "with-icon" }, icon(word.icon, "icon-sm"), word.title)),
    h("td", null, wallTime(part.start_ms)),
    h("td", null, part.duration_ms === null ? "—" : formatDuration(part.duration_ms)),
    h("td", { class: "nowrap" }, part.size_bytes === null ? "—" : _("{n} MB", { n: megabytes.format(part.size_bytes / 1e6) })),
    h("td", null, h("span", { class: `badge tone-${tone}` }, icon(symbol), title), part.source === "candidate" && [" ", suppliedNote(part)]),
    h("td", null, part.sha256 ? h("code", { class: "hash", title: part.sha256 }, `${part.sha256.slice(0, 12)}…${part.sha256.slice(-6)}`) : "—"),
  );
}

/** What did not become a part, or not yet. @param {Timeline["hand_ins"][number]} handIn */
function handInLine({ track, state, start_ms: start, end_ms: end, reason }) {
  const states = { receiving: _("on its way"), complete: _("being checked"), refused: _("refused"), taken: "" };
  const tone = state === "refused" ? "bad" : "info";
  return h("li", { class: "with-icon" }, icon("upload", "icon-sm"), `${wallTime(start)} · ${trackWord(track).title} · ${formatDuration(end - start)}`, h("span", { class: `badge tone-${tone}` }, states[state]), reason && h("span", { class: "muted" }, reason));
}

/** Nobody but the candidate vouches for it. @param {Part} part */
function suppliedNote({ supplied }) {
  const handed = supplied ? _("Handed in {when}. SHA-256 of what was handed in: {hash}", { when: formatDateTime(supplied.handed_in_ms), hash: supplied.sha256 }) : "";
  return h("span", { class: "badge tone-warn", title: handed }, icon("laptop"), _("Supplied by the candidate's computer"), handed && h("span", { class: "visually-hidden" }, handed));
}

/** @param {import("../types.js").Gap} gap */
function gapLine(gap) {
  const word = gapWord(gap.cause);
  const length = gap.end_ms === null ? _("not ended") : formatDuration(gap.end_ms - gap.start_ms);
  return h("li", { class: "with-icon" }, icon(word.icon, "icon-sm"), `${wallTime(gap.start_ms)} · ${trackWord(gap.track).title} · ${word.title} · ${length}`, gap.covered_by !== null && h("span", { class: "badge tone-warn" }, icon("laptop"), _("supplied by the candidate's browser")), gap.detail && h("span", { class: "muted" }, gap.detail));
}

/**
 * @param {HTMLElement} element
 * @param {Timeline} data
 */
export function renderChecks(element, { consent, system_check: check }) {
  const agreed = consent && consentLine(consent);
  if (!check) return fill(element, agreed, h("p", { class: "muted small" }, _("No system check was recorded.")));
  const rows = Object.entries(check.results).map(([name, result]) => checkRow(name, result));
  const client = Object.entries(check.client).filter(([, value]) => typeof value !== "object");
  fill(
    element,
    agreed,
    h("ul", { class: "checks" }, rows),
    h("dl", { class: "facts facts-dense" }, client.map(([name, value]) => [h("dt", null, name), h("dd", null, String(value))]).flat()),
  );
}

/** @param {NonNullable<Timeline["consent"]>} consent */
function consentLine({ accepted, version, answered_ms: at }) {
  const symbol = accepted ? icon("circle-check", "icon-sm icon-tone") : icon("circle-x", "icon-sm icon-tone");
  const words = [accepted ? _("Consent given") : _("Consent refused"), _("version {version}", { version }), formatDateTime(at)];
  return h("p", { class: `with-icon small tone-${accepted ? "good" : "bad"}` }, symbol, words.join(" · "));
}

/**
 * @param {string} name
 * @param {any} result
 */
function checkRow(name, result) {
  const state = typeof result === "object" && result !== null ? String(result.state ?? "") : String(result);
  const marks = /** @type {Record<string, [string, string, string]>} */ ({
    passed: ["circle-check", "good", _("passed")],
    warning: ["triangle-alert", "warn", _("warning")],
    failed: ["circle-x", "bad", _("failed")],
    skipped: ["circle-minus", "none", _("skipped")],
  });
  const [symbol, tone, title] = marks[state] ?? ["circle-help", "none", state];
  const { detail = "", values = {} } = typeof result === "object" && result !== null ? result : {};
  const measured = Object.entries(values ?? {}).map(([key, value]) => `${key}: ${value}`).join("\n");
  return h(
    "li",
    { class: `with-icon tone-${tone}`, title: measured },
    icon(symbol, "icon-sm icon-tone"),
    h("span", null, h("b", null, checkWord(name).title), h("span", { class: "visually-hidden" }, ` ${title}`), detail && h("span", { class: "muted" }, ` · ${detail}`)),
  );
}
