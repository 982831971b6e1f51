/** @file What a reviewer does, as calls of the REST API. */

import { get, post } from "../../base/api.js";
import { wordError } from "../../base/errors.js";
import { _ } from "../../base/i18n.js";
import { toast, toastError } from "../../base/toast.js";
import { askIncident } from "./incident_dialog.js";

/**
 * @typedef {import("./state.js").ReviewState} ReviewState
 * @typedef {import("./state.js").Action} Action
 * @typedef {ReturnType<typeof reviewActions>} ReviewActions
 */

/**
 * @param {import("../store.js").Store<ReviewState, Action>} store
 * @param {number} id of the sitting
 * @param {{value: string, title: string}[]} types what may be marked by hand
 */
export function reviewActions(store, id, types) {
  const { dispatch } = store;
  const attempt = async (/** @type {() => Promise<any>} */ call) => {
    try {
      return await call();
    } catch (error) {
      toastError(error);
      return null;
    }
  };

  const actions = {
    async load() {
      try {
        dispatch({ type: "loaded", data: await get(`/api/v1/sittings/${id}/timeline`) });
      } catch (error) {
        dispatch({ type: "failed", error: wordError(error) });
      }
    },

    async decide(/** @type {number} */ observationId, /** @type {"confirm" | "dismiss"} */ verb) {
      const answer = await attempt(() => post(`/api/v1/observations/${observationId}/${verb}`));
      if (!answer) return;
      dispatch({ type: "observation", observation: answer.observation });
      await actions.load(); // the score and the incident made of it follow on the server
    },

    async mark(/** @type {number} */ atMs) {
      const wanted = await askIncident(atMs, types);
      const answer = wanted && (await attempt(() => post(`/api/v1/sittings/${id}/incidents`, wanted)));
      if (!answer) return;
      dispatch({ type: "incident", incident: answer.incident });
      toast(_("The incident was added."), "good");
      await actions.load();
    },

    async withdraw(/** @type {number} */ incidentId) {
      const answer = await attempt(() => post(`/api/v1/incidents/${incidentId}/withdraw`));
      if (!answer) return;
      dispatch({ type: "incident", incident: answer.incident });
      await actions.load();
    },

    async conclude(/** @type {string} */ conclusion, /** @type {string} */ comment) {
      const answer = await attempt(() => post(`/api/v1/sittings/${id}/conclusion`, { conclusion, comment }));
      if (!answer) return false;
      toast(_("The conclusion was saved."), "good");
      await actions.load();
      return true;
    },

    async rescore() {
      if (await attempt(() => post(`/api/v1/sittings/${id}/rescore`))) await actions.load();
    },
  };
  return actions;
}
