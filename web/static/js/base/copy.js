/** @file Copying what is shown once. Browsers offer no clipboard to pages without https; people still can select it. */

import { _ } from "./i18n.js";
import { toast } from "./toast.js";

/** @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(_("Copied."), "good");
  } catch {
    toast(_("This browser does not let pages copy; select the text and copy it yourself."), "warn");
  }
}
