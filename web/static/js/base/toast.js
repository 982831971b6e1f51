/** @file Short news in the corner. They are said politely to screen readers and vanish by themselves, except errors. */

import { button, h, icon } from "./dom.js";
import { wordError } from "./errors.js";
import { _ } from "./i18n.js";

/** More at once would hide the page. */
const AT_MOST = 4;

/** @type {Record<string, string>} */
const ICONS = { good: "circle-check", warn: "triangle-alert", bad: "circle-alert", info: "info" };

/**
 * @param {string} text
 * @param {"good" | "warn" | "bad" | "info"} [tone]
 * @param {number} [ms] how long it stays; 0: until closed
 */
export function toast(text, tone = "info", ms = tone === "bad" ? 0 : 6000) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const close = () => item.remove();
  const item = h(
    "div",
    { class: `toast tone-${tone}` },
    icon(ICONS[tone] ?? "info"),
    h("span", { class: "grow" }, text),
    button(_("Close"), close, { kind: "btn-quiet btn-sm", icon: "x", iconOnly: true }),
  );
  while (place.childElementCount >= AT_MOST) place.firstElementChild?.remove();
  place.append(item);
  if (ms) setTimeout(close, ms);
}

/** Show what went wrong in words. @param {unknown} error */
export function toastError(error) {
  if (!(error instanceof Error && error.name === "ApiError")) console.error(error);
  toast(wordError(error), "bad");
}
