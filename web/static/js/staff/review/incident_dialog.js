/** @file Asks what is to be marked at the playhead: type, how long, comment. */

import { button, h } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { ask, choices, chosen, commentField } from "../ask.js";
import { wallTimeSeconds } from "../wall_time.js";
import { typeWord } from "../words.js";

/** Lengths offered, in seconds; 0 is a moment. */
const LENGTHS = [0, 5, 10, 30, 60, 300];

/**
 * @param {number} atMs
 * @param {{value: string, title: string}[]} types
 * @returns {Promise<{type: string, start_ms: number, end_ms: number | null, comment: string} | null>}
 */
export function askIncident(atMs, types) {
  const list = types.map(({ value }) => ({ value, ...typeWord(value) }));
  const group = h("div", { class: "choices", role: "radiogroup", "aria-label": _("What was seen") }, ...choices("type", list, list[0]?.value ?? ""));
  const length = h(
    "select",
    { class: "select", id: "incident-length" },
    LENGTHS.map((seconds) => h("option", { value: String(seconds) }, seconds === 0 ? _("A moment") : seconds < 60 ? _("{n} seconds", { n: seconds }) : _("{n} min", { n: seconds / 60 }))),
  );
  const comment = commentField(_("Comment"), "");
  return ask((answer) => ({
    title: _("Add an incident at {time}", { time: wallTimeSeconds(atMs) }),
    icon: "flag",
    tone: "warn",
    wide: true,
    body: [group, h("div", { class: "field" }, h("label", { for: "incident-length" }, _("How long it lasts from here")), length), comment.field],
    buttons: [
      button(
        _("Add the incident"),
        () => {
          const lasting = Number(length.value) * 1000;
          const start = Math.round(atMs);
          answer({ type: chosen(group, "type"), start_ms: start, end_ms: lasting ? start + lasting : null, comment: comment.input.value.trim() });
        },
        { kind: "btn-primary", icon: "flag" },
      ),
    ],
  }));
}
