/** @file Four eyes: which acts take two people, and the requests that wait for a second one. */

import { post } from "../../base/api.js";
import { openDialog } from "../../base/dialog.js";
import { busy, button, fill, h, icon, one } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";
import { toast, toastError } from "../../base/toast.js";
import { TablePage } from "../table_page.js";
import { conclusionWord } from "../words.js";

/** @typedef {{act: string, title: string, selectable: boolean}} Act */
/** @typedef {{id: number, act: string, subject: {kind: string, id: string}, details: Record<string, any>, state: string, requested_by: {kind: string, id: string, name: string}, requested_ms: number, expires_ms: number, decided_by: string, decided_ms: number | null, reason: string, used_ms: number | null}} Approval */

const mayDecide = pageData.permissions.includes("approval.decide");

/** @type {() => Record<string, [string, string, string]>} */
const states = () => ({
  waiting: [_("Waiting"), "warn", "hourglass"],
  agreed: [_("Agreed: can be done now"), "good", "circle-check"],
  refused: [_("Refused"), "bad", "circle-x"],
  used: [_("Done"), "none", "check"],
  expired: [_("Expired"), "none", "clock"],
});

/** @param {{wanted: string[], acts: Act[]}} found @param {() => Promise<void>} reload */
export function showFourEyes({ wanted, acts }, reload) {
  const place = document.querySelector("#four-eyes");
  if (!(place instanceof HTMLElement)) return;
  const boxes = acts.filter(({ selectable }) => selectable).map(({ act, title }) => h("label", null, h("input", { type: "checkbox", name: "act", value: act, checked: wanted.includes(act) }), title));
  const form = h("form", { class: "stack", on: { submit: (event) => event.preventDefault() } }, h("fieldset", { class: "four-eyes" }, h("legend", null, _("A second person must agree before")), boxes));
  const save = button(
    _("Save"),
    () =>
      void busy(save, async () => {
        try {
          await post("/api/v1/access/four-eyes", { acts: new FormData(form).getAll("act") });
          toast(_("Saved."), "good");
        } catch (error) {
          toastError(error);
        }
        await reload();
      }),
    { kind: "btn-sm btn-primary", icon: "save" },
  );
  form.append(h("div", null, save), h("p", { class: "small muted" }, _("To take one off this list needs a second person, too.")));
  fill(place, form);
}

/** @param {Approval} row */
function about(row) {
  if (row.act === "conclusion_change") return `${conclusionWord(row.details.before).title} → ${conclusionWord(row.details.after).title}`;
  if (Array.isArray(row.details.contents)) return row.details.contents.join(", ");
  if (row.act === "four_eyes_off") return `${(row.details.before ?? []).join(", ")} → ${(row.details.after ?? []).join(", ") || "—"}`;
  return Object.entries(row.details).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join("; ");
}

/** @param {Approval} row */
function subject({ subject: { kind, id } }) {
  const text = kind === "sitting" ? _("Sitting {id}", { id }) : `${kind} ${id}`;
  const seen = kind === "sitting" && pageData.permissions.includes("sitting.review");
  return seen ? h("a", { href: `/sittings/${id}` }, text) : text;
}

/** @param {{approvals: Approval[], four_eyes: {acts: Act[]}}} found @param {() => Promise<void>} reload */
export function showApprovals({ approvals, four_eyes: { acts } }, reload) {
  const mine = (/** @type {Approval} */ row) => row.requested_by.kind === "user" && row.requested_by.id === String(pageData.user?.id);
  const title = (/** @type {string} */ act) => acts.find((one) => one.act === act)?.title ?? act;
  const table = new TablePage({
    element: one("#approvals"),
    caption: _("Requests for a second person"),
    columns: [{ title: _("Act") }, { title: _("Of what") }, { title: _("Asked by") }, { title: _("State") }, { title: _("Said") }, ...(mayDecide ? [{ title: _("Answer") }] : [])],
    cells: (row) => {
      const [word, tone, mark] = states()[row.state] ?? [row.state, "none", "circle"];
      return [
        h("div", { class: "cell-two" }, h("span", { class: "row-name" }, title(row.act)), h("span", { class: "muted access-wrap" }, about(row))),
        subject(row),
        h("div", { class: "cell-two" }, h("span", null, row.requested_by.name || row.requested_by.kind), h("span", { class: "muted" }, formatDateTime(row.requested_ms))),
        h("div", { class: "cell-two" }, h("span", { class: `badge tone-${tone}` }, icon(mark), word), ["waiting", "agreed"].includes(row.state) && h("span", { class: "muted" }, _("until {time}", { time: formatDateTime(row.expires_ms) }))),
        row.decided_ms ? h("div", { class: "cell-two" }, h("span", { class: "access-wrap" }, row.reason), h("span", { class: "muted" }, `${row.decided_by}, ${formatDateTime(row.decided_ms)}`)) : "—",
        ...(mayDecide ? [answer(row, mine(row), title(row.act), reload)] : []),
      ];
    },
    url: "",
    found: (found) => found,
    empty: { icon: "users", title: _("Nobody waits for a second person"), text: _("Requests appear here when somebody does what takes two people in your organisation.") },
  });
  table.show({ rows: approvals });
}

/** @param {Approval} row @param {boolean} mine @param {string} title @param {() => Promise<void>} reload */
function answer(row, mine, title, reload) {
  if (row.state !== "waiting") return "—";
  if (mine) return h("span", { class: "muted" }, _("Your own: another person answers"));
  return h(
    "div",
    { class: "access-acts" },
    button(_("Agree…"), () => ask(row, true, title, reload), { kind: "btn-sm btn-primary", icon: "check" }),
    button(_("Refuse…"), () => ask(row, false, title, reload), { kind: "btn-sm", icon: "x" }),
  );
}

/** @param {Approval} row @param {boolean} agreed @param {string} title @param {() => Promise<void>} reload */
function ask(row, agreed, title, reload) {
  const reason = h("textarea", { class: "input", id: "reason", rows: 3, maxlength: 1000, required: true });
  const failure = h("p", { class: "form-error", role: "alert" });
  const send = button(
    agreed ? _("Agree") : _("Refuse"),
    () =>
      void busy(send, async () => {
        try {
          await post(`/api/v1/approvals/${row.id}/decide`, { agreed, reason: reason.value });
          dialog.close();
          toast(agreed ? _("Agreed. {name} can do it now, once.", { name: row.requested_by.name }) : _("Refused."), "good");
          await reload();
        } catch (error) {
          fill(failure, wordError(error));
        }
      }),
    { kind: agreed ? "btn-primary" : "btn-danger", icon: agreed ? "check" : "x" },
  );
  const dialog = openDialog({
    title: agreed ? _("Agree to this?") : _("Refuse this?"),
    icon: "users",
    tone: agreed ? "accent" : "bad",
    body: [
      h("p", null, h("b", null, title), h("br", null), about(row)),
      h("p", { class: "muted" }, _("Asked by {name}. Your name and your reason go into the audit log.", { name: row.requested_by.name })),
      h("div", { class: "field" }, h("label", { for: "reason" }, _("Reason")), reason),
      failure,
    ],
    buttons: [button(_("Cancel"), () => dialog.close()), send],
  });
  reason.focus();
}
