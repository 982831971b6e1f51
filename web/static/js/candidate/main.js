/** @file The candidate's page: loads the state, shows the view that fits it, and keeps both going. */

import { fill, one } from "../base/dom.js";
import { ApiError } from "../base/errors.js";
import { backOff, sleep } from "../base/time.js";
import { pageData } from "../base/page_data.js";
import { App } from "./app.js";
import { guardMedia } from "./guard.js";
import { watchBrowser } from "./observers/watch.js";
import { showRecording } from "./local_recording/banner.js";
import { showConnection } from "./shell.js";
import { isOver, isRunning, isUnderWay, viewOf } from "./state.js";
import { consentView } from "./views/consent.js";
import { endingView, finishedView, linkView, supersededView } from "./views/endings.js";
import { examView } from "./views/exam.js";
import { gazeCalibrationView } from "./views/gaze_calibration.js";
import { joinView } from "./views/join.js";
import { livenessView } from "./views/liveness.js";
import { photoView } from "./views/photo.js";
import { systemCheckView } from "./views/system_check.js";
import { waitingView } from "./views/waiting.js";
import { watchTalks } from "./talks.js";
import { watchWarnings } from "./warnings.js";

/** @typedef {import("./types.js").View} View */

/** @type {Record<string, (app: App) => View>} */
const VIEWS = {
  consent: consentView,
  system_check: systemCheckView,
  face_photo: (app) => photoView(app, "face"),
  document_photo: (app) => photoView(app, "document"),
  liveness: livenessView,
  gaze_calibration: gazeCalibrationView,
  join: joinView,
  waiting: waitingView,
  exam: examView,
  finished: finishedView,
  ending: endingView,
};

const place = one("#view");
/** @type {{name: string, view: View} | null} */
let current = null;

/** @param {string} name @param {() => View} make */
function show(name, make) {
  if (current?.name === name) return current.view.update?.();
  const isFirst = current === null;
  current?.view.destroy?.();
  const view = make();
  current = { name, view };
  document.body.dataset.view = name;
  fill(place, view.element);
  scrollTo(0, 0);
  // A new view is a new page to a screen reader; on the first the browser does it.
  if (!isFirst) view.element.querySelector("h1")?.focus();
}

/** @param {App} app */
function render(app) {
  const { socket, known } = app;
  if (socket.state === "superseded") return show("superseded", supersededView);
  if (socket.state === "refused") return show("link", () => linkView(socket.refusal, pageData.support_email));
  if (!known) return;
  const name = viewOf(known, app.joined);
  const ending = name === "ending" ? `ending-${known.sitting.state}` : name;
  show(ending, () => /** @type {(app: App) => View} */ (VIEWS[name])(app));
}

/** Whatever must hold in every view. @param {App} app */
function keepGoing(app) {
  const media = guardMedia(app);
  const warnings = watchWarnings(app);
  /** @type {(() => void) | null} */
  let stopWatching = null;
  let awake = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let goodbye;
  addEventListener("beforeunload", (event) => {
    const isSending = app.recording.progress.phase === "handing_in";
    if (app.known && (isUnderWay(app.known) || isSending) && app.socket.state !== "superseded") event.preventDefault();
  });
  document.addEventListener(
    "visibilitychange",
    () => app.known && isRunning(app.known) && !document.hidden && void stayAwake(),
  );

  return () => {
    const state = app.known;
    if (!state) return;
    const superseded = app.socket.state === "superseded";
    const over = isOver(state);
    // Consent comes first: before it nothing but the page itself is asked for.
    if (!over && state.step !== "consent" && app.socket.state === "idle") app.socket.open();
    const watching = isRunning(state) && app.joined && !superseded;
    if (watching && !stopWatching) stopWatching = watchBrowser(app);
    if (!watching && stopWatching) {
      stopWatching();
      stopWatching = null;
    }
    if (watching && !awake) {
      awake = true;
      void stayAwake();
    }
    media.update();
    app.recording.update();
    app.onDevice.update();
    if (!over && !superseded) warnings.update();
    else warnings.close();
    // A last word of the proctor may still come.
    if (over) goodbye ??= setTimeout(() => app.socket.close(), 60_000);
    if (over && document.fullscreenElement) void document.exitFullscreen();
  };
}

/** A sleeping computer is a gap in the recording. */
async function stayAwake() {
  await navigator.wakeLock?.request("screen").catch(() => undefined);
}

/** Ask until there is an answer; only a refusal ends it. @param {App} app */
async function loadState(app) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await app.load();
    } catch (error) {
      if (error instanceof ApiError && !error.passing) throw error;
      if (!(error instanceof ApiError)) throw error;
      await sleep(backOff(attempt));
    }
  }
}

async function start() {
  const app = new App();
  showConnection(app);
  showRecording(app);
  watchTalks(app, one("#talks"), pageData.sitting_id ?? 0);
  const keep = keepGoing(app);
  let due = false;
  app.watch(() => {
    // Many changes in one turn are one drawing.
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      keep();
      render(app);
    });
  });
  try {
    await loadState(app);
    void app.recording.open();
  } catch (error) {
    console.error(error);
    show("link", () => linkView(error, pageData.support_email));
  }
}

await start();
