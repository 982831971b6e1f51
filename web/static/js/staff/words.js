/** @file The domain's codes in words, each with the icon and the tone it is shown with. An unknown code shows itself. */

import { _ } from "../base/i18n.js";

/** @typedef {"good" | "warn" | "bad" | "info" | "accent" | "none"} Tone */
/** @typedef {{title: string, icon: string, tone: Tone}} Word */

/**
 * @param {Record<string, [string, string, Tone?]>} table
 * @returns {(code: string | null | undefined) => Word}
 */
function words(table) {
  return (code) => {
    const [title, icon, tone] = table[code ?? ""] ?? [code || "—", "circle-help", "none"];
    return { title, icon, tone: tone ?? "none" };
  };
}

export const stateWord = words({
  created: [_("Created"), "circle", "none"],
  scheduled: [_("Scheduled"), "calendar", "none"],
  check_in: [_("Check-in"), "clipboard-check", "info"],
  waiting: [_("Waiting for the start"), "hourglass", "warn"],
  running: [_("Running"), "circle-play", "good"],
  paused: [_("Paused"), "circle-pause", "warn"],
  finished: [_("Finished"), "circle-stop", "none"],
  processing: [_("Being processed"), "lock", "info"],
  in_review: [_("In review"), "eye", "accent"],
  concluded: [_("Concluded"), "circle-check", "good"],
  declined: [_("Consent refused"), "circle-x", "none"],
  cancelled: [_("Cancelled"), "ban", "none"],
  identity_refused: [_("Identity refused"), "user-x", "bad"],
  timed_out: [_("Timed out"), "timer", "none"],
  interrupted: [_("Interrupted"), "unlink", "bad"],
  expired: [_("Expired"), "hourglass", "none"],
});

export const typeWord = words({
  extra_user_in_frame: [_("Another person in the frame"), "users", "bad"],
  substitution_user: [_("Another person took the place"), "user-x", "bad"],
  no_user_in_frame: [_("Nobody in the frame"), "user-round-search", "bad"],
  avert_eyes: [_("Looking away"), "eye-off", "warn"],
  change_active_window_on_computer: [_("Active window changed"), "app-window", "warn"],
  full_screen_left: [_("Full screen left"), "minimize", "warn"],
  clipboard: [_("Clipboard used"), "clipboard", "warn"],
  voice_detected: [_("Voice"), "audio-lines", "warn"],
  talk: [_("Conversation"), "messages-square", "bad"],
  forbidden_software: [_("Forbidden sites or software"), "ban", "bad"],
  forbidden_device: [_("Forbidden device"), "headphones", "bad"],
  phone: [_("Phone"), "smartphone", "bad"],
  phone_screen: [_("Screen of a phone"), "smartphone", "bad"],
  books: [_("Books or notes"), "book-open", "bad"],
  extra_display: [_("Second display"), "monitor", "bad"],
  cheater: [_("Cheater: warned three times"), "octagon-alert", "bad"],
  nonverbal: [_("Signs to somebody"), "hand-helping", "warn"],
  timeout: [_("Time ran out"), "timer", "none"],
  mic_muted: [_("Microphone muted"), "mic-off", "info"],
  mic_no_sound: [_("Microphone without sound"), "volume-x", "info"],
  mic_no_device_connected: [_("No microphone"), "mic-off", "info"],
  camera_no_picture: [_("Camera without picture"), "video-off", "info"],
  camera_no_device_connected: [_("No camera"), "camera-off", "info"],
  desktop_request_pending: [_("Screen is not shared"), "monitor-off", "info"],
  no_ping: [_("No answer from the browser"), "wifi-off", "info"],
  virtual_machine: [_("Virtual machine"), "server", "info"],
  undetermined: [_("Could not be told"), "circle-help", "info"],
});

/** Whether a network found it, here or in the candidate's browser: it has a confidence, numbers and models. @param {{source: string}} observation */
export const isMeasured = ({ source }) => source === "detector" || source === "on_device";

