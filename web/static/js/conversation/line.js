/**
 * @file One connection of a conversation: it sends (`speak`) or hears one other (`listen`), and is made again, with
 * back-off, until it is stopped.
 *
 * @typedef {object} LineOptions
 * @property {{type: "speak", conversation_id: number} | {type: "listen", conversation_id: number, seat_id: number}} ask
 * @property {MediaStream | null} stream what is sent; null for a line that hears
 * @property {(message: Record<string, unknown>) => void} send
 * @property {(stream: MediaStream) => void} [onStream]
 * @property {(state: "connecting" | "open" | "failed") => void} [onState]
 */

import { rtcConfiguration } from "../base/rtc.js";
import { backOff } from "../base/time.js";

const ANSWER_WITHIN_MS = 15_000;
/** A camera beside an exam's own two videos: enough to see a face. */
const VIDEO_BITRATE = 400_000;

export class Line {
  /** @param {LineOptions} options */
  constructor(options) {
    this.options = options;
    this.connection = "";
    /** @type {RTCPeerConnection | null} */
    this.peer = null;
    this.attempt = 0;
    this.stopped = false;
    /** @type {RTCIceCandidateInit[]} */
    this.early = [];
    /** @type {Record<string, unknown>[] | null} our candidates until the answer: the gateway may not know the line */
    this.held = null;
    /** @type {number | undefined} */
    this.timer = undefined;
    queueMicrotask(() => void this.connect()); // onState speaks of the line: whoever makes it must have it by then
  }

  async connect() {
    if (this.stopped) return;
    this.drop(true);
    const connection = crypto.randomUUID();
    this.connection = connection;
    this.options.onState?.("connecting");
    this.held = [];
    const peer = this.makePeer(connection);
    this.peer = peer;
    this.timer = window.setTimeout(() => this.retry(connection), ANSWER_WITHIN_MS);
    try {
      await peer.setLocalDescription(await peer.createOffer());
      this.options.send({ ...this.options.ask, connection, sdp: peer.localDescription?.sdp ?? "" });
    } catch (error) {
      console.warn("conversation: no offer", error);
      this.retry(connection);
    }
  }

  /** @param {string} connection */
  makePeer(connection) {
    const { stream, onStream, onState } = this.options;
    const peer = new RTCPeerConnection(rtcConfiguration());
    if (stream) {
      for (const track of stream.getTracks()) {
        const sendEncodings = track.kind === "video" ? [{ maxBitrate: VIDEO_BITRATE }] : undefined;
        peer.addTransceiver(track, { direction: "sendonly", streams: [stream], sendEncodings });
      }
    } else {
      peer.addTransceiver("audio", { direction: "recvonly" });
      peer.addTransceiver("video", { direction: "recvonly" });
      const heard = new MediaStream();
      peer.ontrack = ({ track }) => {
        if (this.connection !== connection) return;
        heard.addTrack(track);
        // A camera that is switched on or off changes what is shown without a new track.
        track.onmute = track.onunmute = () => this.connection === connection && onStream?.(heard);
        onStream?.(heard);
      };
    }
    peer.onicecandidate = ({ candidate }) => {
      if (!candidate || this.connection !== connection) return;
      const { sdpMid, sdpMLineIndex } = candidate;
      const message = { type: "candidate", connection, candidate: candidate.candidate, sdp_mid: sdpMid, sdp_m_line_index: sdpMLineIndex };
      if (this.held) this.held.push(message);
      else this.options.send(message);
    };
    peer.onconnectionstatechange = () => {
      if (this.connection !== connection) return;
      if (peer.connectionState === "connected") {
        this.attempt = 0;
        window.clearTimeout(this.timer);
        onState?.("open");
      } else if (peer.connectionState === "failed") this.retry(connection);
    };
    return peer;
  }

  /**
   * A message of the gateway about this line.
   * @param {Record<string, any>} message
   */
  async handle(message) {
    const { peer } = this;
    if (!peer) return;
    if (message.type === "answer") {
      for (const mine of this.held?.splice(0) ?? []) this.options.send(mine);
      this.held = null;
      try {
        await peer.setRemoteDescription({ type: "answer", sdp: message.sdp });
        for (const candidate of this.early.splice(0)) await peer.addIceCandidate(candidate);
      } catch (error) {
        console.warn("conversation: answer refused", error);
        this.retry(this.connection);
      }
    } else if (message.type === "candidate") {
      const init = { candidate: message.candidate, sdpMid: message.sdp_mid, sdpMLineIndex: message.sdp_m_line_index };
      if (!peer.remoteDescription) this.early.push(init);
      else await peer.addIceCandidate(init).catch((error) => console.warn("conversation: candidate refused", error));
    } else this.retry(this.connection); // view_ended, error
  }

  /** The gateway knows nothing of the line any more, or it should be another. */
  renew() {
    this.attempt = 0;
    void this.connect();
  }

  /** @param {string} connection */
  retry(connection) {
    if (this.stopped || this.connection !== connection) return;
    this.drop(true);
    this.options.onState?.("failed");
    this.timer = window.setTimeout(() => void this.connect(), backOff(this.attempt));
    this.attempt += 1;
  }

  stop() {
    this.stopped = true;
    this.drop(true);
  }

  /** @param {boolean} tell */
  drop(tell) {
    window.clearTimeout(this.timer);
    this.early = [];
    if (this.peer) {
      this.peer.onconnectionstatechange = this.peer.onicecandidate = this.peer.ontrack = null;
      this.peer.close();
      this.peer = null;
      if (tell) this.options.send({ type: "unview", connection: this.connection });
    }
    this.connection = "";
  }
}
