/**
 * @file One watched track. The old picture stays until the new one is there, so that a changed connection is no flicker.
 *
 * @typedef {import("../types.js").Track} Track
 * @typedef {import("../../base/line.js").LineState} LineState
 * @typedef {LineState | "idle"} ViewState
 *
 * @typedef {object} ViewerOptions
 * @property {number} sittingId
 * @property {Track} track
 * @property {(message: Record<string, unknown>) => void} send
 * @property {(stream: MediaStream) => void} onStream
 * @property {(state: ViewState) => void} onState
 * @property {() => Promise<() => void>} turn waits for leave to negotiate, gives back how to end it
 */

import { Line } from "../../base/line.js";

export class Viewer extends Line {
  /** @param {ViewerOptions} watching */
  constructor(watching) {
    const { sittingId, track, send, onStream, onState, turn } = watching;
    super({
      ask: { type: "view", sitting_id: sittingId, track },
      prepare: (peer, isCurrent) => receive(peer, track, (stream) => isCurrent() && onStream(stream)),
      send,
      onState,
      turn,
    });
    this.watching = watching;
  }

  stop() {
    super.stop();
    this.watching.onState("idle");
  }
}

/**
 * @param {RTCPeerConnection} peer
 * @param {Track} track
 * @param {(stream: MediaStream) => void} onStream
 */
function receive(peer, track, onStream) {
  peer.addTransceiver("video", { direction: "recvonly" });
  if (track === "camera") peer.addTransceiver("audio", { direction: "recvonly" });
  const stream = new MediaStream();
  peer.ontrack = ({ track: received }) => {
    stream.addTrack(received);
    if (received.kind === "video") onStream(stream);
  };
}
