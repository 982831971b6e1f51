/** @file The desk: everything about the active sitting at hand — identity, rules, steps, warnings given, chat. */

import { button, busy, fill, h, icon, setText } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { formatDuration } from "../../base/time.js";
import { openFaces } from "../faces.js";
import { showChallenges } from "../challenges.js";
import { Identity } from "../identity.js";
import { ruleIcons } from "../rules.js";
import { wallTime } from "../wall_time.js";
import { stateWord, stepWord, typeWord } from "../words.js";
import { Chat } from "./chat.js";
import { activeEntry, isOver } from "./selectors.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./actions.js").RoomActions & {call: (id: number) => Promise<void>}} RoomActions
 */

export class Desk {
  /**
   * @param {HTMLElement} element
   * @param {RoomActions} actions
   */
  constructor(element, actions) {
    this.root = element;
    this.actions = actions;
    /** @type {Entry | null} */
    this.entry = null;
    this.stepsKey = "";
    this.challenges = h("div", { class: "side-pad", hidden: true });
    this.identity = new Identity((kind) => actions.requestPhoto(this.entry?.id ?? 0, kind));
    this.faces = button(_("Faces"), () => this.entry && openFaces(this.entry.id, this.entry.candidate.name), { kind: "btn-sm desk-faces", icon: "scan-face", title: _("What comparing the faces says") });
    this.chat = new Chat(actions.say);
    this.name = h("h2", { class: "desk-name" });
    this.facts = h("p", { class: "desk-facts" });
    this.badge = h("span", { class: "badge" });
    this.time = h("time", { class: "desk-time" });
    this.owner = h("span", { class: "desk-owner" });
    this.steps = h("div", { class: "desk-steps" });
    this.rules = h("div", { class: "desk-rules" });
    this.warnings = h("ul", { class: "desk-warnings", "aria-label": _("Warnings and incidents") });
    this.empty = h("div", { class: "empty" }, icon("user"), h("p", null, _("Choose a tile to see the sitting here.")));
    this.body = h(
      "div",
      { class: "desk-body" },
      h("header", { class: "desk-head" }, h("div", { class: "desk-line" }, this.name, this.badge), h("div", { class: "desk-line" }, this.facts, this.owner, this.time)),
      this.steps,
      h("div", { class: "desk-scroll" }, this.identity.element, this.challenges, this.faces, this.rules, this.warnings),
      this.chat.element,
    );
    this.root.append(this.body, this.empty);
  }

  /** @param {RoomState} state */
  render(state) {
    const entry = activeEntry(state) ?? null;
    this.body.hidden = !entry;
    this.empty.hidden = Boolean(entry);
    if (entry && entry !== this.entry) this.show(entry, state);
    this.entry = entry;
    if (entry) this.chat.update(entry, state.quickMessages);
  }

  /**
   * @param {Entry} entry
   * @param {RoomState} state
   */
  show(entry, state) {
    this.entry = entry;
    const word = stateWord(entry.state);
    setText(this.name, entry.candidate.name);
    this.badge.className = `badge tone-${word.tone}`;
    fill(this.badge, icon(word.icon), word.title);
    const step = entry.state === "check_in" ? stepWord(entry.step).title : "";
    setText(this.facts, [`#${entry.id}`, entry.candidate.external_id, entry.exam.name, step].filter(Boolean).join(" · "));
    this.facts.title = this.facts.textContent ?? "";
    this.showSteps(entry, state.me);
    this.identity.update(entry.candidate, entry.photos, !isOver(entry));
    showChallenges(this.challenges, entry.challenges);
    fill(this.rules, ruleIcons(entry.rules), entry.custom_rules && h("p", { class: "desk-custom" }, icon("scroll-text", "icon-sm"), h("span", null, h("b", null, _("Own rules, before all icons:")), " ", entry.custom_rules)));
    this.showWarnings(entry);
  }

