/** @file What the challenges ask for, and why one was not passed, in words for the candidate. */

import { _ } from "../../base/i18n.js";

/** @type {Record<string, {ask: () => string, name: () => string, icon: string}>} */
export const MOVEMENTS = {
  straight: { ask: () => _("Look straight into the camera"), name: () => _("look straight"), icon: "scan-face" },
  turn_left: {
    ask: () => _("Turn your head to your left, then back"),
    name: () => _("turn to the left"),
    icon: "arrow-left",
  },
  turn_right: {
    ask: () => _("Turn your head to your right, then back"),
    name: () => _("turn to the right"),
    icon: "arrow-right",
  },
  blink: {
    ask: () => _("Close both eyes for a second, then open them"),
    name: () => _("close your eyes"),
    icon: "eye-off",
  },
  nod: { ask: () => _("Nod: chin down, then up"), name: () => _("nod"), icon: "arrow-down" },
};

/** @type {Record<string, () => string>} */
const REASONS = {
  face_not_seen: () => _("Your face was not in the picture all the time."),
  no_face: () => _("Your face was not in the picture all the time."),
  several_faces: () => _("More than one face was in the picture."),
  too_dark: () => _("It was too dark; turn on a light in front of you."),
  too_few_pictures: () => _("Too few pictures came from your camera; close other programs that use it."),
  too_slow: () => _("The connection was too slow to send the pictures in time."),
  not_judged: () => _("The pictures could not be looked at in time."),
  not_done: () => _("Not every movement could be seen."),
  wrong_order: () => _("A movement was seen when another one was asked for."),
  turned_away: () => _("Your head was turned too far away; turn it towards the screen."),
  eyes_shut: () => _("Your eyes could hardly be seen; open them wide, without glare on glasses."),
  not_looking: () => _("Your eyes did not follow the points. Look at each point until it goes."),
};

/** @param {string} code */
export const reasonWords = (code) => REASONS[code]?.() ?? _("Not every movement could be seen.");
