/** @file Who the candidate says to be beside the photos: thumbnails with the verdict in words, enlarged on demand. */

import { button, fill, h, icon } from "../base/dom.js";
import { openDialog } from "../base/dialog.js";
import { _ } from "../base/i18n.js";
import { documentBadges, documentFields } from "./document.js";
import { hintWord, verdictWord } from "./words.js";

/**
 * @typedef {import("./types.js").Photo} Photo
 * @typedef {import("./types.js").Candidate} Candidate
 * @typedef {"face" | "document"} Kind
 */

/** @type {readonly Kind[]} */
const KINDS = ["face", "document"];

/** @param {Kind} kind */
const kindTitle = (kind) => (kind === "face" ? _("Face photo") : _("Document photo"));

/** @param {Photo} photo */
const imageUrl = (photo) => `/api/v1/photos/${photo.id}/image`;

export class Identity {
  /** @param {((kind: Kind) => Promise<void>) | null} request asks the candidate for a photo again; null where that is over */
  constructor(request) {
    this.request = request;
    this.key = "";
    this.element = h("div", { class: "identity" });
  }

  /**
   * @param {Candidate} candidate
   * @param {Photo[]} photos
   * @param {boolean} mayRequest
   */
  update(candidate, photos, mayRequest) {
    const key = JSON.stringify([candidate, photos, mayRequest]);
    if (key === this.key) return;
    this.key = key;
    fill(
      this.element,
      KINDS.map((kind) => this.card(kind, newest(photos, kind), candidate, photos, mayRequest)),
    );
  }

  /**
   * @param {Kind} kind
   * @param {Photo | undefined} photo
   * @param {Candidate} candidate
   * @param {Photo[]} photos
   * @param {boolean} mayRequest
   */
  card(kind, photo, candidate, photos, mayRequest) {
    const asked = photo?.state === "retake_requested";
    const again = this.request && mayRequest && photo && !asked && this.requestButton(kind);
    const picture = photo && !isKept(photo)
      ? h("button", { type: "button", class: "identity-picture", "aria-label": _("Enlarge: {photo}", { photo: kindTitle(kind) }), on: { click: () => compare(candidate, photos) } }, image(photo, kind))
      : h("div", { class: "identity-picture is-missing" }, icon(photo ? "shield-check" : kind === "face" ? "scan-face" : "id-card", "icon-lg"));
    return h(
      "figure",
      { class: "identity-card" },
      picture,
      again,
      h("figcaption", null, h("span", { class: "identity-kind" }, kindTitle(kind)), verdict(photo, kind), photo && documentBadges(photo), asked && askedBadge()),
    );
  }

  /** @param {Kind} kind */
  requestButton(kind) {
    const label = kind === "face" ? _("Ask for the face photo again") : _("Ask for the document photo again");
    const element = button(label, () => void this.ask(element, kind), { kind: "btn-sm identity-again", icon: "rotate-ccw", iconOnly: true });
    return element;
  }

  /**
   * @param {HTMLButtonElement} element
   * @param {Kind} kind
   */
  async ask(element, kind) {
    element.disabled = true;
    await this.request?.(kind);
    element.disabled = false;
  }
}

/**
 * @param {Photo[]} photos
 * @param {Kind} kind
 */
function newest(photos, kind) {
  const own = photos.filter((photo) => photo.kind === kind && photo.state !== "superseded");
  return own.sort((a, b) => b.id - a.id)[0];
}

/** Judged in the candidate's browser: there is no picture to show, and only that browser's word. @param {Photo} photo */
const isKept = (photo) => photo.source === "on_device";

const askedBadge = () => h("span", { class: "badge tone-info" }, icon("rotate-ccw"), _("Asked again"));

/**
 * @param {Photo} photo
 * @param {Kind} kind
 */
function image(photo, kind) {
  const element = h("img", { src: imageUrl(photo), alt: kindTitle(kind), loading: "lazy", decoding: "async" });
  element.addEventListener("error", () => element.replaceWith(h("span", { class: "identity-broken" }, icon("image"), _("Cannot be shown"))));
  return element;
}

/**
 * @param {Photo | undefined} photo
 * @param {Kind} kind
 */
function verdict(photo, kind) {
  if (!photo) return h("span", { class: "muted" }, _("Not taken yet"));
  if (isKept(photo))
    return h("span", { class: "stack stack-tight" }, said(photo, kind), h("span", { class: "muted small" }, _("Stays with the candidate; judged by their own browser")));
  return said(photo, kind);
}

/**
 * @param {Photo} photo
 * @param {Kind} kind
 */
function said(photo, kind) {
  if (photo.verdict) {
    const word = verdictWord(photo.verdict);
    return h("span", { class: `badge tone-${word.tone}` }, icon(word.icon), word.title, hints(photo));
  }
  if (photo.hints.length) return h("span", { class: "badge tone-warn" }, icon("circle-alert"), hints(photo));
  return kind === "document" ? h("span", { class: "muted" }, _("Not compared yet")) : null;
}

/** @param {Photo} photo */
const hints = (photo) => (photo.hints.length ? ` (${photo.hints.map((hint) => hintWord(hint).title).join(", ")})` : "");

/**
 * @param {Candidate} candidate
 * @param {Photo[]} photos
 */
function compare(candidate, photos) {
  const figures = KINDS.map((kind) => {
    const photo = newest(photos, kind);
    return h("figure", { class: "compare-photo" }, photo && !isKept(photo) ? image(photo, kind) : h("div", { class: "compare-missing" }, icon(photo ? "shield-check" : "image", "icon-lg")), h("figcaption", null, kindTitle(kind), verdict(photo, kind)), photo && documentFields(photo));
  });
  openDialog({
    title: _("Is this {name}?", { name: candidate.name }),
    icon: "id-card",
    wide: true,
    body: [
      h("p", null, _("Compare the name and the face in the document with the declared name and the face photo.")),
      h("p", { class: "compare-name" }, h("span", { class: "muted small" }, _("Declared name")), h("strong", null, candidate.name), h("span", { class: "mono small" }, candidate.external_id)),
      h("div", { class: "compare" }, ...figures),
    ],
  });
}
