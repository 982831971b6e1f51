/** @file A deletion certificate as a page: times in the reader's own zone, and printing. */

import { one, setText } from "../base/dom.js";
import { formatDateTime } from "../base/i18n.js";
import { classTitle } from "./retention/words.js";

for (const time of document.querySelectorAll("time.certificate-time")) {
  const ms = Number(/** @type {HTMLElement} */ (time).dataset.ms);
  time.setAttribute("datetime", new Date(ms).toISOString());
  setText(time, formatDateTime(ms));
}
for (const cell of document.querySelectorAll(".class-word")) setText(cell, classTitle(/** @type {HTMLElement} */ (cell).dataset.class ?? ""));
one("#print").addEventListener("click", () => window.print());
