/** @file What was read on the document: three words beside the photo, the fields (each look is audited) on demand. */

import { get } from "../base/api.js";
import { fill, h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";

/**
 * @typedef {import("./types.js").Photo} Photo
 * @typedef {{value: string, checked: boolean, source: string}} Field
 * @typedef {object} Reading
 * @property {string} kind
 * @property {"match" | "mismatch" | "undetermined"} name_verdict
 * @property {boolean | null} expired
 * @property {Record<string, Field>} fields
 * @property {Record<string, boolean>} digits
 * @property {{reason: string, score: number, source: string}} name
 * @property {{first_name: string, last_name: string}} declared
 */

/** @type {Record<string, [title: string, icon: string, tone: string]>} */
const NAME = {
  match: [_("Name matches"), "circle-check", "good"],
  undetermined: [_("Name could not be compared"), "circle-help", "warn"],
  mismatch: [_("Another name"), "circle-x", "bad"],
};

/** Why the names were judged so, by code. @type {Record<string, string>} */
const REASONS = {
  same: _("The same name."),
  spelling: _("The same name, spelled otherwise."),
  part_of_name: _("One of them has more parts: a second name, a patronymic, half of a double name."),
  swapped: _("First and last name stand the other way round."),
  printed: _("The declared name stands in print on the document."),
  surname_differs: _("The surname is another one."),
  given_names_differ: _("The given names are others."),
  unclear: _("Not alike enough for the same name, or not read surely enough for another one: please compare yourself."),
  not_read: _("No name could be read on the document."),
  not_declared: _("No name was declared for this candidate."),
};

/** Fields in the order of the page; those not read are left out. @type {[name: string, title: string][]} */
const FIELDS = [
  ["surname", _("Surname")],
  ["given_names", _("Given names")],
  ["birth", _("Date of birth")],
  ["number", _("Document number")],
  ["expiry", _("Valid until")],
  ["issued", _("Issued on")],
  ["issuer", _("Issued by")],
  ["nationality", _("Nationality")],
];

/**
 * Badges beside the photo; null before anything was read.
 * @param {Photo} photo
 */
export function documentBadges(photo) {
  const reading = photo.kind === "document" ? photo.document : null;
  if (!reading) return null;
  if (!reading.readable) return badge([_("Document could not be read"), "circle-help", "warn"]);
  return h("span", { class: "document-badges" }, badge(NAME[reading.name_verdict] ?? NAME.undetermined), reading.expired && badge([_("Document expired"), "circle-alert", "warn"]));
}

/**
 * The fields of the document, fetched now: the look is written to the audit log.
 * @param {Photo} photo
 */
export function documentFields(photo) {
  if (photo.kind !== "document" || !photo.document?.readable) return null;
  const element = h("section", { class: "document-fields", "aria-live": "polite", "aria-label": _("Read on the document") }, h("p", { class: "muted small" }, _("Loading what was read…")));
  get(`/api/v1/photos/${photo.id}/document`).then(
    (answer) => fill(element, ...shown(/** @type {{document: Reading}} */ (answer).document)),
    () => fill(element, h("p", { class: "muted small" }, _("What was read on the document cannot be shown."))),
  );
  return element;
}

/** @param {Reading} reading */
function shown(reading) {
  const rows = FIELDS.filter(([name]) => reading.fields[name]).map(([name, title]) => row(title, reading.fields[name]));
  const wrong = Object.values(reading.digits).some((fits) => !fits);
  return [
    h("h3", { class: "small" }, _("Read on the document")),
    h("p", { class: "document-name" }, badge(NAME[reading.name_verdict] ?? NAME.undetermined), h("span", { class: "small" }, REASONS[reading.name.reason] ?? "")),
    rows.length ? h("table", { class: "document-table" }, h("tbody", null, ...rows)) : h("p", { class: "muted small" }, _("There is no machine-readable zone; only print was read.")),
    wrong && h("p", { class: "small" }, icon("circle-alert"), " ", _("Not all check digits fit: a character was misread, or the document is faulty. Please compare with the photo.")),
    h("p", { class: "muted small" }, _("Checked: confirmed by the document's check digits, or read alike twice. Everything else may be misread.")),
  ];
}

/**
 * @param {string} title
 * @param {Field} field
 */
function row(title, field) {
  const mark = field.checked ? h("span", { class: "tone-good" }, icon("circle-check"), " ", _("checked")) : h("span", { class: "muted" }, icon("circle-help"), " ", _("not checked"));
  return h("tr", null, h("th", { scope: "row" }, title), h("td", { class: "mono" }, field.value), h("td", { class: "document-mark" }, mark));
}

/** @param {[title: string, icon: string, tone: string]} word */
const badge = ([title, symbol, tone]) => h("span", { class: `badge tone-${tone}` }, icon(symbol), title);
