/**
 * @file The small pictures of tiles nobody looks at closely, about one a second and track, as binary frames of the
 * socket (web/realtime/tiles.py): thirty of them cost the browser less than one video.
 *
 * @typedef {import("../types.js").Track} Track
 *
 * @typedef {object} TilePicture
 * @property {number} sittingId
 * @property {Track} track
 * @property {number} takenMs the server's time, UTC
 * @property {Blob} blob a JPEG
 *
 * @typedef {object} PicturesOptions
 * @property {(message: Record<string, unknown>) => void} send
 * @property {(picture: TilePicture) => void} onPicture
 */

const HEADER_BYTES = 24;
const VERSION = 1;
/** @type {readonly Track[]} */
const TRACK_NUMBERS = ["camera", "screen"];
/** A tap that was just begun needs some seconds; after that a tile without pictures is worth a video. */
export const MISSING_MS = 8_000;

/**
 * @param {ArrayBuffer} frame
 * @returns {TilePicture | null} null for what this page does not know (a newer server's)
 */
export function parsePicture(frame) {
  if (frame.byteLength <= HEADER_BYTES) return null;
  const view = new DataView(frame);
  const track = TRACK_NUMBERS[view.getUint8(1)];
  if (view.getUint8(0) !== VERSION || !track) return null;
  const blob = new Blob([new Uint8Array(frame, HEADER_BYTES)], { type: "image/jpeg" });
  return { sittingId: view.getFloat64(8), track, takenMs: view.getFloat64(16), blob };
}

export class Pictures {
  /** @param {PicturesOptions} options */
  constructor({ send, onPicture }) {
    this.send = send;
    this.onPicture = onPicture;
    this.connected = false;
    /** @type {Map<number, number>} sitting -> when its last picture came, or was first wanted (ms, any clock) */
    this.heardAt = new Map();
    this.said = "";
  }

  /** The socket is open (again): the gateway knows nothing of what was wanted. @param {number} now */
  open(now) {
    this.connected = true;
    this.said = "";
    for (const id of this.heardAt.keys()) this.heardAt.set(id, now);
    this.say();
  }

  lost() {
    this.connected = false;
  }

  /**
   * @param {number[]} ids sittings whose pictures are wanted
   * @param {number} now
   */
  reconcile(ids, now) {
    const wanted = new Set(ids);
    for (const id of this.heardAt.keys()) if (!wanted.has(id)) this.heardAt.delete(id);
    for (const id of wanted) if (!this.heardAt.has(id)) this.heardAt.set(id, now);
    this.say();
  }

  say() {
    const ids = [...this.heardAt.keys()].sort((a, b) => a - b);
    const text = ids.join();
    if (!this.connected || text === this.said) return;
    this.said = text;
    this.send({ type: "tiles", sitting_ids: ids });
  }

  /**
   * @param {ArrayBuffer} frame
   * @param {number} now
   */
  receive(frame, now) {
    const picture = parsePicture(frame);
    if (!picture || !this.heardAt.has(picture.sittingId)) return;
    if (picture.track === "camera") this.heardAt.set(picture.sittingId, now);
    this.onPicture(picture);
  }

  /**
   * @param {number} now
   * @returns {number[]} sittings of which no picture comes although it is wanted, in order
   */
  missing(now) {
    if (!this.connected) return [];
    return [...this.heardAt].filter(([, at]) => now - at > MISSING_MS).map(([id]) => id).sort((a, b) => a - b);
  }
}
