/** @file On narrow windows desk and feed share one place: which of them is seen. */

import { h } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";

/** @typedef {"desk" | "feed"} Pane */

export class Panes {
  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} room carries the choice for the style sheet
   */
  constructor(element, room) {
    this.room = room;
    this.count = h("span", { class: "count", hidden: true });
    this.buttons = {
      desk: h("button", { type: "button", on: { click: () => this.show("desk") } }, _("Sitting")),
      feed: h("button", { type: "button", on: { click: () => this.show("feed") } }, _("Observations"), " ", this.count),
    };
    element.append(h("div", { class: "segments segments-sm", role: "group", "aria-label": _("Show") }, this.buttons.desk, this.buttons.feed));
    this.show("desk");
  }

  /** @param {Pane} pane */
  show(pane) {
    this.room.dataset.pane = pane;
    for (const [name, element] of Object.entries(this.buttons)) element.setAttribute("aria-pressed", String(name === pane));
  }

  /** @param {import("./state.js").RoomState} state */
  render(state) {
    let undecided = 0;
    for (const entry of state.sittings.values()) undecided += entry.observations.filter((seen) => seen.decision === "pending" && !seen.technical).length;
    this.count.hidden = !undecided;
    this.count.textContent = String(undecided);
  }
}
