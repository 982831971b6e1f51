/** @file The candidate's camera, microphone and screen in this browser: asking for them, and noticing when they go. */

import { NotWholeScreen } from "./failures.js";

/** @typedef {import("../types.js").TrackName} TrackName */

const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15, max: 15 } };
// Noise suppression would turn a quiet room into digital silence and hide voices from the analysis.
const SOUND = { echoCancellation: true, noiseSuppression: false, autoGainControl: true };
const SCREEN = { width: { max: 1280 }, height: { max: 720 }, frameRate: { max: 5 } };

export class LocalMedia {
  constructor() {
    /** @type {MediaStream | null} */
    this.camera = null;
    /** @type {MediaStream | null} */
    this.screen = null;
    /** Chosen devices, asked for again when a camera comes back. @type {{camera?: string, microphone?: string}} */
    this.chosen = {};
    /** The browser's picker is open: losing the focus now is nobody's fault. */
    this.asking = false;
    this.onChange = () => {};
    /** @type {(track: TrackName | "microphone") => void} */
    this.onEnded = () => {};
    navigator.mediaDevices?.addEventListener("devicechange", () => this.onChange());
  }

  get cameraLive() {
    return isLive(this.camera?.getVideoTracks()[0]);
  }

  get microphoneLive() {
    return isLive(this.camera?.getAudioTracks()[0]);
  }

  get screenLive() {
    return isLive(this.screen?.getVideoTracks()[0]);
  }

  get complete() {
    return this.cameraLive && this.microphoneLive && this.screenLive;
  }

  /**
   * Ask for camera and microphone.
   * @param {{camera?: string, microphone?: string}} [chosen] device ids
   * @returns {Promise<MediaStream>}
   * @throws {DOMException} of getUserMedia
   */
  async openCamera(chosen = this.chosen) {
    if (!navigator.mediaDevices) throw new DOMException("no mediaDevices", "SecurityError");
    const video = { ...PICTURE, ...(chosen.camera && { deviceId: { exact: chosen.camera } }) };
    const audio = { ...SOUND, ...(chosen.microphone && { deviceId: { exact: chosen.microphone } }) };
    // The old stream must go first: many cameras cannot be opened twice.
    stop(this.camera);
    this.camera = null;
    this.asking = true;
    try {
      this.camera = await navigator.mediaDevices.getUserMedia({ video, audio });
    } catch (error) {
      // The chosen camera was unplugged: any other is better than none.
      if (!(
        error instanceof DOMException &&
        error.name === "OverconstrainedError" &&
        (chosen.camera || chosen.microphone)
      ))
        throw error;
      this.chosen = {};
      return await this.openCamera({});
    } finally {
      this.asking = false;
    }
    this.chosen = chosen;
    this.guard(this.camera, (track) => (track.kind === "video" ? "camera" : "microphone"));
    return this.camera;
  }

  /**
   * Ask for the whole screen; must be called in the click itself.
   * @returns {Promise<MediaStream>}
   * @throws {DOMException | NotWholeScreen}
   */
  async openScreen() {
    if (!navigator.mediaDevices?.getDisplayMedia) throw new DOMException("no getDisplayMedia", "NotSupportedError");
    this.asking = true;
    let stream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia(
        /** @type {DisplayMediaStreamOptions} */ ({
          video: { ...SCREEN, displaySurface: "monitor" },
          audio: false,
          monitorTypeSurfaces: "include",
          surfaceSwitching: "exclude",
        }),
      );
    } finally {
      this.asking = false;
    }
    const [track] = stream.getVideoTracks();
    const surface = track?.getSettings().displaySurface;
    // Firefox does not tell the surface; the proctor sees what it is.
    if (surface && surface !== "monitor") {
      stop(stream);
      throw new NotWholeScreen(surface);
    }
    if (track) track.contentHint = "detail";
    stop(this.screen);
    this.screen = stream;
    this.guard(stream, () => "screen");
    return stream;
  }

  /** @param {MediaStream} stream @param {(track: MediaStreamTrack) => TrackName | "microphone"} name */
  guard(stream, name) {
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => {
        // Only the stream in use: one that was replaced ends too.
        if (stream !== this.camera && stream !== this.screen) return;
        this.onEnded(name(track));
        this.onChange();
      });
    }
    this.onChange();
  }

  /** @returns {Promise<{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[]}>} */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return {
      cameras: all.filter((device) => device.kind === "videoinput"),
      microphones: all.filter((device) => device.kind === "audioinput"),
    };
  }

  /** Give everything back: lights out. */
  close() {
    stop(this.camera);
    stop(this.screen);
    this.camera = this.screen = null;
  }
}

/** @param {MediaStreamTrack | undefined} track */
const isLive = (track) => track?.readyState === "live";

/** @param {MediaStream | null} stream */
const stop = (stream) => stream?.getTracks().forEach((track) => track.stop());
