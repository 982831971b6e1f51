/** @file Everything that is watched while time runs; `watchBrowser` returns what stops it. Only facts, never contents. */

import { watchCameraDevice } from "./camera_device.js";
import { watchMicrophone } from "./microphone.js";

/** @typedef {import("../app.js").App} App */

/** Focus flickers for a moment when it moves into the exam's frame. */
const SETTLE_MS = 400;
const LOOK_MS = 500;
/** More would flood the timeline: holding Ctrl+V makes dozens a second. */
const CLIPBOARD_EVERY_MS = 1000;

/** @param {App} app @returns {() => void} */
function watchFocus(app) {
  /** @type {number | null} */
  let awaySince = null;
  const look = () => {
    // hasFocus() stays true while the focus is in the exam's frame, unlike the window's blur event.
    const away = !app.media.asking && (document.hidden || !document.hasFocus());
    if (!away) {
      awaySince = null;
      app.observations.end("change_active_window_on_computer");
      return;
    }
    awaySince ??= Date.now();
    if (document.hidden || Date.now() - awaySince >= SETTLE_MS) {
      app.observations.begin("change_active_window_on_computer", { hidden: document.hidden }, awaySince);
    }
  };
  const timer = setInterval(look, LOOK_MS);
  const stop = listen(
    [
      [window, "blur"],
      [window, "focus"],
      [document, "visibilitychange"],
    ],
    look,
  );
  return () => {
    clearInterval(timer);
    stop();
  };
}

/** @param {App} app */
function watchClipboard(app) {
  let last = 0;
  return listen(
    [
      [document, "copy"],
      [document, "cut"],
      [document, "paste"],
    ],
    (event) => {
      if (Date.now() - last < CLIPBOARD_EVERY_MS) return;
      last = Date.now();
      app.observations.moment("clipboard", { action: event.type });
    },
  );
}

/** @param {App} app */
function watchDisplays(app) {
  if (app.state.rules.allow_multiple_displays === true) return () => {};
  const look = () => app.observations.reflect("extra_display", hasMoreDisplays());
  look();
  const timer = setInterval(look, 5000);
  return () => clearInterval(timer);
}

/** Whether the system has a second display; false where the browser does not tell. */
export const hasMoreDisplays = () => /** @type {{isExtended?: boolean}} */ (window.screen).isExtended === true;

/** @param {App} app */
export const wantsFullScreen = (app) => app.state.rules.full_screen === true;

/** @param {App} app */
function watchFullScreen(app) {
  if (!wantsFullScreen(app)) return () => {};
  let wasFull = document.fullscreenElement !== null;
  return listen([[document, "fullscreenchange"]], () => {
    const full = document.fullscreenElement !== null;
    if (full) app.observations.end("full_screen_left");
    else if (wasFull) app.observations.begin("full_screen_left");
    wasFull = full;
    app.tell();
  });
}

/**
 * @param {[EventTarget, string][]} targets
 * @param {(event: Event) => void} listener
 */
function listen(targets, listener) {
  for (const [target, type] of targets) target.addEventListener(type, listener);
  return () => {
    for (const [target, type] of targets) target.removeEventListener(type, listener);
  };
}

/** Start all watchers of a running exam. @param {App} app @returns {() => void} */
export function watchBrowser(app) {
  const stops = [watchFocus, watchClipboard, watchDisplays, watchFullScreen, watchMicrophone, watchCameraDevice].map((watch) =>
    watch(app),
  );
  return () => {
    for (const stop of stops) stop();
    app.observations.endAll();
  };
}
