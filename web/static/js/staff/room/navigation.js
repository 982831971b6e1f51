/** @file What the room's keys do, in terms of its state. */

import { activeEntry, onPage, shown } from "./selectors.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./state.js").Action} Action
 *
 * @typedef {object} Parts
 * @property {import("../store.js").Store<RoomState, Action>} store
 * @property {import("./actions.js").RoomActions} actions
 * @property {import("./wall.js").Wall} wall
 * @property {import("./desk.js").Desk} desk
 * @property {import("./toolbar.js").Toolbar} toolbar
 */

/**
 * @param {Parts} parts
 * @returns {import("./keys.js").KeyActions}
 */
export function roomKeys({ store, actions, wall, desk, toolbar }) {
  /**
   * @param {string[]} states
   * @param {(id: number) => unknown} act
   */
  const when = (states, act) => () => {
    const entry = activeEntry(store.get());
    if (entry && states.includes(entry.state)) void act(entry.id);
  };
  const pauseOrResume = (/** @type {number} */ id) =>
    store.get().sittings.get(id)?.state === "paused" ? actions.resume(id) : actions.pause(id);
  return {
    move: (dx, dy) => move(store, wall, dx, dy),
    page: (by) => toolbar.turn(by),
    enlarge: () => store.dispatch({ type: "enlarge", on: !store.get().enlarged }),
    back: () => back(store, wall),
    start: when(["waiting"], actions.start),
    refuse: when(["waiting", "check_in"], actions.refuse),
    warn: when(["running", "paused"], actions.warn),
    pause: when(["running", "paused"], pauseOrResume),
    finish: when(["running", "paused", "interrupted"], actions.finish),
    chat: () => desk.chat.input.focus(),
    search: () => toolbar.search.select(),
    sound: () => toolbar.toggleSound(),
    layout: () => toolbar.toggleLayout(),
  };
}

/**
 * @param {Parts["store"]} store
 * @param {Parts["wall"]} wall
 * @param {number} dx
 * @param {number} dy
 */
function move(store, wall, dx, dy) {
  const state = store.get();
  const all = shown(state);
  if (!all.length) return;
  const at = all.findIndex((entry) => entry.id === state.active);
  const first = onPage(state)[0];
  const next = at < 0 ? first : all[at + dx + dy * wall.columns];
  if (!next) return;
  store.dispatch({ type: "activate", id: next.id });
  queueMicrotask(() => wall.focusActive());
}

/**
 * Undoes one thing at a time: typing, the enlarged tile, the search.
 *
 * @param {Parts["store"]} store
 * @param {Parts["wall"]} wall
 */
function back(store, wall) {
  const state = store.get();
  if (document.activeElement instanceof HTMLElement && document.activeElement.matches("input, textarea")) {
    document.activeElement.blur();
    wall.focusActive();
    if (state.query && document.activeElement?.matches("input[type=search]")) return;
  }
  if (state.query || state.only) store.dispatch({ type: "set", values: { query: "", only: "" } });
  else if (state.enlarged) store.dispatch({ type: "enlarge", on: false });
}
