/** @file The items of the system check. Each tries one thing and tells how it went; a warning is no failure. */

import { _ } from "../base/i18n.js";
import { rtcConfiguration } from "../base/rtc.js";
import { cameraFailure, screenFailure } from "./media/failures.js";
import { isPlain, isProgram } from "./media/virtual_camera.js";
import { gatherKinds } from "./media/ice.js";
import { SoundLevel } from "./media/level.js";
import { hasMoreDisplays } from "./observers/watch.js";
import { sleep } from "../base/time.js";
import { staysHere } from "./state.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {"passed" | "warning" | "failed"} Outcome */
/** @typedef {{state: Outcome, detail: string, advice?: string, values?: Record<string, string | number | boolean | null>}} Result */
/** @typedef {{level?: (level: number) => void, now?: (text: string) => void}} Progress */
/**
 * @typedef {object} Check
 * @property {string} name under which the result is kept
 * @property {string} icon
 * @property {() => string} title
 * @property {string} [click] it needs a click: the button's text
 * @property {(app: App) => boolean} [wanted] of which exams; missing: of all
 * @property {(app: App, progress: Progress) => Promise<Result>} run
 */

const SPEAK_MS = 8000;
/** Of the meter's range: about -48 dB, breathing close by. */
const HEARD = 0.24;
const SOCKET_MS = 12_000;
const SLOW_RTT_MS = 300;
const BAD_RTT_MS = 1500;
const CLOCK_OFF_MS = 60_000;
/** A picture a second is the least that the analysis needs. */
const SLOW_PICTURE_MS = 800;

/** @returns {Promise<Result>} */
async function checkBrowser() {
  const needed = {
    getUserMedia: Boolean(navigator.mediaDevices?.getUserMedia),
    getDisplayMedia: Boolean(navigator.mediaDevices?.getDisplayMedia),
    RTCPeerConnection: "RTCPeerConnection" in window,
    WebSocket: "WebSocket" in window,
    AudioContext: "AudioContext" in window,
  };
  const missing = Object.entries(needed)
    .filter(([, there]) => !there)
    .map(([name]) => name);
  const values = { missing: missing.join(" "), secure: window.isSecureContext };
  if (!window.isSecureContext) {
    return {
      state: "failed",
      detail: _("This page was not opened over a secure address (https)"),
      advice: _("Open the exam from your course again, or ask your support."),
      values,
    };
  }
  if (missing.length) {
    return {
      state: "failed",
      detail: _("This browser lacks what the exam needs"),
      advice: _("Use a current Chrome, Edge or Firefox on a computer; phones and tablets cannot share their screen."),
      values,
    };
  }
  return { state: "passed", detail: _("Your browser can do all that is needed"), values };
}

/** @param {App} app @returns {Promise<Result>} */
async function checkCamera(app) {
  try {
    const stream = await app.media.openCamera();
    const track = stream.getVideoTracks()[0];
    const { width = 0, height = 0 } = track?.getSettings() ?? {};
    const label = track?.label ?? "";
    const values = { width, height, label, program: isProgram(label), plain: isPlain(track) };
    if (values.program)
      return {
        state: "warning",
        detail: _("The camera seems to be a program"),
        advice: _("Choose your real camera. You may go on; the proctor sees a note."),
        values,
      };
    return { state: "passed", detail: label || _("The camera works"), values };
  } catch (error) {
    const { code, title, advice } = cameraFailure(error);
    return { state: "failed", detail: title, advice, values: { error: code } };
  }
}

/** @param {App} app @param {Progress} progress @returns {Promise<Result>} */
async function checkMicrophone(app, { level, now }) {
  const stream = app.media.camera;
  const track = stream?.getAudioTracks()[0];
  if (!stream || !track || track.readyState !== "live") {
    return {
      state: "failed",
      detail: _("There is no microphone to listen to"),
      advice: _("Let the camera check pass first; it asks for both."),
      values: {},
    };
  }
  now?.(_("Please say a few words…"));
  const sound = new SoundLevel(stream);
  let loudest = 0;
  try {
    for (const end = Date.now() + SPEAK_MS; Date.now() < end; await sleep(60)) {
      const meter = sound.meter();
      level?.(meter);
      loudest = Math.max(loudest, meter);
      if (loudest > HEARD && Date.now() > end - SPEAK_MS + 1200) break;
    }
  } finally {
    sound.close();
  }
  const values = { loudest: Math.round(loudest * 100), muted: track.muted, label: track.label };
  if (loudest > HEARD) return { state: "passed", detail: track.label || _("We can hear you"), values };
  if (loudest > 0)
    return {
      state: "warning",
      detail: _("Very quiet"),
      advice: _("Speak up, come closer, or raise the microphone's level, then check again. You may go on."),
      values,
    };
  return {
    state: "failed",
    detail: _("We hear nothing at all"),
    advice: _(
      "The microphone may be muted, by a key or a switch on it. Unmute it or choose another one, then try again.",
    ),
    values,
  };
}

/** @param {App} app @returns {Promise<Result>} */
async function checkScreen(app) {
  try {
    if (!app.media.screenLive) await app.media.openScreen();
    const settings = app.media.screen?.getVideoTracks()[0]?.getSettings() ?? {};
    return {
      state: "passed",
      detail: _("The whole screen is shared"),
      values: {
        width: settings.width ?? 0,
        height: settings.height ?? 0,
        ...(settings.displaySurface && { display_surface: settings.displaySurface }),
      },
    };
  } catch (error) {
    const { code, title, advice } = screenFailure(error);
    return { state: "failed", detail: title, advice, values: { error: code } };
  }
}

