/** @file A microphone that is muted, gone, or gives digital silence. */

import { SoundLevel } from "../media/level.js";

/** A pause in speaking is no silence: only exact zeros for so long are. */
const SILENT_MS = 10_000;
const LOOK_MS = 500;

/** @param {import("../app.js").App} app @returns {() => void} */
export function watchMicrophone(app) {
  /** @type {{stream: MediaStream, level: SoundLevel} | null} */
  let listening = null;
  /** @type {number | null} */
  let silentSince = null;
  const look = () => {
    const stream = app.media.camera;
    const track = stream?.getAudioTracks()[0];
    const live = track?.readyState === "live";
    const muted = live && (track.muted || !track.enabled);
    app.observations.reflect("mic_muted", muted);
    if (listening && listening.stream !== stream) {
      listening.level.close();
      listening = null;
      silentSince = null;
    }
    if (!stream || !live) return;
    listening ??= { stream, level: new SoundLevel(stream) };
    if (muted || !listening.level.isSilent()) silentSince = null;
    else silentSince ??= Date.now();
    const silent = silentSince !== null && Date.now() - silentSince >= SILENT_MS;
    app.observations.reflect("mic_no_sound", silent, {}, silentSince ?? undefined);
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    listening?.level.close();
  };
}
