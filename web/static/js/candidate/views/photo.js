/** @file Steps 3 and 4: a photo of the face, then of a document. */

import { h } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { photoAdvice, photoBooth } from "../photo_booth.js";
import { photoNotices } from "../retake.js";
import { staysHere } from "../state.js";
import { checkInFrame } from "./frame.js";

/** @typedef {import("../app.js").App} App */

const WORDS = {
  face: () => ({
    title: _("A photo of your face"),
    lead: _("It is compared with your document and with you during the exam."),
  }),
  document: () => ({
    title: _("A photo of your document"),
    lead: _("Hold it up to the camera so that photo and name can be read."),
  }),
};

/** Where photos are judged in this browser. */
const KEPT = {
  face: () => _("The photo stays on this computer: it is compared here with your document and with you during the exam."),
  document: () => _("The photo stays on this computer. Hold the document up to the camera so that the portrait can be seen."),
};

/** @param {App} app @param {import("../types.js").PhotoKind} kind @returns {import("../types.js").View} */
export function photoView(app, kind) {
  const booth = photoBooth(app, kind);
  // Only photos of earlier steps; this one is being taken.
  const notices = photoNotices(app, { kinds: kind === "document" ? ["face"] : [] });
  const element = checkInFrame(
    app.state,
    kind === "face" ? "face_photo" : "document_photo",
    { ...WORDS[kind](), ...(staysHere(app.state) && { lead: KEPT[kind]() }) },
    notices.element,
    h("div", { class: "booth-layout" }, booth.element, photoAdvice(kind)),
  );
  return {
    element,
    update: notices.update,
    destroy: booth.destroy,
  };
}
