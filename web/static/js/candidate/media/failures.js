/** @file Why a device could not be had, in words, and what to do about it. */

import { _ } from "../../base/i18n.js";

/** A share that is no whole monitor. */
export class NotWholeScreen extends Error {
  /** @param {string} surface what was shared instead: "window" or "browser" */
  constructor(surface) {
    super(`shared a ${surface}`);
    this.name = "NotWholeScreen";
    this.surface = surface;
  }
}

/** @typedef {{code: string, title: string, advice: string}} Failure */

/** @type {Record<string, () => Omit<Failure, "code">>} */
const CAMERA = {
  NotAllowedError: () => ({
    title: _("The browser does not allow the camera and the microphone"),
    advice: _(
      "Click the camera or lock sign beside the address, choose “Allow” for both, then try again. On a Mac, allow the browser in System Settings, Privacy too.",
    ),
  }),
  NotFoundError: () => ({
    title: _("No camera or microphone was found"),
    advice: _("Plug in a camera with a microphone, or switch on the built-in one, then try again."),
  }),
  NotReadableError: () => ({
    title: _("The camera or the microphone is in use by another program"),
    advice: _(
      "Close video calls and other programs that use them, then try again. If it stays so, restart the browser.",
    ),
  }),
  OverconstrainedError: () => ({
    title: _("This camera cannot give the picture we need"),
    advice: _("Choose another camera from the list, or plug one in."),
  }),
  SecurityError: () => ({
    title: _("The camera is blocked on this computer"),
    advice: _(
      "An administrator has switched it off for the browser. Use another browser or computer, or ask your support.",
    ),
  }),
};

/** @type {Record<string, () => Omit<Failure, "code">>} */
const SCREEN = {
  NotAllowedError: () => ({
    title: _("The screen is not shared"),
    advice: _(
      "Click “Share the screen”, choose “Entire screen” and confirm. On a Mac, allow screen recording for the browser in System Settings, Privacy.",
    ),
  }),
  NotWholeScreen: () => ({
    title: _("Only a window or a tab was shared"),
    advice: _("The whole screen is needed. Click again and choose “Entire screen”, not a window or a tab."),
  }),
  NotSupportedError: () => ({
    title: _("This browser cannot share the screen"),
    advice: _("Use a current Chrome, Edge or Firefox on a computer; phones and tablets cannot share their screen."),
  }),
  NotReadableError: () => ({
    title: _("The system does not hand out the screen"),
    advice: _("Close other programs that record the screen, then try again."),
  }),
};

/** @param {unknown} error @param {Record<string, () => Omit<Failure, "code">>} words @returns {Failure} */
function wordIt(error, words) {
  const code = error instanceof Error || error instanceof DOMException ? error.name : "UnknownError";
  const found = words[code === "TypeError" ? "NotSupportedError" : code === "AbortError" ? "NotReadableError" : code];
  return {
    code,
    ...(found?.() ?? {
      title: _("It did not work: {error}", { error: code }),
      advice: _("Try again. If it stays so, restart the browser."),
    }),
  };
}

/** @param {unknown} error of getUserMedia */
export const cameraFailure = (error) => wordIt(error, CAMERA);

/** @param {unknown} error of getDisplayMedia */
export const screenFailure = (error) => wordIt(error, SCREEN);
