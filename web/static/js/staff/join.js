/** @file Behind a one-time link: the token stands after # in the address, which goes to no server and no log. */

import { post } from "../base/api.js";
import { busy, button, fill, h, icon, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime } from "../base/i18n.js";
import { passwordFields, wordPasswordError } from "./password_fields.js";

const place = one("#join");
const lead = one("#join-lead");
const token = location.hash.slice(1);
// Out of sight, and out of the browser's history.
history.replaceState(null, "", location.pathname + location.search);

async function show() {
  let link;
  try {
    link = await post("/api/v1/join", { token: token || "-" });
  } catch (error) {
    fill(lead, _("This page needs a link that your administrator has given you."));
    return fill(place, h("div", { class: "notice tone-bad", role: "alert" }, icon("unlink"), h("p", null, wordError(error))), h("a", { class: "btn btn-wide", href: "/login" }, _("Go to the log-in")));
  }
  const invited = link.kind === "invitation";
  fill(lead, invited ? _("Welcome, {name}. Choose a password; your second factor comes next.", { name: link.name }) : _("Welcome back, {name}. Choose a new password.", { name: link.name }));
  const fields = passwordFields(link.rules);
  const error = h("p", { class: "form-error", role: "alert" });
  const accept = async () => {
    fill(error);
    try {
      location.replace((await post("/api/v1/join/accept", { token, password: fields.value() })).next);
    } catch (problem) {
      fill(error, wordPasswordError(problem));
    }
  };
  const submit = button(_("Go on"), () => form.requestSubmit(), { kind: "btn-primary btn-lg btn-wide", icon: "arrow-right" });
  const form = h(
    "form",
    { class: "stack", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), void busy(submit, accept)) } },
    h("dl", { class: "facts" }, h("dt", null, _("Organisation")), h("dd", null, link.company), h("dt", null, _("E-mail")), h("dd", null, link.email), h("dt", null, _("Made by")), h("dd", null, link.made_by), h("dt", null, _("Good until")), h("dd", null, formatDateTime(link.expires_ms))),
    h("input", { type: "text", autocomplete: "username", value: link.email, hidden: true }),
    fields.nodes,
    error,
    submit,
  );
  fill(place, form);
  fields.focus();
}

await show();
