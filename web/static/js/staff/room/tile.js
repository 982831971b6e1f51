/** @file One tile of the wall: camera and screen, who it is, how it stands, what was seen in the last minute. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { formatDuration } from "../../base/time.js";
import { KeyedList } from "../keyed.js";
import { ruleIcons } from "../rules.js";
import { stateWord, typeWord } from "../words.js";
import { Screening } from "./screening.js";
import { lastMinute } from "./selectors.js";
import { TRACKS } from "./viewing.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("../types.js").Track} Track
 *
 * @typedef {object} TileActions
 * @property {(id: number) => void} activate
 * @property {(id: number) => void} enlarge
 * @property {(id: number | null) => void} hover the pointer came to the tile, or left it
 * @property {(id: number) => void} start
 * @property {(id: number) => void} refuse
 * @property {(id: number) => void} warn
 * @property {(id: number, track: Track) => void} shown a track showed its first frame
 */

/** Less than this is left: the time is shown in warning. */
const LITTLE_TIME_MS = 5 * 60_000;

export class Tile {
  /**
   * @param {Entry} entry
   * @param {TileActions} actions
   */
  constructor(entry, actions) {
    this.id = entry.id;
    this.entry = entry;
    this.actions = actions;
    this.seen = "";
    const { id } = entry;
    this.screenings = {
      camera: new Screening("camera", () => actions.shown(id, "camera")),
      screen: new Screening("screen", () => actions.shown(id, "screen")),
    };
    const nameId = `tile-name-${id}`;
    this.name = h("strong", { class: "tile-name", id: nameId }, entry.candidate.name);
    this.badge = h("span", { class: "badge" });
    this.time = h("time", { class: "tile-time" });
    this.exam = h("span", { class: "tile-exam" });
    this.unread = h("span", { class: "tile-unread" });
    this.presence = h("span", { class: "tile-presence" });
    this.marks = h("ul", { class: "tile-marks", "aria-label": _("Seen in the last minute") });
    this.markList = new KeyedList(this.marks, (/** @type {Sum} */ sum) => sum.type, makeMark);
    this.rules = h("div", { class: "tile-rules" });
    this.gate = h("div", { class: "tile-gate" });
    this.element = h(
      "article",
      { class: "tile", tabindex: "-1", "aria-labelledby": nameId, dataset: { id: String(id) } },
      h("header", { class: "tile-head" }, h("span", { class: "tile-number" }, `#${id}`), this.name, this.unread, this.badge),
      h("div", { class: "tile-media" }, this.screenings.camera.element, this.screenings.screen.element, this.marks, this.rules),
      h("footer", { class: "tile-foot" }, this.presence, this.exam, this.gate, this.time, this.enlargeButton()),
    );
    this.element.addEventListener("click", () => actions.activate(id));
    this.element.addEventListener("pointerenter", () => actions.hover(id));
    this.element.addEventListener("pointerleave", () => actions.hover(null));
    this.element.addEventListener("dblclick", (event) => {
      if (!(event.target instanceof Element && event.target.closest("button"))) actions.enlarge(id);
    });
  }

  enlargeButton() {
    return button(
      _("Enlarge"),
      (event) => {
        event.stopPropagation();
        this.actions.enlarge(this.id);
      },
      { kind: "btn-quiet btn-sm tile-enlarge", icon: "expand", iconOnly: true },
    );
  }

  /** @param {Entry} entry */
  update(entry) {
    const before = this.entry;
    this.entry = entry;
    const word = stateWord(entry.state);
    this.element.dataset.state = entry.state;
    this.badge.className = `badge tone-${word.tone}`;
    fill(this.badge, icon(word.icon), word.title);
    setText(this.name, entry.candidate.name);
    this.name.title = entry.candidate.name;
    setText(this.exam, entry.exam.name);
    this.exam.title = entry.exam.name;
    if (before.rules !== entry.rules || !this.rules.childElementCount) this.showRules();
    this.showUnread();
    this.showPresence();
    if (before.state !== entry.state || !this.gate.dataset.state) this.showGate();
    for (const track of TRACKS) this.screenings[track].update(entry, track);
  }

