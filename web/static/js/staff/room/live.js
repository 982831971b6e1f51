/** @file Between the socket and the room: events to the store, media messages to the viewers, pictures to the tiles. */

import { _ } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";
import { formatDuration } from "../../base/time.js";
import { toast } from "../../base/toast.js";
import { Pictures } from "./pictures.js";
import { pictured, watchedLive } from "./selectors.js";
import { TRACKS, Viewing } from "./viewing.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./state.js").Action} Action
 *
 * @typedef {object} Joined
 * @property {import("../../base/socket.js").LiveSocket} socket
 * @property {import("../store.js").Store<RoomState, Action>} store
 * @property {import("./wall.js").Wall} wall
 * @property {() => Promise<void>} reload
 */

/** Events of sittings the room does not know yet come in bursts: one reload serves all of them. */
const RELOAD_AFTER_MS = 300;

/** States in which a sitting that is not on the wall has no business there. */
const NOT_FOR_THE_WALL = new Set(["concluded", "processing", "in_review", "expired", "cancelled", "declined", "finished", "timed_out"]);

/** How often it is looked whether pictures fail to come. */
const LOOK_MS = 1_000;

/**
 * @param {Joined} joined
 * @returns {Viewing}
 */
export function connectRoom({ socket, store, wall, reload }) {
  const viewing = new Viewing({
    send: (message) => void socket.send(message),
    onStream: (id, track, stream) => wall.tiles.get(id)?.screenings[track].show(stream),
    onState: (id, track, state) => wall.tiles.get(id)?.screenings[track].viewState(state),
  });
  const pictures = new Pictures({
    send: (message) => void socket.send(message),
    onPicture: (picture) => wall.tiles.get(picture.sittingId)?.screenings[picture.track].picture(picture),
  });
  /** @type {number | undefined} */
  let reloading;
  /** Sittings that a reload is to bring, and those that it did not: a colleague's, of which only the stages are told. */
  const wanted = new Set();
  const others = new Set();
  const load = async () => {
    await reload();
    for (const id of wanted) if (!store.get().sittings.has(id)) others.add(id);
    wanted.clear();
  };
  const reloadSoon = () => {
    window.clearTimeout(reloading);
    reloading = window.setTimeout(() => void load(), RELOAD_AFTER_MS);
  };
  const me = pageData.user?.id;
  const isFree = (/** @type {any} */ { kind, payload }) => kind === "sitting.changed" && (payload.proctor_id === null || payload.proctor_id === me);
  const isTaken = (/** @type {any} */ event) => event.kind === "sitting.changed" && pageData.user?.role === "proctor" && !isFree(event);

  socket.on("state", (state) => {
    store.dispatch({ type: "connection", connection: state === "online" ? "open" : state === "connecting" ? "connecting" : "lost" });
    if (state === "online") return;
    viewing.lost();
    pictures.lost();
  });
  socket.on("welcome", () => {
    viewing.open();
    pictures.open(performance.now());
  });
  socket.on("picture", (frame) => pictures.receive(frame, performance.now()));
  socket.on("reset", reloadSoon);
  socket.on("event", (event) => {
    const known = store.get().sittings.has(event.sitting_id);
    if (event.kind === "disk.state") store.dispatch({ type: "disk", disk: event.payload });
    else if (event.kind === "assignments.changed") {
      others.clear();
      reloadSoon();
    } else if (event.kind.startsWith("recording.")) tellSupplied(store.get().sittings.get(event.sitting_id), event);
    else if (known) {
      store.dispatch({ type: "event", event });
      if (isTaken(event)) reloadSoon();
    } else if (event.sitting_id !== null && !NOT_FOR_THE_WALL.has(event.payload.state) && (!others.has(event.sitting_id) || isFree(event))) {
      others.delete(event.sitting_id);
      wanted.add(event.sitting_id);
      reloadSoon();
    }
  });
  for (const type of ["answer", "candidate", "view_ended", "error"]) socket.on(type, (message) => void viewing.handle(message));

  const look = (/** @type {RoomState} */ state) => {
    viewing.reconcile(watchedLive(state));
    pictures.reconcile(pictured(state).map((entry) => entry.id), performance.now());
  };
  store.subscribe(look);
  setInterval(() => store.dispatch({ type: "pictureless", ids: pictures.missing(performance.now()) }), LOOK_MS);
  addEventListener("pagehide", () => {
    viewing.reconcile([]);
    pictures.reconcile([], performance.now());
  });
  addEventListener("pageshow", (event) => event.persisted && look(store.get()));
  return viewing;
}

export { TRACKS };

/**
 * A gap was filled by what the candidate's browser recorded itself; the camera stands for both tracks.
 * @param {import("./entry.js").Entry | undefined} entry
 * @param {import("./entry.js").BusEvent} event
 */
function tellSupplied(entry, { kind, payload }) {
  if (!entry || kind !== "recording.supplied" || payload.track !== "camera") return;
  const length = formatDuration(payload.end_ms - payload.start_ms);
  toast(_("{name}: {length} of the camera were supplied by the candidate's browser.", { name: entry.candidate.name, length }));
}
