/** @file What the proctor does, as calls of the REST API; the answers go to the store, errors to the corner in words. */

import { get, post } from "../../base/api.js";
import { wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { toast, toastError } from "../../base/toast.js";
import { askFinish, askRefusal, askWarning } from "./dialogs.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./state.js").Action} Action
 * @typedef {ReturnType<typeof roomActions>} RoomActions
 */

/** @param {import("../store.js").Store<RoomState, Action>} store */
export function roomActions(store) {
  const { dispatch } = store;
  const entry = (/** @type {number} */ id) => store.get().sittings.get(id);

  /**
   * @param {() => Promise<any>} call
   * @returns {Promise<any>} the answer, or null after the error was shown
   */
  const attempt = async (call) => {
    try {
      return await call();
    } catch (error) {
      toastError(error);
      return null;
    }
  };

  /**
   * @param {number} id
   * @param {string} verb
   * @param {Record<string, unknown>} [body]
   * @returns {Promise<void>}
   */
  const step = async (id, verb, body = {}) => {
    const answer = await attempt(() => post(`/api/v1/sittings/${id}/${verb}`, body));
    if (answer?.sitting) dispatch({ type: "summary", sitting: answer.sitting });
  };

  /** An event of our own making, ahead of the bus; the bus's copy changes nothing more. */
  const happened = (/** @type {number} */ id, /** @type {string} */ kind, /** @type {Record<string, any>} */ payload) =>
    dispatch({ type: "event", event: { kind, sitting_id: id, payload, at_ms: Date.now() } });

  return {
    async load() {
      try {
        const { sittings, warning_types: warningTypes, quick_messages: quick, disk } = await get("/api/v1/room");
        dispatch({ type: "loaded", sittings, warningTypes: codes(warningTypes), quickMessages: quickMessages(quick), disk });
      } catch (error) {
        dispatch({ type: "failed", error: wordError(error) });
      }
    },

    activate: (/** @type {number} */ id) => dispatch({ type: "activate", id }),
    start: (/** @type {number} */ id) => step(id, "start"),
    pause: (/** @type {number} */ id) => step(id, "pause"),
    resume: (/** @type {number} */ id) => step(id, "resume"),
    claim: (/** @type {number} */ id) => step(id, "claim"),

    async refuse(/** @type {number} */ id) {
      const sitting = entry(id);
      const answer = sitting && (await askRefusal(sitting));
      if (answer) await step(id, "refuse-identity", answer);
    },

    async finish(/** @type {number} */ id) {
      const sitting = entry(id);
      const answer = sitting && (await askFinish(sitting));
      if (answer) await step(id, "finish", answer.conclusion ? answer : { comment: answer.comment });
    },

    async warn(/** @type {number} */ id) {
      const sitting = entry(id);
      const wanted = sitting && (await askWarning(sitting, store.get().warningTypes));
      if (!wanted) return;
      const answer = await attempt(() => post(`/api/v1/sittings/${id}/warnings`, wanted));
      if (!answer) return;
      happened(id, "incident.warning", { incident: answer.incident });
      toast(_("The warning was sent to {name}.", { name: sitting.candidate.name }), "good");
    },

    async requestPhoto(/** @type {number} */ id, /** @type {string} */ kind) {
      const answer = await attempt(() => post(`/api/v1/sittings/${id}/photos/${kind}/request`));
      if (answer) happened(id, "photo.requested", { kind });
    },

    async decide(/** @type {number} */ observationId, /** @type {"confirm" | "dismiss" | "send"} */ verb) {
      const answer = await attempt(() => post(`/api/v1/observations/${observationId}/${verb}`));
      if (answer?.observation) dispatch({ type: "observation", observation: answer.observation });
    },

    /**
     * @param {number} id
     * @param {string} text
     * @param {"message" | "incident"} kind
     * @param {string} ref
     * @returns {Promise<boolean>}
     */
    async say(id, text, kind, ref) {
      const answer = await attempt(() => post(`/api/v1/sittings/${id}/messages`, { text, kind, ref }));
      if (!answer) return false;
      happened(id, "chat.message", { message: answer.message });
      return true;
    },
  };
}

/** @param {(string | {value: string})[]} list */
const codes = (list) => list.map((item) => (typeof item === "string" ? item : item.value));

/**
 * @param {any} quick a list of {code, text}, or an object of texts by code
 * @returns {import("../types.js").QuickMessage[]}
 */
function quickMessages(quick) {
  if (Array.isArray(quick)) return quick;
  return Object.entries(quick ?? {}).map(([code, text]) => ({ code, text: String(text) }));
}
