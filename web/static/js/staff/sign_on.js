/** @file The company's identity providers: listed, entered, tried, put in order; and who may still use a password. */

import { del, get, post } from "../base/api.js";
import { busy, button, fill, h, icon, one } from "../base/dom.js";
import { confirmDialog, openDialog } from "../base/dialog.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime, ngettext } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toast } from "../base/toast.js";
import { beginnings } from "./sign_on/fields.js";
import { providerForm } from "./sign_on/form.js";
import { testResult } from "./sign_on/test_result.js";

/** @typedef {import("./sign_on/types.js").Provider} Provider @typedef {import("./sign_on/types.js").State} State */

const place = one("#sign-on");
const acts = one("#head-acts");

/** @param {State} state */
function showList(state) {
  fill(acts, state.providers.length ? button(_("Add"), () => choose(state), { kind: "btn-primary", icon: "plus" }) : null);
  if (!state.providers.length) {
    const add = button(_("Add an identity provider"), () => choose(state), { kind: "btn-primary", icon: "plus" });
    fill(place, h("div", { class: "empty" }, icon("key", "icon-lg"), h("strong", null, _("Nobody logs in through your organisation yet")), h("p", null, _("Add an OpenID Connect provider such as Keycloak or Entra ID, or a directory such as Active Directory.")), add));
    return;
  }
  fill(place, state.providers.map((provider, index) => card(state, provider, index)), passwords(state));
}

/** @param {State} state @param {Provider} provider @param {number} index */
function card(state, provider, index) {
  const kind = provider.kind === "oidc" ? _("OpenID Connect") : _("Directory (LDAP)");
  const badge = provider.enabled ? h("span", { class: "badge tone-good" }, icon("check"), _("On the log-in page")) : h("span", { class: "badge tone-none" }, icon("eye-off"), _("Switched off"));
  const roles = /** @type {{value: string, title: string}[]} */ (pageData.roles ?? []);
  const rules = provider.role_rules.map(({ group, role }) => h("li", null, h("code", null, group === "*" ? _("everybody") : group), " → ", roles.find(({ value }) => value === role)?.title ?? role));
  const test = button(_("Test"), () => tryOut(provider), { icon: "activity" });
  const edit = button(_("Edit"), () => showForm(state, provider), { icon: "pen-line" });
  const up = index > 0 ? button(_("Move up"), () => void arrange(state, index), { icon: "chevron-up", kind: "btn-quiet", iconOnly: true }) : null;
  const remove = button(_("Remove"), () => void takeAway(provider), { icon: "trash-2", kind: "btn-quiet", iconOnly: true });
  return h(
    "section",
    { class: "card provider", "aria-label": provider.name },
    h("div", { class: "provider-head" }, h("h2", null, provider.name), h("span", { class: "badge tone-none" }, kind), badge, h("div", { class: "btn-row" }, test, edit, up, remove)),
    h("ul", { class: "provider-rules small" }, rules.length ? rules : h("li", { class: "muted" }, _("No group has a role yet: nobody is let in."))),
    h("p", { class: "small muted" }, ngettext("%(n)s person has logged in through it.", "%(n)s people have logged in through it.", provider.people).replace("%(n)s", String(provider.people))),
    provider.kind === "oidc" ? addresses(provider) : recheck(provider),
  );
}

/** What the provider must know of Kustos. @param {Provider} provider */
function addresses(provider) {
  /** @type {[string, string][]} */
  const rows = [
    [_("Redirect URI"), provider.redirect_uri],
    [_("After log-out"), provider.logout_uri],
    [_("Back-channel log-out"), provider.back_channel_uri],
  ];
  const copy = (/** @type {string} */ text) => button(_("Copy"), () => void navigator.clipboard?.writeText(text).then(() => toast(_("Copied."), "good")), { icon: "copy", kind: "btn-quiet", iconOnly: true });
  return h("details", null, h("summary", { class: "small" }, _("Enter these addresses at the provider")), h("dl", { class: "provider-address small" }, rows.flatMap(([title, value]) => [h("dt", null, title), h("dd", null, h("code", null, value)), copy(value)])));
}

/** @param {Provider} provider */
function recheck({ rechecked_ms: at, recheck: found }) {
  if (at === null) return h("p", { class: "small muted" }, _("Each hour it is asked who is gone. It was not asked yet."));
  if (found.problem) return h("div", { class: "notice tone-warn" }, icon("triangle-alert"), h("p", null, _("The last look for people who are gone did not work:"), " ", found.problem, " ", _("Nobody was disabled.")));
  return h("p", { class: "small muted" }, _("Last asked who is gone: {when}. Accounts disabled then: {count}.", { when: formatDateTime(at), count: String(found.disabled ?? 0) }));
}

