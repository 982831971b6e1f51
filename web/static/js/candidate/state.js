/** @file What an event of the bus does to the state: pure, so that it can be reasoned about and tested. */

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").BusEvent} BusEvent */

/**
 * @template {{id: number}} T
 * @param {T[]} list
 * @param {T} item
 * @returns {T[]} the list with the item in place of the one with its id, or at the end
 */
function put(list, item) {
  return list.some((other) => other.id === item.id)
    ? list.map((other) => (other.id === item.id ? item : other))
    : [...list, item];
}

/** @type {Record<string, (state: State, payload: any, atMs: number) => State>} */
const REDUCERS = {
  "sitting.changed": (state, { reason, proctor_id: _proctor, ...changed }) => ({
    ...state,
    paused_for: pausedFor(state.paused_for, changed.state, reason),
    step: changed.step ?? state.step,
    sitting: { ...state.sitting, ...changed },
  }),
  "chat.message": (state, { message }) => ({
    ...state,
    // The server's copy takes the place of the one shown while it was on its way.
    messages: put(
      state.messages.filter((other) => !(other.pending && other.ref === message.ref)),
      message,
    ),
  }),
  "incident.warning": (state, { incident }) => ({ ...state, warnings: put(state.warnings, incident) }),
  "incident.changed": (state, { incident }) =>
    state.warnings.some((other) => other.id === incident.id)
      ? { ...state, warnings: put(state.warnings, incident) }
      : state,
  "photo.requested": (state, { kind }) => withPhoto(state, kind, { state: "retake_requested", hints: [] }),
  "photo.submitted": (state, { kind, photo_id }) =>
    withPhoto(state, kind, { id: photo_id, state: "submitted", verdict: null, hints: [] }),
  "photo.checked": (state, { kind, photo_id, verdict, hints }) => {
    const known = state.photos[/** @type {"face" | "document"} */ (kind)];
    // An answer about an older photo says nothing of the new one.
    if (known?.id !== undefined && known.id !== photo_id) return state;
    return withPhoto(state, kind, { ...known, id: photo_id, state: known?.state ?? "submitted", verdict, hints });
  },
  "challenge.changed": (state, { kind, challenge }) => ({
    ...state,
    challenges: { ...state.challenges, [kind]: challenge },
  }),
};

/**
 * What a pause is for: told when it begins; other news while it lasts change nothing, unless a proctor takes over.
 * @param {string | undefined} before @param {string} now @param {string} reason
 */
function pausedFor(before, now, reason) {
  if (now !== "paused" || reason === "claim") return "";
  return reason.startsWith("identity") ? reason : before;
}

/** @param {State} state @param {"face" | "document"} kind @param {import("./types.js").Photo} photo */
const withPhoto = (state, kind, photo) => ({ ...state, photos: { ...state.photos, [kind]: photo } });

/**
 * @param {State} state
 * @param {BusEvent} event
 * @returns {State} the same object when the event changes nothing here
 */
export function reduce(state, event) {
  return REDUCERS[event.kind]?.(state, event.payload, event.at_ms) ?? state;
}

const ENDED = new Set(["finished", "processing", "in_review", "concluded"]);
const REFUSED = new Set(["declined", "identity_refused", "timed_out", "expired", "cancelled"]);
const BEFORE = new Set(["created", "scheduled", "check_in"]);

/** @param {State} state */
export const isOver = (state) => ENDED.has(state.sitting.state) || REFUSED.has(state.sitting.state);

/** The exam has begun and has not ended. @param {State} state */
export const isUnderWay = (state) =>
  !isOver(state) && state.sitting.started_ms !== null && !BEFORE.has(state.sitting.state);

/** Camera, microphone and photos are looked at here and are not sent. @param {State} state */
export const staysHere = (state) => state.exam.biometrics === "on_device";

/** Time is running. @param {State} state */
export const isRunning = (state) => state.sitting.state === "running";

/** Warnings that count, oldest first. @param {State} state */
export const warningsOf = (state) =>
  state.warnings.filter((warning) => warning.sent_ms !== null && !warning.withdrawn_ms);

/** The proctor's incident message that blocks the content, until a normal one follows. @param {State} state */
export function blockingMessage(state) {
  const last = state.messages.filter((message) => message.author === "proctor").at(-1);
  return last?.kind === "incident" ? last : null;
}

/**
 * Which view shows this state.
 * @param {State} state
 * @param {boolean} joined camera and screen have been shared since the page was loaded
 */
export function viewOf(state, joined) {
  const { sitting, step } = state;
  if (ENDED.has(sitting.state)) return "finished";
  if (REFUSED.has(sitting.state)) return "ending";
  if (BEFORE.has(sitting.state) && step !== "waiting_room") return step;
  if (!joined) return "join";
  if (isUnderWay(state)) return "exam";
  return "waiting";
}
