/** @file The language one is answered in. */

import { post } from "../../base/api.js";
import { h } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";
import { toast } from "../../base/toast.js";
import { card } from "./card.js";

/** @param {import("./types.js").Account} account */
export function languageCard({ language }) {
  /** @type {[string, string][]} */
  const languages = pageData.languages ?? [];
  const select = h("select", { class: "select", id: "own-language" }, languages.map(([code, name]) => h("option", { value: code, selected: code === language }, name)));
  select.addEventListener("change", async () => {
    try {
      await post("/api/v1/me/language", { language: select.value });
      location.assign(`${location.pathname}?lang=${select.value}`);
    } catch (error) {
      toast(wordError(error), "bad");
    }
  });
  return card(
    { id: "language", mark: "languages", title: _("Language"), lead: _("Of these pages, wherever you log in.") },
    h("div", { class: "field account-form" }, h("label", { class: "visually-hidden", for: "own-language" }, _("Language")), select),
  );
}
