/** @file Photos that should be taken again: a notice, and a dialog with the booth. */

import { openDialog } from "../base/dialog.js";
import { button, fill, h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { toast } from "../base/toast.js";
import { photoBooth, photoNotice } from "./photo_booth.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").PhotoKind} PhotoKind */

/** @type {PhotoKind | null} one dialog at a time */
let open = null;
/** Requests the dialog has opened for by itself; "Later" is not asked again by the next view. @type {Set<PhotoKind>} */
const asked = new Set();

/** @param {App} app @param {PhotoKind} kind */
export function retakePhoto(app, kind) {
  if (open) return;
  open = kind;
  const booth = photoBooth(app, kind, () => {
    dialog.close();
    toast(_("Thank you, the photo was handed in."), "good");
  });
  const dialog = openDialog({
    title: kind === "face" ? _("A photo of your face") : _("A photo of your document"),
    icon: kind === "face" ? "scan-face" : "id-card",
    body: [booth.element],
    buttons: [button(_("Later"), () => dialog.close(), { kind: "btn-quiet" })],
    wide: true,
    onClose: () => {
      open = null;
      booth.destroy();
    },
  });
}

/** What hinders the analysis in this browser, and what helps. @param {App} app @param {"failed" | "no_reference"} trouble */
function analysisNotice(app, trouble) {
  const failed = trouble === "failed";
  const words = failed
    ? _("The analysis of your camera does not run on this computer. The exam goes on; this is shown as undetermined, not as a fault of yours.")
    : _("This browser has no photo of your face to compare with.");
  const { support_email: support } = app.state;
  return h(
    "div",
    { class: "notice tone-warn analysis-notice" },
    icon(failed ? "circle-help" : "scan-face"),
    h("div", { class: "grow" }, h("p", null, words), failed && support && h("p", { class: "small" }, support)),
    !failed && button(_("Take a photo of your face again"), () => retakePhoto(app, "face"), { kind: "btn-sm", icon: "camera" }),
  );
}

/**
 * Notices for photos with hints or a request; a request of the proctor opens the dialog by itself, once.
 * @param {App} app
 * @param {{kinds?: PhotoKind[], hints?: boolean}} [options] hints: false during the exam, where only a request matters
 */
export function photoNotices(app, { kinds = ["face", "document"], hints = true } = {}) {
  const element = h("div", { class: "stack stack-tight", role: "status" });
  let shown = "";
  const update = () => {
    for (const kind of kinds) {
      const requested = app.state.photos[kind]?.state === "retake_requested";
      if (requested && !asked.has(kind)) retakePhoto(app, kind);
      if (requested) asked.add(kind);
      else asked.delete(kind);
    }
    // Redrawing would take the focus from a button.
    const own = kinds.includes("face") && app.onDevice.trouble;
    const key = JSON.stringify([own, ...kinds.map((kind) => app.state.photos[kind])]);
    if (key === shown) return;
    shown = key;
    const wanted = kinds.filter((kind) => hints || app.state.photos[kind]?.state === "retake_requested");
    fill(
      element,
      own && analysisNotice(app, own),
      ...wanted.map((kind) => photoNotice(app, kind, () => retakePhoto(app, kind))),
    );
  };
  queueMicrotask(update);
  return { element, update };
}
