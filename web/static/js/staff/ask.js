/** @file Dialogs that ask for something: the answer, or null when they were closed. */

import { openDialog } from "../base/dialog.js";
import { h, icon } from "../base/dom.js";

/** @typedef {import("../base/dialog.js").DialogOptions} DialogOptions */

/**
 * @template T
 * @param {(answer: (value: T) => void) => DialogOptions} make
 * @returns {Promise<T | null>}
 */
export function ask(make) {
  return new Promise((resolve) => {
    /** @type {T | null} */
    let given = null;
    const options = make((value) => {
      given = value;
      dialog.close();
    });
    const dialog = openDialog({ ...options, onClose: () => resolve(given) });
  });
}

/**
 * @param {string} name of the group
 * @param {{value: string, title: string, icon: string, tone: string}[]} list
 * @param {string} checked
 */
export function choices(name, list, checked) {
  return list.map((choice, index) =>
    h(
      "label",
      { class: `choice choice-sm tone-${choice.tone}` },
      h("input", { type: "radio", name, value: choice.value, checked: choice.value === checked, autofocus: index === 0 }),
      icon(choice.icon, "icon-tone"),
      h("span", null, choice.title),
    ),
  );
}

/**
 * @param {string} label
 * @param {string} hint
 */
export function commentField(label, hint) {
  const input = h("textarea", { class: "textarea", maxlength: "2000", id: "dialog-comment" });
  const field = h("div", { class: "field" }, h("label", { for: "dialog-comment" }, label), input, hint && h("span", { class: "hint" }, hint));
  return { input, field };
}

/**
 * @param {HTMLElement} body
 * @param {string} name
 */
export const chosen = (body, name) => /** @type {HTMLInputElement | null} */ (body.querySelector(`input[name="${name}"]:checked`))?.value ?? "";

/**
 * @param {HTMLElement} body
 * @param {() => void} submit
 */
export function submitOnEnter(body, submit) {
  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    submit();
  });
}
