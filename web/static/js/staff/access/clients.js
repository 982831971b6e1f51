/** @file API clients: the customer's programs, their tokens (shown once) and their ends. */

import { post } from "../../base/api.js";
import { confirmDialog, openDialog } from "../../base/dialog.js";
import { busy, button, fill, h, icon, one } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime, ngettext } from "../../base/i18n.js";
import { toastError } from "../../base/toast.js";
import { TablePage } from "../table_page.js";

/** @typedef {{id: number, name: string, permissions: string[], exam_ids: number[] | null, created_ms: number, expires_ms: number, last_used_ms: number | null, revoked_ms: number | null, over: boolean}} Client */
/** @typedef {{permission: string, title: string, about_exams: boolean}} Grantable */
/** @typedef {{id: number, name: string}} Exam */

/** @param {Client} row */
function state(row) {
  if (row.revoked_ms) return h("span", { class: "badge tone-none" }, icon("ban"), _("Revoked"));
  if (row.over) return h("span", { class: "badge tone-none" }, icon("clock"), _("Expired"));
  return h("span", { class: "badge tone-good" }, icon("check"), _("In force"));
}

/** @param {{api_clients: Client[], api_permissions: Grantable[], exams: Exam[]}} found @param {() => Promise<void>} reload */
export function showClients({ api_clients: clients, api_permissions: grantable, exams }, reload) {
  const table = new TablePage({
    element: one("#clients"),
    caption: _("API clients"),
    columns: [{ title: _("Name") }, { title: _("May") }, { title: _("Where") }, { title: _("Last used") }, { title: _("State") }, { title: _("Action") }],
    cells: (row) => [
      h("span", { class: "row-name" }, row.name),
      h("span", { class: "mono small access-wrap" }, row.permissions.join(", ")),
      row.exam_ids === null ? _("whole organisation") : ngettext("{n} exam", "{n} exams", row.exam_ids.length),
      row.last_used_ms ? formatDateTime(row.last_used_ms) : _("never"),
      h("div", { class: "cell-two" }, state(row), h("span", { class: "muted" }, _("until {time}", { time: formatDateTime(row.revoked_ms ?? row.expires_ms) }))),
      row.over ? "—" : button(_("Revoke"), () => void revoke(row, reload), { kind: "btn-sm", icon: "ban" }),
    ],
    url: "",
    found: (found) => found,
    empty: { icon: "laptop", title: _("No API clients"), text: _("A program of yours, such as a campus system, gets a token of its own here, with as few permissions as it needs.") },
  });
  table.show({ rows: clients });
  const create = document.querySelector("#client");
  if (create instanceof HTMLButtonElement) create.onclick = () => ask(grantable, exams, reload);
}

/** @param {Client} row @param {() => Promise<void>} reload */
async function revoke(row, reload) {
  const sure = await confirmDialog({ title: _("Revoke the token of {name}?", { name: row.name }), text: _("The program is refused from this moment on. It cannot be taken back; make a new client instead."), yes: _("Revoke"), icon: "ban" });
  if (!sure) return;
  try {
    await post(`/api/v1/api-clients/${row.id}/revoke`);
  } catch (error) {
    toastError(error);
  }
  await reload();
}

/** @param {Grantable[]} grantable @param {Exam[]} exams @param {() => Promise<void>} reload */
function ask(grantable, exams, reload) {
  const name = h("input", { class: "input", id: "client-name", maxlength: 100, required: true, autocomplete: "off" });
  const days = h("select", { class: "select", id: "client-days" }, [30, 90, 180, 365].map((count) => h("option", { value: count, selected: count === 90 }, ngettext("{n} day", "{n} days", count))));
  const may = grantable.map(({ permission, title }) => h("label", { title: permission }, h("input", { type: "checkbox", name: "permission", value: permission }), title));
  const chosen = exams.map(({ id, name: title }) => h("label", null, h("input", { type: "checkbox", name: "exam", value: id }), title));
  const some = h("input", { type: "checkbox", id: "client-limited" });
  const list = h("fieldset", { class: "access-choices", hidden: true }, h("legend", { class: "visually-hidden" }, _("Exams")), chosen);
  some.addEventListener("change", () => (list.hidden = !some.checked));
  const failure = h("p", { class: "form-error", role: "alert" });
  const form = h(
    "form",
    { class: "stack", on: { submit: (event) => event.preventDefault() } },
    h("div", { class: "field" }, h("label", { for: "client-name" }, _("Name")), name),
    h("fieldset", { class: "access-choices" }, h("legend", null, _("What it may do")), may),
    h("label", { class: "with-icon" }, some, _("Only some exams")),
    list,
    h("div", { class: "field" }, h("label", { for: "client-days" }, _("For how long")), days),
    failure,
  );
  const send = button(
    _("Make the token"),
    () =>
      void busy(send, async () => {
        const values = new FormData(form);
        const examIds = values.getAll("exam").map(Number);
        try {
          const made = await post("/api/v1/api-clients", { name: name.value.trim(), permissions: values.getAll("permission"), days: Number(days.value), exam_ids: some.checked ? examIds : null });
          dialog.close();
          showToken(made);
          await reload();
        } catch (error) {
          fill(failure, wordError(error));
        }
      }),
    { kind: "btn-primary", icon: "key" },
  );
  const dialog = openDialog({ title: _("New API client"), icon: "laptop", wide: true, body: [form], buttons: [button(_("Cancel"), () => dialog.close()), send] });
  name.focus();
}

/** @param {{name: string, token: string}} made */
function showToken({ name, token }) {
  const dialog = openDialog({
    title: _("Token of {name}", { name }),
    icon: "key",
    tone: "warn",
    must: true,
    body: [
      h("p", null, _("This is shown once and kept nowhere. Copy it into the program now; send it with each request:")),
      h("code", { class: "mono access-token" }, `Authorization: Bearer ${token}`),
    ],
    buttons: [button(_("I have copied it"), () => dialog.close(), { kind: "btn-primary", icon: "check" })],
  });
}
