/** @file What comparing faces says of a sitting: the colour, the photos side by side, distances on their scale, look-alikes. */

import { get } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { button, fill, h, icon } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { colourReason, colourWord, decisionWord, verdictWord } from "./words.js";

/**
 * @typedef {{id: number, kind: "face" | "document", taken_ms: number, sitting_id?: number}} FacePhoto
 * @typedef {{kind: string, verdict: string, distance: number | null, photo_id: number | null, at_ms: number, decision?: string, details: Record<string, any>}} FaceCheck
 * @typedef {{candidate: {id: number, name: string, external_id: string}, distance: number, sitting_id: number | null, photo_id: number | null, found_ms: number}} Similar
 * @typedef {object} Report
 * @property {"server" | "on_device" | "none"} mode
 * @property {"green" | "yellow" | "red" | "grey"} colour
 * @property {string} reason
 * @property {FacePhoto[]} photos
 * @property {FacePhoto[]} references
 * @property {FaceCheck[]} checks
 * @property {Similar[]} similar
 */

const MOST = 1;
/** Width of the scale of distances: two strangers are about 0.8 apart, hardly any 1. */
const mayReview = pageData.permissions.includes("sitting.review");
const figure = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const titleOf = (/** @type {string} */ kind) =>
  /** @type {Record<string, string>} */ ({
    document: _("Document against face photo"),
    enrolled: _("Face photo against earlier sittings"),
    similar: _("Face photo against all other people"),
    exam: _("Face seen during the exam"),
  })[kind] ?? kind;

export class Faces {
  /** @param {() => number} sittingId of the sitting that is shown now */
  constructor(sittingId) {
    this.sittingId = sittingId;
    this.asked = 0;
    this.element = h("div", { class: "faces", "aria-live": "polite" });
  }

  async load() {
    const asked = ++this.asked;
    if (!this.element.firstChild) fill(this.element, h("div", { class: "empty", role: "status" }, h("span", { class: "spinner" }), h("p", null, _("Loading…"))));
    try {
      /** @type {Report} */
      const report = await get(`/api/v1/sittings/${this.sittingId()}/identity`);
      if (asked === this.asked) fill(this.element, parts(report));
    } catch (error) {
      if (asked === this.asked) fill(this.element, h("div", { class: "empty", role: "alert" }, icon("unlink"), h("strong", null, _("The faces could not be loaded")), h("p", null, wordError(error)), button(_("Try again"), () => void this.load(), { icon: "refresh-cw" })));
    }
  }
}

/** @param {number} sittingId @param {string} name of the candidate */
export function openFaces(sittingId, name) {
  const faces = new Faces(() => sittingId);
  openDialog({ title: _("Faces of {name}", { name }), icon: "scan-face", wide: true, body: [faces.element] });
  void faces.load();
}

/** @param {Report} report */
function parts(report) {
  const word = colourWord(report.colour);
  return [
    h("div", { class: `notice tone-${word.tone} faces-verdict` }, icon(word.icon), h("div", null, h("strong", null, word.title), colourReason(report.reason))),
    gallery(report),
    report.checks.length > 0 && h("div", { class: "faces-checks" }, h("h3", null, _("Comparisons")), h("ul", null, report.checks.map(check))),
    report.similar.length > 0 && alike(report.similar),
    h("p", { class: "muted small" }, _("A distance tells how unlike two faces are. It is a hint for a person who decides, never a proof.")),
  ];
}

/** @param {Report} report */
function gallery({ photos, references }) {
  const face = photos.find(({ kind }) => kind === "face");
  const paper = photos.find(({ kind }) => kind === "document");
  return h(
    "div",
    { class: "faces-photos" },
    picture(_("Face photo"), face?.id, face?.taken_ms),
    picture(_("Document photo"), paper?.id, paper?.taken_ms),
    references.map((photo) => picture(_("Sitting #{id}", { id: photo.sitting_id ?? 0 }), photo.id, photo.taken_ms, photo.sitting_id)),
  );
}

/**
 * @param {string} title
 * @param {number | null | undefined} photoId
 * @param {number} [at]
 * @param {number | null} [sittingId]
 */
