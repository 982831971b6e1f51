/** @file The feed: what was seen on all tiles, newest first, each to be confirmed, dismissed or sent to the candidate. */

import { button, fill, h, icon, setText } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { formatDuration } from "../../base/time.js";
import { clock } from "../clock.js";
import { evidenceOf } from "../evidence.js";
import { KeyedList } from "../keyed.js";
import { meaningOf } from "../meaning.js";
import { wallTime, wallTimeSeconds } from "../wall_time.js";
import { decisionWord, isMeasured, typeWord } from "../words.js";
import { feedItems } from "./selectors.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./state.js").FeedFilter} FeedFilter
 * @typedef {ReturnType<typeof feedItems>[number]} Item
 * @typedef {"confirm" | "dismiss" | "send"} Verb
 *
 * @typedef {object} FeedActions
 * @property {(id: number) => void} activate
 * @property {(observationId: number, verb: Verb) => Promise<void>} decide
 * @property {(filter: FeedFilter) => void} filter
 */

/** @type {[keyof FeedFilter, () => string][]} */
const FILTERS = [
  ["mine", () => _("Mine")],
  ["undecided", () => _("Undecided")],
  ["technical", () => _("Technical")],
];

export class Feed {
  /**
   * @param {HTMLElement} element
   * @param {FeedActions} actions
   */
  constructor(element, actions) {
    this.actions = actions;
    this.count = h("span", { class: "feed-count" });
    this.filters = FILTERS.map(([name, title]) =>
      h("button", { type: "button", class: "chip", on: { click: () => this.toggle(name) } }, title()),
    );
    this.rows = h("ol", { class: "feed-list", "aria-label": _("Observations, newest first") });
    this.empty = h("div", { class: "empty feed-empty" }, icon("shield-check"), h("strong", null, _("All quiet")), h("p", null));
    this.list = new KeyedList(
      this.rows,
      (/** @type {Item} */ item) => item.observation.id,
      (item) => new Row(item, actions),
    );
    element.append(
      h("header", { class: "pane-head" }, h("h2", null, _("Observations")), this.count),
      h("div", { class: "feed-filters", role: "group", "aria-label": _("Filter") }, this.filters),
      this.rows,
      this.empty,
    );
    /** @type {RoomState | null} */
    this.state = null;
    /** @type {Map<number, Item>} */
    this.known = new Map();
  }

  /** @param {keyof FeedFilter} name */
  toggle(name) {
    if (this.state) this.actions.filter({ ...this.state.feed, [name]: !this.state.feed[name] });
  }

  /** @param {RoomState} state */
  render(state) {
    const changed = !this.state || this.state.sittings !== state.sittings || this.state.feed !== state.feed;
    const active = !this.state || this.state.active !== state.active;
    this.state = state;
    if (changed) this.renderItems(state);
    if (changed || active) {
      for (const row of this.list.all()) /** @type {Row} */ (row).mark(state.active);
    }
  }

  /** @param {RoomState} state */
  renderItems(state) {
    const items = feedItems(state).map((item) => this.same(item));
    this.known = new Map(items.map((item) => [item.observation.id, item]));
    this.list.update(items);
    const undecided = items.filter((item) => item.observation.decision === "pending").length;
    setText(this.count, undecided ? ngettext("{n} undecided", "{n} undecided", undecided) : "");
    this.rows.hidden = !items.length;
    this.empty.hidden = items.length > 0;
    const filtered = state.feed.mine || state.feed.undecided || !state.feed.technical;
    const text = filtered ? _("Nothing fits the filter.") : _("Nothing has been seen on any tile so far.");
    setText(/** @type {Element} */ (this.empty.lastElementChild), text);
    FILTERS.forEach(([name], index) => this.filters[index]?.setAttribute("aria-pressed", String(state.feed[name])));
  }

  /**
   * Keeps the old item as long as neither side changed, so that its row is left alone.
   *
   * @param {Item} item
   */
  same(item) {
    const before = this.known.get(item.observation.id);
    const unchanged =
      before?.observation === item.observation && before.entry.candidate.name === item.entry.candidate.name;
    return before && unchanged ? before : item;
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    for (const row of this.list.all()) /** @type {Row} */ (row).tick(nowMs);
  }
}

