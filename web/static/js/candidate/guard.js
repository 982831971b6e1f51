/** @file Camera and screen during the exam: published while they are there, and asked for again when they go. */

import { openDialog } from "../base/dialog.js";
import { busy, button, fill, h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { cameraFailure, screenFailure } from "./media/failures.js";
import { reportMedia } from "./media/report.js";
import { isOver, isRunning } from "./state.js";

/** @typedef {import("./app.js").App} App */

/**
 * A dialog that stays until the device is back.
 * @param {{title: string, text: string, action: string, icon: string, retry: () => Promise<unknown>, word: (error: unknown) => import("./media/failures.js").Failure}} words
 */
function insist({ title, text, action, icon: name, retry, word }) {
  const problem = h("div", { class: "notice tone-warn", role: "alert", hidden: true });
  const again = button(action, () => void busy(again, attempt), {
    kind: "btn-primary btn-lg",
    icon: name,
    autofocus: true,
  });
  const dialog = openDialog({
    title,
    icon: "triangle-alert",
    tone: "bad",
    must: true,
    body: [h("p", null, text), problem],
    buttons: [again],
  });
  async function attempt() {
    try {
      await retry();
    } catch (error) {
      const failure = word(error);
      problem.hidden = false;
      fill(problem, icon("circle-alert"), h("div", null, h("strong", null, failure.title), failure.advice));
    }
  }
  return dialog;
}

/** Watches over what is published; `update` after every change. @param {App} app */
export function guardMedia(app) {
  const { media, publishers, observations } = app;
  /** @type {Record<string, {close: () => void} | null>} */
  const dialogs = { camera: null, screen: null };

  media.onEnded = (track) => {
    if (!app.joined) return;
    if (track === "screen") publishers.screen.stop("share_stopped");
    else if (track === "camera" && app.sent.includes("camera")) publishers.camera.stop("camera_stopped");
  };
  publishers.camera.onState = publishers.screen.onState = () => app.tell();
  reportMedia(app);

  /** @param {"camera" | "screen"} name @param {boolean} missing @param {() => {close: () => void}} open */
  const keep = (name, missing, open) => {
    if (missing && !dialogs[name]) dialogs[name] = open();
    else if (!missing) {
      dialogs[name]?.close();
      dialogs[name] = null;
    }
  };

  const update = () => {
    const over = !app.known || isOver(app.state) || app.socket.state === "superseded";
    const here = app.joined && !over;
    if (here && media.camera && media.cameraLive && app.sent.includes("camera")) publishers.camera.publish(media.camera);
    if (here && media.screen && media.screenLive) publishers.screen.publish(media.screen);
    if (app.known && isRunning(app.state)) {
      observations.reflect("desktop_request_pending", !media.screenLive);
      // A page that was just reloaded has asked for no device yet: that none is live is no finding about the devices.
      observations.reflect("camera_no_device_connected", app.joined && !media.cameraLive);
      observations.reflect("mic_no_device_connected", app.joined && !media.microphoneLive);
    }
    keep("screen", here && !media.screenLive && !media.asking, () =>
      insist({
        title: _("Your screen is no longer shared"),
        text: _("The exam needs it. The proctor has been told; share your entire screen again to go on."),
        action: _("Share the screen again"),
        icon: "monitor-up",
        retry: () => media.openScreen(),
        word: screenFailure,
      }),
    );
    keep("camera", here && !(media.cameraLive && media.microphoneLive) && !media.asking, () =>
      insist({
        title: media.cameraLive ? _("The microphone is gone") : _("The camera is gone"),
        text: _("It was unplugged or switched off. Plug it in again or choose another one; the proctor has been told."),
        action: _("Switch it on again"),
        icon: "camera",
        // Without the lost device's id, so that any other is taken.
        retry: () => media.openCamera({}),
        word: cameraFailure,
      }),
    );
    if (over) {
      publishers.camera.close();
      publishers.screen.close();
      media.close();
    }
  };
  return { update };
}
