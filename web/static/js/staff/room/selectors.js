/**
 * @file What the views read from the room's state. Pure.
 *
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("../types.js").Observation} Observation
 */

/** Who waits for the proctor comes first; who has left comes last. */
const RANK = /** @type {Record<string, number>} */ ({
  waiting: 0,
  running: 1,
  paused: 1,
  interrupted: 1,
  check_in: 2,
  created: 3,
  scheduled: 3,
});
const OVER_RANK = 4;

/** A tile shows what happened within this time. */
const LAST_MINUTE_MS = 60_000;

/**
 * @param {RoomState} state
 * @returns {Entry[]} all sittings in the order of the wall
 */
export function ordered(state) {
  return [...state.sittings.values()].sort((a, b) => rank(a) - rank(b) || a.id - b.id);
}

/**
 * Who left before the exam had begun must not push running exams off the first page.
 * @param {Entry} entry
 */
const rank = (entry) => RANK[entry.state === "interrupted" && !entry.started_ms ? "check_in" : entry.state] ?? OVER_RANK;

/**
 * @param {RoomState} state
 * @returns {Entry[]} the sittings the search and the state filter leave
 */
export function shown(state) {
  const query = state.query.trim().toLocaleLowerCase();
  return ordered(state).filter(
    (entry) => (!state.only || entry.state === state.only) && (!query || text(entry).includes(query)),
  );
}

/** @param {Entry} entry */
const text = (entry) =>
  [entry.candidate.name, entry.candidate.external_id, entry.candidate.email, `#${entry.id}`, entry.exam.name]
    .join("\n")
    .toLocaleLowerCase();

/** @param {RoomState} state */
export const pageCount = (state) => Math.max(1, Math.ceil(shown(state).length / state.perPage));

/**
 * @param {RoomState} state
 * @returns {Entry[]} the tiles of this page
 */
export function onPage(state) {
  return shown(state).slice(state.page * state.perPage, (state.page + 1) * state.perPage);
}

/** With so few tiles on a page each is looked at closely. */
const LOOKED_AT = 4;

/** Small pictures come out of the analysis's tap, and analysed is what runs. */
const ANALYSED = new Set(["running", "paused", "interrupted"]);

/**
 * @param {RoomState} state
 * @returns {Entry[]} tiles of this page that show small pictures: nobody looks at them closely
 */
export function pictured(state) {
  const page = onPage(state);
  if (page.length <= LOOKED_AT) return [];
  const close = new Set([state.active, state.hovered, state.calling]);
  return page.filter((entry) => ANALYSED.has(entry.state) && !close.has(entry.id));
}

/**
 * @param {RoomState} state
 * @returns {Entry[]} tiles of this page that show live video: the active, hovered and called one, those with no pictures
 */
export function watchedLive(state) {
  const small = new Set(pictured(state));
  return onPage(state).filter((entry) => !small.has(entry) || state.pictureless.includes(entry.id));
}

/**
 * @param {RoomState} state
 * @returns {number | null} the sitting that is heard: who is spoken with, else the active one unless sound is off
 */
export const audible = ({ calling, active, sound }) => calling ?? (sound ? active : null);

/** @param {RoomState} state */
export const activeEntry = (state) => (state.active === null ? undefined : state.sittings.get(state.active));

/** @param {Entry} entry */
export const isOver = (entry) => rank(entry) === OVER_RANK;

/**
 * @param {RoomState} state
 * @returns {Map<string, number>} sittings by state
 */
export function countsByState(state) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const entry of state.sittings.values()) counts.set(entry.state, (counts.get(entry.state) ?? 0) + 1);
  return counts;
}

/** @param {Observation} seen */
const withinLastMinute = (seen, /** @type {number} */ nowMs) =>
  seen.decision !== "dismissed" && (seen.end_ms === null || seen.end_ms >= nowMs - LAST_MINUTE_MS);

/**
 * @param {Entry} entry
 * @param {number} nowMs
 * @returns {{type: string, count: number, running: boolean, technical: boolean}[]} worst first
 */
export function lastMinute(entry, nowMs) {
  /** @type {Map<string, {type: string, count: number, running: boolean, technical: boolean}>} */
  const byType = new Map();
  for (const seen of entry.observations) {
    if (!withinLastMinute(seen, nowMs)) continue;
    const sum = byType.get(seen.type) ?? { type: seen.type, count: 0, running: false, technical: seen.technical };
    sum.count += 1;
    sum.running ||= seen.end_ms === null;
    byType.set(seen.type, sum);
  }
  return [...byType.values()].sort((a, b) => Number(a.technical) - Number(b.technical) || b.count - a.count);
}

/**
 * @param {RoomState} state
 * @returns {{entry: Entry, observation: Observation}[]} newest first
 */
export function feedItems(state) {
  const { mine, technical, undecided } = state.feed;
  const items = [];
  for (const entry of state.sittings.values()) {
    if (mine && entry.proctor?.id !== state.me) continue;
    for (const observation of entry.observations) {
      if (!technical && observation.technical) continue;
      if (undecided && observation.decision !== "pending") continue;
      items.push({ entry, observation });
    }
  }
  items.sort((a, b) => b.observation.start_ms - a.observation.start_ms || b.observation.id - a.observation.id);
  return items.slice(0, FEED_LENGTH);
}

// More rows than anyone decides on live; the rest is in each sitting's review.
const FEED_LENGTH = 120;

/**
 * @param {RoomState} state
 * @param {number} nowMs
 * @returns {number} undecided observations of the last minute on tiles that are not on this page
 */
export function eventsElsewhere(state, nowMs) {
  const here = new Set(onPage(state).map((entry) => entry.id));
  let count = 0;
  for (const entry of state.sittings.values()) {
    if (here.has(entry.id)) continue;
    count += entry.observations.filter((seen) => seen.decision === "pending" && withinLastMinute(seen, nowMs)).length;
  }
  return count;
}
