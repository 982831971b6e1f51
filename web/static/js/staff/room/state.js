/**
 * @file The room's one state and its only way to change: `reduce(state, action)`. Pure, no page, no socket.
 *
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./entry.js").BusEvent} BusEvent
 * @typedef {import("../types.js").QuickMessage} QuickMessage
 *
 * @typedef {"loading" | "ready" | "failed"} Phase
 * @typedef {"connecting" | "open" | "lost"} Connection
 * @typedef {{mine: boolean, technical: boolean, undecided: boolean}} FeedFilter
 *
 * @typedef {object} RoomState
 * @property {Phase} phase
 * @property {string} error
 * @property {Connection} connection
 * @property {Map<number, Entry>} sittings
 * @property {number | null} active id of the sitting whose sound plays and whose panel is open
 * @property {number | null} calling id of the sitting the proctor speaks with: its sound plays, whatever `sound` says
 * @property {number | null} hovered id of the sitting the pointer rests on: its tile shows live video
 * @property {number[]} pictureless sittings whose small pictures do not come: their tiles show live video
 * @property {boolean} enlarged the active tile is shown large
 * @property {number} page
 * @property {number} perPage
 * @property {"side" | "inset"} layout camera and screen side by side, or the screen set into the camera
 * @property {boolean} sound
 * @property {string} query
 * @property {string} only state shown alone, "" for all
 * @property {FeedFilter} feed
 * @property {string[]} warningTypes
 * @property {QuickMessage[]} quickMessages
 * @property {import("../disk_notice.js").Disk} disk the disk guard's newest forecast
 * @property {number} me id of the user who looks
 *
 * @typedef {{type: "loaded", sittings: any[], warningTypes: string[], quickMessages: QuickMessage[], disk?: import("../disk_notice.js").Disk}
 *   | {type: "disk", disk: import("../disk_notice.js").Disk}
 *   | {type: "failed", error: string}
 *   | {type: "connection", connection: Connection}
 *   | {type: "event", event: BusEvent}
 *   | {type: "summary", sitting: import("../types.js").Summary}
 *   | {type: "observation", observation: import("../types.js").Observation}
 *   | {type: "activate", id: number | null}
 *   | {type: "call", id: number | null}
 *   | {type: "hover", id: number | null}
 *   | {type: "pictureless", ids: number[]}
 *   | {type: "enlarge", on: boolean}
 *   | {type: "page", page: number}
 *   | {type: "read", id: number}
 *   | {type: "forget", id: number}
 *   | {type: "set", values: Partial<Pick<RoomState, "perPage" | "layout" | "sound" | "query" | "only" | "feed">>}
 * } Action
 */

import { applyEvent, fromServer, upsert } from "./entry.js";
import { ordered, pageCount, shown } from "./selectors.js";

/**
 * @param {Partial<RoomState>} [preferences]
 * @returns {RoomState}
 */
export function initialState(preferences = {}) {
  return {
    phase: "loading",
    error: "",
    connection: "connecting",
    sittings: new Map(),
    active: null,
    calling: null,
    hovered: null,
    pictureless: [],
    enlarged: false,
    page: 0,
    perPage: 8,
    layout: "side",
    sound: true,
    query: "",
    only: "",
    feed: { mine: false, technical: true, undecided: false },
    warningTypes: [],
    quickMessages: [],
    disk: null,
    me: 0,
    ...preferences,
  };
}

/**
 * @param {RoomState} state
 * @param {Action} action
 * @returns {RoomState}
 */
export function reduce(state, action) {
  return settle(step(state, action));
}

/**
 * @param {RoomState} state
 * @param {Action} action
 * @returns {RoomState}
 */
