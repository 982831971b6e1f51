/** @file Changing the password. */

import { post } from "../../base/api.js";
import { busy, button, fill, h } from "../../base/dom.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { toast } from "../../base/toast.js";
import { passwordFields, wordPasswordError } from "../password_fields.js";
import { card } from "./card.js";

/** @param {import("./types.js").Account} account @param {import("./types.js").Change} change */
export function passwordCard({ email, password }, change) {
  const current = h("input", { class: "input", id: "current-password", type: "password", autocomplete: "current-password", required: true });
  const fields = passwordFields(password.rules);
  const error = h("p", { class: "form-error", role: "alert" });
  const save = async () => {
    fill(error);
    try {
      const account = await post("/api/v1/me/password", { current: current.value, password: fields.value() });
      toast(_("The password is changed. Your other log-ins have ended."), "good");
      change(account);
    } catch (problem) {
      fill(error, wordPasswordError(problem));
    }
  };
  const submit = button(_("Change the password"), () => form.requestSubmit(), { kind: "btn-primary", icon: "save" });
  const form = h(
    "form",
    { class: "stack account-form", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), void busy(submit, save)) } },
    h("input", { type: "text", autocomplete: "username", value: email, hidden: true }),
    password.set && h("div", { class: "field" }, h("label", { for: "current-password" }, _("Present password")), current),
    fields.nodes,
    error,
    h("div", null, submit),
  );
  const changed = password.changed_ms ? _("Changed {when}.", { when: formatDateTime(password.changed_ms) }) : _("None was chosen yet.");
  const until = password.expires_ms ? ` ${_("It must be changed by {when}.", { when: formatDateTime(password.expires_ms) })}` : "";
  return card({ id: "password", mark: "lock", title: _("Password"), lead: changed + until }, form);
}
