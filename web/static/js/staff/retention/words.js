/** @file Data classes, reasons and states of retention in words. */

import { _ } from "../../base/i18n.js";

/** @type {Record<string, [string, string, string]>} code -> title, icon, what it is */
const CLASSES = {
  recording: [_("Recordings"), "video", _("camera, screen and sound, exports made of them")],
  photo: [_("Photos"), "image", _("photos of the check-in, what was read on the document, pictures of findings")],
  template: [_("Face templates"), "scan-face", _("of a person over all sittings")],
  chat: [_("Chat"), "message-square", _("messages between candidate and proctor")],
  metrics: [_("Findings and scores"), "activity", _("with model, threshold and span; marks and comparisons")],
  log: [_("Technical records"), "scroll-text", _("system checks, network addresses, connection figures")],
  person: [_("Who it was"), "id-card", _("name, e-mail, ids, answers; the sitting stays, of nobody")],
};

/** @param {string} code */
export const classTitle = (code) => CLASSES[code]?.[0] ?? code;
/** @param {string} code */
export const classIcon = (code) => CLASSES[code]?.[1] ?? "circle-help";
/** @param {string} code */
export const classMeaning = (code) => CLASSES[code]?.[2] ?? "";

/** @type {[string, string][]} */
export const BASES = [
  ["withdrawn", _("consent withdrawn")],
  ["not_needed", _("purpose achieved")],
  ["objection", _("objection")],
  ["unlawful", _("unlawful processing")],
  ["obligation", _("legal obligation")],
];

/** @type {[string, string][]} */
export const ASKERS = [
  ["person", _("the person")],
  ["representative", _("a representative")],
  ["authority", _("an authority")],
  ["company", _("the organisation")],
];

/** @type {[string, string][]} */
export const SCOPES = [
  ["sitting", _("Sitting")],
  ["candidate", _("Candidate, all sittings")],
  ["exam", _("Exam, all its sittings")],
];

/** @param {[string, string][]} list @param {string} code */
export const titleIn = (list, code) => list.find(([value]) => value === code)?.[1] ?? code;

/** @param {number | null} days */
export const daysText = (days) => (days === null ? _("without end") : _("{n} d", { n: days }));

/** @param {number | null} bytes */
export function sizeText(bytes) {
  if (bytes === null) return "—";
  return bytes < 1_000_000 ? _("{n} kB", { n: Math.ceil(bytes / 1000) }) : _("{n} MB", { n: Math.round(bytes / 100_000) / 10 });
}
