/** @file Movements and points of the check-in, as proctors and reviewers see them: what was found, why not, two pictures. */

import { fill, h, icon } from "../base/dom.js";
import { _, ngettext } from "../base/i18n.js";
import { wallTime } from "./wall_time.js";
import { challengeReason, challengeWord, movementWord } from "./words.js";

/**
 * @typedef {object} Challenge
 * @property {number} id
 * @property {"liveness" | "gaze_calibration"} kind
 * @property {string} state
 * @property {number} begun_ms
 * @property {string[]} reasons
 * @property {{movement: string, done: boolean, size: number}[]} steps
 * @property {number | null} distance
 * @property {{living: number | null, pictures: number, model: string} | null} [hint] of a customer's own file
 * @property {number | null} error
 * @property {number} pictures
 */

/** @param {Challenge["kind"]} kind */
const kindTitle = (kind) => (kind === "liveness" ? _("Liveness") : _("Gaze calibration"));

/** Fill an element with the tries, the newest of each kind first; hidden when there are none. @param {HTMLElement} element @param {Challenge[]} challenges */
export function showChallenges(element, challenges) {
  const key = JSON.stringify(challenges);
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.hidden = challenges.length === 0;
  const shown = /** @type {const} */ (["liveness", "gaze_calibration"]).flatMap((kind) => {
    const tries = challenges.filter((one) => one.kind === kind).reverse();
    return tries.map((one, index) => line(one, index === 0, tries.length));
  });
  fill(element, h("ul", { class: "challenges stack stack-tight" }, shown));
}

/** @param {Challenge} challenge @param {boolean} newest @param {number} tries */
function line(challenge, newest, tries) {
  const word = challengeWord(challenge.state);
  const title = newest && tries > 1 ? `${kindTitle(challenge.kind)} (${ngettext("{n} try", "{n} tries", tries)})` : kindTitle(challenge.kind);
  return h(
    "li",
    { class: "stack stack-tight" },
    h("div", { class: "row" }, h("span", { class: newest ? "" : "muted" }, newest ? title : wallTime(challenge.begun_ms)), h("span", { class: `badge tone-${word.tone}` }, icon(word.icon), word.title)),
    facts(challenge),
    pictures(challenge),
  );
}

/** @param {Challenge} challenge */
function facts(challenge) {
  const missed = challenge.steps.filter((step) => !step.done).map((step) => movementWord(step.movement));
  const hint = challenge.hint?.living;
  const words = [
    ...challenge.reasons.map(challengeReason),
    missed.length ? _("not seen: {movements}", { movements: missed.join(", ") }) : "",
    challenge.error !== null && challenge.error !== undefined ? _("places a point to within {share} % of the screen", { share: Math.round(challenge.error * 100) }) : "",
    typeof hint === "number" ? _("hint of your own file: living {share} %", { share: Math.round(hint * 100) }) : "",
  ].filter(Boolean);
  return words.length ? h("p", { class: "small muted" }, words.join("; ")) : null;
}

/** @param {Challenge} challenge */
function pictures(challenge) {
  if (!challenge.pictures) return null;
  const images = Array.from({ length: challenge.pictures }, (_none, number) => h("img", { src: `/api/v1/challenges/${challenge.id}/pictures/${number}`, alt: _("Picture {n} of the try", { n: number + 1 }), loading: "lazy", decoding: "async", class: "challenge-picture" }));
  return h("details", null, h("summary", { class: "small" }, _("Pictures")), h("div", { class: "row" }, images));
}
