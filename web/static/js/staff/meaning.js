/** @file The way from a finding to the page that says what it means and when to doubt it. */

import { h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";

// Those that the page explains; what people mark by hand explains itself.
const EXPLAINED = new Set("no_user_in_frame extra_user_in_frame substitution_user avert_eyes phone books camera_no_picture voice_detected talk mic_no_sound mic_muted mic_no_device_connected change_active_window_on_computer full_screen_left clipboard extra_display camera_no_device_connected desktop_request_pending virtual_machine undetermined".split(" "));

/** @param {string} type @param {string} title */
export function meaningOf(type, title) {
  if (!EXPLAINED.has(type) || !pageData.permissions.includes("sitting.review")) return null;
  const text = _("What is “{finding}”, and when to doubt it?", { finding: title });
  return h("a", { class: "meaning-link", href: `/findings#${type}`, target: "_blank", rel: "noopener", title: text, "aria-label": text }, icon("circle-help", "icon-sm"));
}
