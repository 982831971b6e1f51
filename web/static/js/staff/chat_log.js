/** @file The words between candidate and proctors, oldest first; stays at the end unless one scrolled back. */

import { h } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { KeyedList } from "./keyed.js";
import { wallTime } from "./wall_time.js";

/** @typedef {import("./types.js").Message} Message */

export class ChatLog {
  /** @param {((atMs: number) => void) | null} [onPick] where a message's time can be gone to */
  constructor(onPick = null) {
    this.list = h("ol", { class: "chat-log", "aria-label": _("Messages"), tabindex: "0" });
    this.element = this.list;
    this.onPick = onPick;
    this.keyed = new KeyedList(
      this.list,
      (/** @type {Message} */ message) => message.id,
      (message) => ({ element: this.bubble(message), update: () => undefined }),
    );
    this.shown = /** @type {Message[] | null} */ (null);
    this.owner = -1;
  }

  /**
   * @param {number} owner the sitting
   * @param {Message[]} messages
   */
  update(owner, messages) {
    if (this.shown === messages && this.owner === owner) return;
    const atEnd = this.owner !== owner || this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 48;
    this.owner = owner;
    this.shown = messages;
    this.list.querySelector(".chat-empty")?.remove();
    this.keyed.update(messages);
    if (!messages.length) this.list.append(h("li", { class: "chat-empty muted small" }, _("No messages yet.")));
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  /** @param {Message} message */
  bubble(message) {
    const own = message.author === "proctor";
    const incident = message.kind === "incident";
    const kind = message.author === "system" ? "is-system" : `${own ? "is-own" : ""} ${incident ? "is-incident" : ""}`;
    const time = this.onPick
      ? h("button", { type: "button", class: "link-time", on: { click: () => this.onPick?.(message.at_ms) } }, wallTime(message.at_ms))
      : h("time", { datetime: new Date(message.at_ms).toISOString() }, wallTime(message.at_ms));
    return h(
      "li",
      { class: `chat-message ${kind}` },
      h("span", { class: "chat-meta" }, h("b", null, message.name), incident && h("b", { class: "chat-incident-word" }, _("Incident")), time),
      h("span", null, message.text),
    );
  }
}