function picture(title, photoId, at, sittingId) {
  const missing = (/** @type {string} */ text) => h("div", { class: "faces-missing" }, icon("image"), h("span", { class: "small" }, text));
  /** @type {HTMLElement} */
  let shown = missing(_("Not taken"));
  if (photoId) {
    const image = h("img", { src: `/api/v1/photos/${photoId}/image`, alt: title, loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => image.replaceWith(missing(_("Cannot be shown"))));
    shown = image;
  }
  const name = sittingId && mayReview ? h("a", { href: `/sittings/${sittingId}` }, title) : h("b", null, title);
  return h("figure", { class: "faces-photo" }, shown, h("figcaption", null, name, at ? h("span", { class: "muted" }, formatDateTime(at)) : null));
}

/** @param {FaceCheck} it */
function check(it) {
  const similar = it.kind === "similar";
  const word = verdictWord(it.verdict);
  const badge = similar ? searched(it) : h("span", { class: `badge tone-${word.tone}` }, icon(word.icon), word.title);
  const decision = it.decision && it.decision !== "pending" ? h("span", { class: "muted small" }, decisionWord(it.decision).title) : null;
  const { match_below: match, mismatch_from: mismatch, below } = it.details;
  return h(
    "li",
    null,
    h("div", { class: "faces-line" }, h("b", null, titleOf(it.kind)), badge, decision, h("span", { class: "muted small" }, formatDateTime(it.at_ms))),
    it.distance === null ? null : scale(it.distance, similar ? below : match, similar ? below : mismatch),
    it.details.action ? h("p", { class: "small" }, icon("shield-alert", "icon-sm"), " ", acted(it.details.action.taken)) : null,
  );
}

/** @param {FaceCheck} it */
function searched(it) {
  const { searched: count, found } = it.details;
  if (count === undefined) return h("span", { class: "badge tone-info" }, icon("circle-help"), _("Not searched"));
  return found ? h("span", { class: "badge tone-warn" }, icon("user-round-search"), _("{found} of {count} look alike", { found, count })) : h("span", { class: "badge tone-good" }, icon("check"), _("none of {count} looks alike", { count }));
}

const acted = (/** @type {string} */ taken) =>
  /** @type {Record<string, string>} */ ({
    warn: _("The appliance warned the candidate, by the exam's rule."),
    pause: _("The appliance paused the exam, by the exam's rule."),
    stop: _("The appliance ended the exam, by the exam's rule."),
  })[taken] ?? taken;

/**
 * A distance between its limits: match below the first, no match from the second, nothing said between.
 * @param {number} distance
 * @param {number | undefined} match
 * @param {number | undefined} mismatch
 */
function scale(distance, match, mismatch) {
  const limits = match === undefined || mismatch === undefined ? "" : match === mismatch ? _("told below {limit}", { limit: figure.format(match) }) : _("match below {match}, none from {mismatch}", { match: figure.format(match), mismatch: figure.format(mismatch) });
  const bar = h("div", { class: "faces-scale", "aria-hidden": "true" });
  const at = (/** @type {string} */ name, /** @type {number} */ value) => {
    const mark = h("i", { class: name });
    mark.style.insetInlineStart = `${Math.min(1, value / MOST) * 100}%`;
    bar.append(mark);
  };
  if (match !== undefined) at("faces-limit", match);
  if (mismatch !== undefined && mismatch !== match) at("faces-limit", mismatch);
  at("faces-mark", distance);
  return h("div", { class: "faces-distance" }, bar, h("span", { class: "small figures" }, _("distance {distance}", { distance: figure.format(distance) }), limits && h("span", { class: "muted" }, ` · ${limits}`)));
}

/** @param {Similar[]} others */
function alike(others) {
  return h(
    "div",
    { class: "faces-alike" },
    h("h3", null, _("Other profiles that look alike")),
    h(
      "div",
      { class: "faces-photos" },
      others.map((other) => {
        const found = picture(other.candidate.name, other.photo_id, undefined, other.sitting_id);
        found.append(h("span", { class: "small muted mono" }, other.candidate.external_id), h("span", { class: "small figures" }, _("distance {distance}", { distance: figure.format(other.distance) })));
        return found;
      }),
    ),
  );
}
