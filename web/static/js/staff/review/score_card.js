/** @file The trust score with every point lost, and where its thresholds lie. A proposal: a person concludes. */

import { busy, button, fill, h, icon } from "../../base/dom.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { formatDuration } from "../../base/time.js";
import { metricWord, reasonWord } from "../words.js";

/** @typedef {import("../types.js").Timeline} Timeline */

/**
 * @param {number} value
 * @param {Record<string, number>} thresholds of suspicion, 100 - score
 * @returns {{tone: "good" | "warn" | "bad", title: string, icon: string}}
 */
export function scoreWord(value, thresholds) {
  const suspicion = 100 - value;
  if (suspicion >= (thresholds.rejected ?? 80)) return { tone: "bad", title: _("Rejection proposed"), icon: "circle-x" };
  if (suspicion >= (thresholds.attention ?? 60)) return { tone: "warn", title: _("Needs attention"), icon: "triangle-alert" };
  return { tone: "good", title: _("No objection"), icon: "circle-check" };
}

/**
 * @param {HTMLElement} element
 * @param {Timeline} data
 * @param {(() => Promise<void>) | null} rescore
 */
export function renderScore(element, { score, thresholds, parts, observations }, rescore) {
  if (!score) return fill(element, h("p", { class: "muted small" }, _("The score is computed when the sitting is over.")));
  const word = scoreWord(score.value, thresholds);
  const attention = 100 - (thresholds.attention ?? 60);
  const rejected = 100 - (thresholds.rejected ?? 80);
  const again = rescore && againButton(rescore);
  fill(
    element,
    h(
      "div",
      { class: `score tone-${word.tone}` },
      h("div", { class: "score-value" }, h("b", null, score.value), h("span", null, _("of 100"))),
      h("div", { class: "grow stack stack-tight" }, h("span", { class: `badge tone-${word.tone}` }, icon(word.icon), word.title), scoreBar(score.value, rejected, attention), h("span", { class: "muted score-note" }, _("Attention up to {attention}, rejection up to {rejected}. A proposal: a person concludes.", { attention, rejected }))),
    ),
    suppliedMs(parts) > 0 && h("p", { class: "with-icon muted small" }, icon("laptop", "icon-sm"), _("{length} of the camera were supplied by the candidate's browser and analysed afterwards.", { length: formatDuration(suppliedMs(parts)) })),
    doubtNote(observations),
    score.explanation.length ? lostTable(score.explanation) : h("p", { class: "muted small" }, _("No points were lost.")),
    h("p", { class: "row row-between muted small" }, _("Computed {when}", { when: formatDateTime(score.computed_ms) }), again),
  );
}

/** @param {import("../types.js").Part[]} parts */
const suppliedMs = (parts) => parts.filter((part) => part.source === "candidate" && part.track === "camera").reduce((sum, part) => sum + (part.duration_ms ?? 0), 0);

/**
 * How long nothing could be judged, and why; it never scores. @param {import("../types.js").Observation[]} observations
 */
function doubtNote(observations) {
  const doubts = observations.filter((one) => one.type === "undetermined" && one.decision !== "dismissed" && one.end_ms !== null);
  if (!doubts.length) return null;
  const length = formatDuration(unitedMs(doubts.map((one) => [one.start_ms, one.end_ms ?? one.start_ms])));
  const reasons = [...new Set(doubts.map((one) => reasonWord(String(one.details.reason ?? one.detector)).title))].join(", ");
  return h("p", { class: "with-icon muted small" }, icon("circle-help", "icon-sm"), _("Could not tell: {length} ({reasons}). That never costs points.", { length, reasons }));
}

/** What overlaps counts once. @param {[number, number][]} spans */
export function unitedMs(spans) {
  let total = 0;
  let reached = -Infinity;
  for (const [start, end] of [...spans].sort((first, second) => first[0] - second[0])) {
    total += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return total;
}

/** @param {() => Promise<void>} rescore */
function againButton(rescore) {
  const element = button(_("Compute anew"), () => void busy(element, rescore), { kind: "btn-quiet btn-sm", icon: "refresh-cw" });
  return element;
}

/**
 * @param {number} value
 * @param {number} rejected
 * @param {number} attention
 */
function scoreBar(value, rejected, attention) {
  const bar = h("div", { class: "score-bar", "aria-hidden": "true" }, h("i", { class: "score-pin" }));
  bar.style.setProperty("--value", `${value}%`);
  bar.style.setProperty("--rejected", `${rejected}%`);
  bar.style.setProperty("--attention", `${attention}%`);
  return bar;
}

/** @param {import("../types.js").LostPoints[]} explanation */
function lostTable(explanation) {
  return h(
    "table",
    { class: "table score-table" },
    h("caption", { class: "visually-hidden" }, _("Every point lost")),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, _("What was seen")), h("th", { scope: "col", class: "num" }, _("Share of time")), h("th", { scope: "col", class: "num" }, _("Weight")), h("th", { scope: "col", class: "num" }, _("Points")))),
    h(
      "tbody",
      null,
      explanation.map((row) => {
        const word = metricWord(row.label_key ?? row.metric);
        return h("tr", null, h("th", { scope: "row" }, icon(word.icon, "icon-sm"), word.title), h("td", { class: "num" }, `${row.mean.toFixed(1)} %`), h("td", { class: "num" }, `× ${row.weight}`), h("td", { class: "num" }, h("b", null, `−${row.points.toFixed(1)}`)));
      }),
    ),
  );
}
