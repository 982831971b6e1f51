/** @file Native dialogs: focus stays inside and goes back to where it was; Escape closes unless an answer is required. */

import { button, h, icon } from "./dom.js";
import { _ } from "./i18n.js";

/**
 * @typedef {object} DialogOptions
 * @property {string} title
 * @property {(Node | string | null | false)[]} [body]
 * @property {Node[]} [buttons] left out: one "Close"
 * @property {string} [icon]
 * @property {"accent" | "good" | "warn" | "bad" | "info"} [tone]
 * @property {boolean} [must] it cannot be closed without one of its buttons
 * @property {boolean} [wide]
 * @property {() => void} [onClose]
 */

let count = 0;

/**
 * Open a dialog; `close()` takes it away.
 * @param {DialogOptions} options
 */
export function openDialog({
  title,
  body = [],
  buttons,
  icon: mark,
  tone = "accent",
  must = false,
  wide = false,
  onClose,
}) {
  count += 1;
  const id = `dialog-${count}`;
  const close = () => element.close();
  const head = h(
    "div",
    { class: "dialog-head" },
    mark && h("span", { class: "dialog-mark" }, icon(mark)),
    h("h2", { id }, title),
  );
  if (!must && buttons) head.append(button(_("Close"), close, { kind: "btn-quiet btn-sm", icon: "x", iconOnly: true }));
  const element = h(
    "dialog",
    {
      class: `dialog tone-${tone} ${wide ? "dialog-wide" : ""}`,
      "aria-labelledby": id,
      role: must ? "alertdialog" : null,
    },
    head,
    h("div", { class: "dialog-body" }, ...body.filter((child) => child !== null && child !== false)),
    h("div", { class: "dialog-foot" }, ...(buttons ?? [button(_("Close"), close)])),
  );
  element.addEventListener("cancel", (event) => must && event.preventDefault());
  element.addEventListener("close", () => {
    // A must-dialog that the browser closed all the same (second Escape) comes back.
    if (must && element.dataset.done !== "yes") return element.showModal();
    element.remove();
    onClose?.();
  });
  document.body.append(element);
  element.showModal();
  return {
    element,
    close() {
      element.dataset.done = "yes";
      if (element.open) element.close();
    },
  };
}

/**
 * Ask a question; true when confirmed.
 * @param {{title: string, text: string, yes: string, no?: string, tone?: "accent" | "warn" | "bad", icon?: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmDialog({ title, text, yes, no = _("Cancel"), tone = "accent", icon: mark }) {
  return new Promise((resolve) => {
    let answer = false;
    const done = (/** @type {boolean} */ value) => {
      answer = value;
      dialog.close();
    };
    const dialog = openDialog({
      title,
      tone,
      icon: mark,
      body: [h("p", null, text)],
      buttons: [
        button(no, () => done(false), { autofocus: tone === "bad" }),
        button(yes, () => done(true), { kind: tone === "bad" ? "btn-danger" : "btn-primary" }),
      ],
      onClose: () => resolve(answer),
    });
  });
}