/** @param {State} state */
function passwords(state) {
  const error = h("p", { class: "form-error", role: "alert" });
  /** @param {State["local_passwords"]} value @param {string} title @param {string} text */
  const choice = (value, title, text) => {
    const input = h("input", { type: "radio", name: "local", value, checked: state.local_passwords === value, on: { change: () => void keep(value) } });
    return h("label", { class: "choice" }, input, h("span", null, h("b", null, title), h("br", null), h("span", { class: "small muted" }, text)));
  };
  const keep = async (/** @type {State["local_passwords"]} */ value) => {
    fill(error);
    try {
      showList(await post("/api/v1/sign-on/local-passwords", { local_passwords: value }));
      toast(_("Saved."), "good");
    } catch (problem) {
      showList(state);
      toast(wordError(problem), "bad");
    }
  };
  return h(
    "section",
    { class: "card provider" },
    h("h2", null, _("Passwords kept in Kustos")),
    choice("allowed", _("Allowed"), _("Accounts with a password here may use it besides.")),
    choice("break_glass", _("Only for emergencies"), _("Only the sealed emergency account may log in with a password, for the day on which your provider is away.")),
    error,
    h("p", { class: "small muted" }, _("Address of your log-in page:"), " ", h("code", null, state.login_url)),
  );
}

/** @param {State} state */
function choose(state) {
  /** @param {keyof typeof beginnings} which @param {string} title @param {string} text @param {string} mark */
  const way = (which, title, text, mark) => {
    const begin = () => {
      dialog.close();
      const start = beginnings[which];
      if (start) showForm(state, structuredClone(start));
    };
    return h("button", { class: "btn btn-wide", type: "button", on: { click: begin } }, icon(mark), h("span", null, h("b", null, title), " · ", h("span", { class: "small" }, text)));
  };
  const dialog = openDialog({
    title: _("What do your people log in with?"),
    icon: "key",
    body: [
      way("oidc", _("OpenID Connect"), _("Keycloak, Entra ID, ADFS, …"), "globe"),
      way("active_directory", _("Active Directory"), _("by LDAP"), "building-2"),
      way("ldap", _("Another directory"), _("OpenLDAP, FreeIPA, …"), "server"),
    ],
    buttons: [button(_("Cancel"), () => dialog.close())],
  });
}

/** @param {State} state @param {Partial<Provider> & {kind: "oidc" | "ldap", settings: Record<string, any>}} provider */
function showForm(state, provider) {
  fill(acts);
  const save = async (/** @type {Record<string, any>} */ body) => {
    const path = provider.id ? `/api/v1/sign-on/providers/${provider.id}` : "/api/v1/sign-on/providers";
    await post(path, provider.id ? body : { ...body, kind: provider.kind });
    toast(_("Saved. Test it before you send people there."), "good");
    await load();
  };
  const form = providerForm(provider, { onSave: save, onCancel: () => showList(state) });
  fill(place, form);
  form.querySelector("input")?.focus();
  window.scrollTo({ top: 0 });
}

/** @param {Provider} provider */
function tryOut(provider) {
  const result = h("div", { "aria-live": "polite" });
  const username = h("input", { class: "input", id: "test-username", autocomplete: "off", spellcheck: "false", autocapitalize: "none" });
  const run = async () => {
    fill(result, h("p", null, h("span", { class: "spinner" }), " ", _("Trying…")));
    try {
      fill(result, testResult(await post(`/api/v1/sign-on/providers/${provider.id}/test`, { username: username.value.trim() })));
    } catch (problem) {
      fill(result, h("p", { class: "form-error", role: "alert" }, wordError(problem)));
    }
  };
  const again = button(_("Try"), () => void busy(again, run), { kind: "btn-primary", icon: "activity" });
  const whom = provider.kind === "ldap" ? h("div", { class: "field" }, h("label", { for: "test-username" }, _("Look this user name up as well")), username, h("span", { class: "hint" }, _("Shows groups and role; no password is needed."))) : null;
  const dialog = openDialog({ title: _("Test: {name}", { name: provider.name }), icon: "activity", wide: true, body: [whom, result], buttons: [button(_("Close"), () => dialog.close()), again] });
  void busy(again, run);
}

/** @param {State} state @param {number} index */
async function arrange(state, index) {
  const ids = state.providers.map(({ id }) => id);
  const [moved] = ids.splice(index, 1);
  if (moved !== undefined) ids.splice(index - 1, 0, moved);
  try {
    showList(await post("/api/v1/sign-on/order", { ids }));
  } catch (problem) {
    toast(wordError(problem), "bad");
  }
}

/** @param {Provider} provider */
async function takeAway(provider) {
  const text = _("Nobody logs in through it any more. The accounts stay; without a password of their own nobody can use them.");
  if (!(await confirmDialog({ title: _("Remove {name}?", { name: provider.name }), text, yes: _("Remove"), tone: "bad", icon: "trash-2" }))) return;
  try {
    showList(await del(`/api/v1/sign-on/providers/${provider.id}`));
  } catch (problem) {
    toast(wordError(problem), "bad");
  }
}

async function load() {
  fill(place, h("div", { class: "empty", role: "status" }, h("span", { class: "spinner" }), h("p", null, _("Loading…"))));
  try {
    showList(await get("/api/v1/sign-on"));
  } catch (problem) {
    const again = button(_("Try again"), () => void load(), { icon: "refresh-cw" });
    fill(place, h("div", { class: "empty", role: "alert" }, icon("unlink"), h("strong", null, _("The settings could not be loaded")), h("p", null, wordError(problem)), again));
  }
}

await load();
