/** @file The proctor's room: joins the store, the socket, the watched tracks and the views. */

import { post } from "../base/api.js";
import { one } from "../base/dom.js";
import { pageData } from "../base/page_data.js";
import { LiveSocket } from "../base/socket.js";
import { clock } from "./clock.js";
import { DiskNotice } from "./disk_notice.js";
import { roomActions } from "./room/actions.js";
import { Announcer } from "./room/announcer.js";
import { Desk } from "./room/desk.js";
import { Feed } from "./room/feed.js";
import { listenToKeys } from "./room/keys.js";
import { connectRoom } from "./room/live.js";
import { keepPreferences, preferences } from "./room/preferences.js";
import { roomKeys } from "./room/navigation.js";
import { askBroadcast } from "./room/dialogs.js";
import { isOver, ordered } from "./room/selectors.js";
import { initialState, reduce } from "./room/state.js";
import { Panes } from "./room/panes.js";
import { Toolbar } from "./room/toolbar.js";
import { Wall } from "./room/wall.js";
import { createStore } from "./store.js";
import { StaffTalks } from "./talks.js";

// Ages of frames are told in tenths of a second; more often nobody could read them.
const TICK_MS = 250;

const store = createStore(initialState({ ...preferences(), me: pageData.user?.id ?? 0 }), reduce);
const actions = roomActions(store);
const socket = new LiveSocket({ getToken: () => post("/api/v1/live-token"), clock });

const enlarge = (/** @type {number} */ id) => {
  const { active, enlarged } = store.get();
  store.dispatch({ type: "activate", id });
  store.dispatch({ type: "enlarge", on: !(enlarged && active === id) });
};

// A pointer on its way across the wall opens no video, and one that leaves for a moment does not end it.
const HOVER_MS = { on: 300, off: 1_500 };
/** @type {number | undefined} */
let hovering;
const hover = (/** @type {number | null} */ id) => {
  window.clearTimeout(hovering);
  hovering = window.setTimeout(() => store.dispatch({ type: "hover", id }), id === null ? HOVER_MS.off : HOVER_MS.on);
};

const room = one("#room");
const wall = new Wall(one("#wall"), {
  ...actions,
  enlarge,
  hover,
  shown: (id, track) => viewing.shown(id, track),
  reload: () => void actions.load(),
  clearSearch: () => store.dispatch({ type: "set", values: { query: "", only: "" } }),
});
const talks = new StaffTalks(one("#talks"), socket, pageData.user?.id ?? 0);
/** Who can be spoken to: the sittings at hand that go on. */
const present = () => ordered(store.get()).filter((entry) => !isOver(entry) && entry.online);
const speech = {
  call: (/** @type {number} */ id) => talks.begin("call", { sittings: [id] }),
  broadcast: async () => {
    const people = present().filter((entry) => entry.proctor === null || entry.proctor?.id === store.get().me);
    const chosen = await askBroadcast(people);
    if (chosen) await talks.begin("broadcast", { sittings: chosen });
  },
  conference: () => talks.askConference(present().map((entry) => ({ id: entry.id, name: entry.candidate.name }))),
};
talks.watchers.add(() => {
  const conversation = talks.current?.talk.conversation;
  const called = conversation?.kind === "call" ? conversation.seats.find((seat) => seat.sitting_id !== null) : undefined;
  store.dispatch({ type: "call", id: called?.sitting_id ?? null });
});
const feed = new Feed(one("#feed"), { ...actions, filter: (filter) => store.dispatch({ type: "set", values: { feed: filter } }) });
const desk = new Desk(one("#desk"), { ...actions, call: speech.call });
const toolbar = new Toolbar(one("#tools"), one("#status"), store.dispatch, speech);
const panes = new Panes(one("#panes"), room);
const disk = new DiskNotice(one("#disk"), { forProctors: true });
const announcer = new Announcer(one("#announcer"));
const viewing = connectRoom({ socket, store, wall, reload: actions.load });

store.subscribe((state) => {
  room.dataset.phase = state.phase;
  room.dataset.connection = state.connection;
  wall.render(state);
  feed.render(state);
  desk.render(state);
  toolbar.render(state);
  panes.render(state);
  disk.show(state.disk);
  announcer.render(state);
  announcer.connection(state.connection);
});
// Reading is a consequence of being shown, so it follows the rendering instead of being part of it.
store.subscribe((state) => {
  const active = state.active === null ? undefined : state.sittings.get(state.active);
  if (active?.unread && !document.hidden) store.dispatch({ type: "read", id: active.id });
});
store.subscribe(keepPreferences);

listenToKeys(roomKeys({ store, actions, wall, desk, toolbar }));
document.addEventListener("pointerdown", () => wall.render(store.get()), { once: true });
setInterval(() => {
  const now = clock.now();
  wall.tick(now);
  feed.tick(now);
  desk.tick(now);
  toolbar.tick(now);
}, TICK_MS);

await actions.load();
socket.open();
