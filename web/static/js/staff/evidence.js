/** @file Why something was found: its two pictures, small and enlarged, and the detector's own numbers. */

import { openDialog } from "../base/dialog.js";
import { h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { formatDuration } from "../base/time.js";
import { detectorWord, isMeasured, reasonWord, typeWord } from "./words.js";
import { wallTimeSeconds } from "./wall_time.js";

/** @typedef {import("./types.js").Observation} Observation */

const HASH_SHOWN = 10;

/**
 * The thumbnails, and the numbers behind a disclosure; null when there is nothing to show, as with what browsers report.
 *
 * @param {Observation} observation
 */
export function evidenceOf(observation) {
  const numbers = isMeasured(observation) ? whyOf(observation) : null;
  const own = observation.source === "on_device" && h("p", { class: "muted small" }, _("Found by the candidate's own browser"));
  const pictures = observation.pictures.map((picture) => thumbnail(observation, picture));
  if (!numbers && !pictures.length) return null;
  return h("div", { class: "evidence" }, own, pictures.length > 0 && h("span", { class: "evidence-pictures" }, pictures), numbers);
}

/**
 * @param {Observation} observation
 * @param {{number: number, at_ms: number}} picture
 */
function thumbnail(observation, { number, at_ms: atMs }) {
  const title = typeWord(observation.type).title;
  const when = wallTimeSeconds(atMs);
  const source = `/api/v1/observations/${observation.id}/pictures/${number}`;
  const label = _("{type}, picture of {time}", { type: title, time: when });
  const image = h("img", { src: source, alt: "", loading: "lazy", decoding: "async", width: "64", height: "48" });
  const element = h("button", { type: "button", class: "evidence-picture", "aria-label": label, title: label, on: { click: () => enlarge(label, source) } }, image);
  // Erased with its sitting, or not on this server any more: say so instead of a broken picture.
  image.addEventListener("error", () => {
    element.replaceChildren(icon("image", "icon-sm"));
    element.disabled = true;
    element.title = _("This picture cannot be shown any more.");
  });
  return element;
}

/**
 * @param {string} title
 * @param {string} source
 */
function enlarge(title, source) {
  openDialog({ title, icon: "eye", wide: true, body: [h("img", { class: "evidence-large", src: source, alt: title })] });
}

/** @param {Observation} observation */
function whyOf({ detector, confidence, details }) {
  const number = (/** @type {unknown} */ value) => (typeof value === "number" ? value.toFixed(2) : null);
  const models = Object.entries(/** @type {Record<string, string>} */ (details.models ?? {}));
  const lasting = typeof details.min_duration_ms === "number" ? formatDuration(details.min_duration_ms) : null;
  /** @type {[string, string | null | undefined][]} */
  const facts = [
    [_("Detector"), detector && detectorWord(detector).title],
    [_("Reason"), typeof details.reason === "string" ? reasonWord(details.reason).title : null],
    [_("Confidence"), number(confidence)],
    [_("Last score"), number(details.score)],
    [_("Counts from a score of"), number(details.threshold)],
    [_("and a duration of"), lasting],
  ];
  const shown = facts.filter(([, value]) => value);
  if (!shown.length) return null;
  return h(
    "details",
    { class: "evidence-why" },
    h("summary", null, _("Why")),
    h(
      "dl",
      null,
      shown.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value ?? "")]),
      models.flatMap(([name, hash]) => [h("dt", null, _("Model")), h("dd", null, name.replaceAll("_", " "), " ", h("code", { class: "hash", title: hash }, hash.slice(0, HASH_SHOWN)))]),
    ),
  );
}
