/** @file The exam's rules: the organiser's own words first, they outrank the icons; then what is allowed and what is not. */

import { h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { RULES } from "./words.js";

/** @param {import("./types.js").State} state */
export function rulesList(state) {
  const own = state.exam.custom_rules.trim();
  const isAllowed = (/** @type {typeof RULES[number]} */ rule) =>
    typeof state.rules[rule.name] === "boolean" ? state.rules[rule.name] === true : rule.byDefault;
  const line = (/** @type {typeof RULES[number]} */ rule) => {
    const allowed = isAllowed(rule);
    return h(
      "li",
      { class: `rule ${allowed ? "is-allowed" : "is-forbidden"}` },
      h("span", { class: "rule-icon" }, icon(rule.icon)),
      h("span", { class: "grow" }, rule.title()),
      h(
        "span",
        { class: `badge ${allowed ? "tone-good" : ""}` },
        icon(allowed ? "check" : "ban"),
        allowed ? _("allowed") : _("not allowed"),
      ),
    );
  };
  const sorted = [...RULES].sort((a, b) => Number(isAllowed(b)) - Number(isAllowed(a)));
  return h(
    "div",
    { class: "rules" },
    own
      ? h(
          "div",
          { class: "notice tone-info" },
          icon("scroll-text"),
          h("div", null, h("strong", null, _("Rules of this exam")), h("p", { class: "rules-own" }, own)),
        )
      : null,
    h("ul", { class: "rules-list" }, sorted.map(line)),
  );
}
