/** @file Logging in with a security key instead of a code. Everything else of the form works without a script. */

import { post } from "../base/api.js";
import { askKey, hasKeys, wordKeyError } from "../base/credentials.js";
import { busy, button, fill, h, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _ } from "../base/i18n.js";

const form = /** @type {HTMLFormElement} */ (one("#login-form"));
const email = /** @type {HTMLInputElement} */ (one("#email"));
const code = /** @type {HTMLInputElement} */ (one("#code"));
const key = /** @type {HTMLInputElement} */ (one("input[name='key']"));
const error = h("p", { class: "small tone-bad", role: "alert", hidden: true });

async function withKey() {
  error.hidden = true;
  code.required = false;
  try {
    if (!form.reportValidity()) return;
    const { options } = await post("/api/v1/login/key", { email: email.value });
    key.value = JSON.stringify(await askKey(options));
    code.value = "";
    form.submit();
  } catch (problem) {
    fill(error, wordKeyError(problem) ?? wordError(problem));
    error.hidden = false;
  } finally {
    code.required = true;
  }
}

if (hasKeys()) {
  const use = button(_("Use a security key"), () => void busy(use, withKey), { icon: "key", kind: "btn-wide" });
  form.append(use, error);
}
