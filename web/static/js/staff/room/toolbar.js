/** @file The line above the wall: search, sittings by state, pages, layout, sound; and how the connection stands. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { clock } from "../clock.js";
import { wallTimeSeconds } from "../wall_time.js";
import { stateWord } from "../words.js";
import { showHelp } from "./keys.js";
import { countsByState, eventsElsewhere, pageCount, shown } from "./selectors.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./state.js").Action} Action
 */

const PAGE_SIZES = [1, 4, 8, 12, 20, 30];

/** States that are counted, in the order of an exam. */
const COUNTED = ["waiting", "check_in", "running", "paused", "interrupted", "finished"];

export class Toolbar {
  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} status place in the page's bar
   * @param {(action: Action) => void} dispatch
   * @param {{broadcast: () => Promise<void>, conference: () => Promise<void>}} speech
   */
  constructor(element, status, dispatch, speech) {
    this.dispatch = dispatch;
    /** @type {RoomState | null} */
    this.state = null;
    this.search = h("input", { type: "search", class: "input input-sm", placeholder: _("Search name, number, exam"), "aria-label": _("Search"), "aria-keyshortcuts": "/" });
    this.search.addEventListener("input", () => dispatch({ type: "set", values: { query: this.search.value } }));
    this.counts = h("div", { class: "chips", role: "group", "aria-label": _("Sittings by state") });
    this.elsewhere = h("button", { type: "button", class: "elsewhere", hidden: true, on: { click: () => this.turn(1) } });
    this.pager = h("div", { class: "pager" });
    this.sizes = h("div", { class: "segments segments-sm", role: "group", "aria-label": _("Tiles on a page") }, PAGE_SIZES.map((size) => this.size(size)));
    this.layout = button(_("Picture in picture"), () => this.toggleLayout(), { kind: "btn-quiet btn-sm", icon: "panel-right", iconOnly: true });
    this.sound = button(_("Sound of the active tile"), () => this.toggleSound(), { kind: "btn-quiet btn-sm", icon: "volume-2", iconOnly: true });
    const broadcast = button(_("Speak to several candidates"), () => void speech.broadcast(), { kind: "btn-quiet btn-sm", icon: "headphones", iconOnly: true });
    const conference = button(_("Conference"), () => void speech.conference(), { kind: "btn-quiet btn-sm", icon: "users", iconOnly: true });
    const help = button(_("Keyboard"), showHelp, { kind: "btn-quiet btn-sm", icon: "circle-help", iconOnly: true });
    element.append(
      h("div", { class: "search" }, icon("search", "icon-sm"), this.search),
      this.counts,
      h("div", { class: "tools-end" }, this.elsewhere, this.pager, this.sizes, this.layout, this.sound, broadcast, conference, help),
    );
    this.connection = h("span", { class: "connection", role: "status" });
    this.time = h("time", { class: "bar-clock", title: _("Time of the server") });
    status.append(this.connection, this.time);
    this.keys = { counts: "", pager: "", connection: "" };
  }

  /** @param {number} size */
  size(size) {
    return h("button", { type: "button", dataset: { size: String(size) }, title: ngettext("{n} tile on a page", "{n} tiles on a page", size), on: { click: () => this.dispatch({ type: "set", values: { perPage: size } }) } }, size);
  }

  /** @param {1 | -1} by */
  turn(by) {
    const { state } = this;
    if (!state) return;
    const pages = pageCount(state);
    this.dispatch({ type: "page", page: (state.page + by + pages) % pages });
  }

  toggleLayout() {
    this.dispatch({ type: "set", values: { layout: this.state?.layout === "side" ? "inset" : "side" } });
  }

  toggleSound() {
    this.dispatch({ type: "set", values: { sound: !this.state?.sound } });
  }

  /** @param {RoomState} state */
  render(state) {
    this.state = state;
    if (this.search.value !== state.query) this.search.value = state.query;
    this.renderCounts(state);
    this.renderPager(state);
    this.renderConnection(state);
    for (const element of this.sizes.querySelectorAll("button")) element.setAttribute("aria-pressed", String(Number(element.dataset.size) === state.perPage));
    this.layout.setAttribute("aria-pressed", String(state.layout === "inset"));
    this.sound.setAttribute("aria-pressed", String(state.sound));
    if (this.sound.dataset.on !== String(state.sound)) {
      this.sound.dataset.on = String(state.sound);
      fill(this.sound, icon(state.sound ? "volume-2" : "volume-x"));
    }
  }

  /** @param {RoomState} state */
  renderCounts(state) {
    const counts = countsByState(state);
    const key = JSON.stringify([[...counts], state.only, state.sittings.size]);
    if (key === this.keys.counts) return;
    this.keys.counts = key;
    const chip = (/** @type {string} */ code, /** @type {string} */ title, /** @type {number} */ count, /** @type {string} */ symbol, /** @type {string} */ tone) =>
      h(
        "button",
        { type: "button", class: `chip tone-${tone}`, "aria-pressed": String(state.only === code), on: { click: () => this.dispatch({ type: "set", values: { only: state.only === code ? "" : code } }) } },
        icon(symbol, "icon-sm icon-tone"),
        title,
        h("b", null, count),
      );
    const chips = COUNTED.filter((code) => counts.get(code) || state.only === code).map((code) => {
      const word = stateWord(code);
      return chip(code, word.title, counts.get(code) ?? 0, word.icon, word.tone);
    });
    fill(this.counts, chip("", _("All"), state.sittings.size, "layout-grid", "none"), chips);
  }

  /** @param {RoomState} state */
  renderPager(state) {
    const pages = pageCount(state);
    const key = `${state.page}/${pages}/${shown(state).length}`;
    if (key === this.keys.pager) return;
    this.keys.pager = key;
    this.pager.hidden = pages < 2;
    fill(
      this.pager,
      button(_("Previous page"), () => this.turn(-1), { kind: "btn-quiet btn-sm", icon: "chevron-left", iconOnly: true }),
      h("span", { class: "figures" }, _("{page} of {pages}", { page: state.page + 1, pages })),
      button(_("Next page"), () => this.turn(1), { kind: "btn-quiet btn-sm", icon: "chevron-right", iconOnly: true }),
    );
  }

  /** @param {RoomState} state */
  renderConnection(state) {
    if (this.keys.connection === state.connection) return;
    this.keys.connection = state.connection;
    const words = {
      open: /** @type {const} */ (["good", "wifi", _("Connected")]),
      connecting: /** @type {const} */ (["info", "loader-circle", _("Connecting…")]),
      lost: /** @type {const} */ (["bad", "wifi-off", _("No connection, trying again…")]),
    };
    const [tone, symbol, text] = words[state.connection];
    this.connection.className = `connection tone-${tone}`;
    fill(this.connection, icon(symbol, "icon-sm icon-tone"), h("span", null, text));
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    setText(this.time, wallTimeSeconds(nowMs));
    const delay = clock.rtt;
    this.connection.title = delay === null ? "" : _("Way there and back: {ms} ms", { ms: Math.round(delay) });
    if (!this.state) return;
    const count = pageCount(this.state) > 1 ? eventsElsewhere(this.state, nowMs) : 0;
    this.elsewhere.hidden = !count;
    setText(this.elsewhere, count ? ngettext("{n} event on another page", "{n} events on another page", count) : "");
  }
}