/** Who found something, and what a proctor may read of it. */
export const detectorWord = words({
  absence: [_("Faces, near and far"), "user-round-search"],
  extra_person: [_("Second face"), "users"],
  impostor: [_("Face compared with the check-in"), "user-x"],
  gaze: [_("Head and eyes"), "eye-off"],
  picture_loss: [_("Light in the picture"), "video-off"],
  frozen_picture: [_("Movement in the picture"), "video-off"],
  too_dark: [_("Light in the picture"), "moon"],
  face_hidden: [_("Faces, near and far"), "scan-face"],
  identity_unclear: [_("Face compared with the check-in"), "scan-face"],
  voice: [_("Voice"), "audio-lines"],
  talking: [_("Voice and mouth"), "messages-square"],
  microphone: [_("Level of the microphone"), "mic-off"],
  phone: [_("Phones and books"), "smartphone"],
  analysis: [_("The analysis itself"), "cpu"],
});

/** Why a picture allowed no judgement, or what it lacked. */
export const reasonWord = words({
  too_dark: [_("too dark"), "moon"],
  face_hidden: [_("face hidden"), "scan-face"],
  identity_unclear: [_("face not good enough to compare"), "scan-face"],
  analysis_interrupted: [_("analysis interrupted"), "cpu"],
  analysis_late: [_("analysis began late"), "cpu"],
  analysis_failed: [_("recording cannot be decoded"), "cpu"],
  own_analysis_failed: [_("analysis in the candidate's browser failed"), "cpu"],
  analysis_timeout: [_("analysis in the candidate's browser did not load"), "cpu"],
  no_worker: [_("the candidate's browser cannot analyse"), "cpu"],
  model_changed: [_("a model in the candidate's browser is not the appliance's"), "shield-check"],
  device_too_slow: [_("the candidate's computer is too slow"), "cpu"],
  no_reference: [_("no face photo to compare with in the candidate's browser"), "scan-face"],
  black: [_("black picture"), "video-off"],
  covered: [_("covered lens"), "video-off"],
  no_frames: [_("no pictures arrived"), "video-off"],
  frozen: [_("frozen picture"), "video-off"],
  virtual_camera: [_("sign of a virtual camera, no proof"), "video"],
  looped: [_("the picture repeats itself: sign of a recording, no proof"), "video"],
});

/** Where a try at a challenge of the check-in stands. */
export const challengeWord = words({
  judging: [_("being judged"), "hourglass", "info"],
  open: [_("going on"), "hourglass", "info"],
  passed: [_("passed"), "circle-check", "good"],
  failed: [_("not passed"), "circle-x", "bad"],
  undetermined: [_("could not be judged"), "circle-help", "warn"],
  person_asked: [_("asks for a person instead"), "user", "warn"],
  skipped: [_("left out"), "circle-minus", "none"],
});

/** @type {Record<string, string>} */
const MOVEMENTS = {
  turn_left: _("turn to the left"),
  turn_right: _("turn to the right"),
  blink: _("closing the eyes"),
  nod: _("nod"),
};

/** @param {string} movement */
export const movementWord = (movement) => MOVEMENTS[movement] ?? movement;

/** @type {Record<string, string>} */
const CHALLENGE_REASONS = {
  face_not_seen: _("face not seen all the time"),
  no_face: _("face not seen all the time"),
  several_faces: _("several faces"),
  too_dark: _("too dark"),
  too_few_pictures: _("too few pictures"),
  too_slow: _("pictures came too late"),
  not_judged: _("no worker judged in time"),
  identity_unclear: _("face not good enough to compare"),
  mirrored: _("left and right exchanged: a mirrored camera, or a recording"),
  not_done: _("not every movement was done"),
  wrong_order: _("a movement out of its turn"),
  flat: _("moved like a flat picture"),
  cut: _("the picture jumped"),
  another_person: _("another face than on the photo"),
  turned_away: _("head turned away"),
  eyes_shut: _("eyes hardly seen"),
  not_looking: _("the eyes did not follow the points"),
};

