/** @file Choosing a password: two fields, what is asked of it, and whether both are the same. */

import { h } from "../base/dom.js";
import { ApiError, wordError } from "../base/errors.js";
import { _, ngettext } from "../base/i18n.js";

/** @typedef {{min_length: number, history: number, max_age_days: number | null}} Rules */

/** @param {Rules} rules */
export function passwordFields(rules) {
  const first = h("input", { class: "input", id: "new-password", type: "password", autocomplete: "new-password", required: true, minlength: String(rules.min_length), maxlength: "256", "aria-describedby": "password-rules" });
  const again = h("input", { class: "input", id: "new-password-again", type: "password", autocomplete: "new-password", required: true });
  const compare = () => again.setCustomValidity(again.value && again.value !== first.value ? _("The two are not the same.") : "");
  for (const input of [first, again]) input.addEventListener("input", compare);
  const list = h(
    "ul",
    { class: "password-rules", id: "password-rules" },
    h("li", null, ngettext("At least {n} character; several words are best.", "At least {n} characters; several words are best.", rules.min_length)),
    h("li", null, _("None of the known passwords, nor your name or e-mail.")),
    rules.history > 0 && h("li", null, ngettext("Not your last one.", "Not one of your last {n}.", rules.history)),
    rules.max_age_days && h("li", null, ngettext("It lasts {n} day.", "It lasts {n} days.", rules.max_age_days)),
  );
  return {
    nodes: [
      h("div", { class: "field" }, h("label", { for: "new-password" }, _("New password")), first, list),
      h("div", { class: "field" }, h("label", { for: "new-password-again" }, _("The same again")), again),
    ],
    value: () => first.value,
    focus: () => first.focus(),
  };
}

/** Why a password was not taken. @param {unknown} error */
export function wordPasswordError(error) {
  if (!(error instanceof ApiError)) return wordError(error);
  if (error.details.reason === "guessable") return _("This password is among the known ones or easily guessed. Take a longer one or several words.");
  if (error.details.reason === "used") return _("You have used this password before. Take another one.");
  if (error.details.reason === "length") return _("This password is too short or too long.");
  if (error.code === "login_refused") return _("The present password is not right.");
  return wordError(error);
}
