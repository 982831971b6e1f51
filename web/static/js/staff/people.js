/** @file The staff's accounts, and what an administrator does to them. Secrets are chosen by their owners alone. */

import { post } from "../base/api.js";
import { button, fill, h, icon, one } from "../base/dom.js";
import { confirmDialog, openDialog } from "../base/dialog.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toast } from "../base/toast.js";
import { personMenu, showLink } from "./person_acts.js";
import { TablePage } from "./table_page.js";

/** @typedef {import("./person_acts.js").Person} Person */

/** @type {{value: string, title: string}[]} */
const roles = pageData.roles ?? [];
const mayEdit = pageData.permissions.includes("staff.edit");

/** @param {Person} person */
function state(person) {
  if (person.disabled) return h("span", { class: "badge tone-none" }, icon("ban"), _("Disabled"));
  if (person.locked) return h("span", { class: "badge tone-warn" }, icon("lock"), _("Locked for a while"));
  if (person.break_glass) return h("span", { class: "badge tone-info" }, icon("shield"), _("For emergencies"));
  if (person.invited) return h("span", { class: "badge tone-info" }, icon("mail"), _("Invited"));
  return h("span", { class: "badge tone-good" }, icon("check"), _("Active"));
}

/** @param {Person} person */
function factors({ second_factors: list }) {
  if (!list?.length) return "—";
  const words = { authenticator: _("Authenticator"), security_key: _("Security key") };
  return list.map((word) => words[word] ?? word).join(", ");
}

const table = new TablePage({
  element: one("#table"),
  caption: _("Staff"),
  columns: [{ title: _("Name") }, { title: _("E-mail") }, { title: _("Role") }, { title: _("Second factor") }, { title: _("State") }, { title: _("Last seen") }, ...(mayEdit ? [{ title: _("Acts"), class: "people-acts" }] : [])],
  cells: (person) => [
    h("span", { class: "row-name" }, person.name),
    person.email,
    h("div", { class: "cell-two" }, h("span", null, roles.find((role) => role.value === person.role)?.title ?? person.role), person.limited && h("span", { class: "muted" }, _("assigned exams only"))),
    factors(person),
    state(person),
    person.last_seen_ms ? formatDateTime(person.last_seen_ms) : "—",
    ...(mayEdit ? [personMenu(person, { own: person.id === pageData.user?.id, onAct: (act) => void carryOut(person, act) })] : []),
  ],
  url: "/api/v1/staff",
  found: (answer) => ({ rows: answer.people }),
  empty: { icon: "users", title: _("No accounts yet"), text: _("Invite the first one.") },
});

/**
 * @param {Person} person
 * @param {import("./person_acts.js").Act} act
 */
async function carryOut(person, act) {
  if (act.name === "role") return changeRole(person);
  const question = act.question?.(person);
  if (question && !(await confirmDialog({ ...question, yes: act.title, tone: act.tone ?? "accent", icon: act.icon }))) return;
  try {
    const answer = await post(`/api/v1/staff/${person.id}/${act.path}`, act.body ?? {});
    if (answer.link) showLink(person.name, answer.link);
    else toast(act.done ?? _("Done."), "good");
  } catch (error) {
    toast(wordError(error), "bad");
  }
  await table.load();
}

/** @param {Person} person */
function changeRole(person) {
  const select = h("select", { class: "select", id: "new-role" }, roles.map(({ value, title }) => h("option", { value, selected: value === person.role }, title)));
  const error = h("p", { class: "form-error", role: "alert" });
  const save = button(_("Change the role"), async () => {
    try {
      await post(`/api/v1/staff/${person.id}/role`, { role: select.value });
      dialog.close();
      toast(_("The role is changed."), "good");
      await table.load();
    } catch (problem) {
      fill(error, wordError(problem));
    }
  }, { kind: "btn-primary", icon: "user-check" });
  const dialog = openDialog({
    title: _("Role of {name}", { name: person.name }),
    icon: "user",
    body: [h("div", { class: "field" }, h("label", { for: "new-role" }, _("Role")), select, h("span", { class: "hint" }, _("Open log-ins end, so that the new role counts at once."))), error],
    buttons: [button(_("Cancel"), () => dialog.close()), save],
  });
}

/**
 * @param {string} id
 * @param {string} title
 * @param {HTMLElement} input
 */
function field(id, title, input) {
  input.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, title), input);
}

function invite() {
  const name = h("input", { class: "input", required: true, autocomplete: "off", autofocus: true });
  const email = h("input", { class: "input", type: "email", required: true, autocomplete: "off" });
  const role = h("select", { class: "select" }, roles.map(({ value, title }) => h("option", { value }, title)));
  const error = h("p", { class: "form-error", role: "alert" });
  const form = h("form", { class: "stack", id: "person-form" }, h("p", { class: "small muted" }, _("You get a link to hand over. Its owner chooses the password and the second factor; nobody else knows them.")), field("person-name", _("Name"), name), field("person-email", _("E-mail"), email), field("person-role", _("Role"), role), error);
  const submit = button(_("Make the invitation"), () => form.requestSubmit(), { kind: "btn-primary", icon: "mail" });
  const dialog = openDialog({ title: _("Invite somebody"), icon: "user", body: [form], buttons: [button(_("Cancel"), () => dialog.close()), submit] });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fill(error);
    try {
      const made = await post("/api/v1/staff", { name: name.value.trim(), email: email.value.trim(), role: role.value, language: pageData.lang });
      dialog.close();
      showLink(made.person.name, made.link);
      await table.load();
    } catch (failure) {
      fill(error, wordError(failure));
    }
  });
}

document.querySelector("#add")?.addEventListener("click", invite);
await table.load();
