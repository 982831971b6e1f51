/** @file Small pictures of the candidate's camera, some a second, packed for the server's judgement of a challenge. */

import { h } from "../../base/dom.js";
import { sleep } from "../../base/time.js";

/** Pictures a second: a blink that is asked for lasts four of them. */
const RATE = 8;
const WIDE = 480;
const QUALITY = 0.8;
const HEADER_BYTES = 8;
const FIRST_FRAME_MS = 12_000;

/** @typedef {{at: number, blob: Blob}} Picture */

/**
 * One batch as the server reads it: before each JPEG its time and size, 32 bit each, big-endian.
 * @param {Picture[]} pictures
 */
export function pack(pictures) {
  /** @type {BlobPart[]} */
  const parts = [];
  for (const { at, blob } of pictures) {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint32(0, at);
    header.setUint32(4, blob.size);
    parts.push(header.buffer, blob);
  }
  return new Blob(parts, { type: "application/octet-stream" });
}

/** Takes pictures out of a stream; times count from when it was made. */
export class PictureTaker {
  /** @param {HTMLVideoElement} video that shows the camera */
  constructor(video) {
    this.video = video;
    this.began = performance.now();
    this.last = 0;
    this.stopped = false;
    this.canvas = h("canvas", {});
  }

  /** Wait until there is a picture. @throws {DOMException} NotReadableError when none comes */
  async ready() {
    void this.video.play().catch(() => undefined);
    for (const end = performance.now() + FIRST_FRAME_MS; !this.video.videoWidth; await sleep(50)) {
      if (performance.now() > end) throw new DOMException("no picture", "NotReadableError");
    }
    const scale = Math.min(WIDE / this.video.videoWidth, 1);
    this.canvas.width = Math.round(this.video.videoWidth * scale);
    this.canvas.height = Math.round(this.video.videoHeight * scale);
    this.began = performance.now();
  }

  /**
   * Take pictures for so long. @param {number} ms @param {(share: number) => void} [onProgress] 0 to 1
   * @returns {Promise<Picture[]>} none when it was stopped
   */
  async take(ms, onProgress = () => {}) {
    /** @type {Picture[]} */
    const pictures = [];
    const begin = performance.now();
    for (let due = begin; performance.now() - begin < ms && !this.stopped; due += 1000 / RATE) {
      await sleep(Math.max(due - performance.now(), 0));
      const picture = await this.one();
      if (picture) pictures.push(picture);
      // A slow computer takes fewer pictures instead of falling behind.
      due = Math.max(due, performance.now() - 1000 / RATE);
      onProgress(Math.min((performance.now() - begin) / ms, 1));
    }
    return this.stopped ? [] : pictures;
  }

  /** @returns {Promise<Picture | null>} */
  async one() {
    const at = Math.max(Math.round(performance.now() - this.began), this.last + 1);
    this.canvas.getContext("2d")?.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!blob) return null;
    this.last = at;
    return { at, blob };
  }

  stop() {
    this.stopped = true;
  }
}
