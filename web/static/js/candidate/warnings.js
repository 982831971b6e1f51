/** @file Warnings of the proctor: each must be acknowledged; earlier ones stay in a list. */

import { openDialog } from "../base/dialog.js";
import { busy, button, fill, h, icon } from "../base/dom.js";
import { _, formatTime } from "../base/i18n.js";
import { toastError } from "../base/toast.js";
import { warningsOf } from "./state.js";
import { warningIcon, warningTitle } from "./words.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").Incident} Incident */

/** Opens the oldest unseen warning; the next follows when it is acknowledged. @param {App} app */
export function watchWarnings(app) {
  /** @type {{id: number, close: () => void} | null} */
  let open = null;
  /** Acknowledged here, even where the server has not heard of it yet. @type {Set<number>} */
  const seen = new Set();

  /** @param {Incident} warning */
  const show = (warning) => {
    const acknowledge = async () => {
      try {
        await app.act(`warnings/${warning.id}/seen`);
      } catch (error) {
        // It was read; that the server does not know it yet must not hold up the exam.
        toastError(error);
      }
      seen.add(warning.id);
      dialog.close();
      open = null;
      update();
    };
    const yes = button(_("I understand"), () => void busy(yes, acknowledge), { kind: "btn-primary", autofocus: true });
    const dialog = openDialog({
      title: warning.by_rule ? _("Automatic warning") : _("Warning from the proctor"),
      icon: warningIcon(warning.type),
      tone: "warn",
      must: true,
      body: [
        h("p", { class: "warning-title" }, warning.by_rule ? _("The face in the picture was not recognised as yours") : warningTitle(warning.type)),
        warning.by_rule ? h("p", null, _("Sit in front of the camera, in good light, with nothing over your face. A person looks at this later, and decides.")) : null,
        warning.comment ? h("p", null, warning.comment) : null,
        h(
          "p",
          { class: "small" },
          _("Please keep to the rules. Time goes on while you read this; the warning is marked in the recording."),
        ),
      ],
      buttons: [yes],
    });
    open = { id: warning.id, close: dialog.close };
  };

  const update = () => {
    const pending = warningsOf(app.state).filter((warning) => warning.seen_ms === null && !seen.has(warning.id));
    if (open && !pending.some((warning) => warning.id === open?.id)) {
      open.close();
      open = null;
    }
    const next = pending[0];
    if (!open && next) show(next);
  };
  return {
    update,
    close() {
      open?.close();
      open = null;
    },
  };
}

/** The warnings so far. @param {App} app */
export function warningList(app) {
  const element = h("section", { class: "panel", hidden: true });
  let shown = "";
  const update = () => {
    const warnings = warningsOf(app.state);
    const key = warnings.map((warning) => warning.id).join();
    if (key === shown) return;
    shown = key;
    element.hidden = warnings.length === 0;
    const lines = warnings.map((warning) =>
      h(
        "li",
        { class: "warning-line tone-warn" },
        icon(warningIcon(warning.type), "icon-sm icon-tone"),
        h("span", { class: "grow" }, warningTitle(warning.type)),
        h("time", { class: "muted" }, formatTime(warning.sent_ms ?? warning.start_ms)),
      ),
    );
    fill(
      element,
      h(
        "h2",
        { class: "panel-title" },
        _("Warnings"),
        h("span", { class: "badge tone-warn" }, icon("triangle-alert"), warnings.length),
      ),
      h("ul", { class: "warning-lines" }, lines),
    );
  };
  update();
  return { element, update };
}
