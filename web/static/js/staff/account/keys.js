/** @file Security keys: registered, named, taken away. */

import { del, post } from "../../base/api.js";
import { createKey, hasKeys, wordKeyError } from "../../base/credentials.js";
import { confirmDialog, openDialog } from "../../base/dialog.js";
import { busy, button, fill, h, icon } from "../../base/dom.js";
import { ApiError, wordError } from "../../base/errors.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { toast } from "../../base/toast.js";
import { actButton, badge, card } from "./card.js";

/** @typedef {import("./types.js").Account} Account */
/** @typedef {import("./types.js").Change} Change */

/** @param {Account} account @param {Change} change */
export function keysCard(account, change) {
  const { keys } = account;
  const add = actButton(_("Add a key"), async () => register(change), { icon: "plus", disabled: !hasKeys() || keys.length >= account.most_keys });
  return card(
    {
      id: "keys",
      mark: "key",
      title: _("Security keys"),
      lead: _("The better second factor: a key on your key ring, or the fingerprint reader of this computer. A false page cannot trick it."),
      state: keys.length ? badge("good", "check", String(keys.length)) : badge("none", "circle-minus", _("None")),
      actions: [add],
    },
    !hasKeys() && h("p", { class: "small muted" }, _("Keys need the appliance's host name and https; at this address the browser offers none.")),
    keys.length > 0 && h("ul", { class: "account-list" }, keys.map((key) => row(key, change))),
  );
}

/** @param {import("./types.js").Key} key @param {Change} change */
function row(key, change) {
  const used = key.used_ms ? _("last used {when}", { when: formatDateTime(key.used_ms) }) : _("not used yet");
  const remove = actButton(
    _("Remove"),
    async () => {
      const yes = await confirmDialog({ title: _("Remove “{name}”?", { name: key.name }), text: _("It no longer opens your account. To use it again, register it again."), yes: _("Remove"), tone: "bad", icon: "key" });
      if (yes) change(await del(`/api/v1/me/keys/${key.id}`));
    },
    { icon: "circle-minus", kind: "btn-sm btn-quiet" },
  );
  return h("li", null, icon("key"), h("div", null, h("strong", null, key.name), h("span", null, _("registered {when}", { when: formatDateTime(key.created_ms) }), ", ", used)), remove);
}

/** @param {Change} change */
function register(change) {
  const name = h("input", { class: "input", id: "key-name", maxlength: "60", placeholder: _("Blue key on the key ring"), autofocus: true });
  const error = h("p", { class: "form-error", role: "alert" });
  const add = async () => {
    fill(error);
    try {
      const { options } = await post("/api/v1/me/keys/options");
      const account = await post("/api/v1/me/keys", { credential: await createKey(options), name: name.value.trim() || _("Security key") });
      dialog.close();
      toast(_("The security key is registered."), "good");
      change(account);
    } catch (problem) {
      const where = problem instanceof ApiError && problem.details.reason === "host";
      fill(error, wordKeyError(problem) ?? (where ? _("Security keys do not work at this address.") : wordError(problem)));
    }
  };
  const submit = button(_("Touch the key now"), () => form.requestSubmit(), { kind: "btn-primary", icon: "key" });
  const form = h(
    "form",
    { class: "stack", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), void busy(submit, add)) } },
    h("div", { class: "field" }, h("label", { for: "key-name" }, _("Name")), name, h("span", { class: "hint" }, _("So that you know later which one it is."))),
    error,
  );
  const dialog = openDialog({ title: _("Add a security key"), icon: "key", body: [form], buttons: [button(_("Cancel"), () => dialog.close()), submit] });
}
