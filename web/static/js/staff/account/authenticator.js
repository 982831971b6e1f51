/** @file The authenticator app: set up by scanning, confirmed by its first code. */

import { del, post } from "../../base/api.js";
import { busy, button, fill, h } from "../../base/dom.js";
import { openDialog, confirmDialog } from "../../base/dialog.js";
import { ApiError, wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { toast } from "../../base/toast.js";
import { actButton, badge, card } from "./card.js";

/** @param {import("./types.js").Account} account @param {import("./types.js").Change} change */
export function authenticatorCard(account, change) {
  const on = account.authenticator;
  const setUp = actButton(on ? _("Set up another phone") : _("Set up"), () => scan(change), { icon: "smartphone", kind: on ? "btn-sm" : "btn-sm btn-primary" });
  const remove = actButton(_("Remove"), () => removeIt(change), { icon: "circle-minus" });
  return card({
    id: "authenticator",
    mark: "smartphone",
    title: _("Authenticator app"),
    lead: _("Six digits that change every half minute, from an app on your phone. Works without a network."),
    state: on ? badge("good", "check", _("In use")) : badge("none", "circle-minus", _("Not set up")),
    actions: [setUp, on && account.keys.length > 0 && remove],
  });
}

/** @param {import("./types.js").Change} change */
async function removeIt(change) {
  const yes = await confirmDialog({ title: _("Remove the authenticator?"), text: _("You then log in with your security keys, or with a recovery code."), yes: _("Remove"), tone: "bad", icon: "smartphone" });
  if (yes) change(await del("/api/v1/me/authenticator"));
}

/** @param {import("./types.js").Change} change */
async function scan(change) {
  const made = await post("/api/v1/me/authenticator");
  const code = h("input", { class: "input", id: "first-code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "7", pattern: "[0-9 ]{6,7}", required: true, autofocus: true });
  const error = h("p", { class: "form-error", role: "alert" });
  const confirm = async () => {
    fill(error);
    try {
      const account = await post("/api/v1/me/authenticator/confirm", { pending: made.pending, code: code.value.replaceAll(" ", "") });
      dialog.close();
      toast(_("The authenticator is set up."), "good");
      change(account);
    } catch (problem) {
      const wrong = problem instanceof ApiError && problem.details.reason === "code";
      fill(error, wrong ? _("This code is not right. Check the phone's clock, and type the next one.") : wordError(problem));
      code.select();
    }
  };
  const submit = button(_("Confirm"), () => form.requestSubmit(), { kind: "btn-primary", icon: "check" });
  const form = h(
    "form",
    { class: "stack", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), void busy(submit, confirm)) } },
    h("div", { class: "field" }, h("label", { for: "first-code" }, _("2. Type the code it shows")), code),
    error,
  );
  const dialog = openDialog({
    title: _("Set up the authenticator app"),
    icon: "smartphone",
    body: [
      h(
        "div",
        { class: "setup" },
        h("img", { src: made.svg, alt: _("QR code of the secret"), width: "208", height: "208" }),
        h("div", { class: "stack" }, h("p", null, _("1. Scan this with the app: any that knows time-based codes (RFC 6238).")), h("p", { class: "small" }, _("Or type the secret:"), " ", h("span", { class: "mono" }, grouped(made.secret))), form),
      ),
    ],
    buttons: [button(_("Cancel"), () => dialog.close()), submit],
    wide: true,
  });
}

/** @param {string} secret */
const grouped = (secret) => secret.match(/.{1,4}/g)?.join(" ") ?? secret;
