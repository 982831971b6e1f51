/** @file The chat with the proctor. */

import { button, h, icon } from "../base/dom.js";
import { _, formatTime } from "../base/i18n.js";
import { announce } from "./shell.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").Message} Message */

const LONGEST = 4000;

/** @param {Message} message */
function bubble(message) {
  const own = message.author === "candidate";
  const classes = [
    "chat-message",
    own && "is-own",
    message.author === "system" && "is-system",
    message.kind === "incident" && "is-incident",
    message.pending && "is-pending",
  ];
  const who = own ? _("You") : message.author === "proctor" ? _("Proctor") : "";
  const meta = h(
    "span",
    { class: "chat-meta" },
    who,
    h("time", null, formatTime(message.at_ms)),
    message.pending && h("span", null, _("sending…")),
  );
  return h(
    "li",
    { class: classes.filter(Boolean).join(" "), dataset: { key: message.ref || String(message.id) } },
    message.kind === "incident" && icon("octagon-alert", "icon-sm"),
    message.text,
    meta,
  );
}

/**
 * @param {App} app
 * @param {{onUnread?: (count: number) => void, isSeen?: () => boolean}} [options]
 */
export function chatPanel(app, { onUnread = () => {}, isSeen = () => true } = {}) {
  const log = h("ol", { class: "chat-log", role: "log", "aria-label": _("Messages"), "aria-live": "off", tabindex: 0 });
  const empty = h(
    "li",
    { class: "chat-message is-system" },
    _(
      "Write here when something is unclear or does not work. Questions about the content of the exam cannot be answered.",
    ),
  );
  const input = h("textarea", {
    class: "textarea",
    rows: 1,
    maxlength: LONGEST,
    placeholder: _("Message to the proctor"),
    "aria-label": _("Message to the proctor"),
  });
  /** @type {Map<string, {message: Message, node: HTMLElement}>} */
  const shown = new Map();
  let unread = 0;
  let first = true;

  const send = () => {
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    input.style.height = "";
    app.sendChat(text);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  input.addEventListener("input", () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight + 2}px`;
  });

  /** @param {Message} message */
  const hear = (message) => {
    if (first || message.author !== "proctor") return;
    announce(_("Message from the proctor: {text}", { text: message.text }), message.kind === "incident");
    if (!isSeen() || document.hidden) onUnread((unread += 1));
  };

  const update = () => {
    const messages = [...app.state.messages].sort((a, b) => a.at_ms - b.at_ms);
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    const keys = new Set(messages.map((message) => message.ref || String(message.id)));
    for (const [key, { node }] of shown) {
      if (keys.has(key)) continue;
      node.remove();
      shown.delete(key);
    }
    let grew = false;
    for (const message of messages) {
      const key = message.ref || String(message.id);
      const known = shown.get(key);
      if (known?.message === message) continue;
      const node = bubble(message);
      if (known) known.node.replaceWith(node);
      else {
        log.append(node);
        grew = true;
        hear(message);
      }
      shown.set(key, { message, node });
    }
    if (shown.size === 0) log.replaceChildren(empty);
    else empty.remove();
    if ((grew && atEnd) || first) log.scrollTop = log.scrollHeight;
    first = false;
  };

  const form = h(
    "form",
    { class: "chat-form", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), send()) } },
    input,
    button(_("Send"), () => {}, { kind: "btn-primary", icon: "send", iconOnly: true, type: "submit" }),
  );
  update();
  return {
    element: h("div", { class: "chat" }, log, form),
    update,
    /** The candidate looks at it now. */
    seen() {
      unread = 0;
      onUnread(0);
      log.scrollTop = log.scrollHeight;
    },
    focus: () => input.focus(),
  };
}
