/**
 * @file Showing again who is there: a second factor before dangerous acts, and the password or a second factor on a
 * page that nobody touched for a while. One dialog at a time; who asks meanwhile gets the same answer.
 */

import { post } from "./api.js";
import { askKey, hasKeys, wordKeyError } from "./credentials.js";
import { openDialog } from "./dialog.js";
import { busy, button, fill, h, icon } from "./dom.js";
import { wordError } from "./errors.js";
import { _ } from "./i18n.js";

/** @typedef {{code: boolean, authenticator: boolean, password: boolean, single_sign_on: boolean, key: any}} Ways */

/** @type {Promise<boolean> | null} */
let proving = null;

/** Ask for a second factor; false when the person gave up. @returns {Promise<boolean>} */
export function prove() {
  proving ??= askProof().finally(() => {
    proving = null;
  });
  return proving;
}

/** @returns {Promise<boolean>} */
async function askProof() {
  /** @type {Ways} */
  const ways = await post("/api/v1/me/proof/options");
  return new Promise((resolve) => {
    let done = false;
    const form = proofForm(ways, {
      path: "/api/v1/me/proof",
      withPassword: false,
      onDone: () => {
        done = true;
        dialog.close();
      },
    });
    const dialog = openDialog({
      title: _("Please confirm that it is you"),
      icon: "shield-check",
      body: [h("p", null, _("What you are about to do is protected. Show your second factor once more; it then counts for a few minutes.")), form.element],
      buttons: [button(_("Cancel"), () => dialog.close()), ...form.buttons],
      onClose: () => resolve(done),
    });
    form.focus();
  });
}

/**
 * The fields of a proof, for dialogs and for the page of a locked log-in.
 * @param {Ways} ways
 * @param {{path: string, withPassword: boolean, onDone: () => void}} options
 */
export function proofForm(ways, { path, withPassword, onDone }) {
  const error = h("p", { class: "form-error", role: "alert" });
  const code = h("input", { class: "input proof-code", id: "proof-code", autocomplete: "one-time-code", maxlength: "24", spellcheck: "false", autocapitalize: "characters" });
  const password = h("input", { class: "input", id: "proof-password", type: "password", autocomplete: "current-password" });
  const takesPassword = withPassword && ways.password;

  /** @param {() => Promise<Record<string, unknown>>} make */
  const send = async (make) => {
    fill(error);
    try {
      await post(path, await make());
      onDone();
    } catch (problem) {
      const word = wordKeyError(problem) ?? (isRefused(problem) ? _("That is not right. Try again.") : wordError(problem));
      fill(error, word);
      code.value = "";
    }
  };
  const typed = () => send(async () => (takesPassword && password.value ? { password: password.value } : { code: code.value.trim() }));
  const confirm = button(withPassword ? _("Unlock") : _("Confirm"), () => void busy(confirm, typed), { kind: "btn-primary", icon: "check" });
  const byKey = async () => {
    await send(async () => ({ key: await askKey(ways.key) }));
    // A challenge is good for one answer.
    ways.key = (await post("/api/v1/me/proof/options")).key;
  };
  const key = button(_("Use a security key"), () => void busy(key, byKey), { icon: "key", kind: ways.code || takesPassword ? "" : "btn-primary" });
  const hint = ways.authenticator ? _("Six digits from your authenticator app, or a recovery code.") : _("One of your recovery codes.");
  const none = !ways.code && !ways.key && !takesPassword;
  const element = h(
    "form",
    { class: "stack", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), void busy(confirm, typed)) } },
    takesPassword && h("div", { class: "field" }, h("label", { for: "proof-password" }, _("Password")), password),
    ways.code && h("div", { class: "field" }, h("label", { for: "proof-code" }, takesPassword ? _("Or a one-time code") : _("One-time code")), code, h("span", { class: "hint" }, hint)),
    ways.single_sign_on && h("a", { class: "btn btn-wide", href: `/sign-on/again?next=${encodeURIComponent(location.pathname === "/locked" ? "" : location.pathname + location.search)}` }, icon("log-in"), h("span", null, _("Log in again through your organisation"))),
    none && !ways.single_sign_on && h("p", null, _("Your account has no second factor here. Log out and log in again to do this.")),
    error,
    h("input", { type: "submit", hidden: true }),
  );
  const buttons = [ways.key && hasKeys() ? key : null, ways.code || takesPassword ? confirm : null].filter((one) => one !== null);
  return { element, buttons, focus: () => (takesPassword ? password : code).focus() };
}

/** @param {unknown} problem */
const isRefused = (problem) => problem instanceof Error && "code" in problem && problem.code === "login_refused";