/** @param {string} reason */
export const challengeReason = (reason) => CHALLENGE_REASONS[reason] ?? reason;

export const conclusionWord = words({
  accepted: [_("Accepted"), "circle-check", "good"],
  rejected: [_("Rejected"), "circle-x", "bad"],
  suspicious: [_("Suspicious"), "triangle-alert", "warn"],
  not_reviewed: [_("Not reviewed"), "circle-minus", "none"],
});

export const decisionWord = words({
  pending: [_("Undecided"), "circle", "none"],
  confirmed: [_("Confirmed"), "circle-check", "bad"],
  dismissed: [_("Dismissed"), "circle-minus", "none"],
});

export const verdictWord = words({
  match: [_("Face matches"), "user-check", "good"],
  undetermined: [_("Could not be compared"), "circle-help", "warn"],
  mismatch: [_("Face does not match"), "user-x", "bad"],
});

export const gapWord = words({
  node_lost: [_("Media node lost"), "server"],
  node_drained: [_("Moved to another media node"), "server"],
  connection_lost: [_("Connection lost"), "wifi-off"],
  share_stopped: [_("Screen share stopped"), "monitor-off"],
  camera_stopped: [_("Camera stopped"), "camera-off"],
  recorder_failed: [_("Recorder failed"), "hard-drive"],
  recorder_stalled: [_("Recorder stood still"), "hard-drive"],
  disk_full: [_("Disk full"), "hard-drive"],
  page_closed: [_("Page closed"), "x"],
  unknown: [_("Cause unknown"), "circle-help"],
});

export const ruleWord = words({
  allow_to_use_websites: [_("Websites"), "globe"],
  allow_to_use_books: [_("Books"), "book-open"],
  allow_to_use_paper: [_("Paper"), "pen-line"],
  allow_to_use_messengers: [_("Messengers"), "messages-square"],
  allow_to_use_calculator: [_("Calculator"), "calculator"],
  allow_to_use_excel: [_("Spreadsheet"), "table"],
  allow_to_use_human_assistant: [_("Human assistant"), "hand-helping"],
  allow_absence_in_frame: [_("Leaving the frame"), "armchair"],
  allow_voices: [_("Voices"), "audio-lines"],
  allow_wrong_gaze_direction: [_("Looking away"), "scan-eye"],
});

/** Rules in the order of the row of icons. */
export const RULES = [
  "allow_to_use_websites",
  "allow_to_use_books",
  "allow_to_use_paper",
  "allow_to_use_messengers",
  "allow_to_use_calculator",
  "allow_to_use_excel",
  "allow_to_use_human_assistant",
  "allow_absence_in_frame",
  "allow_voices",
  "allow_wrong_gaze_direction",
];

/** Those an exam that says nothing allows. */
export const ALLOWED_BY_DEFAULT = new Set(["allow_to_use_paper", "allow_to_use_calculator"]);

export const metricWord = words({
  b1: [_("Focus in another window"), "app-window"],
  b2: [_("Full screen left"), "minimize"],
  c1: [_("Camera off"), "camera-off"],
  c2: [_("Face not visible or looking away"), "eye-off"],
  c3: [_("Several faces"), "users"],
  c4: [_("Face differs from the profile"), "user-x"],
  c5: [_("Other profiles look alike"), "user-round-search"],
  k1: [_("Unusual typing"), "pen-line"],
  m1: [_("Microphone off or quiet"), "mic-off"],
  m2: [_("Voice or noise"), "audio-lines"],
  n1: [_("No network"), "wifi-off"],
  n2: [_("Second camera off"), "camera-off"],
  s1: [_("Screen is not shared"), "monitor-off"],
  d1: [_("Forbidden device"), "headphones"],
  d2: [_("Phone"), "smartphone"],
  extra_user: [_("Another person in the frame"), "users"],
  user_replaced: [_("Another person took the place"), "user-x"],
  absent_user: [_("Nobody in the frame"), "user-round-search"],
  look_away: [_("Looking away"), "eye-off"],
  active_window_changed: [_("Active window changed"), "app-window"],
  forbidden_device: [_("Forbidden device"), "headphones"],
  voice: [_("Voice"), "audio-lines"],
  phone: [_("Phone"), "smartphone"],
});

