/** @file The list of what was seen and marked: click to go there, confirm, dismiss or withdraw. */

import { button, fill, h, icon, one, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { formatDuration } from "../../base/time.js";
import { evidenceOf } from "../evidence.js";
import { KeyedList } from "../keyed.js";
import { meaningOf } from "../meaning.js";
import { decisionWord, isMeasured, reasonWord, typeWord } from "../words.js";
import { clockText } from "./clock_text.js";
import { shownFindings } from "./state.js";

/**
 * @typedef {import("./state.js").ReviewState} ReviewState
 * @typedef {import("./state.js").Finding} Finding
 * @typedef {import("./actions.js").ReviewActions} ReviewActions
 */

// A click shows what led to it, not only the thing itself.
const LEAD_MS = 2000;

export class Findings {
  /**
   * @param {HTMLElement} element
   * @param {ReviewActions} actions
   * @param {{seek: (atMs: number) => void, mayDecide: boolean, set: (values: Partial<Pick<ReviewState, "show" | "technical">>) => void}} how
   */
  constructor(element, actions, how) {
    this.actions = actions;
    this.how = how;
    this.startMs = 0;
    const shows = /** @type {const} */ ([["all", _("Everything")], ["incidents", _("Incidents")], ["undecided", _("Undecided")]]);
    this.segments = shows.map(([show, title]) => h("button", { type: "button", dataset: { show }, on: { click: () => how.set({ show }) } }, title));
    this.technical = h("button", { type: "button", class: "chip", on: { click: () => how.set({ technical: this.technical.getAttribute("aria-pressed") !== "true" }) } }, _("Technical"));
    this.rows = h("ol", { class: "findings-list", "aria-label": _("Findings") });
    this.empty = h("p", { class: "muted small findings-empty" });
    this.list = new KeyedList(this.rows, (/** @type {Finding} */ finding) => finding.key, (finding) => this.row(finding));
    element.append(
      h("div", { class: "findings-tools" }, h("div", { class: "segments segments-sm", role: "group", "aria-label": _("Show") }, this.segments), this.technical),
      this.rows,
      this.empty,
    );
    /** @type {Finding[]} */
    this.shown = [];
  }

  /** @param {ReviewState} state */
  render(state) {
    if (!state.data) return;
    this.startMs = state.data.start_ms;
    this.shown = shownFindings(state);
    this.list.update(this.shown);
    for (const segment of this.segments) segment.setAttribute("aria-pressed", String(segment.dataset.show === state.show));
    this.technical.setAttribute("aria-pressed", String(state.technical));
    setText(one("#findings-count"), String(this.shown.length));
    this.rows.hidden = !this.shown.length;
    setText(this.empty, this.shown.length ? "" : state.show === "all" ? _("Nothing was seen in this sitting.") : _("Nothing here."));
  }

  /** @param {Finding} first */
  row(first) {
    let finding = first;
    const element = h("li", { class: "finding" });
    const go = () => this.how.seek(Math.max(this.startMs, finding.startMs - LEAD_MS));
    return {
      element,
      update: (/** @type {Finding} */ changed) => {
        finding = changed;
        this.fillRow(element, finding, go);
      },
    };
  }

  /**
   * @param {HTMLElement} element
   * @param {Finding} finding
   * @param {() => void} go
   */
  fillRow(element, finding, go) {
    const { observation, incident } = finding;
    const key = JSON.stringify([observation, incident, this.startMs]);
    if (element.dataset.key === key) return;
    element.dataset.key = key;
    const word = typeWord(finding.type);
    element.className = `finding tone-${word.tone} is-${observation?.decision ?? "marked"}`;
    fill(
      element,
      h(
        "button",
        { type: "button", class: "finding-go", on: { click: go } },
        h("time", { class: "finding-time" }, clockText(finding.startMs - this.startMs)),
        h("span", { class: "finding-symbol" }, icon(word.icon)),
        h("span", { class: "finding-words" }, h("strong", null, word.title), h("span", { class: "finding-facts" }, this.facts(finding))),
      ),
      observation && meaningOf(finding.type, word.title),
      observation && evidenceOf(observation),
      this.how.mayDecide && h("span", { class: "seen-verbs" }, this.verbs(finding)),
    );
  }

  /**
   * @param {Finding} finding
   * @returns {(HTMLElement | string | false | null)[]}
   */
  facts({ observation, incident, startMs, endMs }) {
    const length = endMs !== null && endMs - startMs >= 1000 && h("span", null, formatDuration(endMs - startMs));
    const confidence = observation && isMeasured(observation) && h("span", { title: _("Confidence") }, `${Math.round(observation.confidence * 100)} %`);
    const word = observation && observation.decision !== "pending" ? decisionWord(observation.decision) : null;
    const by = observation?.decided_by;
    const reason = observation?.details.reason;
    return [
      typeof reason === "string" && h("span", null, reasonWord(reason).title),
      length,
      confidence,
      word && h("span", { class: `finding-decision tone-${word.tone}` }, icon(word.icon, "icon-sm"), by ? `${word.title} · ${by}` : word.title),
      incident && !observation && h("span", { class: "finding-decision" }, icon("flag", "icon-sm"), _("Marked by {name}", { name: incident.created_by || "—" })),
      incident !== null && incident.sent_ms !== null && h("span", { class: "finding-decision" }, icon("message-square-warning", "icon-sm"), incident.seen_ms ? _("Warning, seen") : _("Warning sent")),
      incident?.comment ? h("q", null, incident.comment) : null,
    ];
  }

  /** @param {Finding} finding */
  verbs({ observation, incident, type }) {
    const title = typeWord(type).title;
    const verb = (/** @type {string} */ label, /** @type {string} */ symbol, /** @type {string} */ kind, /** @type {() => Promise<unknown>} */ act) => {
      const element = button(label, async () => {
        element.disabled = true;
        await act();
        element.disabled = false;
      }, { kind: `btn-quiet btn-sm verb ${kind}`, icon: symbol, iconOnly: true });
      return element;
    };
    if (!observation) return incident && verb(_("Withdraw: {type}", { type: title }), "x", "verb-dismiss", () => this.actions.withdraw(incident.id));
    const confirm = verb(_("Confirm: {type}", { type: title }), "plus", "verb-confirm", () => this.actions.decide(observation.id, "confirm"));
    const dismiss = verb(_("Dismiss: {type}", { type: title }), "minus", "verb-dismiss", () => this.actions.decide(observation.id, "dismiss"));
    return [observation.decision !== "confirmed" && confirm, observation.decision !== "dismissed" && dismiss];
  }

  /**
   * @param {number} atMs
   * @param {1 | -1} by
   * @returns {number | null} where the neighbouring finding is looked at
   */
  neighbour(atMs, by) {
    const times = this.shown.map((finding) => Math.max(this.startMs, finding.startMs - LEAD_MS));
    const next = by > 0 ? times.find((time) => time > atMs + 500) : times.reverse().find((time) => time < atMs - 1500);
    return next ?? null;
  }

  /** @param {number} atMs */
  markNow(atMs) {
    this.shown.forEach((finding) => {
      const element = this.list.views.get(finding.key)?.view.element;
      const now = atMs >= finding.startMs - 100 && atMs <= Math.max(finding.endMs ?? finding.startMs, finding.startMs + 3000);
      if (element && element.classList.contains("is-now") !== now) element.classList.toggle("is-now", now);
    });
  }
}
