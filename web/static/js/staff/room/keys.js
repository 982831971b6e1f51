/** @file The room by keyboard. Letters go by their place on the keyboard, so that they work in every layout. */

import { h } from "../../base/dom.js";
import { openDialog } from "../../base/dialog.js";
import { _ } from "../../base/i18n.js";

/**
 * @typedef {object} KeyActions
 * @property {(dx: number, dy: number) => void} move
 * @property {(by: 1 | -1) => void} page
 * @property {() => void} enlarge
 * @property {() => void} back
 * @property {() => void} start
 * @property {() => void} refuse
 * @property {() => void} warn
 * @property {() => void} pause
 * @property {() => void} finish
 * @property {() => void} chat
 * @property {() => void} search
 * @property {() => void} sound
 * @property {() => void} layout
 */

const STORED = "kustos-room-keys";

/** Single letters can be turned off for those whom they disturb (speech input, tremor). */
let lettersOn = read() !== "off";

function read() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** @param {KeyActions} actions */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") actions.back();
      return;
    }
    if (byName(event, actions) || (lettersOn && byPlace(event, actions))) event.preventDefault();
  });
}

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof Element && Boolean(target.closest("input, textarea, select, [contenteditable]"));

/** Keys that a focused control needs itself. @param {EventTarget | null} target */
const isControl = (target) => target instanceof Element && Boolean(target.closest("button, a, summary, [role=radiogroup]"));

/**
 * @param {KeyboardEvent} event
 * @param {KeyActions} actions
 * @returns {boolean} whether the key was one of ours
 */
function byName(event, actions) {
  switch (event.key) {
    case "ArrowLeft":
      return act(() => actions.move(-1, 0));
    case "ArrowRight":
      return act(() => actions.move(1, 0));
    case "ArrowUp":
      return !inList(event.target) && act(() => actions.move(0, -1));
    case "ArrowDown":
      return !inList(event.target) && act(() => actions.move(0, 1));
    case "PageUp":
      return !inList(event.target) && act(() => actions.page(-1));
    case "PageDown":
      return !inList(event.target) && act(() => actions.page(1));
    case "Enter":
      return !isControl(event.target) && act(actions.enlarge);
    case "Escape":
      return act(actions.back);
    default:
      return false;
  }
}

/** Lists that scroll keep their arrows. @param {EventTarget | null} target */
const inList = (target) => target instanceof Element && Boolean(target.closest(".chat-log, .feed-list"));

/** @param {() => void} work */
function act(work) {
  work();
  return true;
}

/**
 * @param {KeyboardEvent} event
 * @param {KeyActions} actions
 */
function byPlace(event, actions) {
  /** @type {Record<string, () => void>} */
  const places = {
    KeyS: actions.start,
    KeyX: actions.refuse,
    KeyW: actions.warn,
    KeyP: actions.pause,
    KeyF: actions.finish,
    KeyC: actions.chat,
    KeyM: actions.sound,
    KeyL: actions.layout,
    Slash: event.shiftKey ? showHelp : actions.search,
  };
  const named = event.key === "?" ? showHelp : event.key === "/" ? actions.search : places[event.code];
  return named ? act(named) : false;
}

export function showHelp() {
  /** @type {[string[], string][]} */
  const keys = [
    [["←", "→", "↑", "↓"], _("Go from tile to tile")],
    [["Enter"], _("Enlarge the active tile, or back to the wall")],
    [["Esc"], _("Back")],
    [["Page Up", "Page Down"], _("Page of the wall")],
    [["S"], _("Start the exam of the active sitting")],
    [["X"], _("Drop the sitting before its start")],
    [["W"], _("Warn")],
    [["P"], _("Pause or resume")],
    [["F"], _("Finish")],
    [["C"], _("Write in the chat")],
    [["M"], _("Sound on or off")],
    [["L"], _("Side by side or picture in picture")],
    [["/"], _("Search")],
    [["?"], _("This help")],
  ];
  const toggle = h("input", { type: "checkbox", checked: lettersOn });
  toggle.addEventListener("change", () => {
    lettersOn = toggle.checked;
    try {
      localStorage.setItem(STORED, lettersOn ? "on" : "off");
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  });
  openDialog({
    title: _("Keyboard"),
    icon: "layout-grid",
    body: [
      h("dl", { class: "keys" }, keys.map(([names, text]) => [h("dt", null, names.map((name) => h("kbd", null, name))), h("dd", null, text)]).flat()),
      h("label", { class: "choice choice-sm" }, toggle, h("span", null, _("Single letters act as shortcuts"))),
    ],
  });
}
