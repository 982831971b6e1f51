/** @file The exam's rules as a row of icons: allowed ones plain, forbidden ones grey and struck through. */

import { h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { ALLOWED_BY_DEFAULT, RULES, ruleWord } from "./words.js";

/** @param {Record<string, boolean>} rules */
export function ruleIcons(rules) {
  return h(
    "ul",
    { class: "rules", "aria-label": _("Rules of the exam") },
    RULES.map((code) => {
      const allowed = rules[code] ?? ALLOWED_BY_DEFAULT.has(code);
      const word = ruleWord(code);
      const text = allowed ? _("{rule}: allowed", { rule: word.title }) : _("{rule}: forbidden", { rule: word.title });
      return h(
        "li",
        { class: allowed ? "rule is-allowed" : "rule is-forbidden", title: text },
        icon(word.icon, "icon-sm"),
        h("span", { class: "visually-hidden" }, text),
      );
    }),
  );
}
