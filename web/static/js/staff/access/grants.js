/** @file Faces and recordings opened to a support engineer, for a ticket and some hours. */

import { post } from "../../base/api.js";
import { confirmDialog, openDialog } from "../../base/dialog.js";
import { busy, button, fill, h, icon, one } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";
import { toast, toastError } from "../../base/toast.js";
import { TablePage } from "../table_page.js";

/** @typedef {{id: number, user: {id: number, name: string}, sitting_id: number | null, ticket: string, sights: string[], granted_by: string, granted_ms: number, expires_ms: number, revoked_ms: number | null, over: boolean}} Grant */
/** @typedef {{id: number, name: string}} Person */

const mayGive = pageData.permissions.includes("grant.give");
/** @type {() => Record<string, string>} */
const sightWords = () => ({ faces: _("faces"), recordings: _("recordings") });

/** @param {Grant} row */
function state(row) {
  if (row.revoked_ms) return h("span", { class: "badge tone-none" }, icon("ban"), _("Taken back"));
  if (row.over) return h("span", { class: "badge tone-none" }, icon("clock"), _("Expired"));
  return h("span", { class: "badge tone-warn" }, icon("eye"), _("Open now"));
}

/** @param {{grants: Grant[], engineers?: Person[]}} found @param {() => Promise<void>} reload */
export function showGrants({ grants, engineers = [] }, reload) {
  const words = sightWords();
  const where = (/** @type {Grant} */ row) => {
    if (row.sitting_id === null) return _("all sittings");
    const text = _("Sitting {id}", { id: row.sitting_id });
    return row.user.id === pageData.user?.id && !row.over ? h("a", { href: `/sittings/${row.sitting_id}` }, text) : text;
  };
  const table = new TablePage({
    element: one("#grants"),
    caption: _("Opened for tickets"),
    columns: [{ title: _("Ticket") }, { title: _("Support engineer") }, { title: _("What") }, { title: _("Given by") }, { title: _("State") }, ...(mayGive ? [{ title: _("Action") }] : [])],
    cells: (row) => [
      h("span", { class: "row-name" }, row.ticket),
      row.user.name,
      h("div", { class: "cell-two" }, h("span", null, row.sights.map((/** @type {string} */ sight) => words[sight] ?? sight).join(", ")), h("span", { class: "muted" }, where(row))),
      h("div", { class: "cell-two" }, h("span", null, row.granted_by), h("span", { class: "muted" }, formatDateTime(row.granted_ms))),
      h("div", { class: "cell-two" }, state(row), h("span", { class: "muted" }, _("until {time}", { time: formatDateTime(row.revoked_ms ?? row.expires_ms) }))),
      ...(mayGive ? [row.over ? "—" : button(_("Take back"), () => void takeBack(row, reload), { kind: "btn-sm", icon: "ban" })] : []),
    ],
    url: "",
    found: (found) => found,
    empty: { icon: "life-buoy", title: _("Nothing is open"), text: _("Support sees stages and logs, but no face and no recording, unless it is opened here for a ticket.") },
  });
  table.show({ rows: grants });
  const give = document.querySelector("#grant");
  if (give instanceof HTMLButtonElement) give.onclick = () => ask(engineers, reload);
}

/** @param {Grant} row @param {() => Promise<void>} reload */
async function takeBack(row, reload) {
  const sure = await confirmDialog({ title: _("Take this back?"), text: _("{name} sees nothing of it any more, from this moment on.", { name: row.user.name }), yes: _("Take back"), icon: "ban" });
  if (!sure) return;
  try {
    await post(`/api/v1/grants/${row.id}/revoke`);
  } catch (error) {
    toastError(error);
  }
  await reload();
}

/** @param {Person[]} engineers @param {() => Promise<void>} reload */
function ask(engineers, reload) {
  const user = h("select", { class: "select", id: "grant-user" }, engineers.map(({ id, name }) => h("option", { value: id }, name)));
  const ticket = h("input", { class: "input", id: "grant-ticket", maxlength: 100, required: true, autocomplete: "off" });
  const sitting = h("input", { class: "input", id: "grant-sitting", inputmode: "numeric", pattern: "[0-9]*", autocomplete: "off", "aria-describedby": "grant-sitting-hint" });
  const hours = h("select", { class: "select", id: "grant-hours" }, [1, 2, 4, 8, 24].map((count) => h("option", { value: count, selected: count === 2 }, _("{n} h", { n: count }))));
  const sights = Object.entries(sightWords()).map(([value, word]) => h("label", null, h("input", { type: "checkbox", name: "sight", value, checked: value === "faces" }), word));
  const failure = h("p", { class: "form-error", role: "alert" });
  const form = h(
    "form",
    { class: "stack", on: { submit: (event) => event.preventDefault() } },
    h("div", { class: "field" }, h("label", { for: "grant-user" }, _("Support engineer")), user),
    h("div", { class: "field" }, h("label", { for: "grant-ticket" }, _("Ticket")), ticket),
    h("fieldset", { class: "access-choices" }, h("legend", null, _("What")), sights),
    h("div", { class: "field" }, h("label", { for: "grant-sitting" }, _("Number of the sitting")), sitting, h("span", { class: "hint", id: "grant-sitting-hint" }, _("Empty: all sittings of the organisation."))),
    h("div", { class: "field" }, h("label", { for: "grant-hours" }, _("For how long")), hours),
    failure,
  );
  const send = button(
    _("Open"),
    () =>
      void busy(send, async () => {
        const number = sitting.value.trim();
        try {
          await post("/api/v1/grants", { user_id: Number(user.value), ticket: ticket.value.trim(), sights: new FormData(form).getAll("sight"), hours: Number(hours.value), sitting_id: number ? Number(number) : null });
          dialog.close();
          toast(_("Opened. Each look is written to the audit log with the ticket."), "good");
          await reload();
        } catch (error) {
          fill(failure, wordError(error));
        }
      }),
    { kind: "btn-primary", icon: "eye" },
  );
  const dialog = openDialog({
    title: _("Open faces or recordings to support"),
    icon: "life-buoy",
    tone: "warn",
    body: [engineers.length ? form : h("p", null, _("There is no account of a support engineer yet."))],
    buttons: engineers.length ? [button(_("Cancel"), () => dialog.close()), send] : undefined,
  });
  ticket.focus();
}
