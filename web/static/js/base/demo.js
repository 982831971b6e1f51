/** @file Keeps the one-time codes on the demo page fresh. */

import { get } from "./api.js";
import { setText } from "./dom.js";
import { pageData } from "./page_data.js";

/** Ask a little after the codes change; on a failure simply ask again. */
const RETRY_SECONDS = 5;

/** @returns {Promise<number>} seconds until the next change */
async function refresh() {
  const { accounts } = await get(pageData.codes_url);
  for (const { email, code } of accounts) {
    const name = CSS.escape(email);
    const shown = document.querySelector(`[data-code-of="${name}"]`);
    const field = document.querySelector(`[data-code-field-of="${name}"]`);
    if (shown) setText(shown, code);
    if (field instanceof HTMLInputElement) field.value = code;
  }
  return accounts[0]?.seconds_left ?? RETRY_SECONDS;
}

async function keepFresh() {
  const seconds = await refresh().catch(() => RETRY_SECONDS);
  setTimeout(keepFresh, (seconds + 0.5) * 1000);
}

if (pageData.codes_url) {
  void keepFresh();
  // A page that came back from the background would show codes of minutes ago.
  addEventListener("pageshow", () => void refresh().catch(() => undefined));
}
