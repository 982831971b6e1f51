/** @file The two players side by side, each with a card over it where there is nothing to see. */

import { fill, h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { gapWord, trackWord } from "../words.js";
import { gapAt, spanAt, spans } from "./evidence.js";
import { TrackPlayer } from "./track_player.js";

/**
 * @typedef {import("../types.js").Timeline} Timeline
 * @typedef {import("../types.js").Track} Track
 * @typedef {import("./transport.js").TransportState} TransportState
 */

/** @type {readonly Track[]} the camera first: it leads, because it has the sound */
export const TRACKS = ["camera", "screen"];

export class Stage {
  /**
   * @param {HTMLElement} element
   * @param {Timeline} data
   */
  constructor(element, data) {
    this.data = data;
    this.views = TRACKS.map((track) => this.view(track, data));
    this.players = Object.fromEntries(this.views.map(({ track, player }) => [track, player]));
    element.append(...this.views.map((view) => view.element));
  }

  /**
   * @param {Track} track
   * @param {Timeline} data
   */
  view(track, data) {
    const word = trackWord(track);
    const video = h("video", { playsinline: true, preload: "auto", muted: track !== "camera", "aria-label": word.title });
    video.preservesPitch = true;
    const card = h("div", { class: "player-card", hidden: true });
    const supplied = h("span", { hidden: true }, ` · ${_("supplied by the candidate's browser")}`);
    const element = h("figure", { class: "player", dataset: { track } }, video, card, h("figcaption", null, icon(word.icon, "icon-sm"), word.title, supplied));
    const player = new TrackPlayer(video, spans(data.parts, track, data.end_ms));
    return { track, element, card, supplied, player, key: "" };
  }

  /** @param {Timeline} data */
  update(data) {
    this.data = data;
    for (const { track, player } of this.views) player.replace(spans(data.parts, track, data.end_ms));
  }

  /** @param {TransportState} state */
  render(state) {
    for (const view of this.views) {
      view.supplied.hidden = spanAt(view.player.spans, state.atMs)?.part.source !== "candidate";
      const { name, title, text } = this.words(view.track, state);
      const key = `${name}|${title}|${text}`;
      if (key === view.key) continue;
      view.key = key;
      view.card.hidden = !title;
      view.card.classList.toggle("is-light", name === "");
      fill(view.card, name ? icon(name, "icon-lg") : h("span", { class: "spinner" }), h("strong", null, title), text && h("span", null, text));
    }
  }

  /**
   * @param {Track} track
   * @param {TransportState} state
   * @returns {{name: string, title: string, text: string}}
   */
  words(track, state) {
    const how = state.players[track];
    if (how === "ready") return { name: "", title: "", text: "" };
    if (how === "loading" || how === "stalled") return { name: "", title: _("Loading…"), text: "" };
    if (how === "failed") return this.failure(track, state.atMs);
    const gap = gapAt(this.data.gaps, track, state.atMs);
    const off = track === "camera" ? "video-off" : "monitor-off";
    if (!gap) return { name: off, title: _("Nothing was recorded here"), text: "" };
    const word = gapWord(gap.cause);
    return { name: word.icon, title: _("No recording: {cause}", { cause: word.title }), text: gap.detail };
  }

  /**
   * @param {Track} track
   * @param {number} atMs
   */
  failure(track, atMs) {
    const part = this.data.parts.find((it) => it.track === track && atMs >= it.start_ms && atMs < (it.end_ms ?? Infinity));
    if (part && part.state !== "sealed" && part.state !== "lost") {
      return { name: "lock", title: part.state === "recording" ? _("Still being recorded") : _("Being sealed"), text: _("It can be played in a moment.") };
    }
    if (part?.state === "lost") return { name: "hard-drive", title: _("This part was lost"), text: "" };
    return { name: "circle-alert", title: _("This part cannot be played"), text: _("Reload the page; if it stays so, tell your administrator.") };
  }
}
