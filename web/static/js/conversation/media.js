/** @file What a line of a conversation carries: what is sent into it (`speak`), and what is heard of one other seat (`listen`). */

/** A camera beside an exam's own two videos: enough to see a face. */
const VIDEO_BITRATE = 400_000;

/**
 * @param {RTCPeerConnection} peer
 * @param {MediaStream} stream
 */
export function sendInto(peer, stream) {
  for (const track of stream.getTracks()) {
    const sendEncodings = track.kind === "video" ? [{ maxBitrate: VIDEO_BITRATE }] : undefined;
    peer.addTransceiver(track, { direction: "sendonly", streams: [stream], sendEncodings });
  }
}

/**
 * @param {RTCPeerConnection} peer
 * @param {(stream: MediaStream) => void} onStream told again when a camera is switched on or off, which brings no new track
 */
export function hear(peer, onStream) {
  peer.addTransceiver("audio", { direction: "recvonly" });
  peer.addTransceiver("video", { direction: "recvonly" });
  const heard = new MediaStream();
  peer.ontrack = ({ track }) => {
    heard.addTrack(track);
    track.onmute = track.onunmute = () => onStream(heard);
    onStream(heard);
  };
}
