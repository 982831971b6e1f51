/**
 * @file The age of the last frame of a video: what tells a quiet wall from a dead one. Measured where the picture is
 * presented, not where packets arrive.
 */

const AGEING_MS = 3_000;
const DEAD_MS = 10_000;

export class Freshness {
  /**
   * @param {HTMLVideoElement} video
   * @param {() => void} onFirstFrame called at the first frame of each stream
   */
  constructor(video, onFirstFrame) {
    this.video = video;
    this.onFirstFrame = onFirstFrame;
    /** @type {number | null} */
    this.lastFrameAt = null;
    this.fresh = true;
    this.handle = 0;
    this.watch();
    // A hidden page presents no frames; that is no fault of the stream.
    this.onVisible = () => {
      if (!document.hidden && this.lastFrameAt !== null) this.lastFrameAt = performance.now();
    };
    document.addEventListener("visibilitychange", this.onVisible);
  }

  watch() {
    this.handle = this.video.requestVideoFrameCallback(() => {
      this.lastFrameAt = performance.now();
      if (this.fresh) {
        this.fresh = false;
        this.onFirstFrame();
      }
      this.watch();
    });
  }

  /** A picture that is no frame of the video was shown. @param {number} ageMs how old it was by then */
  seen(ageMs) {
    this.lastFrameAt = Math.max(this.lastFrameAt ?? 0, performance.now() - Math.max(0, ageMs));
  }

  /** A new stream begins; the age goes on counting from the old one's last frame until it shows a picture. */
  renewed() {
    this.fresh = true;
  }

  reset() {
    this.lastFrameAt = null;
    this.fresh = true;
  }

  /** @returns {number | null} ms since the last frame; null when none was shown, or the page is hidden */
  age() {
    return this.lastFrameAt === null || document.hidden ? null : performance.now() - this.lastFrameAt;
  }

  stop() {
    this.video.cancelVideoFrameCallback(this.handle);
    document.removeEventListener("visibilitychange", this.onVisible);
  }
}

/**
 * @param {number | null} age ms
 * @returns {"none" | "fresh" | "ageing" | "dead"}
 */
export function ageLevel(age) {
  if (age === null) return "none";
  if (age > DEAD_MS) return "dead";
  return age > AGEING_MS ? "ageing" : "fresh";
}
