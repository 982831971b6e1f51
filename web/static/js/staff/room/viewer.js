/**
 * @file One watched track: a recvonly RTCPeerConnection that is made again, with back-off, until it shows a picture.
 * The old picture stays until the new one is there, so that a changed connection is no flicker.
 *
 * @typedef {import("../types.js").Track} Track
 * @typedef {"idle" | "connecting" | "playing" | "failed"} ViewState
 *
 * @typedef {object} ViewerOptions
 * @property {number} sittingId
 * @property {Track} track
 * @property {(message: Record<string, unknown>) => void} send
 * @property {(stream: MediaStream) => void} onStream
 * @property {(state: ViewState) => void} onState
 * @property {() => Promise<() => void>} turn waits for leave to negotiate, gives back how to end it
 */

import { rtcConfiguration } from "../../base/rtc.js";
import { backOff } from "../../base/time.js";

// The gateway gives a media node ten seconds; its word on what went wrong should come before our impatience.
const ANSWER_WITHIN_MS = 15_000;

export class Viewer {
  /** @param {ViewerOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {RTCPeerConnection | null} */
    this.peer = null;
    this.connection = "";
    this.attempt = 0;
    this.wanted = false;
    /** @type {RTCIceCandidateInit[]} the node's candidates that came before its answer */
    this.early = [];
    /** @type {Record<string, unknown>[] | null} our own until the answer: before it the gateway may not know the connection */
    this.held = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {(() => void) | null} */
    this.endTurn = null;
  }

  start() {
    if (this.wanted) return;
    this.wanted = true;
    this.attempt = 0;
    void this.connect();
  }

  stop() {
    this.wanted = false;
    this.drop(true);
    this.options.onState("idle");
  }

  /** What was watched is another endpoint now: negotiate again at once. */
  renew() {
    if (!this.wanted) return;
    this.attempt = 0;
    void this.connect();
  }

  /** A picture was shown: the next failure starts from a short wait. */
  shown() {
    this.attempt = 0;
  }

  async connect() {
    this.drop(true);
    const connection = crypto.randomUUID();
    this.connection = connection;
    this.options.onState("connecting");
    const endTurn = await this.options.turn();
    if (!this.wanted || this.connection !== connection) return endTurn();
    this.endTurn = endTurn;
    this.held = [];
    const peer = this.makePeer(connection);
    this.peer = peer;
    this.timer = window.setTimeout(() => this.retry(connection), ANSWER_WITHIN_MS);
    try {
      await peer.setLocalDescription(await peer.createOffer());
      const { sittingId, track } = this.options;
      const sdp = peer.localDescription?.sdp ?? "";
      this.options.send({ type: "view", sitting_id: sittingId, track, connection, sdp });
    } catch (error) {
      console.warn("view: no offer", error);
      this.retry(connection);
    }
  }

  /**
   * @param {string} connection
   * @returns {RTCPeerConnection}
   */
  makePeer(connection) {
    const peer = new RTCPeerConnection(rtcConfiguration());
    peer.addTransceiver("video", { direction: "recvonly" });
    if (this.options.track === "camera") peer.addTransceiver("audio", { direction: "recvonly" });
    const stream = new MediaStream();
    peer.ontrack = ({ track }) => {
      stream.addTrack(track);
      if (track.kind === "video" && this.connection === connection) this.options.onStream(stream);
    };
    peer.onicecandidate = ({ candidate }) => {
      if (this.connection !== connection) return;
      const message = trickle(connection, candidate);
      if (this.held) this.held.push(message);
      else this.options.send(message);
    };
    peer.onconnectionstatechange = () => {
      if (this.connection !== connection) return;
      if (peer.connectionState === "connected") this.settled();
      else if (peer.connectionState === "failed") this.retry(connection);
    };
    return peer;
  }

  /** @param {string} sdp */
  async answer(sdp) {
    const { peer, connection } = this;
    if (!peer || peer.signalingState !== "have-local-offer") return;
    for (const message of this.held?.splice(0) ?? []) this.options.send(message);
    this.held = null;
    try {
      await peer.setRemoteDescription({ type: "answer", sdp });
      for (const candidate of this.early.splice(0)) await peer.addIceCandidate(candidate);
    } catch (error) {
      console.warn("view: answer refused", error);
      this.retry(connection);
    }
  }

  /** @param {{candidate: string, sdp_mid: string | null, sdp_m_line_index: number | null}} message */
  async remoteCandidate(message) {
    const { candidate, sdp_mid: sdpMid, sdp_m_line_index: sdpMLineIndex } = message;
    const init = { candidate, sdpMid, sdpMLineIndex };
    if (!this.peer?.remoteDescription) {
      this.early.push(init);
      return;
    }
    await this.peer.addIceCandidate(init).catch((error) => console.warn("view: candidate refused", error));
  }

  /** The server says this connection is gone or was refused. */
  ended() {
    this.retry(this.connection);
  }

  settled() {
    window.clearTimeout(this.timer);
    this.release();
    this.options.onState("playing");
  }

  /** @param {string} connection */
  retry(connection) {
    if (this.connection !== connection) return;
    this.drop(true);
    if (!this.wanted) return;
    this.options.onState("failed");
    this.timer = window.setTimeout(() => void this.connect(), backOff(this.attempt));
    this.attempt += 1;
  }

  /** @param {boolean} tell whether the server is told that nobody watches any more */
  drop(tell) {
    window.clearTimeout(this.timer);
    this.release();
    this.early = [];
    if (this.peer) {
      this.peer.onconnectionstatechange = this.peer.onicecandidate = this.peer.ontrack = null;
      this.peer.close();
      this.peer = null;
      if (tell) this.options.send({ type: "unview", connection: this.connection });
    }
    this.connection = "";
  }

  release() {
    this.endTurn?.();
    this.endTurn = null;
  }
}

/**
 * @param {string} connection
 * @param {RTCIceCandidate | null} candidate
 */
function trickle(connection, candidate) {
  return {
    type: "candidate",
    connection,
    candidate: candidate?.candidate ?? "",
    sdp_mid: candidate?.sdpMid ?? null,
    sdp_m_line_index: candidate?.sdpMLineIndex ?? null,
  };
}
