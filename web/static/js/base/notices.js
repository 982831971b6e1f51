/** @file What must not pass unseen, above the page of security officers and administrators until one takes note. */

import { get, post } from "./api.js";
import { busy, button, fill, h, icon } from "./dom.js";
import { wordError } from "./errors.js";
import { _, formatDateTime } from "./i18n.js";
import { toast } from "./toast.js";

/** @typedef {{id: number, kind: string, at_ms: number, details: Record<string, any>}} Notice */

/** @type {Record<string, (details: Record<string, any>) => string>} */
const WORDS = {
  break_glass: ({ address, codes_left: left }) =>
    _("The emergency account logged in from {address}. Its codes left: {left}. Find out why, then seal a new envelope.", { address: address || "?", left: left ?? "?" }),
};

export async function showNotices() {
  const place = h("div", { class: "notices", role: "region", "aria-label": _("Notices") });
  const found = await get("/api/v1/notices").catch(() => ({ notices: [] }));
  if (!found.notices.length) return;
  document.querySelector("main")?.before(place);
  show(place, found.notices);
}

/** @param {HTMLElement} place @param {Notice[]} notices */
function show(place, notices) {
  fill(
    place,
    notices.map((notice) => {
      const noted = button(_("I have taken note"), () => void busy(noted, () => note(place, notice)), { kind: "btn-sm" });
      const words = WORDS[notice.kind]?.(notice.details) ?? notice.kind;
      return h("div", { class: "notice tone-bad" }, icon("shield-alert"), h("div", null, h("strong", null, words), h("span", { class: "small" }, formatDateTime(notice.at_ms))), noted);
    }),
  );
  if (!notices.length) place.remove();
}

/** @param {HTMLElement} place @param {Notice} notice */
async function note(place, notice) {
  try {
    show(place, (await post(`/api/v1/notices/${notice.id}/note`)).notices);
  } catch (error) {
    toast(wordError(error), "bad");
  }
}
