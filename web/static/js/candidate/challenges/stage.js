/** @file What both challenges share: the camera, the result of the last try, the way out. */

import { busy, button, fill, h, icon } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, ngettext } from "../../base/i18n.js";
import { cameraFailure } from "../media/failures.js";
import { announce } from "../shell.js";
import { leaveOut } from "./run.js";
import { MOVEMENTS, reasonWords } from "./words.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("./run.js").Kind} Kind */

/** The camera's picture, mirrored as people know themselves. @param {App} app @param {HTMLVideoElement} video */
export async function showCamera(app, video) {
  if (!app.media.cameraLive) await app.media.openCamera();
  const track = app.media.camera?.getVideoTracks()[0];
  video.srcObject = track ? new MediaStream([track]) : null;
}

/** @param {unknown} error of a try @returns {string[]} */
export function problemWords(error) {
  if (!(error instanceof DOMException)) return [wordError(error)];
  const { title, advice } = cameraFailure(error);
  return [title, advice];
}

/** A notice that tells how the last try went. @param {import("../types.js").Challenge} challenge @param {string[]} [problem] */
export function resultNotice(challenge, problem = []) {
  const failed = challenge.state === "failed" || challenge.state === "undetermined";
  if (!failed && !problem.length) return null;
  const missed = challenge.missed.map((name) => MOVEMENTS[name]?.name() ?? name).join(", ");
  const words = problem.length
    ? problem
    : [...challenge.reasons.map(reasonWords), ...(missed ? [_("Not seen: {movements}", { movements: missed })] : [])];
  const left = ngettext("{n} try is left; after that a person decides.", "{n} tries are left; after that a person decides.", challenge.tries_left);
  if (failed) announce([_("That did not work yet"), ...words].join(". "), true);
  return h(
    "div",
    { class: "notice tone-warn", role: "status" },
    icon("triangle-alert"),
    h(
      "div",
      { class: "grow" },
      h("strong", null, failed ? _("That did not work yet") : _("The try was interrupted")),
      words.map((text) => h("p", { class: "small" }, text)),
      failed && challenge.tries_left > 0 ? h("p", { class: "small" }, left) : null,
    ),
  );
}

/** A button that goes on without the challenge. @param {App} app @param {Kind} kind @param {string} label @param {HTMLElement} problem where an error is told */
export function leaveButton(app, kind, label, problem) {
  const leave = button(
    label,
    () =>
      void busy(leave, async () => {
        try {
          await leaveOut(app, kind);
        } catch (error) {
          fill(problem, h("p", { class: "notice tone-bad" }, icon("circle-alert"), wordError(error)));
        }
      }),
    { kind: "btn-quiet", icon: kind === "liveness" ? "user" : "skip-forward" },
  );
  return leave;
}
