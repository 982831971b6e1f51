/**
 * @file One conversation as this browser takes part in it: what it sends, and a line to everybody who is to be heard.
 * `reconcile` brings the lines in step with what the server tells.
 *
 * @typedef {{id: number, user_id: number | null, sitting_id: number | null, name: string,
 *   state: "invited" | "joined" | "declined" | "left", may_send: boolean, sends: boolean, connection: string}} Seat
 * @typedef {{id: number, kind: "call" | "broadcast" | "conference", title: string, host_id: number, host: string,
 *   started_ms: number, ended_ms: number | null, end_reason: string, seats: Seat[]}} Conversation
 *
 * @typedef {object} TalkOptions
 * @property {(seat: Seat) => boolean} isMine
 * @property {(message: Record<string, unknown>) => void} send
 * @property {() => void} onChange something to be shown has changed
 */

import { Line } from "../base/line.js";
import { hear, sendInto } from "./media.js";

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15, max: 15 } };

export class Talk {
  /**
   * @param {Conversation} conversation
   * @param {TalkOptions} options
   */
  constructor(conversation, options) {
    this.conversation = conversation;
    this.options = options;
    /** @type {Line | null} */
    this.speaking = null;
    /** @type {MediaStream | null} */
    this.own = null;
    /** @type {Map<number, {line: Line, connection: string, stream: MediaStream | null, state: string}>} by seat */
    this.heard = new Map();
    this.muted = false;
    this.problem = "";
    this.capturing = false;
  }

  /** @returns {Seat | undefined} */
  get seat() {
    return this.conversation.seats.find((seat) => this.options.isMine(seat));
  }

  get isOver() {
    const { seat } = this;
    return this.conversation.ended_ms !== null || !seat || seat.state === "left" || seat.state === "declined";
  }

  get camera() {
    return Boolean(this.own?.getVideoTracks().length);
  }

  /** @param {Conversation} conversation */
  reconcile(conversation) {
    this.conversation = conversation;
    if (this.isOver) return this.close();
    if (this.seat?.state !== "joined") return this.options.onChange();
    const wanted = new Map(
      conversation.seats.filter((seat) => seat.sends && !this.options.isMine(seat)).map((seat) => [seat.id, seat]),
    );
    for (const [id, { line }] of this.heard) {
      if (wanted.has(id)) continue;
      line.stop();
      this.heard.delete(id);
    }
    for (const [id, seat] of wanted) this.hear(id, seat.connection);
    this.options.onChange();
  }

  /**
   * @param {number} id
   * @param {string} connection
   */
  hear(id, connection) {
    const known = this.heard.get(id);
    if (known) {
      if (known.connection !== connection) {
        known.connection = connection;
        known.line.renew();
      }
      return;
    }
    const { send, onChange } = this.options;
    const entry = {
      connection,
      stream: /** @type {MediaStream | null} */ (null),
      state: "connecting",
      line: new Line({
        ask: { type: "listen", conversation_id: this.conversation.id, seat_id: id },
        prepare: (peer, isCurrent) =>
          hear(peer, (stream) => {
            if (!isCurrent()) return;
            entry.stream = stream;
            onChange();
          }),
        send,
        onState: (state) => {
          entry.state = state;
          if (state === "open") entry.line.proven();
          onChange();
        },
      }),
    };
    this.heard.set(id, entry);
    entry.line.start();
  }

  /**
   * Begin to send, or send with another choice of camera. A refusal of the browser is told in `problem`.
   * @param {boolean} camera
   */
  async speak(camera) {
    if (!this.seat?.may_send || this.capturing) return;
    this.capturing = true;
    this.problem = "";
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE, video: camera && CAMERA });
      if (this.isOver) return stream.getTracks().forEach((track) => track.stop());
      this.hush();
      this.own = stream;
      for (const track of stream.getAudioTracks()) track.enabled = !this.muted;
      const line = new Line({
        ask: { type: "speak", conversation_id: this.conversation.id },
        prepare: (peer) => sendInto(peer, stream),
        send: this.options.send,
        onState: (state) => {
          if (state === "open") line.proven();
          this.options.onChange();
        },
      });
      this.speaking = line;
      line.start();
    } catch (error) {
      this.problem = error instanceof DOMException ? error.name : "unknown";
    } finally {
      this.capturing = false;
      this.options.onChange();
    }
  }

  /** @param {boolean} on */
  mute(on) {
    this.muted = on;
    for (const track of this.own?.getAudioTracks() ?? []) track.enabled = !on;
    this.options.onChange();
  }

  /** The socket is open again: the gateway knows none of the old lines. */
  renew() {
    this.speaking?.renew();
    for (const { line } of this.heard.values()) line.renew();
  }

  /**
   * @param {Record<string, any>} message
   * @returns {boolean} whether it was for a line of this conversation
   */
  handle(message) {
    const name = message.connection || message.ref;
    if (!name) return false;
    const lines = [this.speaking, ...[...this.heard.values()].map((entry) => entry.line)];
    const line = lines.find((one) => one?.connection === name);
    void line?.handle(message);
    return Boolean(line);
  }

  hush() {
    this.speaking?.stop();
    this.speaking = null;
    for (const track of this.own?.getTracks() ?? []) track.stop();
    this.own = null;
  }

  close() {
    this.hush();
    for (const { line } of this.heard.values()) line.stop();
    this.heard.clear();
    this.options.onChange();
  }
}
