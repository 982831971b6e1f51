/**
 * @file The page's language. Importing this module waits for the catalogue, so that `_` may be used at once and anywhere.
 * English is written in the code; a missing translation shows itself as English.
 */

import { pageData } from "./page_data.js";

/** @typedef {Record<string, string | number>} Values */
/** @typedef {{plural_categories: string[], messages: Record<string, string | string[]>}} Catalogue */

export const language = pageData.lang;

/** @type {Catalogue} */
let catalogue = { plural_categories: [], messages: {} };

if (language !== "en" && pageData.i18n_url) {
  try {
    const response = await fetch(pageData.i18n_url, { signal: AbortSignal.timeout(8000) });
    if (response.ok) catalogue = await response.json();
  } catch {
    // An exam must not fail for want of a translation.
  }
}

const plurals = new Intl.PluralRules(language);

/**
 * Put values in place of {name}.
 * @param {string} text
 * @param {Values} [values]
 */
function fill(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole)) : text;
}

/**
 * The text in the page's language.
 * @param {string} text
 * @param {Values} [values]
 * @returns {string}
 */
export function _(text, values) {
  const found = catalogue.messages[text];
  return fill(typeof found === "string" ? found : (found?.[0] ?? text), values);
}

/**
 * The form that fits `n`; {n} is filled in.
 * @param {string} one
 * @param {string} many
 * @param {number} n
 * @param {Values} [values]
 * @returns {string}
 */
export function ngettext(one, many, n, values) {
  const found = catalogue.messages[one];
  if (!Array.isArray(found)) return fill(n === 1 ? one : many, { n, ...values });
  const index = catalogue.plural_categories.indexOf(plurals.select(n));
  return fill(found[index] ?? found[found.length - 1] ?? many, { n, ...values });
}

const clockTime = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const dayTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/** Hours and minutes, as on the wall. @param {number} ms */
export const formatTime = (ms) => clockTime.format(ms);

/** Day and time. @param {number} ms */
export const formatDateTime = (ms) => dayTime.format(ms);
