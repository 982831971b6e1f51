/** @file What every page of staff has: the idle lock, and what must not pass unseen. */

import { pageData } from "./page_data.js";
import { lock, watchIdle } from "./idle.js";
import { showNotices } from "./notices.js";

if (pageData.user && pageData.page !== "locked") {
  watchIdle();
  document.querySelector("[data-lock]")?.addEventListener("click", () => void lock("asked"));
  if (pageData.permissions.includes("notice.answer")) void showNotices();
}
