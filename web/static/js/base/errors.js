/** @file Errors in words for people. The codes are those of appliance/errors.py. */

import { _ } from "./i18n.js";

/** An answer of the server that is no success, or none at all (code "offline" or "timeout"). */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {string} code
   * @param {string} message
   * @param {Record<string, unknown>} [details]
   */
  constructor(status, code, message, details = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.details = details;
  }

  /** Whether trying again later may help. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** @type {Record<string, () => string>} */
const WORDS = {
  audit_unavailable: () => _("Nothing was done: the audit log cannot be written just now. Please tell support."),
  offline: () => _("The server cannot be reached. Check your connection; we keep trying."),
  timeout: () => _("The server did not answer in time. Please try again."),
  internal: () => _("Something went wrong on the server. Please try again in a moment."),
  not_found: () => _("This is no longer here."),
  not_allowed: () => _("Your account may not do this."),
  login_required: () => _("Your session has ended. Please log in again."),
  login_refused: () => _("E-mail, password or one-time code is wrong."),
  locked_out: () => _("Too many failed attempts. Please try again later."),
  proof_wanted: () => _("This was not done: it needs your second factor once more."),
  session_locked: () => _("This page is locked."),
  enrolment_wanted: () => _("Finish setting up your account first."),
  account_link_invalid: () => _("This link was used already or has expired. Ask your administrator for a new one."),
  link_invalid: () => _("This link is not valid. Please open the exam from your course again."),
  link_expired: () => _("This link has expired. Please open the exam from your course again."),
  token_invalid: () => _("The connection could not be confirmed. We try again."),
  csrf: () => _("This page is out of date. Reload it and try again."),
  impossible_step: () => _("This is not possible at the present stage of the exam."),
  consent_missing: () => _("Please answer the consent first."),
  check_in_incomplete: () => _("Please complete the check-in first."),
  superseded: () => _("The exam was opened in another tab."),
  too_large: () => _("The file is too large."),
  too_many: () => _("That was too fast. Wait a moment and try again."),
  media_unavailable: () => _("The recording service is busy just now. We keep trying."),
  database_unavailable: () => _("The server is not ready just now. Please try again in a moment."),
  outgoing_failed: () => _("Another system did not answer. Please try again in a moment."),
  on_hold: () => _("A legal hold forbids destroying this; release it first."),
  key_destroyed: () => _("This data was erased for good and can no longer be shown."),
  approval_wanted: () =>
    _("A second person must agree to this. Your request waits on the page Access; when it is agreed to, do this again."),
  vault_tampered: () => _("This file was altered and cannot be shown."),
};

/**
 * A sentence that says what happened and what to do. Codes without own words show the server's sentence.
 * @param {unknown} error
 * @returns {string}
 */
export function wordError(error) {
  if (error instanceof ApiError) return WORDS[error.code]?.() ?? error.message;
  return _("Something went wrong in this page. Reload it and try again.");
}
