/** @file One's own account: one answer of the server, drawn again after each change. */

import { get } from "../../base/api.js";
import { button, fill, h, icon, one } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";
import { authenticatorCard } from "./authenticator.js";
import { keysCard } from "./keys.js";
import { languageCard } from "./language.js";
import { passwordCard } from "./password.js";
import { recoveryCard, showCodes } from "./recovery.js";
import { sessionsCard } from "./sessions.js";

/** @typedef {import("./types.js").Account} Account */

const place = one("#account");

/** @param {Account} account */
async function show(account) {
  const wanted = pageData.account?.wants ?? [];
  pageData.account = account;
  if (account.codes?.length) await showCodes(account.codes);
  if (wanted.length && !account.wants.length) return location.assign(pageData.next || "/");
  const wants = (/** @type {string} */ word) => account.wants.includes(word);
  const change = (/** @type {Account} */ answer) => void show(answer);
  fill(
    place,
    account.wants.length > 0 && notice(account),
    wants("password") && passwordCard(account, change),
    authenticatorCard(account, change),
    keysCard(account, change),
    !account.wants.length && [recoveryCard(account, change), account.password.set && passwordCard(account, change), sessionsCard(account, change), languageCard(account)],
  );
}

/** @param {Account} account */
function notice({ wants }) {
  const words = wants.includes("password")
    ? _("Your password is too old or was never chosen. Choose a new one to go on.")
    : _("One step is left: set up a second factor, so that a stolen password opens nothing. An authenticator app on your phone or a security key, best both.");
  return h("div", { class: "notice tone-warn", role: "status" }, icon("shield-alert"), h("div", null, h("strong", null, _("Finish setting up your account")), words));
}

async function load() {
  try {
    await show(await get("/api/v1/me"));
  } catch (error) {
    fill(place, h("div", { class: "card empty", role: "alert" }, icon("unlink"), h("strong", null, _("Your account could not be loaded")), h("p", null, wordError(error)), button(_("Try again"), () => void load(), { icon: "refresh-cw" })));
  }
}

await load();
