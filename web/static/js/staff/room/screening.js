/** @file One track on a tile: the video, the age of its last frame, or a card that says why there is no picture. */

import { fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { gapWord, trackWord } from "../words.js";
import { ageLevel, Freshness } from "./freshness.js";

/**
 * @typedef {import("../types.js").Track} Track
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./viewer.js").ViewState} ViewState
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
    this.age = h("span", { class: "age", title: _("Age of the last frame") });
    this.card = h("div", { class: "screening-card" });
    this.element = h("div", { class: "screening", dataset: { track } }, this.video, this.card, this.age);
    this.freshness = new Freshness(this.video, () => {
      onFirstFrame();
      this.showCard();
    });
  }

  /** @param {MediaStream | null} stream */
  show(stream) {
    if (stream) this.freshness.renewed();
    else this.freshness.reset();
    this.video.srcObject = stream;
    if (stream) void this.video.play().catch(() => undefined);
    this.showCard();
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
    else this.reason = "none";
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
  }
}
