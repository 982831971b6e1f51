/**
 * @file One sitting as the room holds it, and how each event of the bus changes it. Pure: an entry is never altered,
 * a changed one is a new object, so that a view sees by identity whether it has anything to do.
 *
 * @typedef {import("../types.js").Summary} Summary
 * @typedef {import("../types.js").Observation} Observation
 * @typedef {import("../types.js").Incident} Incident
 * @typedef {import("../types.js").Message} Message
 * @typedef {import("../types.js").Photo} Photo
 * @typedef {import("../types.js").Track} Track
 * @typedef {import("../types.js").TrackState} TrackState
 *
 * @typedef {Summary & {
 *   rules: Record<string, boolean>, custom_rules: string, photos: Photo[], challenges: import("../challenges.js").Challenge[], unread: number,
 *   observations: Observation[], incidents: Incident[], messages: Message[],
 *   tracks: Record<Track, TrackState>, causes: Record<Track, string>,
 *   published: Record<Track, number>, cheater_suggested: boolean,
 * }} Entry
 *
 * @typedef {{kind: string, sitting_id: number | null, payload: Record<string, any>, at_ms: number}} BusEvent
 */

// Enough for what a proctor scrolls back; the rest is in the review. Bounds the page's memory over a long day.
const KEPT_OBSERVATIONS = 200;
const KEPT_MESSAGES = 200;

/**
 * @param {any} raw a room entry as `GET /api/v1/room` gives it
 * @returns {Entry}
 */
export function fromServer(raw) {
  return {
    ...raw,
    rules: raw.rules ?? {},
    custom_rules: raw.custom_rules ?? "",
    photos: raw.photos ?? [],
    challenges: raw.challenges ?? [],
    unread: raw.unread ?? 0,
    observations: raw.observations ?? [],
    incidents: raw.warnings ?? [],
    cheater_suggested: Boolean(raw.cheater_suggested),
    messages: raw.messages ?? [],
    tracks: { camera: "none", screen: "none", ...raw.tracks },
    causes: { camera: "", screen: "" },
    published: { camera: 0, screen: 0 },
  };
}

/**
 * Puts `item` in place of the one with its id, or at the end; keeps the newest `limit`.
 *
 * @template {{id: number}} T
 * @param {T[]} list
 * @param {T} item
 * @param {number} limit
 * @returns {T[]}
 */
export function upsert(list, item, limit) {
  const at = list.findIndex((other) => other.id === item.id);
  if (at >= 0) return list.map((other, index) => (index === at ? { ...other, ...item } : other));
  return [...list, item].slice(-limit);
}

/**
 * @param {Entry} entry
 * @param {BusEvent} event
 * @returns {Entry} the same object when nothing changed
 */
export function applyEvent(entry, event) {
  const change = CHANGES[event.kind];
  return change ? change(entry, event.payload) : entry;
}

/** @typedef {(entry: Entry, payload: Record<string, any>) => Entry} Change */

/** @type {Change} */
const observation = (entry, payload) => ({
  ...entry,
  observations: upsert(entry.observations, payload.observation, KEPT_OBSERVATIONS),
});

/** @type {Change} */
const incident = (entry, payload) => ({
  ...entry,
  incidents: upsert(entry.incidents, payload.incident, KEPT_OBSERVATIONS),
});

/** @type {Record<string, Change>} */
const CHANGES = {
  "sitting.changed": sittingChanged,
  "chat.message": chatMessage,
  "incident.warning": incident,
  "incident.added": incident,
  "incident.changed": incident,
  "photo.requested": (entry, payload) => photos(entry, payload.kind, { state: "retake_requested" }),
  "photo.submitted": photoSubmitted,
  "photo.checked": (entry, payload) =>
    photos(entry, payload.kind, {
      id: payload.photo_id,
      verdict: payload.verdict,
      hints: payload.hints ?? [],
      ...(payload.document && { document: payload.document }),
    }),
  "challenge.changed": (entry, payload) => ({ ...entry, challenges: [...entry.challenges.filter((one) => one.id !== payload.try.id), payload.try] }),
  "observation.opened": observation,
  "observation.updated": observation,
  "observation.closed": observation,
  "observation.decided": observation,
  "media.state": mediaState,
  "presence.changed": (entry, payload) => ({ ...entry, online: Boolean(payload.online) }),
};

/** @type {Change} */
function sittingChanged(entry, payload) {
  const changed = { ...entry };
  for (const field of CHANGING) {
    if (field in payload) Object.assign(changed, { [field]: payload[field] });
  }
  if ("proctor_id" in payload && payload.proctor_id !== (entry.proctor?.id ?? null)) {
    changed.proctor = payload.proctor_id === null ? null : { id: payload.proctor_id, name: payload.proctor ?? "" };
  }
  return changed;
}

const CHANGING = ["state", "step", "deadline_ms", "extra_ms", "started_ms", "finished_ms", "finished_by", "conclusion", "score"];

/** @type {Change} */
function chatMessage(entry, payload) {
  const message = /** @type {Message} */ (payload.message);
  if (entry.messages.some((known) => known.id === message.id)) return entry;
  return {
    ...entry,
    messages: [...entry.messages, message].slice(-KEPT_MESSAGES),
    unread: entry.unread + (message.author === "candidate" ? 1 : 0),
  };
}

/**
 * @param {Entry} entry
 * @param {string} kind
 * @param {Partial<Photo>} change
 * @returns {Entry}
 */
function photos(entry, kind, change) {
  return { ...entry, photos: entry.photos.map((photo) => (photo.kind === kind ? { ...photo, ...change } : photo)) };
}

/** @type {Change} */
function photoSubmitted(entry, payload) {
  /** @type {Photo} */
  const photo = { id: payload.photo_id, kind: payload.kind, state: "submitted", source: payload.source, verdict: null, hints: [] };
  return { ...entry, photos: [...entry.photos.filter((other) => other.kind !== photo.kind), photo] };
}

/** @type {Change} */
function mediaState(entry, payload) {
  const track = /** @type {Track} */ (payload.track);
  if (!(track in entry.tracks)) return entry;
  const tracks = { ...entry.tracks };
  const published = { ...entry.published };
  if (payload.state === "live") {
    tracks[track] = "live";
    published[track] += 1; // what was watched before is another endpoint now: view again
  } else if (payload.state === "lost") {
    tracks[track] = "lost";
  } else if (payload.state === "recording" && tracks[track] !== "live") {
    tracks[track] = "live";
  }
  return { ...entry, tracks, published, causes: { ...entry.causes, [track]: payload.cause ?? "" } };
}
