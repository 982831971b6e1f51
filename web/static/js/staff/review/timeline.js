/** @file The timeline: findings and messages, tracks with their gaps, the minutes; click, drag or keys to go anywhere. */

import { fill, h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { conclusionWord, gapWord, metricWord, trackWord, typeWord } from "../words.js";
import { clockText } from "./clock_text.js";
import { spans } from "./evidence.js";
import { HEAT_STEPS, heat, Scale } from "./heat.js";
import { TRACKS } from "./stage.js";
import { findings } from "./state.js";

/**
 * @typedef {import("../types.js").Timeline} Data
 * @typedef {import("./transport.js").TransportState} TransportState
 */

export class Timeline {
  /**
   * @param {HTMLElement} element
   * @param {Scale} scale
   * @param {(atMs: number) => void} seek
   */
  constructor(element, scale, seek) {
    this.scale = scale;
    this.seek = seek;
    this.now = scale.startMs;
    /** @type {Data | null} */
    this.data = null;
    /** @type {import("./state.js").Finding[]} */
    this.marks = [];
    /** @type {ReturnType<typeof heat>} */
    this.heat = [];
    this.ruler = h("div", { class: "line-ruler", "aria-hidden": "true" });
    this.events = h("div", { class: "line-row line-events" });
    this.tracks = h("div", { class: "line-row line-tracks" });
    this.minutes = h("div", { class: "line-row line-minutes", "aria-hidden": "true" });
    this.playhead = h("div", { class: "line-playhead" });
    this.tip = h("div", { class: "line-tip", hidden: true });
    this.area = h(
      "div",
      { class: "line-area", role: "slider", tabindex: "0", "aria-label": _("Timeline"), "aria-valuemin": "0" },
      this.ruler,
      this.events,
      this.tracks,
      this.minutes,
      this.playhead,
      this.tip,
    );
    const names = [_("Findings"), _("Tracks"), _("Minutes")].map((name) => h("span", null, name));
    this.legend = h("p", { class: "line-legend muted small", hidden: true });
    element.append(h("div", { class: "line-names", "aria-hidden": "true" }, h("span", null), names), this.area, this.legend);
    this.listen();
  }

  listen() {
    const at = (/** @type {PointerEvent} */ event) => {
      const box = this.area.getBoundingClientRect();
      return this.scale.at((event.clientX - box.left) / box.width);
    };
    this.area.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.area.setPointerCapture(event.pointerId);
      this.area.focus({ preventScroll: true });
      this.seek(at(event));
    });
    this.area.addEventListener("pointermove", (event) => {
      if (this.area.hasPointerCapture(event.pointerId)) this.seek(at(event));
      this.showTip(event, at(event));
    });
    this.area.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
    });
    this.area.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -5000, ArrowRight: 5000, ArrowDown: -30_000, ArrowUp: 30_000, PageDown: -60_000, PageUp: 60_000, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const { startMs, endMs } = this.scale;
    this.seek(step === -Infinity ? startMs : step === Infinity ? endMs : this.now + step);
  }

  /** @param {Data} data */
  update(data) {
    this.data = data;
    this.marks = findings(data);
    this.renderRuler();
    fill(this.events, this.marks.map((mark) => this.markElement(mark)), data.messages.map((message) => this.messageElement(message)), this.conclusionElement(data));
    fill(this.tracks, TRACKS.map((track) => this.trackElement(track, data)));
    this.renderLegend(data);
    this.heat = heat(data.metrics, this.scale.minutes);
    fill(this.minutes, this.heat.map((minute, index) => this.minuteElement(minute, index)));
  }

  /** What the signs of the tracks mean, where there is more than what nodes recorded. @param {Data} data */
  renderLegend(data) {
    const supplied = data.parts.some((part) => part.source === "candidate");
    this.legend.hidden = !supplied;
    fill(
      this.legend,
      h("span", { class: "with-icon" }, h("i", { class: "line-key line-part" }), _("Recorded by the server")),
      h("span", { class: "with-icon" }, h("i", { class: "line-key line-part is-supplied" }), _("Supplied by the candidate's browser after a gap")),
      h("span", { class: "with-icon" }, h("i", { class: "line-key line-gap" }), _("Not recorded")),
    );
  }

  renderRuler() {
    fill(
      this.ruler,
      this.scale.ticks(12).map((at) => this.placed(h("span", null, clockText(at - this.scale.startMs)), at)),
    );
  }

  /**
   * @template {HTMLElement} E
   * @param {E} element
   * @param {number} startMs
   * @param {number | null} [endMs]
   * @returns {E}
   */
  placed(element, startMs, endMs) {
    const from = this.scale.share(startMs);
    element.style.insetInlineStart = `${from * 100}%`;
    if (endMs !== undefined) element.style.width = `${(this.scale.share(endMs ?? this.scale.endMs) - from) * 100}%`;
    return element;
  }

  /** @param {import("./state.js").Finding} mark */
  markElement(mark) {
    const word = typeWord(mark.type);
    const state = mark.incident ? "is-incident" : `is-${mark.observation?.decision ?? "pending"}`;
    return this.placed(h("i", { class: `line-mark tone-${word.tone} ${state}` }), mark.startMs, mark.endMs ?? mark.startMs);
  }

  /** @param {import("../types.js").Message} message */
  messageElement(message) {
    return this.placed(h("i", { class: `line-message ${message.kind === "incident" ? "is-incident" : ""}` }), message.at_ms);
  }

  /** @param {Data} data */
  conclusionElement({ conclusion }) {
    if (!conclusion || conclusion.at_ms > this.scale.endMs) return null;
    const word = conclusionWord(conclusion.conclusion);
    return this.placed(h("i", { class: `line-mark tone-${word.tone}` }), conclusion.at_ms, conclusion.at_ms);
  }

  /**
   * @param {import("../types.js").Track} track
   * @param {Data} data
   */
  trackElement(track, data) {
    const parts = spans(data.parts, track, data.end_ms).map((span) =>
      this.placed(h("i", { class: `line-part is-${span.part.state} ${span.part.source === "candidate" ? "is-supplied" : ""}` }), span.startMs, span.endMs),
    );
    const gaps = data.gaps
      .filter((gap) => gap.track === track && gap.covered_by === null)
      .map((gap) => this.placed(h("i", { class: "line-gap" }), gap.start_ms, gap.end_ms));
    return h("div", { class: "line-track" }, parts, gaps, h("span", { class: "line-track-name" }, icon(trackWord(track).icon, "icon-sm")));
  }

  /**
   * @param {ReturnType<typeof heat>[number]} minute
   * @param {number} index
   */
  minuteElement(minute, index) {
    const start = this.scale.startMs + index * 60_000;
    const element = this.placed(h("i", { class: `line-minute heat-${minute.level}` }), start, start + 60_000);
    element.style.setProperty("--share", String(Math.max(0.08, minute.level / HEAT_STEPS)));
    return element;
  }

  /**
   * @param {PointerEvent} event
   * @param {number} atMs
   */
  showTip(event, atMs) {
    const box = this.area.getBoundingClientRect();
    const near = (6 / box.width) * this.scale.lengthMs;
    const lines = this.marks
      .filter((mark) => atMs >= mark.startMs - near && atMs <= (mark.endMs ?? mark.startMs) + near)
      .slice(0, 4)
      .map((mark) => h("span", { class: `tone-${typeWord(mark.type).tone}` }, icon(typeWord(mark.type).icon, "icon-sm icon-tone"), typeWord(mark.type).title));
    const gaps = (this.data?.gaps ?? [])
      .filter((gap) => atMs >= gap.start_ms && atMs < (gap.end_ms ?? this.scale.endMs))
      .map((gap) => h("span", null, icon(gapWord(gap.cause).icon, "icon-sm"), `${trackWord(gap.track).title}: ${gapWord(gap.cause).title}`, gap.covered_by !== null && ` · ${_("supplied by the candidate's browser")}`));
    const message = this.data?.messages.find((it) => Math.abs(it.at_ms - atMs) < near);
    const minute = this.heat[Math.floor((atMs - this.scale.startMs) / 60_000)];
    const values = (minute?.metrics ?? []).slice(0, 3).map(([code, value]) => h("span", { class: "muted" }, `${metricWord(code).title} ${value} %`));
    fill(this.tip, h("b", null, clockText(atMs - this.scale.startMs)), lines, gaps, message && h("span", null, icon("message-square", "icon-sm"), `${message.name}: ${message.text.slice(0, 60)}`), values);
    this.tip.hidden = false;
    const left = event.clientX - box.left;
    const half = this.tip.offsetWidth / 2;
    this.tip.style.insetInlineStart = `${Math.min(box.width - half, Math.max(half, left))}px`;
  }

  /** @param {TransportState} state */
  render(state) {
    this.now = state.atMs;
    this.playhead.style.insetInlineStart = `${this.scale.share(state.atMs) * 100}%`;
    const seconds = Math.round((state.atMs - this.scale.startMs) / 1000);
    if (this.area.getAttribute("aria-valuenow") === String(seconds)) return;
    this.area.setAttribute("aria-valuenow", String(seconds));
    this.area.setAttribute("aria-valuemax", String(Math.round(this.scale.lengthMs / 1000)));
    this.area.setAttribute("aria-valuetext", clockText(state.atMs - this.scale.startMs));
  }
}

