/** @file The switch for judging emotion and engagement: off, impossible in some profiles, and nothing in Kustos uses it. */

import { get, post } from "../base/api.js";
import { button, fill, h, icon, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _ } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toast, toastError } from "../base/toast.js";

/** @typedef {{on: boolean, allowed: boolean, profile: string}} Attention */

const place = one("#attention");
const maySwitch = pageData.permissions.includes("attention.switch");

/** @param {Attention} it */
function why(it) {
  if (!it.allowed) return _("The profile “{profile}” of this organisation forbids it: judging emotions in education is prohibited (EU AI Act, article 5(1)(f)). Neither this page nor a change of the profile afterwards can switch it on; the database refuses.", { profile: it.profile });
  return maySwitch ? "" : _("Only an administrator can change this.");
}

/** @param {Attention} it */
function show(it) {
  const box = h("input", { type: "checkbox", checked: it.on, disabled: !it.allowed || !maySwitch, on: { change: () => void keep(box) } });
  const reason = why(it);
  fill(
    place,
    h("p", { class: "muted" }, _("Kustos does not judge emotion, mood or engagement, and ships no model that could. This switch only says whether an extension that does may ever be used here.")),
    h("label", { class: "choice" }, box, h("span", null, h("b", null, _("Allow extensions that judge emotion or engagement")))),
    reason ? h("p", { class: "small muted with-icon" }, icon("info", "icon-sm"), h("span", null, reason)) : null,
  );
}

/** @param {HTMLInputElement} box */
async function keep(box) {
  box.disabled = true;
  try {
    const { attention } = await post("/api/v1/attention", { on: box.checked });
    show(attention);
    toast(attention.on ? _("Allowed. It is in the audit log.") : _("Forbidden. It is in the audit log."), "good");
  } catch (error) {
    box.checked = !box.checked;
    box.disabled = false;
    toastError(error);
  }
}

async function load() {
  fill(place, h("div", { class: "skeleton table-skeleton" }));
  try {
    show((await get("/api/v1/attention")).attention);
  } catch (error) {
    fill(place, h("p", { role: "alert" }, wordError(error), " ", button(_("Try again"), () => void load(), { kind: "btn-sm", icon: "refresh-cw" })));
  }
}

await load();
