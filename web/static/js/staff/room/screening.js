/** @file One track on a tile: the video, the age of its last frame, or a card that says why there is no picture. */

import { fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { clock } from "../clock.js";
import { gapWord, trackWord } from "../words.js";
import { ageLevel, Freshness } from "./freshness.js";

/**
 * @typedef {import("../types.js").Track} Track
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./viewer.js").ViewState} ViewState
 * @typedef {import("./pictures.js").TilePicture} TilePicture
 */

export class Screening {
  /**
   * @param {Track} track
   * @param {() => void} onFirstFrame
   */
  constructor(track, onFirstFrame) {
    this.track = track;
    /** @type {ViewState} */
    this.view = "idle";
    this.reason = "";
    this.video = h("video", { autoplay: true, playsinline: true, muted: true, tabindex: "-1", "aria-label": trackWord(track).title });
    this.video.disablePictureInPicture = true;
    // Below the video: what is seen until its first frame, or instead of it.
    this.still = h("canvas", { class: "screening-still", "aria-hidden": "true" });
    this.stillMs = 0;
    this.age = h("span", { class: "age", title: _("Age of the last frame") });
    this.card = h("div", { class: "screening-card" });
    this.element = h("div", { class: "screening", dataset: { track } }, this.still, this.video, this.card, this.age);
    this.freshness = new Freshness(this.video, () => {
      this.clearStill();
      onFirstFrame();
      this.showCard();
    });
  }

  /** @param {MediaStream | null} stream */
  show(stream) {
    if (!stream) this.keepLastFrame();
    if (stream) this.freshness.renewed();
    else if (!this.stillMs) this.freshness.reset();
    this.video.srcObject = stream;
    if (stream) void this.video.play().catch(() => undefined);
    this.showCard();
  }

  /**
   * A small picture came. While a video plays it is let go.
   *
   * @param {TilePicture} picture
   */
  async picture({ takenMs, blob }) {
    if (takenMs <= this.stillMs || (this.video.srcObject && !this.freshness.fresh)) return;
    this.stillMs = takenMs;
    const bitmap = await createImageBitmap(blob).catch(() => null);
    if (!bitmap) return;
    if (takenMs === this.stillMs) {
      const { still } = this;
      still.width = bitmap.width;
      still.height = bitmap.height;
      still.getContext("2d")?.drawImage(bitmap, 0, 0);
      this.freshness.seen(clock.now() - takenMs);
      this.showCard();
    }
    bitmap.close();
  }

  /** The video ends and small pictures follow: what was seen last stays until the first of them. */
  keepLastFrame() {
    const { video, still } = this;
    if (!video.srcObject || this.freshness.fresh || !video.videoWidth) return;
    still.width = video.videoWidth;
    still.height = video.videoHeight;
    still.getContext("2d")?.drawImage(video, 0, 0);
    this.stillMs = 1; // older than any picture
  }

  clearStill() {
    this.stillMs = 0;
    this.still.width = this.still.height = 0;
  }

  /** @param {ViewState} view */
  viewState(view) {
    this.view = view;
    this.showCard();
  }

  /**
   * @param {Entry} entry
   * @param {Track} track
   */
  update(entry, track) {
    const state = entry.tracks[track];
    if (state === "live") this.reason = "";
    else if (state === "lost") this.reason = entry.causes[track] || "unknown";
    else this.reason = state;
    this.showCard();
  }

  /** Why there is no picture, in words; nothing over a picture that moves. */
  showCard() {
    const pictured = this.freshness.lastFrameAt !== null;
    const { name, text, turns } = this.words(pictured);
    const key = `${name}|${text}`;
    if (this.card.dataset.key === key) return;
    this.card.dataset.key = key;
    this.card.hidden = !text;
    this.element.classList.toggle("is-covered", Boolean(text));
    fill(this.card, turns ? h("span", { class: "spinner" }) : icon(name), h("span", null, text));
  }

  /**
   * @param {boolean} pictured
   * @returns {{name: string, text: string, turns: boolean}}
   */
  words(pictured) {
    const camera = this.track === "camera";
    const off = camera ? "camera-off" : "monitor-off";
    if (this.reason === "stays") return { name: "shield-check", text: _("Camera stays with the candidate"), turns: false };
    if (this.reason === "none") return { name: off, text: camera ? _("No camera yet") : _("No screen yet"), turns: false };
    if (this.reason) {
      const cause = this.reason === "unknown" ? "" : gapWord(this.reason).title;
      return { name: gapWord(this.reason).icon, text: cause || (camera ? _("Camera lost") : _("Screen lost")), turns: false };
    }
    if (pictured) return { name: "", text: "", turns: false };
    if (this.view === "failed") return { name: "refresh-cw", text: _("Trying again…"), turns: false };
    return { name: "loader-circle", text: _("Connecting…"), turns: true };
  }

  tick() {
    const age = this.freshness.age();
    const level = ageLevel(age);
    this.age.dataset.level = level;
    const seconds = (age ?? 0) / 1000;
    setText(this.age, level === "none" ? "" : _("{n} s", { n: seconds < 10 ? seconds.toFixed(1) : Math.round(seconds) }));
    this.element.classList.toggle("is-dead", level === "dead");
  }

  /** @param {boolean} on */
  listen(on) {
    // Unmuting before the first click or key would make the browser stop the video.
    const muted = !on || !navigator.userActivation.hasBeenActive;
    if (this.video.muted !== muted) this.video.muted = muted;
    this.element.classList.toggle("is-audible", !muted);
  }

  remove() {
    this.freshness.stop();
    this.video.srcObject = null;
    this.clearStill();
  }
}