export const hintWord = words({
  no_face: [_("no face found"), "scan-face"],
  not_judged: [_("not judged: the analysis did not run"), "circle-help"],
  several_faces: [_("several faces"), "users"],
  too_dark: [_("too dark"), "moon"],
  too_bright: [_("too bright"), "sun"],
  too_small: [_("face too small"), "minimize"],
  glare: [_("glare"), "sun"],
  blurred: [_("blurred"), "eye"],
  turned_away: [_("face turned away"), "eye-off"],
  no_text: [_("no text found"), "file-text"],
  text_too_small: [_("text too small"), "minimize"],
  document_cut_off: [_("coded lines not whole"), "id-card"],
});

export const trackWord = words({
  camera: [_("Camera"), "camera"],
  screen: [_("Screen"), "monitor"],
  aux: [_("Second camera"), "video"],
});

export const modeWord = words({
  online: [_("Watched live"), "eye"],
  offline: [_("Reviewed afterwards"), "history"],
  auto: [_("Automatic"), "cpu"],
  identification: [_("Identification only"), "id-card"],
});

export const stepWord = words({
  consent: [_("Consent"), "file-text"],
  system_check: [_("System check"), "activity"],
  face_photo: [_("Face photo"), "scan-face"],
  document_photo: [_("Document photo"), "id-card"],
  waiting_room: [_("Waiting room"), "hourglass"],
});

export const checkWord = words({
  browser: [_("Browser"), "app-window"],
  connection: [_("Connection"), "wifi"],
  network: [_("Way for video"), "network"],
  clock: [_("Clock"), "clock"],
  camera: [_("Camera"), "camera"],
  microphone: [_("Microphone"), "mic"],
  displays: [_("Displays"), "monitor"],
  screen: [_("Screen"), "monitor-up"],
});

export const faceModeWord = words({
  server: [_("On the appliance"), "server", "accent"],
  on_device: [_("In the candidate's browser"), "laptop", "info"],
  none: [_("Not at all"), "ban", "none"],
});

export const actionWord = words({
  note: [_("Note it"), "sticky-note", "none"],
  warn: [_("Warn"), "triangle-alert", "warn"],
  pause: [_("Pause the exam"), "circle-pause", "warn"],
  stop: [_("End the exam"), "circle-stop", "bad"],
});

/** What the faces of a sitting say: green, yellow, red, grey. */
export const colourWord = words({
  green: [_("Faces match"), "user-check", "good"],
  yellow: [_("Other profiles look alike"), "user-round-search", "warn"],
  red: [_("Faces do not match"), "user-x", "bad"],
  grey: [_("Could not be told"), "circle-help", "none"],
});

const REASONS = /** @type {Record<string, string>} */ ({
  match: _("What could be compared matches."),
  similar: _("They match, but other people of the organisation look alike. That proves nothing: look for yourself."),
  similar_only: _("Nothing of their own could be compared yet, and other people of the organisation look alike."),
  substitution: _("During the exam another face was seen in the candidate's place."),
  document_mismatch: _("The face on the document is another one than on the face photo."),
  enrolled_mismatch: _("The face photo shows another face than at earlier sittings. It was not enrolled."),
  undetermined: _("The pictures do not allow a judgement."),
  nothing_to_compare: _("There is nothing to compare the face with: it is the first photo of this person."),
  no_photo: _("No photo was taken."),
  off: _("Biometrics are off for this exam: no face is measured. Compare the photos yourself."),
  match_on_device: _("They match, says the analysis in the candidate's own browser; no photo is here to look at."),
  on_device: _("Faces are compared in the candidate's browser during the exam; nothing else was found."),
});

/** @param {string} reason */
export const colourReason = (reason) => REASONS[reason] ?? reason;
