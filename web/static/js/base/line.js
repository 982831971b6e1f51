/**
 * @file One connection that this page offers and the gateway answers, made again with back-off until it is stopped.
 *
 * @typedef {"connecting" | "open" | "failed"} LineState
 *
 * @typedef {object} LineOptions
 * @property {Record<string, unknown> & {type: string}} ask what is said with the offer
 * @property {(peer: RTCPeerConnection, isCurrent: () => boolean) => void} prepare adds what is sent and heard
 * @property {(message: Record<string, unknown>) => void} send
 * @property {(state: LineState) => void} [onState]
 * @property {() => Promise<() => void>} [turn] waits for leave to negotiate, gives back how to end it
 */

import { rtcConfiguration } from "./rtc.js";
import { backOff } from "./time.js";

// The gateway gives a media node ten seconds; its word on what went wrong should come before our impatience.
const ANSWER_WITHIN_MS = 15_000;

export class Line {
  /** @param {LineOptions} options */
  constructor(options) {
    this.options = options;
    this.connection = "";
    this.wanted = false;
    /** @type {RTCPeerConnection | null} */
    this.peer = null;
    this.attempt = 0;
    /** @type {RTCIceCandidateInit[]} the node's candidates that came before its answer */
    this.early = [];
    /** @type {Record<string, unknown>[] | null} our own until the answer: before it the gateway may not know the line */
    this.held = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {(() => void) | null} */
    this.endTurn = null;
  }

  start() {
    if (!this.wanted) this.renew();
  }

  /** The gateway knows nothing of the line any more, or it should be another: negotiate at once. */
  renew() {
    this.wanted = true;
    this.attempt = 0;
    void this.connect();
  }

  stop() {
    this.wanted = false;
    this.drop();
  }

  /** It does what it is for: the next failure starts from a short wait. */
  proven() {
    this.attempt = 0;
  }

  async connect() {
    this.drop();
    const connection = crypto.randomUUID();
    this.connection = connection;
    this.options.onState?.("connecting");
    const endTurn = await this.options.turn?.();
    if (this.connection !== connection) return endTurn?.();
    this.endTurn = endTurn ?? null;
    this.held = [];
    const peer = this.makePeer(connection);
    this.peer = peer;
    this.timer = window.setTimeout(() => this.retry(connection), ANSWER_WITHIN_MS);
    try {
      await peer.setLocalDescription(await peer.createOffer());
      this.options.send({ ...this.options.ask, connection, sdp: peer.localDescription?.sdp ?? "" });
    } catch (error) {
      console.warn(`${this.options.ask.type}: no offer`, error);
      this.retry(connection);
    }
  }

  /** @param {string} connection */
  makePeer(connection) {
    const peer = new RTCPeerConnection(rtcConfiguration());
    const isCurrent = () => this.connection === connection;
    this.options.prepare(peer, isCurrent);
    peer.onicecandidate = ({ candidate }) => {
      if (!isCurrent()) return;
      const message = trickle(connection, candidate);
      if (this.held) this.held.push(message);
      else this.options.send(message);
    };
    peer.onconnectionstatechange = () => {
      if (!isCurrent()) return;
      if (peer.connectionState === "connected") this.settle();
      else if (peer.connectionState === "failed") this.retry(connection);
    };
    return peer;
  }

  /**
   * A message of the gateway about this line.
   * @param {Record<string, any>} message
   */
  async handle(message) {
    if (message.type === "answer") await this.answer(message.sdp);
    else if (message.type === "candidate") await this.remoteCandidate(message);
    else this.retry(this.connection); // view_ended, error
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
      console.warn(`${this.options.ask.type}: answer refused`, error);
      this.retry(connection);
    }
  }

  /** @param {Record<string, any>} message */
  async remoteCandidate({ candidate, sdp_mid: sdpMid, sdp_m_line_index: sdpMLineIndex }) {
    const init = { candidate, sdpMid, sdpMLineIndex };
    if (!this.peer?.remoteDescription) this.early.push(init);
    else await this.peer.addIceCandidate(init).catch((error) => console.warn(`${this.options.ask.type}: candidate refused`, error));
  }

  settle() {
    window.clearTimeout(this.timer);
    this.release();
    this.options.onState?.("open");
  }

  /** @param {string} connection */
  retry(connection) {
    if (this.connection !== connection) return;
    this.drop();
    if (!this.wanted) return;
    this.options.onState?.("failed");
    this.timer = window.setTimeout(() => void this.connect(), backOff(this.attempt));
    this.attempt += 1;
  }

  drop() {
    window.clearTimeout(this.timer);
    this.release();
    this.early = [];
    if (this.peer) {
      this.peer.onconnectionstatechange = this.peer.onicecandidate = this.peer.ontrack = null;
      this.peer.close();
      this.peer = null;
      this.options.send({ type: "unview", connection: this.connection });
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
