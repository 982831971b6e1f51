/**
 * @file Says new serious observations to screen readers, one sentence at a time: what comes while one is being said is
 * summed up in the next.
 */

import { setText } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { typeWord } from "../words.js";

/** @typedef {import("./state.js").RoomState} RoomState */

// About the time a sentence takes to be read aloud.
const BETWEEN_MS = 5000;

export class Announcer {
  /** @param {HTMLElement} element a polite live region */
  constructor(element) {
    this.element = element;
    /** @type {Set<number>} */
    this.known = new Set();
    /** @type {string[]} */
    this.waiting = [];
    this.begun = false;
    this.quietUntil = 0;
  }

  /** @param {RoomState} state */
  render(state) {
    if (state.phase !== "ready") return;
    for (const entry of state.sittings.values()) {
      for (const seen of entry.observations) {
        if (this.known.has(seen.id)) continue;
        this.known.add(seen.id);
        const word = typeWord(seen.type);
        const serious = word.tone === "bad" && seen.decision === "pending";
        if (this.begun && serious) this.waiting.push(`${entry.candidate.name}: ${word.title}.`);
      }
    }
    this.begun = true;
    this.say();
  }

  say() {
    const now = performance.now();
    if (!this.waiting.length || now < this.quietUntil) return;
    this.quietUntil = now + BETWEEN_MS;
    const [first = "", ...others] = this.waiting.splice(0);
    const more = others.length ? ngettext("And {n} more observation.", "And {n} more observations.", others.length) : "";
    setText(this.element, `${first} ${more}`.trim());
    setTimeout(() => this.say(), BETWEEN_MS + 50);
  }

  /** The connection is told at once: it matters more than any observation. */
  connection(/** @type {string} */ connection) {
    if (connection === "lost") setText(this.element, _("The connection is lost. The room shows what was known last."));
  }
}
