/** @file The active sitting's chat: log, quick messages, and the incident mode that blocks the candidate's exam. */

import { button, fill, h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { ChatLog } from "../chat_log.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("../types.js").QuickMessage} QuickMessage
 * @typedef {(id: number, text: string, kind: "message" | "incident", ref: string) => Promise<boolean>} Send
 */

export class Chat {
  /** @param {Send} send */
  constructor(send) {
    this.send = send;
    this.sitting = 0;
    /** @type {Map<number, string>} what was begun but not sent, by sitting */
    this.drafts = new Map();
    this.incident = false;
    this.quickKey = "";
    this.log = new ChatLog();
    this.quick = h("div", { class: "quick", role: "group", "aria-label": _("Quick messages") });
    this.modes = /** @type {const} */ ([false, true]).map((incident) =>
      h("button", { type: "button", on: { click: () => this.mode(incident) } }, incident ? _("Incident") : _("Message")),
    );
    this.hint = h("p", { class: "chat-hint", id: "chat-hint" });
    this.input = h("textarea", { class: "textarea", rows: "1", maxlength: "4000", "aria-describedby": "chat-hint" });
    this.button = button(_("Send"), () => void this.submit(), { kind: "btn-primary", icon: "send", iconOnly: true });
    this.form = h("div", { class: "chat-form" }, this.input, this.button);
    this.element = h(
      "section",
      { class: "chat desk-chat", "aria-label": _("Chat with the candidate") },
      this.log.element,
      this.quick,
      h("div", { class: "chat-modes" }, h("div", { class: "segments segments-sm", role: "group", "aria-label": _("Kind of message") }, this.modes), this.hint),
      this.form,
    );
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("input", () => this.drafts.set(this.sitting, this.input.value));
    this.mode(false);
  }

  /**
   * @param {Entry} entry
   * @param {QuickMessage[]} quickMessages
   */
  update(entry, quickMessages) {
    if (this.sitting !== entry.id) {
      this.sitting = entry.id;
      this.input.value = this.drafts.get(entry.id) ?? "";
      this.mode(false);
    }
    this.log.update(entry.id, entry.messages);
    const key = JSON.stringify(quickMessages);
    if (key === this.quickKey) return;
    this.quickKey = key;
    fill(this.quick, quickMessages.map((quick) => this.quickButton(quick)));
  }

  /** @param {QuickMessage} quick */
  quickButton({ code, text }) {
    const titles = /** @type {Record<string, string>} */ ({
      workspace: _("Workspace"),
      missing_video: _("Missing video"),
      screen: _("Share the screen"),
      email_support: _("E-mail support"),
      interrupt: _("Interrupt"),
    });
    const use = () => {
      this.input.value = text;
      this.drafts.set(this.sitting, text);
      this.input.focus();
    };
    return h("button", { type: "button", class: "chip", title: text, on: { click: use } }, titles[code] ?? code);
  }

  /** @param {boolean} incident */
  mode(incident) {
    this.incident = incident;
    this.modes.forEach((element, index) => element.setAttribute("aria-pressed", String(Boolean(index) === incident)));
    this.element.classList.toggle("is-incident", incident);
    this.input.placeholder = incident ? _("What happened?") : _("Message to the candidate");
    this.input.setAttribute("aria-label", this.input.placeholder);
    fill(this.hint, incident && [icon("octagon-alert", "icon-sm"), _("Blocks the exam until a normal message follows.")]);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void this.submit();
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text || this.button.getAttribute("aria-busy") === "true") return;
    const { sitting } = this;
    this.button.setAttribute("aria-busy", "true");
    const sent = await this.send(sitting, text, this.incident ? "incident" : "message", crypto.randomUUID());
    this.button.removeAttribute("aria-busy");
    if (!sent) return;
    this.drafts.delete(sitting);
    if (this.sitting !== sitting) return;
    this.input.value = "";
    this.mode(false);
    this.input.focus();
  }
}
