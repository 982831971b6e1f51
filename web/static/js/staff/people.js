/** @file The staff's accounts; a new one's one-time secret is shown once and never again. */

import { post } from "../base/api.js";
import { button, fill, h, icon, one } from "../base/dom.js";
import { openDialog } from "../base/dialog.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { TablePage } from "./table_page.js";

/** @type {{value: string, title: string}[]} */
const roles = pageData.roles ?? [];

/** @param {any} person */
function state(person) {
  if (person.disabled) return h("span", { class: "badge tone-none" }, icon("ban"), _("Disabled"));
  if (person.locked) return h("span", { class: "badge tone-warn" }, icon("lock"), _("Locked for a while"));
  return h("span", { class: "badge tone-good" }, icon("check"), _("Active"));
}

const table = new TablePage({
  element: one("#table"),
  caption: _("Staff"),
  columns: [{ title: _("Name") }, { title: _("E-mail") }, { title: _("Role") }, { title: _("Language") }, { title: _("State") }, { title: _("Last seen") }],
  cells: (person) => [
    h("span", { class: "row-name" }, person.name),
    person.email,
    roles.find((role) => role.value === person.role)?.title ?? person.role,
    String(person.language ?? "").toUpperCase(),
    state(person),
    person.last_seen_ms ? formatDateTime(person.last_seen_ms) : "—",
  ],
  url: "/api/v1/staff",
  found: (answer) => ({ rows: answer.people }),
  empty: { icon: "users", title: _("No accounts yet"), text: _("Add the first one.") },
});

/**
 * @param {string} id
 * @param {string} title
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
function field(id, title, input, hint) {
  input.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, title), input, hint && h("span", { class: "hint" }, hint));
}

function add() {
  const name = h("input", { class: "input", required: true, autocomplete: "off", autofocus: true });
  const email = h("input", { class: "input", type: "email", required: true, autocomplete: "off" });
  const password = h("input", { class: "input", type: "password", required: true, minlength: "12", autocomplete: "new-password" });
  const role = h("select", { class: "select" }, roles.map(({ value, title }) => h("option", { value }, title)));
  const error = h("p", { class: "form-error", role: "alert" });
  const form = h("form", { class: "stack", id: "person-form" }, field("person-name", _("Name"), name), field("person-email", _("E-mail"), email), field("person-role", _("Role"), role), field("person-password", _("First password"), password, _("At least 12 characters; hand it over in person.")), error);
  const submit = button(_("Add the account"), () => form.requestSubmit(), { kind: "btn-primary", icon: "plus" });
  const dialog = openDialog({ title: _("New account"), icon: "user", body: [form], buttons: [submit] });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fill(error);
    try {
      const made = await post("/api/v1/staff", { name: name.value.trim(), email: email.value.trim(), role: role.value, password: password.value, language: pageData.lang });
      dialog.close();
      showSecret(made);
      await table.load();
    } catch (failure) {
      fill(error, wordError(failure));
    }
  });
}

/** @param {{person: {name: string}, totp_secret: string, totp_svg: string}} made */
function showSecret({ person, totp_secret: secret, totp_svg: code }) {
  const dialog = openDialog({
    title: _("One-time codes of {name}", { name: person.name }),
    icon: "key",
    must: true,
    body: [
      h("p", null, _("Scan this with an authenticator app now. It is not shown again.")),
      code.startsWith("data:") ? h("img", { class: "totp", src: code, alt: _("QR code of the secret") }) : null,
      h("p", { class: "mono totp-secret" }, secret),
    ],
    buttons: [button(_("It is scanned"), () => dialog.close(), { kind: "btn-primary", icon: "check" })],
  });
}

document.querySelector("#add")?.addEventListener("click", add);
await table.load();
