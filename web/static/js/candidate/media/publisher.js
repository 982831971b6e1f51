/** @file Sends one track group (camera with sound, or screen) to the media node and keeps it sent, whatever breaks. */

import { rtcConfiguration } from "../../base/rtc.js";
import { backOff } from "../../base/time.js";
import { condense } from "./stats.js";

/** @typedef {import("../types.js").TrackName} TrackName */
/** @typedef {import("../../base/socket.js").LiveSocket} LiveSocket */
/** @typedef {"idle" | "connecting" | "live" | "lost"} PublisherState */

/**
 * Enough for a face at 640x480@15 and for text at 1280x720@5. Of the camera's pictures the analysis decodes every other
 * one only: nothing refers to those of the upper of two layers. Browsers that do not know layers send one.
 * @type {Record<TrackName, RTCRtpEncodingParameters & {scalabilityMode?: string}>}
 */
const LIMITS = {
  camera: { maxBitrate: 600_000, maxFramerate: 15, scalabilityMode: "L1T2" },
  screen: { maxBitrate: 500_000, maxFramerate: 5 },
};
const SOUND_BITRATE = 32_000;
/** The node answers within a fraction of a second; after this something is lost. */
const ANSWER_MS = 10_000;
/** "disconnected" often heals by itself; longer than this it does not. */
const HEAL_MS = 8000;
/** A connection that stood so long was good: the next fault starts the back-off anew. */
const STEADY_MS = 20_000;
/** Different answers of STUN and TURN servers that are kept for support. */
const ICE_ERRORS = 8;

let count = 0;

export class Publisher {
  /**
   * @param {TrackName} track
   * @param {LiveSocket} socket
   */
  constructor(track, socket) {
    this.track = track;
    this.socket = socket;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {RTCPeerConnection | null} */
    this.pc = null;
    this.connection = "";
    /** @type {PublisherState} */
    this.state = "idle";
    this.attempt = 0;
    /** @type {RTCIceCandidateInit[]} the node's candidates that came before its answer */
    this.early = [];
    /** @type {Record<string, ReturnType<typeof setTimeout> | undefined>} */
    this.timers = {};
    /** What STUN and TURN servers answered; 401 is a wrong password. @type {{code: number, url: string, text: string}[]} */
    this.iceErrors = [];
    /** The last connection that came to nothing, for support. @type {import("./stats.js").Condensed | null} */
    this.failed = null;
    this.onState = () => {};
    this.listen();
  }

  listen() {
    const mine = (/** @type {(message: any) => void} */ handler) => (/** @type {any} */ message) => {
      if (this.connection && (message.connection === this.connection || message.ref === this.connection))
        handler(message);
    };
    this.socket.on(
      "answer",
      mine((message) => void this.accept(message.sdp)),
    );
    this.socket.on(
      "candidate",
      mine((message) => void this.addCandidate(message)),
    );
    this.socket.on(
      "error",
      mine(() => this.again()),
    );
    this.socket.on("offer_wanted", (message) => message.track === this.track && this.again(0));
    this.socket.on("welcome", () => this.resume());
  }

