/**
 * @file A page that nobody touches locks itself: it is covered, and the server closes the log-in until the password or a
 * second factor was shown. All tabs of the browser count as one.
 */

import { post } from "./api.js";
import { openDialog } from "./dialog.js";
import { button, fill, h, setText } from "./dom.js";
import { ApiError } from "./errors.js";
import { _, ngettext } from "./i18n.js";
import { pageData } from "./page_data.js";
import { proofForm } from "./proof.js";

const SAY_EVERY_MS = 60_000;
const WARN_MS = 60_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

let touched = Date.now();
let said = Date.now();
/** @type {Promise<void> | null} */
let locked = null;
/** @type {{close: () => void, element: HTMLElement} | null} */
let warning = null;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("kustos-account") : null;

/** Somebody is there. */
function touch() {
  if (locked) return;
  touched = Date.now();
  warning?.close();
  if (touched - said < SAY_EVERY_MS) return;
  said = touched;
  channel?.postMessage("touched");
  post("/api/v1/me/active").catch(() => {
    // The next act of the person will say what is wrong.
  });
}

/** How long nobody may be away, ms; warned of before. */
const limit = () => pageData.lock_ms ?? 0;

function look() {
  if (locked || !limit()) return;
  const left = touched + limit() - Date.now();
  if (left <= 0) void lock("idle");
  else if (left <= Math.min(WARN_MS, limit() / 2)) warn(left);
}

/** @param {number} left */
function warn(left) {
  const seconds = Math.ceil(left / 1000);
  const words = ngettext("This page locks itself in {n} second.", "This page locks itself in {n} seconds.", seconds);
  if (warning) return setText(warning.element.querySelector(".idle-words") ?? warning.element, words);
  const here = button(_("I am here"), touch, { kind: "btn-primary", autofocus: true });
  warning = openDialog({
    title: _("Is anybody there?"),
    icon: "hourglass",
    tone: "warn",
    body: [h("p", { class: "idle-words" }, words)],
    buttons: [here],
    onClose: () => {
      warning = null;
    },
  });
}

/** Lock this log-in. @param {"idle" | "asked"} why */
export async function lock(why) {
  warning?.close();
  const shown = showLock();
  channel?.postMessage("locked");
  await post("/api/v1/me/lock", { why }).catch(() => {
    // Covered all the same; without the server nothing can be done on this page anyway.
  });
  return shown;
}

/** Cover the page until it is unlocked. @returns {Promise<void>} */
export function showLock() {
  locked ??= cover().finally(() => {
    locked = null;
    touched = said = Date.now();
    channel?.postMessage("unlocked");
  });
  return locked;
}

/** @returns {Promise<void>} */
async function cover() {
  document.documentElement.dataset.locked = "yes";
  const body = h("div", { class: "stack" });
  const foot = h("div", { class: "row row-end lock-foot" });
  const dialog = openDialog({ title: _("This page is locked"), icon: "lock", must: true, body: [body, foot], buttons: [logOut()] });
  dialog.element.classList.add("lock");
  return new Promise((resolve) => {
    const open = () => {
      delete document.documentElement.dataset.locked;
      dialog.close();
      channel?.removeEventListener("message", hear);
      resolve();
    };
    const hear = (/** @type {MessageEvent} */ event) => event.data === "unlocked" && open();
    channel?.addEventListener("message", hear);
    const fields = async () => {
      try {
        const ways = await post("/api/v1/me/proof/options");
        const form = proofForm(ways, { path: "/api/v1/me/unlock", withPassword: true, onDone: open });
        fill(body, h("p", null, _("Nobody was here for a while. Show that it is you, {name}.", { name: pageData.user?.name ?? "" })), form.element);
        fill(foot, ...form.buttons);
        form.focus();
      } catch (error) {
        if (error instanceof ApiError && error.code === "login_required") return location.assign("/login");
        fill(body, h("p", { role: "alert" }, _("The server cannot be reached just now.")), button(_("Try again"), () => void fields(), { icon: "refresh-cw" }));
      }
    };
    void fields();
  });
}

function logOut() {
  const form = h("form", { method: "post", action: "/logout" }, h("input", { type: "hidden", name: "csrf_token", value: pageData.csrf }));
  document.body.append(form);
  return button(_("Log out"), () => form.submit(), { kind: "btn-quiet", icon: "log-out" });
}

/** Begin to watch; on pages of staff only. */
export function watchIdle() {
  for (const sign of SIGNS) addEventListener(sign, touch, { passive: true, capture: true });
  channel?.addEventListener("message", ({ data }) => {
    if (data === "touched") touched = Date.now();
    else if (data === "locked") void showLock();
  });
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", look);
}
