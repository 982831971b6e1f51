/** @file How the log stands: its length, what vouches for it, whether its copies arrive, and its proof. */

import { get, post } from "../../base/api.js";
import { fill, h, icon, one } from "../../base/dom.js";
import { ApiError, wordError } from "../../base/errors.js";
import { _, formatDateTime, ngettext } from "../../base/i18n.js";

// A checkpoint comes each minute while something happens.
const LATE_MS = 5 * 60_000;
const LOOK_AGAIN_MS = 2000;

/**
 * @param {string} symbol
 * @param {string} title
 * @param {string | number} figure
 * @param {string} text
 * @param {string} [tone]
 */
const tile = (symbol, title, figure, text, tone = "") =>
  h("div", { class: `card audit-tile ${tone}`.trim() }, h("span", { class: "audit-tile-title" }, icon(symbol, "icon-sm"), title), h("span", { class: "audit-tile-figure" }, figure), h("span", { class: "muted" }, text));

/** @param {any} state */
function checkpointTile({ checkpoint }) {
  if (!checkpoint) return tile("key", _("Last checkpoint"), _("none yet"), _("Signed by a worker, each minute in which something happens."), "tone-warn");
  const late = checkpoint.after > 0 && Date.now() - checkpoint.at_ms > LATE_MS;
  const after = ngettext("covers {covered} entries, {n} lies after it", "covers {covered} entries, {n} lie after it", checkpoint.after, { covered: checkpoint.entries });
  return tile("key", _("Last checkpoint"), formatDateTime(checkpoint.at_ms), late ? `${_("None comes: look at the worker.")} ${after}` : after, late ? "tone-bad" : "");
}

/** @param {any} state */
function copiesTile({ copies }) {
  if (!copies) return tile("server", _("Copies to a SIEM"), _("off"), _("Set siem_url to send each entry to a collector."));
  if (copies.failing_ms) return tile("server", _("Copies to a SIEM"), _("not taken"), `${formatDateTime(copies.failing_ms)}: ${copies.problem}`, "tone-bad");
  return tile("server", _("Copies to a SIEM"), ngettext("{n} entry to go", "{n} entries to go", copies.behind), copies.sent_ms ? formatDateTime(copies.sent_ms) : "");
}

/** @param {any} state */
function lengthTile(state) {
  const rotated = state.segments ? ngettext("{n} sealed segment", "{n} sealed segments", state.segments) : _("all in the database");
  return tile("scroll-text", _("Entries"), state.entries.toLocaleString(document.documentElement.lang), rotated);
}

/** @param {any} state */
function proofTile({ verification }) {
  if (!verification) return tile("shield-check", _("Last full walk"), _("never"), _("A log of up to 50 000 entries is walked while you wait."));
  if (verification.ended_ms === null) return tile("shield-check", _("Last full walk"), _("under way…"), formatDateTime(verification.begun_ms));
  if (!verification.whole) return tile("shield-alert", _("Last full walk"), _("broken"), verification.problem ?? "", "tone-bad");
  return tile("shield-check", _("Last full walk"), _("whole"), formatDateTime(verification.ended_ms));
}

/** @returns {Promise<any>} */
export async function showState() {
  const place = one("#state");
  try {
    const state = await get("/api/v1/audit/state");
    fill(place, lengthTile(state), checkpointTile(state), copiesTile(state), proofTile(state));
    return state;
  } catch (error) {
    fill(place, h("div", { class: "card audit-tile tone-bad" }, h("span", { class: "audit-tile-title" }, icon("circle-alert", "icon-sm"), _("The state could not be loaded")), h("span", { class: "muted" }, wordError(error))));
    return null;
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/**
 * @param {"good" | "bad" | "warn" | "none"} tone
 * @param {string} symbol
 * @param {string} title
 * @param {string} text
 */
function tell(tone, symbol, title, text) {
  const place = one("#chain");
  place.hidden = false;
  place.className = `notice tone-${tone} chain`;
  fill(place, symbol ? icon(symbol) : h("span", { class: "spinner" }), h("div", { class: "grow" }, h("strong", null, title), h("span", { class: "small mono" }, text)));
}

/** @param {any} found */
function tellWhole(found) {
  const covered = found.covered_at ? _("A signed checkpoint covers {covered} of them. Head {hash}", { covered: found.covered, hash: found.head_hash }) : _("No signed checkpoint covers them yet. Head {hash}", { hash: found.head_hash });
  const title = ngettext("The log is whole: {n} entry verified", "The log is whole: {n} entries verified", found.entries);
  if (found.notes?.length) tell("warn", "triangle-alert", title, found.notes.join(" "));
  else tell("good", "shield-check", title, covered);
}

export async function verify() {
  tell("none", "", _("Verifying the log…"), "");
  try {
    const found = await post("/api/v1/audit/verify");
    if (found.whole) tellWhole(found);
    else await awaitWalk();
  } catch (error) {
    if (error instanceof ApiError && error.code === "audit_broken") tell("bad", "shield-alert", _("The log is broken"), error.message);
    else tell("warn", "triangle-alert", _("The log could not be verified"), wordError(error));
  }
  await showState();
}

/** A long log is walked by a worker. */
async function awaitWalk() {
  tell("none", "", _("The log is long: a worker walks it. You may leave this page."), "");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const { verification } = await get("/api/v1/audit/state");
    if (!verification || verification.ended_ms === null) continue;
    if (verification.whole) tellWhole(verification);
    else tell("bad", "shield-alert", _("The log is broken"), verification.problem ?? "");
    return;
  }
}
