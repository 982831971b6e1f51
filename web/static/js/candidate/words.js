/** @file Codes of the domain in words for the candidate. */

import { _ } from "../base/i18n.js";

/** @type {Record<string, {title: () => string, icon: string}>} */
const WARNINGS = {
  extra_user_in_frame: { title: () => _("Another person is in the picture"), icon: "users" },
  substitution_user: { title: () => _("The person at the computer seems to be someone else"), icon: "user-x" },
  no_user_in_frame: { title: () => _("You are not in the picture"), icon: "user-x" },
  avert_eyes: { title: () => _("You looked away from the screen for long"), icon: "eye-off" },
  change_active_window_on_computer: { title: () => _("Another window was opened"), icon: "app-window" },
  full_screen_left: { title: () => _("Full screen was left"), icon: "minimize" },
  clipboard: { title: () => _("The clipboard was used"), icon: "clipboard" },
  voice_detected: { title: () => _("A voice was heard"), icon: "audio-lines" },
  talk: { title: () => _("Talking was heard"), icon: "messages-square" },
  forbidden_software: { title: () => _("A forbidden site or program was used"), icon: "ban" },
  forbidden_device: { title: () => _("A forbidden device was used"), icon: "headphones" },
  phone: { title: () => _("A phone was seen"), icon: "smartphone" },
  phone_screen: { title: () => _("A phone was seen"), icon: "smartphone" },
  books: { title: () => _("Books or notes were used"), icon: "book-open" },
  extra_display: { title: () => _("A second display is connected"), icon: "monitor" },
  cheater: { title: () => _("The rules were broken repeatedly"), icon: "octagon-alert" },
};

/** @param {string} type */
export const warningTitle = (type) => WARNINGS[type]?.title() ?? _("A rule was broken");

/** @param {string} type */
export const warningIcon = (type) => WARNINGS[type]?.icon ?? "triangle-alert";

/** The rules in the order they are shown. Paper and calculator are allowed unless the exam says otherwise. */
export const RULES = [
  { name: "allow_to_use_websites", icon: "globe", title: () => _("Websites"), byDefault: false },
  { name: "allow_to_use_books", icon: "book-open", title: () => _("Books and notes"), byDefault: false },
  { name: "allow_to_use_paper", icon: "pen-line", title: () => _("A blank sheet of paper"), byDefault: true },
  { name: "allow_to_use_calculator", icon: "calculator", title: () => _("Calculator"), byDefault: true },
  { name: "allow_to_use_excel", icon: "table", title: () => _("Spreadsheets"), byDefault: false },
  { name: "allow_to_use_messengers", icon: "messages-square", title: () => _("Messengers"), byDefault: false },
  {
    name: "allow_to_use_human_assistant",
    icon: "hand-helping",
    title: () => _("Help of other people"),
    byDefault: false,
  },
  { name: "allow_absence_in_frame", icon: "user-x", title: () => _("Leaving the picture"), byDefault: false },
  { name: "allow_voices", icon: "audio-lines", title: () => _("Voices in the room"), byDefault: false },
  {
    name: "allow_wrong_gaze_direction",
    icon: "eye-off",
    title: () => _("Looking away from the screen"),
    byDefault: false,
  },
];

/** @type {Record<string, () => string>} */
const HINTS = {
  not_judged: () => _("This browser cannot judge the photo; the proctor will ask if something is missing."),
  no_face: () => _("No face was found in the photo."),
  several_faces: () => _("More than one face is in the photo."),
  face_too_small: () => _("The face is too small; come closer."),
  too_small: () => _("The picture is too small; come closer."),
  too_dark: () => _("The photo is too dark; turn on a light in front of you."),
  too_bright: () => _("The photo is too bright; turn away from the light."),
  blurred: () => _("The photo is blurred; hold still."),
  blurry: () => _("The photo is blurred; hold still."),
  glare: () => _("Light is reflected in the photo; turn it or the lamp a little."),
  moving: () => _("The photo is blurred; hold still."),
  turned_away: () => _("Look straight into the camera."),
  no_text: () => _("No text was found on the document; show the page with your name."),
  text_too_small: () => _("The text on the document is too small; bring it closer."),
  document_cut_off: () => _("Show the whole document, with the lines of <<< at its edge."),
  not_frontal: () => _("Look straight into the camera."),
  mismatch: () => _("The face on the document could not be matched with yours."),
};

/** @param {string} code of a photo's quality */
export const hintWords = (code) => HINTS[code]?.() ?? _("The photo is not clear enough.");
