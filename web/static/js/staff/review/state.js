/**
 * @file The review's state: the sitting's timeline as the server gave it, what was decided since, what the list shows.
 * Where the players are is not here: it changes sixty times a second and belongs to the transport.
 *
 * @typedef {import("../types.js").Timeline} Timeline
 * @typedef {import("../types.js").Observation} Observation
 * @typedef {import("../types.js").Incident} Incident
 * @typedef {"all" | "incidents" | "undecided"} Show
 *
 * @typedef {object} ReviewState
 * @property {"loading" | "ready" | "failed"} phase
 * @property {string} error
 * @property {Timeline | null} data
 * @property {Show} show
 * @property {boolean} technical
 *
 * @typedef {{type: "loaded", data: Timeline} | {type: "failed", error: string} | {type: "observation", observation: Observation}
 *   | {type: "incident", incident: Incident} | {type: "set", values: Partial<Pick<ReviewState, "show" | "technical">>}} Action
 *
 * @typedef {{key: string, startMs: number, endMs: number | null, type: string, observation: Observation | null, incident: Incident | null}} Finding
 */

import { upsert } from "../room/entry.js";

/** @type {ReviewState} */
export const INITIAL = { phase: "loading", error: "", data: null, show: "all", technical: true };

/**
 * @param {ReviewState} state
 * @param {Action} action
 * @returns {ReviewState}
 */
export function reduce(state, action) {
  const { data } = state;
  switch (action.type) {
    case "loaded":
      return { ...state, phase: "ready", error: "", data: action.data };
    case "failed":
      return { ...state, phase: data ? "ready" : "failed", error: action.error };
    case "observation":
      return data ? { ...state, data: { ...data, observations: upsert(data.observations, action.observation, Infinity) } } : state;
    case "incident":
      return data ? { ...state, data: { ...data, incidents: upsert(data.incidents, action.incident, Infinity) } } : state;
    case "set":
      return { ...state, ...action.values };
  }
}

/**
 * Observations with the incidents made of them, and incidents marked by hand, in the order of time.
 *
 * @param {Timeline} data
 * @returns {Finding[]}
 */
export function findings(data) {
  const standing = data.incidents.filter((incident) => !incident.withdrawn_ms);
  const made = new Map(standing.filter((it) => it.observation_id !== null).map((it) => [it.observation_id, it]));
  /** @type {Finding[]} */
  const seen = data.observations.map((observation) => ({
    key: `o${observation.id}`,
    startMs: observation.start_ms,
    endMs: observation.end_ms,
    type: observation.type,
    observation,
    incident: made.get(observation.id) ?? null,
  }));
  /** @type {Finding[]} */
  const marked = standing
    .filter((incident) => incident.observation_id === null)
    .map((incident) => ({ key: `i${incident.id}`, startMs: incident.start_ms, endMs: incident.end_ms, type: incident.type, observation: null, incident }));
  return [...seen, ...marked].sort((a, b) => a.startMs - b.startMs || a.key.localeCompare(b.key));
}

/**
 * @param {ReviewState} state
 * @returns {Finding[]} what the list shows
 */
export function shownFindings(state) {
  if (!state.data) return [];
  return findings(state.data).filter((finding) => {
    const { observation, incident } = finding;
    if (!state.technical && observation?.technical && !incident) return false;
    if (state.show === "incidents") return incident !== null || observation?.decision === "confirmed";
    if (state.show === "undecided") return observation?.decision === "pending";
    return true;
  });
}

/** Parts are not all in the vault yet: the page looks again by itself. @param {Timeline} data */
export const unfinished = (data) =>
  ["finished", "processing", "running", "paused"].includes(data.sitting.state) || data.parts.some((part) => part.state === "recording" || part.state === "stopped");

/** The candidate's browser is handing in: there will be more to see. One begun an hour ago was broken off. @param {Timeline} data */
export const awaited = (data) => data.hand_ins.some((one) => one.state === "complete" || (one.state === "receiving" && Date.now() - one.begun_ms < 3_600_000));
