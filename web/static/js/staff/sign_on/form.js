/** @file The form of one identity provider. */

import { button, fill, h } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";
import { ldapFields, oidcFields } from "./fields.js";

/** @typedef {import("./types.js").Provider} Provider @typedef {import("./types.js").Rule} Rule @typedef {import("./fields.js").Field} Field */

let count = 0;

/** @param {Field} field @param {any} value @returns {{element: HTMLElement, read: () => any}} */
function control(field, value) {
  const id = `field-${(count += 1)}`;
  const hint = field.hint && h("span", { class: "hint", id: `${id}-hint` }, field.hint);
  const common = { id, "aria-describedby": hint ? `${id}-hint` : null, "data-field": field.name };
  if (field.kind === "flag") {
    const box = h("input", { type: "checkbox", checked: Boolean(value), ...common });
    return { element: h("label", { class: "choice" }, box, h("span", null, field.title)), read: () => box.checked };
  }
  const label = h("label", { for: id }, field.title);
  if (field.kind === "choice") {
    const select = h("select", { class: "select", ...common }, (field.options ?? []).map(([word, title]) => h("option", { value: word, selected: word === value }, title)));
    return { element: h("div", { class: "field" }, label, select, hint), read: () => select.value };
  }
  if (field.kind === "pem" || field.kind === "lines") {
    const text = field.kind === "lines" ? (value ?? []).join("\n") : (value ?? "");
    const placeholder = field.kind === "pem" ? "-----BEGIN CERTIFICATE-----" : (field.example ?? "");
    const area = h("textarea", { class: "textarea", rows: "3", spellcheck: "false", placeholder, value: text, ...common });
    return { element: h("div", { class: "field" }, label, area, hint), read: () => (field.kind === "lines" ? area.value.split(/\s+/).filter(Boolean) : area.value.trim()) };
  }
  const shown = field.kind === "words" ? (value ?? []).join(" ") : String(value ?? "");
  const input = h("input", { class: "input", type: field.kind === "number" ? "number" : "text", autocomplete: "off", spellcheck: "false", placeholder: field.example ?? "", value: shown, ...common });
  const read = () => (field.kind === "words" ? input.value.split(/\s+/).filter(Boolean) : field.kind === "number" ? Number(input.value) : input.value.trim());
  return { element: h("div", { class: "field" }, label, input, hint), read };
}

/** @param {Rule[]} rules */
function ruleList(rules) {
  const list = h("ol", { class: "rules" });
  /** @type {{group: HTMLInputElement, role: HTMLSelectElement, row: HTMLElement}[]} */
  let rows = [];
  const draw = () => fill(list, rows.map(({ row }) => row));
  /** @param {{row: HTMLElement}} entry @param {number} by */
  const move = (entry, by) => {
    const from = rows.findIndex(({ row }) => row === entry.row);
    const to = from + by;
    const [taken] = rows.splice(from, 1);
    if (taken) rows.splice(Math.max(0, to), 0, taken);
    draw();
  };
  /** @param {Rule} rule */
  const add = (rule) => {
    const group = h("input", { class: "input", value: rule.group, placeholder: "exam-proctors", "aria-label": _("Group"), autocomplete: "off", spellcheck: "false" });
    const roles = /** @type {{value: string, title: string}[]} */ (pageData.roles ?? []);
    const role = h("select", { class: "select", "aria-label": _("Role") }, roles.map(({ value, title }) => h("option", { value, selected: value === rule.role }, title)));
    const row = h("li", { class: "rule" });
    const entry = { group, role, row };
    const take = button(_("Remove"), () => ((rows = rows.filter((one) => one !== entry)), draw()), { icon: "trash-2", kind: "btn-quiet", iconOnly: true });
    const up = button(_("Move up"), () => move(entry, -1), { icon: "chevron-up", kind: "btn-quiet", iconOnly: true });
    fill(row, group, role, h("div", { class: "btn-row" }, up, take));
    rows.push(entry);
  };
  rules.forEach(add);
  if (!rules.length) add({ group: "", role: "proctor" });
  draw();
  const more = button(_("Add a group"), () => (add({ group: "", role: "proctor" }), draw(), rows.at(-1)?.group.focus()), { icon: "plus" });
  return { element: h("div", { class: "stack" }, list, h("div", null, more)), read: () => rows.map(({ group, role }) => ({ group: group.value.trim(), role: role.value })).filter(({ group }) => group) };
}

/**
 * @param {Partial<Provider> & {kind: "oidc" | "ldap", settings: Record<string, any>}} provider
 * @param {{onSave: (body: Record<string, any>) => Promise<void>, onCancel: () => void}} acts
 */
export function providerForm(provider, { onSave, onCancel }) {
  const fields = provider.kind === "oidc" ? oidcFields() : ldapFields();
  const controls = fields.map((field) => ({ field, ...control(field, provider.settings[field.name]) }));
  const name = control({ name: "name", title: _("Name on the button"), kind: "text", example: _("Example University") }, provider.name ?? "");
  const secret = h("input", { class: "input", id: "provider-secret", type: "password", autocomplete: "new-password", placeholder: provider.has_secret ? _("unchanged") : "", "data-field": "secret" });
  const secretTitle = provider.kind === "oidc" ? _("Client secret") : _("Password of the service account");
  const rules = ruleList(provider.role_rules ?? []);
  const makes = control({ name: "makes_accounts", title: _("Make an account at the first log-in of whoever is in one of these groups"), kind: "flag" }, provider.makes_accounts ?? true);
  const links = control({ name: "links_by_email", title: _("Link accounts that exist already by their e-mail address, once"), kind: "flag" }, provider.links_by_email ?? false);
  const enabled = control({ name: "enabled", title: _("Show it on the log-in page"), kind: "flag" }, provider.enabled ?? false);
  const error = h("p", { class: "form-error", role: "alert" });

  const save = button(_("Save"), async () => {
    fill(error);
    save.disabled = true;
    try {
      await onSave({
        name: name.read(),
        settings: Object.fromEntries(controls.map(({ field, read }) => [field.name, read()])),
        secret: secret.value || null,
        role_rules: rules.read(),
        enabled: enabled.read(),
        makes_accounts: makes.read(),
        links_by_email: links.read(),
      });
    } catch (problem) {
      fill(error, wordError(problem));
    } finally {
      save.disabled = false;
    }
  }, { kind: "btn-primary", icon: "save" });

  const shown = controls.filter(({ field }) => !field.more).map(({ element }) => element);
  const more = controls.filter(({ field }) => field.more).map(({ element }) => element);
  return h(
    "form",
    { class: "card provider-form", on: { submit: (/** @type {Event} */ event) => event.preventDefault() } },
    h("h2", null, provider.id ? (provider.name ?? "") : provider.kind === "oidc" ? _("New OpenID Connect provider") : _("New directory")),
    name.element,
    h("fieldset", null, h("legend", null, _("Connection")), h("div", { class: "provider-two" }, shown), h("div", { class: "field" }, h("label", { for: "provider-secret" }, secretTitle), secret)),
    h("details", null, h("summary", null, _("More settings")), h("div", { class: "provider-two" }, more)),
    h("fieldset", null, h("legend", null, _("Which group has which role")), h("p", { class: "small muted" }, _("The first that fits decides. Who is in none of them is not let in. * is everybody.")), rules.element),
    h("fieldset", null, h("legend", null, _("Accounts")), makes.element, links.element, enabled.element),
    error,
    h("div", { class: "btn-row" }, save, button(_("Cancel"), onCancel)),
  );
}