/** @param {App} app @returns {Promise<Result>} */
async function checkDisplays(app) {
  const more = hasMoreDisplays();
  if (!more || app.state.rules.allow_multiple_displays === true)
    return {
      state: "passed",
      detail: more ? _("Several displays, which this exam allows") : _("One display"),
      values: { extended: more },
    };
  return {
    state: "warning",
    detail: _("A second display is connected"),
    advice: _("Unplug it or switch it off before the exam; it is reported while it is there."),
    values: { extended: true },
  };
}

/** @param {App} app @returns {Promise<Result>} */
async function checkConnection(app) {
  const { socket, clock } = app;
  socket.open();
  for (const end = Date.now() + SOCKET_MS; socket.state !== "online" || clock.rtt === null; await sleep(100)) {
    if (Date.now() > end) {
      return {
        state: "failed",
        detail: _("No steady connection to the exam server"),
        advice: _(
          "A firewall, proxy or VPN may be in the way (WebSocket). Switch the VPN off or use another network, then try again.",
        ),
        values: { state: socket.state },
      };
    }
  }
  for (let ping = 0; ping < 4; ping += 1) {
    socket.ping();
    await sleep(250);
  }
  const rtt = Math.round(clock.rtt ?? 0);
  const detail = _("Round trip {ms} ms", { ms: rtt });
  if (rtt >= SLOW_RTT_MS)
    return {
      state: "warning",
      detail,
      advice:
        rtt >= BAD_RTT_MS
          ? _("This is very slow. A cable instead of Wi-Fi or another network would help.")
          : _("A little slow, but enough."),
      values: { rtt_ms: rtt },
    };
  return { state: "passed", detail, values: { rtt_ms: rtt } };
}

/** @param {App} app @returns {Promise<Result>} */
async function checkNetwork(app) {
  const ways = rtcConfiguration();
  const kinds = await gatherKinds(ways);
  const wantsRelay = (ways.iceServers ?? []).some((server) => [server.urls].flat().some((url) => url.startsWith("turn")));
  const found = Object.entries(kinds)
    .filter(([, there]) => there)
    .map(([kind]) => kind)
    .join(", ");
  if (!found)
    return {
      state: "failed",
      detail: _("The browser finds no way out for video"),
      advice: _(
        "A policy or an extension blocks WebRTC. Switch the extension off or use another browser, then try again.",
      ),
      values: kinds,
    };
  if (wantsRelay && !kinds.relay)
    return {
      state: "warning",
      detail: _("Video may go out directly only ({kinds})", { kinds: found }),
      advice: _("The relay cannot be reached. If the picture fails later, use another network."),
      values: kinds,
    };
  return { state: "passed", detail: _("Video can go out ({kinds})", { kinds: found }), values: kinds };
}

/** @param {App} app @returns {Promise<Result>} */
async function checkClock(app) {
  const offset = Math.round(app.clock.offset);
  const values = { offset_ms: offset };
  if (Math.abs(offset) < CLOCK_OFF_MS) return { state: "passed", detail: _("Your computer's clock is right"), values };
  const minutes = Math.round(Math.abs(offset) / 60_000);
  return {
    state: "warning",
    detail: _("Your computer's clock is off by {n} min", { n: minutes }),
    advice: _("This does no harm: only the server's clock counts."),
    values,
  };
}

/** Runtime and models come now, so that photos and exam need not wait for them. @param {App} app @param {Progress} progress @returns {Promise<Result>} */
async function checkAnalysis(app, { now }) {
  const { onDevice } = app;
  const stop = app.watch(() =>
    now?.(_("Loading what looks at the camera: {share} %", { share: Math.round(onDevice.share * 100) })),
  );
  await onDevice.prepare().finally(stop);
  const values = { ms_per_picture: Math.round(onDevice.msPerPicture), reason: onDevice.reason };
  const advice = _("You may go on. What this computer cannot judge is marked as undetermined, not as a fault of yours.");
  if (onDevice.state === "failed") return { state: "warning", detail: _("It does not run in this browser"), advice, values };
  if (onDevice.msPerPicture > SLOW_PICTURE_MS)
    return { state: "warning", detail: _("This computer is slow; close other programs"), advice, values };
  return { state: "passed", detail: _("Your camera is looked at here and is not sent"), values };
}

/** In the order they run. @type {Check[]} */
export const CHECKS = [
  { name: "browser", icon: "app-window", title: () => _("Browser"), run: checkBrowser },
  { name: "connection", icon: "wifi", title: () => _("Connection"), run: checkConnection },
  { name: "network", icon: "network", title: () => _("Way for video"), run: checkNetwork },
  { name: "clock", icon: "clock", title: () => _("Clock"), run: checkClock },
  { name: "camera", icon: "camera", title: () => _("Camera"), run: checkCamera },
  { name: "microphone", icon: "mic", title: () => _("Microphone"), run: checkMicrophone },
  { name: "displays", icon: "monitor", title: () => _("Displays"), run: checkDisplays },
  { name: "screen", icon: "monitor-up", title: () => _("Screen"), click: "share", run: checkScreen },
  {
    name: "analysis",
    icon: "shield-check",
    title: () => _("Analysis on this computer"),
    wanted: ({ state }) => staysHere(state),
    run: checkAnalysis,
  },
];

/** What browser this is, for comparing releases. */
export function describeClient() {
  return {
    user_agent: navigator.userAgent,
    platform: navigator.platform,
    language: navigator.language,
    screen: `${window.screen.width}x${window.screen.height}`,
    window: `${window.innerWidth}x${window.innerHeight}`,
    pixel_ratio: window.devicePixelRatio,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