  /** @param {PublisherState} state */
  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.onState();
  }

  /** Publish this stream from now on. @param {MediaStream} stream */
  publish(stream) {
    if (this.stream === stream && this.pc) return;
    this.stream = stream;
    this.attempt = 0;
    void this.offer();
  }

  /** The track is gone: say so. @param {string} reason */
  stop(reason) {
    this.stream = null;
    this.hangUp();
    this.become("idle");
    this.socket.send({ type: "unpublish", track: this.track, reason });
  }

  /** End without a word: the sitting is over. */
  close() {
    this.stream = null;
    this.hangUp();
    this.become("idle");
  }

  hangUp() {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.timers = {};
    const pc = this.pc;
    this.pc = null;
    this.connection = "";
    this.early = [];
    if (pc) {
      pc.onicecandidate = pc.onconnectionstatechange = pc.onicecandidateerror = null;
      pc.close();
    }
  }

  /** After a lost socket: does the connection still stand, at both ends? */
  resume() {
    if (!this.stream) return;
    if (this.pc && ["connected", "connecting"].includes(this.pc.connectionState) && this.pc.remoteDescription) {
      this.socket.send({ type: "resume", track: this.track, connection: this.connection });
    } else {
      this.again(0);
    }
  }

  /** A new offer, later and later the more often it fails. @param {number} [wait] */
  again(wait = backOff(this.attempt, 500, 15_000)) {
    if (!this.stream || this.timers.again) return;
    this.attempt += 1;
    this.become("lost");
    this.timers.again = setTimeout(() => {
      this.timers.again = undefined;
      void this.offer();
    }, wait);
  }

  async offer() {
    // Only then: without a connection this must begin at once, or a second call would begin beside it.
    if (this.pc) await this.remember(this.pc);
    this.hangUp();
    // Without a socket there is nobody to offer to; its welcome comes back here.
    if (!this.stream || this.socket.state !== "online") return this.become("lost");
    count += 1;
    const connection = `${this.track}-${count}-${Math.random().toString(36).slice(2, 8)}`;
    const pc = new RTCPeerConnection(rtcConfiguration());
    this.pc = pc;
    this.connection = connection;
    this.become("connecting");
    for (const track of this.stream.getTracks()) this.addTrack(pc, track, this.stream);
    pc.onicecandidate = ({ candidate }) => this.trickle(connection, candidate);
    pc.onconnectionstatechange = () => this.follow(pc);
    pc.onicecandidateerror = (error) => this.note(error);
    let offer;
    try {
      offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
    } catch (error) {
      console.error(error);
      if (this.pc === pc) this.again();
      return;
    }
    if (this.pc !== pc) return;
    this.timers.answer = setTimeout(() => this.again(), ANSWER_MS);
    this.socket.send({ type: "publish", track: this.track, connection, sdp: offer.sdp ?? "" });
  }

  /** Keep what a connection tried that never came about: the next one takes its place. @param {RTCPeerConnection} pc */
  async remember(pc) {
    if (pc.connectionState === "connected" || !pc.remoteDescription) return;
    this.failed = await condense(pc).catch(() => this.failed);
  }

  /** @param {RTCPeerConnectionIceErrorEvent} error */
  note({ errorCode, url, errorText }) {
    const known = this.iceErrors.filter((other) => other.code !== errorCode || other.url !== url);
    const said = { code: errorCode, url: String(url ?? "").slice(0, 200), text: String(errorText ?? "").slice(0, 200) };
    this.iceErrors = [...known, said].slice(-ICE_ERRORS);
  }

  /** @param {RTCPeerConnection} pc @param {MediaStreamTrack} track @param {MediaStream} stream */
  addTrack(pc, track, stream) {
    const limits = track.kind === "video" ? LIMITS[this.track] : { maxBitrate: SOUND_BITRATE };
    const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [stream], sendEncodings: [limits] });
    if (track.kind !== "video") return;
    // What the browser sends goes to disk as it is, so all sittings should speak VP8.
    const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
    const vp8 = codecs.filter((codec) => codec.mimeType === "video/VP8");
    if (vp8.length)
      transceiver.setCodecPreferences?.([...vp8, ...codecs.filter((codec) => codec.mimeType !== "video/VP8")]);
  }

  /** @param {string} connection @param {RTCIceCandidate | null} candidate */
  trickle(connection, candidate) {
    if (connection !== this.connection) return;
    this.socket.send({
      type: "candidate",
      connection,
      candidate: candidate?.candidate ?? "",
      sdp_mid: candidate?.sdpMid ?? null,
      sdp_m_line_index: candidate?.sdpMLineIndex ?? null,
    });
  }

  /** @param {string} sdp */
  async accept(sdp) {
    const pc = this.pc;
    if (!pc || pc.signalingState !== "have-local-offer") return;
    clearTimeout(this.timers.answer);
    try {
      await pc.setRemoteDescription({ type: "answer", sdp });
      for (const candidate of this.early.splice(0)) await pc.addIceCandidate(candidate);
    } catch (error) {
      console.error(error);
      if (this.pc === pc) this.again();
    }
  }

  /** @param {{candidate: string, sdp_mid: string | null, sdp_m_line_index: number | null}} message */
  async addCandidate({ candidate, sdp_mid, sdp_m_line_index }) {
    const init = { candidate, sdpMid: sdp_mid, sdpMLineIndex: sdp_m_line_index };
    if (!this.pc?.remoteDescription) this.early.push(init);
    else await this.pc.addIceCandidate(init).catch(console.warn);
  }

  /** @param {RTCPeerConnection} pc */
  follow(pc) {
    if (pc !== this.pc) return;
    clearTimeout(this.timers.heal);
    clearTimeout(this.timers.steady);
    if (pc.connectionState === "connected") {
      this.become("live");
      this.failed = null;
      this.timers.steady = setTimeout(() => (this.attempt = 0), STEADY_MS);
    } else if (pc.connectionState === "disconnected") {
      this.become("lost");
      this.timers.heal = setTimeout(() => this.again(), HEAL_MS);
    } else if (pc.connectionState === "failed") {
      this.again();
    }
  }
}
