/** @file A card of the account's page, and an act that says when it failed. */

import { busy, button, h, icon } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { toast } from "../../base/toast.js";

/** @typedef {import("../../base/dom.js").Child} Child */

/**
 * @param {{id: string, mark: string, title: string, lead: string, state?: Child, actions?: Child[]}} head
 * @param {...(Child | Child[])} body
 */
export function card({ id, mark, title, lead, state, actions = [] }, ...body) {
  return h(
    "section",
    { class: "card account-card", id, "aria-labelledby": `${id}-title` },
    h("header", null, h("div", null, h("h2", { id: `${id}-title` }, icon(mark), h("span", null, title), state), h("p", { class: "muted small" }, lead)), actions),
    ...body,
  );
}

/** @param {string} tone @param {string} mark @param {string} text */
export const badge = (tone, mark, text) => h("span", { class: `badge tone-${tone}` }, icon(mark), text);

/**
 * A button whose act tells what went wrong.
 * @param {string} label
 * @param {() => Promise<void>} act
 * @param {Record<string, unknown>} [options]
 */
export function actButton(label, act, options = {}) {
  const element = button(
    label,
    () =>
      void busy(element, async () => {
        try {
          await act();
        } catch (error) {
          toast(wordError(error), "bad");
        }
      }),
    { kind: "btn-sm", ...options },
  );
  return element;
}