function step(state, action) {
  switch (action.type) {
    case "loaded":
      return loaded(state, action);
    case "failed":
      return { ...state, phase: state.phase === "ready" ? "ready" : "failed", error: action.error };
    case "connection":
      return { ...state, connection: action.connection };
    case "disk":
      return { ...state, disk: action.disk };
    case "event":
      return event(state, action.event);
    case "observation":
      return change(state, action.observation.sitting_id, (entry) => ({
        ...entry,
        observations: upsert(entry.observations, action.observation, 200),
      }));
    case "summary":
      return change(state, action.sitting.id, (entry) => ({ ...entry, ...action.sitting }));
    case "activate":
      return activate(state, action.id);
    case "call":
      return call(state, action.id);
    case "hover":
      return state.hovered === action.id ? state : { ...state, hovered: action.id };
    case "pictureless":
      return state.pictureless.join() === action.ids.join() ? state : { ...state, pictureless: action.ids };
    case "enlarge":
      return { ...state, enlarged: action.on && state.active !== null };
    case "page":
      return { ...state, page: action.page };
    case "read":
      return change(state, action.id, (entry) => (entry.unread ? { ...entry, unread: 0 } : entry));
    case "forget":
      return forget(state, action.id);
    case "set":
      return { ...state, ...action.values };
  }
}

/**
 * @param {RoomState} state
 * @param {Extract<Action, {type: "loaded"}>} action
 * @returns {RoomState}
 */
function loaded(state, action) {
  const sittings = new Map(
    action.sittings.map((raw) => {
      const known = state.sittings.get(raw.id);
      const entry = fromServer(raw);
      return [raw.id, known ? { ...entry, published: known.published, causes: known.causes } : entry];
    }),
  );
  const { warningTypes, quickMessages, disk = null } = action;
  return { ...state, phase: "ready", error: "", sittings, warningTypes, quickMessages, disk };
}

/**
 * @param {RoomState} state
 * @param {number} id
 * @param {(entry: Entry) => Entry} how
 * @returns {RoomState}
 */
function change(state, id, how) {
  const entry = state.sittings.get(id);
  if (!entry) return state;
  const changed = how(entry);
  return changed === entry ? state : { ...state, sittings: new Map(state.sittings).set(id, changed) };
}

/**
 * @param {RoomState} state
 * @param {BusEvent} busEvent
 * @returns {RoomState}
 */
function event(state, busEvent) {
  const id = busEvent.sitting_id;
  return id === null ? state : change(state, id, (entry) => applyEvent(entry, busEvent));
}

/**
 * @param {RoomState} state
 * @param {number | null} id
 * @returns {RoomState}
 */
function activate(state, id) {
  if (id === null || !state.sittings.has(id)) return { ...state, active: null, enlarged: false };
  const at = shown(state).findIndex((entry) => entry.id === id);
  return { ...state, active: id, page: at < 0 ? state.page : Math.floor(at / state.perPage) };
}

/**
 * Who is called is looked at, so that the answer is heard; after the call the sound is as it was.
 *
 * @param {RoomState} state
 * @param {number | null} id
 * @returns {RoomState}
 */
function call(state, id) {
  if (id === state.calling) return state;
  const calling = { ...state, calling: id };
  return id !== null && state.sittings.has(id) ? activate(calling, id) : calling;
}

/**
 * @param {RoomState} state
 * @param {number} id
 * @returns {RoomState}
 */
function forget(state, id) {
  const sittings = new Map(state.sittings);
  sittings.delete(id);
  return { ...state, sittings, active: state.active === id ? null : state.active };
}

/**
 * Keeps page and active tile within what there is.
 *
 * @param {RoomState} state
 * @returns {RoomState}
 */
function settle(state) {
  const page = Math.max(0, Math.min(state.page, pageCount(state) - 1));
  let active = state.active !== null && state.sittings.has(state.active) ? state.active : null;
  if (active === null && state.phase === "ready") active = ordered(state)[0]?.id ?? null;
  const enlarged = state.enlarged && active !== null;
  if (page === state.page && active === state.active && enlarged === state.enlarged) return state;
  return { ...state, page, active, enlarged };
}
