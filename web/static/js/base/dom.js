/** @file Making elements without innerHTML: what people typed can never become markup. */

import { pageData } from "./page_data.js";

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, unknown> & {class?: string, dataset?: Record<string, string>, on?: Record<string, (event: any) => void>}} Props */

/**
 * Make an element: `h("button", {class: "btn", type: "button", on: {click}}, "Text")`.
 * true sets an empty attribute, false and null leave it out; `value`, `checked`, `srcObject`, `muted` are set as properties.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props | null} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) setProp(element, name, value);
  element.append(...nodes(children));
  return element;
}

const AS_PROPERTY = new Set(["value", "checked", "srcObject", "muted", "disabled"]);

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {unknown} value
 */
function setProp(element, name, value) {
  if (value === null || value === undefined) return;
  if (name === "class") element.className = String(value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "on") {
    for (const [type, listener] of Object.entries(/** @type {object} */ (value)))
      element.addEventListener(type, listener);
  } else if (AS_PROPERTY.has(name)) Object.assign(element, { [name]: value });
  else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
}

/** @param {(Child | Child[])[]} children @returns {(Node | string)[]} */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Replace what is in an element. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** Set text only when it differs, so that live regions stay quiet. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of the sprite (static/img/icons.svg); decoration only, say it in words beside it or in aria-label.
 * @param {string} name
 * @param {string} [extra] more classes
 */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${pageData.static_url}img/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button. @param {string} label @param {(event: MouseEvent) => void} onClick
 * @param {{kind?: string, icon?: string, iconOnly?: boolean} & Props} [options] kind: classes such as "btn-primary"
 */
export function button(label, onClick, options = {}) {
  const { kind = "", icon: name, iconOnly = false, ...props } = options;
  const shape = iconOnly ? "btn btn-icon" : "btn";
  const named = iconOnly ? { "aria-label": label, title: label } : {};
  return h(
    "button",
    { type: "button", class: `${shape} ${kind}`.trim(), on: { click: onClick }, ...named, ...props },
    name && icon(name),
    !iconOnly && h("span", null, label),
  );
}

/** Show that a button works, until the promise ends. @param {HTMLButtonElement} element @param {() => Promise<void>} work */
export async function busy(element, work) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    element.removeAttribute("aria-busy");
  }
}

/** An element that must be on the page. @param {string} selector @param {ParentNode} [root] @returns {HTMLElement} */
export function one(selector, root = document) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`The page has no ${selector}`);
  return found;
}
