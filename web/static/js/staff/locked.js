/** @file The page of a locked log-in. */

import { post } from "../base/api.js";
import { button, fill, h, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _ } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { proofForm } from "../base/proof.js";

const place = one("#unlock");

async function show() {
  try {
    const ways = await post("/api/v1/me/proof/options");
    const form = proofForm(ways, { path: "/api/v1/me/unlock", withPassword: true, onDone: () => location.replace(pageData.next || "/") });
    fill(place, form.element, h("div", { class: "row row-end" }, form.buttons));
    form.focus();
  } catch (error) {
    fill(place, h("p", { class: "form-error", role: "alert" }, wordError(error)), button(_("Try again"), () => void show(), { icon: "refresh-cw" }));
  }
}

await show();
