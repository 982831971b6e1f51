/** @file Recovery codes: shown once, to be printed or copied. */

import { post } from "../../base/api.js";
import { copyText } from "../../base/copy.js";
import { confirmDialog, openDialog } from "../../base/dialog.js";
import { button, h } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { actButton, badge, card } from "./card.js";

const FEW = 3;

/** @param {import("./types.js").Account} account @param {import("./types.js").Change} change */
export function recoveryCard(account, change) {
  const left = account.recovery_codes_left;
  const make = actButton(_("Make new codes"), async () => {
    const yes = left === 0 || (await confirmDialog({ title: _("Make new recovery codes?"), text: _("The ones you have are void from then on."), yes: _("Make new codes"), icon: "file-text" }));
    if (yes) change(await post("/api/v1/me/recovery-codes"));
  }, { icon: "refresh-cw" });
  return card({
    id: "recovery",
    mark: "file-text",
    title: _("Recovery codes"),
    lead: _("For the day your phone and keys are lost: each opens your account once, together with the password."),
    state: badge(left > FEW ? "good" : "warn", left > FEW ? "check" : "triangle-alert", ngettext("{n} left", "{n} left", left)),
    actions: [make],
  });
}

/** Show new codes until the person has put them away. @param {string[]} codes @returns {Promise<void>} */
export function showCodes(codes) {
  return new Promise((resolve) => {
    const copy = button(_("Copy"), () => void copyText(codes.join("\n")), { icon: "copy" });
    const print = button(_("Print"), () => {
      document.body.classList.add("printing-codes");
      window.print();
      document.body.classList.remove("printing-codes");
    }, { icon: "file-text" });
    const dialog = openDialog({
      title: _("Your recovery codes"),
      icon: "file-text",
      must: true,
      wide: true,
      body: [
        h("p", null, _("Print them and keep them where you keep papers. They are not shown again. Each works once, in the field for the one-time code.")),
        h("ul", { class: "codes" }, codes.map((code) => h("li", null, code))),
      ],
      buttons: [copy, print, button(_("I have kept them"), () => dialog.close(), { kind: "btn-primary", icon: "check" })],
      onClose: resolve,
    });
  });
}