  showRules() {
    fill(
      this.rules,
      ruleIcons(this.entry.rules),
      this.entry.custom_rules && h("p", { class: "tile-custom-rules" }, icon("scroll-text", "icon-sm"), this.entry.custom_rules),
    );
  }

  showUnread() {
    const { unread } = this.entry;
    const text = unread ? ngettext("{n} unread message", "{n} unread messages", unread) : "";
    fill(this.unread, unread > 0 && [icon("message-square", "icon-sm"), h("span", { class: "count", title: text }, unread), h("span", { class: "visually-hidden" }, text)]);
  }

  showPresence() {
    const { online } = this.entry;
    this.presence.className = `tile-presence tone-${online ? "good" : "bad"}`;
    const text = online ? _("Candidate is connected") : _("Candidate is not connected");
    this.presence.title = text;
    fill(this.presence, icon(online ? "wifi" : "wifi-off", "icon-sm icon-tone"), h("span", { class: "visually-hidden" }, text));
  }

  showGate() {
    const { state } = this.entry;
    this.gate.dataset.state = state;
    const stop = (/** @type {(id: number) => void} */ act) => (/** @type {Event} */ event) => {
      event.stopPropagation();
      act(this.id);
    };
    if (state === "waiting") {
      fill(
        this.gate,
        button(_("Start"), stop(this.actions.start), { kind: "btn-sm btn-start", icon: "play" }),
        button(_("Drop: identity not confirmed"), stop(this.actions.refuse), { kind: "btn-sm btn-drop", icon: "x", iconOnly: true }),
      );
    } else if (state === "running" || state === "paused") {
      fill(this.gate, button(_("Warn"), stop(this.actions.warn), { kind: "btn-quiet btn-sm tile-warn", icon: "triangle-alert", iconOnly: true }));
    } else fill(this.gate);
  }

  /**
   * What changes by itself: the ages of the frames, the time left, the last minute.
   *
   * @param {number} nowMs
   */
  tick(nowMs) {
    for (const track of TRACKS) this.screenings[track].tick();
    const { deadline_ms: deadline, state } = this.entry;
    const left = deadline === null || state !== "running" ? null : deadline - nowMs;
    setText(this.time, left === null ? "" : formatDuration(left));
    this.time.title = left === null ? "" : _("Time left");
    this.time.classList.toggle("is-short", left !== null && left < LITTLE_TIME_MS);
    this.showMarks(nowMs);
  }

  /** @param {number} nowMs */
  showMarks(nowMs) {
    const sums = lastMinute(this.entry, nowMs);
    const key = JSON.stringify(sums);
    if (key === this.seen) return;
    this.seen = key;
    this.markList.update(sums.slice(0, MOST_MARKS));
    this.element.classList.toggle("is-alarmed", sums.some((sum) => sum.running && typeWord(sum.type).tone === "bad"));
  }

  /** @param {{active: boolean, audible: boolean}} how */
  focusOn({ active, audible }) {
    this.element.classList.toggle("is-active", active);
    this.element.setAttribute("aria-current", String(active));
    this.element.tabIndex = active ? 0 : -1;
    this.screenings.camera.listen(audible);
  }

  remove() {
    for (const track of TRACKS) this.screenings[track].remove();
  }
}

// More would cover the face; the feed has them all.
const MOST_MARKS = 5;

/** @typedef {ReturnType<typeof lastMinute>[number]} Sum */

/** @param {Sum} first */
function makeMark(first) {
  const word = typeWord(first.type);
  const count = h("b");
  const element = h("li", { class: `mark tone-${word.tone}`, title: word.title }, icon(word.icon, "icon-sm"), h("span", { class: "visually-hidden" }, word.title), count);
  return {
    element,
    update: (/** @type {Sum} */ sum) => {
      element.classList.toggle("is-running", sum.running);
      setText(count, sum.count > 1 ? String(sum.count) : "");
    },
  };
}