class Row {
  /**
   * @param {Item} item
   * @param {FeedActions} actions
   */
  constructor(item, actions) {
    this.item = item;
    this.actions = actions;
    this.key = "";
    this.duration = h("span", { class: "seen-duration" });
    this.body = h("div", { class: "seen-body" });
    this.verbs = h("div", { class: "seen-verbs" });
    this.symbol = h("span", { class: "seen-symbol" });
    this.facts = h("span", { class: "seen-facts" });
    this.evidence = h("div", { class: "seen-evidence" });
    this.evidenceKey = "";
    this.element = h("li", { class: "seen" }, this.symbol, this.body, h("div", { class: "seen-line" }, this.facts, this.verbs), this.evidence);
  }

  /** @param {Item} item */
  update(item) {
    this.item = item;
    const { observation, entry } = item;
    const word = typeWord(observation.type);
    this.element.className = `seen tone-${word.tone} is-${observation.decision}`;
    fill(this.symbol, icon(word.icon));
    const open = h(
      "button",
      { type: "button", class: "seen-who", on: { click: () => this.actions.activate(entry.id) } },
      h("span", { class: "seen-name" }, entry.candidate.name),
      h("span", { class: "seen-number" }, `#${entry.id}`),
    );
    const confidence = isMeasured(observation) && h("span", { class: "seen-confidence", title: _("Confidence") }, `${Math.round(observation.confidence * 100)} %`);
    fill(
      this.body,
      h("strong", { class: "seen-type" }, word.title, meaningOf(observation.type, word.title)),
      open,
    );
    fill(
      this.facts,
      h("time", { datetime: new Date(observation.start_ms).toISOString(), title: wallTimeSeconds(observation.start_ms) }, wallTime(observation.start_ms)), this.duration, confidence, this.decision(),
    );
    this.showVerbs();
    this.showEvidence();
    this.tick(clock.now());
  }

  /** Only when it changed: a disclosure that is open stays open, and a picture is not asked for again. */
  showEvidence() {
    const { observation } = this.item;
    const key = JSON.stringify([observation.pictures, observation.details]);
    if (this.evidenceKey === key) return;
    this.evidenceKey = key;
    const open = this.evidence.querySelector("details")?.open ?? false;
    const found = evidenceOf(observation);
    fill(this.evidence, found);
    const why = this.evidence.querySelector("details");
    if (why) why.open = open;
  }

  decision() {
    const { decision, decided_by: by } = this.item.observation;
    if (decision === "pending") return null;
    const word = decisionWord(decision);
    return h("span", { class: "seen-decision", title: by ? `${word.title}: ${by}` : word.title }, icon(word.icon, "icon-sm"), word.title);
  }

  showVerbs() {
    const { observation, entry } = this.item;
    const key = observation.decision;
    if (this.key === key) return;
    this.key = key;
    const of = { name: entry.candidate.name, type: typeWord(observation.type).title };
    const verb = (/** @type {Verb} */ name, /** @type {string} */ label, /** @type {string} */ symbol) =>
      button(label, (event) => this.decide(event, name), { kind: `btn-quiet btn-sm verb verb-${name}`, icon: symbol, iconOnly: true });
    if (observation.decision !== "pending") return fill(this.verbs);
    fill(
      this.verbs,
      verb("confirm", _("Confirm: {type}, {name}", of), "plus"),
      verb("dismiss", _("Dismiss: {type}, {name}", of), "minus"),
      verb("send", _("Send to the candidate: {type}, {name}", of), "triangle-alert"),
    );
  }

  /**
   * @param {MouseEvent} event
   * @param {Verb} verb
   */
  async decide(event, verb) {
    const pressed = /** @type {HTMLButtonElement} */ (event.currentTarget);
    pressed.setAttribute("aria-busy", "true");
    for (const other of this.verbs.querySelectorAll("button")) other.disabled = true;
    await this.actions.decide(this.item.observation.id, verb);
    if (!pressed.isConnected) return;
    pressed.removeAttribute("aria-busy");
    for (const other of this.verbs.querySelectorAll("button")) other.disabled = false;
  }

  /** @param {number | null} active */
  mark(active) {
    this.element.classList.toggle("is-active", this.item.entry.id === active);
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    const { start_ms: start, end_ms: end } = this.item.observation;
    const running = end === null;
    const length = (end ?? Math.max(nowMs, start)) - start;
    const instant = !running && length < 1000;
    setText(this.duration, instant ? "" : formatDuration(length));
    this.duration.classList.toggle("is-running", running);
    this.duration.title = running ? _("Still going on") : _("Duration");
  }
}
