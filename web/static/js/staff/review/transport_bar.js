/** @file The buttons under the players, and their keys: space, J K L, arrows, comma and full stop. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { clockText } from "./clock_text.js";
import { RATES } from "./transport.js";

/**
 * @typedef {import("./transport.js").Transport} Transport
 * @typedef {import("./transport.js").TransportState} TransportState
 */

export class TransportBar {
  /**
   * @param {HTMLElement} element
   * @param {Transport} transport
   * @param {{mark: (atMs: number) => void, neighbour: (by: 1 | -1) => void}} actions
   */
  constructor(element, transport, actions) {
    this.transport = transport;
    this.actions = actions;
    const step = (/** @type {number} */ seconds, /** @type {string} */ label) =>
      h("button", { type: "button", class: "btn btn-quiet btn-sm", title: label, "aria-label": label, on: { click: () => transport.step(seconds * 1000) } }, `${seconds > 0 ? "+" : "−"}${Math.abs(seconds)}`);
    this.play = button(_("Play"), () => transport.toggle(), { kind: "btn-primary btn-play", icon: "play", iconOnly: true, "aria-keyshortcuts": "Space K" });
    this.time = h("output", { class: "transport-time", "aria-label": _("Position") });
    this.wait = h("span", { class: "spinner", hidden: true });
    this.rates = h("div", { class: "segments segments-sm", role: "group", "aria-label": _("Speed") }, RATES.map((rate) => h("button", { type: "button", on: { click: () => transport.setRate(rate) } }, `${rate}×`)));
    this.skip = h("input", { type: "checkbox", checked: transport.state.skipGaps, on: { change: () => transport.setSkipGaps(this.skip.checked) } });
    element.append(
      button(_("Previous finding"), () => actions.neighbour(-1), { kind: "btn-quiet btn-sm", icon: "skip-back", iconOnly: true }),
      step(-30, _("30 seconds back")),
      step(-5, _("5 seconds back")),
      this.play,
      step(5, _("5 seconds on")),
      step(30, _("30 seconds on")),
      button(_("Next finding"), () => actions.neighbour(1), { kind: "btn-quiet btn-sm", icon: "skip-forward", iconOnly: true }),
      this.time,
      this.wait,
      h("span", { class: "grow" }),
      h("label", { class: "transport-skip" }, this.skip, _("Skip gaps")),
      this.rates,
      button(_("Incident"), () => actions.mark(transport.state.atMs), { kind: "btn-sm", icon: "flag", title: _("Add an incident here (I)"), "aria-keyshortcuts": "I" }),
    );
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [role=slider], .findings-list")) return;
    if (event.code === "Space" && target instanceof Element && target.closest("button, a, summary, input")) return;
    const { transport } = this;
    /** @type {Record<string, () => void>} */
    const keys = {
      Space: () => transport.toggle(),
      KeyK: () => transport.toggle(),
      KeyJ: () => transport.step(-5000),
      KeyL: () => transport.step(5000),
      ArrowLeft: () => transport.step(event.shiftKey ? -30_000 : -5000),
      ArrowRight: () => transport.step(event.shiftKey ? 30_000 : 5000),
      Comma: () => transport.stepRate(-1),
      Period: () => transport.stepRate(1),
      KeyN: () => this.actions.neighbour(1),
      KeyB: () => this.actions.neighbour(-1),
      KeyI: () => this.actions.mark(transport.state.atMs),
    };
    const act = keys[event.code];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** @param {TransportState} state */
  render(state) {
    const { scale } = this.transport;
    setText(this.time, `${clockText(state.atMs - scale.startMs)} / ${clockText(scale.lengthMs)}`);
    this.wait.hidden = !(state.waiting && state.playing);
    const label = state.playing ? _("Pause") : _("Play");
    if (this.play.title !== label || !this.play.dataset.shown) {
      this.play.dataset.shown = "yes";
      this.play.title = label;
      this.play.setAttribute("aria-label", label);
      fill(this.play, icon(state.playing ? "pause" : "play"));
    }
    RATES.forEach((rate, index) => this.rates.children[index]?.setAttribute("aria-pressed", String(rate === state.rate)));
  }
}
