/** @file Records one stream in this browser, segment after segment: each a file that can be played without the others. */

import { SEGMENT_MS } from "./plan.js";

/** @typedef {import("./plan.js").Segment} Segment */
/** @typedef {import("../types.js").TrackName} TrackName */
/** @typedef {{chunk: (segment: Segment, data: Blob) => void, done: (segment: Segment) => void}} Sink */

/** So much is lost at most when the page is closed. */
const CHUNK_MS = 1000;
/** The old recorder goes on until the new one has surely begun; the server leaves out what is there twice. */
const OVERLAP_MS = 300;
/** A recorder that has encoded nothing by then will not. */
const BEGIN_MS = 5000;
/** Every so often a picture that stands for itself: a span can be cut out there at little cost. */
const KEY_FRAME_MS = 2000;

/** The best first; Safari before 18.4 knows only MP4. */
const TYPES = {
  camera: ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
  screen: ["video/webm;codecs=vp8", "video/webm", "video/mp4"],
};
/** As much as is sent to the node. */
const BITRATES = { camera: 600_000, screen: 500_000 };
const SOUND_BITRATE = 32_000;

/** Whether this browser can record at all. */
export const canRecord = () => typeof MediaRecorder !== "undefined" && typeof indexedDB !== "undefined";

export class TrackRecorder {
  /**
   * @param {TrackName} track
   * @param {number} sitting
   * @param {{now: () => number}} clock the server's
   * @param {Sink} sink
   */
  constructor(track, sitting, clock, sink) {
    this.track = track;
    this.sitting = sitting;
    this.clock = clock;
    this.sink = sink;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {{recorder: MediaRecorder, segment: Segment, started: Promise<void>, ended: Promise<void>} | null} */
    this.current = null;
    this.mime = TYPES[track].find((type) => canRecord() && MediaRecorder.isTypeSupported(type)) ?? "";
  }

  /** Record this stream from now on, or nothing. @param {MediaStream | null} stream */
  follow(stream) {
    if (stream === this.stream && (!stream || this.current)) return;
    this.stream = stream;
    this.end();
    if (stream && this.mime) this.begin(stream);
  }

  /** Go on in a new segment; resolves when the old one is complete. @returns {Promise<void>} */
  async next() {
    const old = this.current;
    if (!old || !this.stream) return;
    this.begin(this.stream);
    await Promise.race([this.current?.started, wait(BEGIN_MS)]);
    await wait(OVERLAP_MS);
    stop(old.recorder);
    await old.ended;
  }

  end() {
    const old = this.current;
    this.current = null;
    if (old) stop(old.recorder);
  }

  /** @param {MediaStream} stream */
  begin(stream) {
    /** @type {MediaRecorderOptions & {videoKeyFrameIntervalDuration: number}} */
    const options = {
      mimeType: this.mime,
      videoBitsPerSecond: BITRATES[this.track],
      audioBitsPerSecond: SOUND_BITRATE,
      videoKeyFrameIntervalDuration: KEY_FRAME_MS,
    };
    let recorder;
    try {
      recorder = new MediaRecorder(stream, options);
    } catch (error) {
      console.warn(error);
      this.current = null;
      return;
    }
    const segment = this.newSegment();
    // The file's zero is the first picture after this call; "start" comes only when that has been encoded.
    const begun = performance.now();
    const elapsed = () => Math.round(performance.now() - begun);
    const started = resolvers();
    const ended = resolvers();
    recorder.onstart = () => started.resolve();
    recorder.ondataavailable = ({ data }) => {
      if (data.size) this.sink.chunk(segment, data);
      if (this.current?.segment === segment && elapsed() >= SEGMENT_MS) void this.next();
    };
    recorder.onstop = () => {
      segment.end_ms = segment.start_ms + elapsed();
      // It stopped by itself: the stream has ended, or the encoder failed.
      if (this.current?.segment === segment) this.current = null;
      this.sink.done(segment);
      ended.resolve();
    };
    this.current = { recorder, segment, started: started.promise, ended: ended.promise };
    recorder.start(CHUNK_MS);
  }

  /** @returns {Segment} */
  newSegment() {
    const id = `${this.sitting}-${this.track}-${Math.random().toString(36).slice(2, 12)}`;
    const start_ms = Math.round(this.clock.now());
    const { sitting, track, mime } = this;
    return { id, sitting, track, mime, start_ms, until_ms: start_ms, end_ms: null, size: 0 };
  }
}

/** @param {MediaRecorder} recorder */
function stop(recorder) {
  if (recorder.state !== "inactive") recorder.stop();
}

/** @param {number} ms @returns {Promise<void>} */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Promise.withResolvers, which browsers have only since 2024. @returns {{promise: Promise<void>, resolve: () => void}} */
function resolvers() {
  let resolve = () => {};
  const promise = new Promise((/** @type {(value: void) => void} */ done) => (resolve = done));
  return { promise, resolve };
}