  /**
   * @param {Entry} entry
   * @param {number} me
   */
  showSteps(entry, me) {
    const key = `${entry.id}|${entry.state}|${entry.proctor?.id}|${entry.proctor?.name}`;
    if (key === this.stepsKey) return;
    this.stepsKey = key;
    const mine = entry.proctor?.id === me;
    fill(this.steps, this.stepButtons(entry), isOver(entry) && reviewLink(entry));
    const free = !entry.proctor && !isOver(entry);
    const name = mine ? _("Yours") : entry.proctor?.name || _("Another proctor");
    fill(this.owner, free ? this.step(_("Take over"), "flag", "btn-quiet", (id) => this.actions.claim(id), undefined, true) : entry.proctor && [icon(mine ? "user-check" : "user", "icon-sm"), h("span", null, name)]);
    this.owner.title = entry.proctor ? name : "";
  }

  /** @param {Entry} entry */
  stepButtons({ state }) {
    const { actions } = this;
    const warn = this.step(_("Warn"), "triangle-alert", "btn-warn", (id) => actions.warn(id), "W");
    const finish = this.step(_("Finish"), "circle-stop", "btn-danger-quiet", (id) => actions.finish(id), "F");
    const call = this.step(_("Speak with the candidate"), "headphones", "", (id) => actions.call(id), undefined, true);
    switch (state) {
      case "waiting":
        return [
          this.step(_("Start"), "play", "btn-start", (id) => actions.start(id), "S"),
          this.step(_("Drop"), "x", "btn-drop", (id) => actions.refuse(id), "X"),
          call,
        ];
      case "check_in":
        return [this.step(_("Drop"), "x", "btn-drop", (id) => actions.refuse(id), "X"), call];
      case "running":
        return [warn, this.step(_("Pause"), "pause", "", (id) => actions.pause(id), "P", true), call, finish];
      case "paused":
        return [this.step(_("Resume"), "play", "btn-start", (id) => actions.resume(id), "P"), warn, call, finish];
      case "interrupted":
        return [finish];
      default:
        return [];
    }
  }

  /**
   * @param {string} label
   * @param {string} symbol
   * @param {string} kind
   * @param {(id: number) => Promise<void> | void} act
   * @param {string} [key]
   * @param {boolean} [iconOnly]
   */
  step(label, symbol, kind, act, key, iconOnly = false) {
    const element = button(label, () => void busy(element, async () => act(this.entry?.id ?? 0)), {
      kind: `btn-sm ${kind}`,
      icon: symbol,
      iconOnly,
      title: key ? `${label} (${key})` : label,
      "aria-keyshortcuts": key ?? null,
    });
    return element;
  }

  /** @param {Entry} entry */
  showWarnings(entry) {
    const again = entry.cheater_suggested && entry.state === "running" && h("li", { class: "tone-bad" }, icon("octagon-alert", "icon-sm icon-tone"), h("b", null, _("Three identical warnings: mark as cheater?")));
    const list = entry.incidents.filter((incident) => !incident.withdrawn_ms).slice(-6).reverse();
    this.warnings.hidden = !list.length;
    fill(
      this.warnings,
      again,
      list.map((incident) => {
        const word = typeWord(incident.type);
        const seen = incident.sent_ms === null ? _("noted") : incident.seen_ms === null ? _("sent, not seen yet") : _("seen by the candidate");
        return h(
          "li",
          { class: `tone-${word.tone}` },
          icon(word.icon, "icon-sm icon-tone"),
          h("span", { class: "grow" }, word.title, h("span", { class: "muted" }, ` · ${wallTime(incident.start_ms)} · ${seen}`), incident.comment && h("q", null, incident.comment)),
        );
      }),
    );
    this.warnings.title = ngettext("{n} warning or incident", "{n} warnings and incidents", entry.incidents.length);
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    const entry = this.entry;
    if (!entry) return;
    const { deadline_ms: deadline } = entry;
    const text = entry.state === "running" && deadline !== null ? formatDuration(deadline - nowMs) : "";
    setText(this.time, text);
    this.time.title = text && _("Time left");
  }
}

/** @param {Entry} entry */
const reviewLink = (entry) => h("a", { class: "btn btn-sm", href: `/sittings/${entry.id}` }, icon("history"), h("span", null, _("Open the review")));
