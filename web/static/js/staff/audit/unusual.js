/** @file Unusual access: findings of the rules, each with its reason and a way to its entries. */

import { get } from "../../base/api.js";
import { fill, h, icon, one, setText } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime, ngettext } from "../../base/i18n.js";

/** @type {Record<string, {icon: string, title: () => string, why: (it: any) => string}>} */
const RULES = {
  bulk_views: {
    icon: "users",
    title: () => _("Many candidates looked at in a short time"),
    why: (it) => _("{count} different sittings within {hours} h; the rule asks from {threshold} on. A review of one exam can look like this, a collection of faces as well.", it),
  },
  bulk_exports: {
    icon: "download",
    title: () => _("Many exports"),
    why: (it) => _("{count} exports within {hours} h; the rule asks from {threshold} on. What is exported leaves the appliance's protection.", it),
  },
  night: {
    icon: "moon",
    title: () => _("Recordings looked at by night"),
    why: (it) => _("{count} sittings looked at between {begins}:00 and {ends}:00 by the server's clock, when nobody is expected to review.", it),
  },
  never_assigned: {
    icon: "user-x",
    title: () => _("Looked at without an assignment"),
    why: (it) => _("{count} sittings that this person neither watched over nor is assigned to. An administrator may look; the reason should be known.", it),
  },
  refused: {
    icon: "lock",
    title: () => _("Many refused attempts"),
    why: (it) => _("{count} refused log-ins or requests within {hours} h from one address; the rule asks from {threshold} on. Somebody forgot a password, or tries doors.", it),
  },
  searches: {
    icon: "search",
    title: () => _("Many searches"),
    why: (it) => _("{count} searches within {hours} h; the rule asks from {threshold} on.", it),
  },
};

const DAY_MS = 86_400_000;

/**
 * @param {any} finding
 * @param {{begins: number, ends: number}} night
 * @param {(query: Record<string, string>) => void} onEntries
 */
function card(finding, night, onEntries) {
  const rule = RULES[finding.rule] ?? { icon: "shield-alert", title: () => finding.rule, why: () => "" };
  const { actor } = finding;
  const who = actor.name || finding.addresses[0] || actor.kind;
  const query = { ...(actor.id ? { who: `${actor.kind}:${actor.id}` } : { address: finding.addresses[0] ?? "" }), from_ms: String(finding.from_ms - 60_000), to_ms: String(finding.to_ms + 60_000) };
  const numbers = finding.entries.map((/** @type {number} */ id) => `#${id}`).join(", ");
  const more = finding.more ? ` ${ngettext("and {n} more", "and {n} more", finding.more)}` : "";
  const open = h("button", { type: "button", class: "btn btn-sm", on: { click: () => onEntries(query) } }, icon("scroll-text"), h("span", null, _("Show the entries")));
  return h(
    "section",
    { class: "card finding-card" },
    h("h3", null, icon(rule.icon), rule.title(), h("span", { class: "badge tone-warn" }, who)),
    h("p", null, rule.why({ ...finding, ...night })),
    h("dl", { class: "facts facts-dense" }, h("dt", null, _("When")), h("dd", null, `${formatDateTime(finding.from_ms)} – ${formatDateTime(finding.to_ms)}`), finding.addresses.length > 0 && [h("dt", null, _("From")), h("dd", { class: "mono" }, finding.addresses.join(", "))], finding.sittings.length > 0 && [h("dt", null, _("Sittings")), h("dd", null, finding.sittings.map((/** @type {number} */ id) => `#${id}`).join(", "))], h("dt", null, _("Entries")), h("dd", { class: "mono" }, numbers + more)),
    h("div", null, open),
  );
}

/**
 * @param {HTMLElement} place
 * @param {number} days
 * @param {(query: Record<string, string>) => void} onEntries
 */
export async function showUnusual(place, days, onEntries) {
  fill(place, h("div", { class: "card empty" }, h("span", { class: "spinner" }), h("strong", null, _("Looking through the log…"))));
  const to = Date.now() + 60_000;
  try {
    const { findings, night } = await get(`/api/v1/audit/unusual?${new URLSearchParams({ from_ms: String(to - days * DAY_MS), to_ms: String(to) })}`);
    setText(one("#unusual-count"), String(findings.length || ""));
    const none = h("div", { class: "card empty" }, icon("shield-check"), h("strong", null, _("Nothing unusual")), h("p", null, _("No rule found anything in this time.")));
    fill(place, findings.length ? findings.map((/** @type {any} */ finding) => card(finding, night, onEntries)) : none);
  } catch (error) {
    fill(place, h("div", { class: "card empty", role: "alert" }, icon("unlink"), h("strong", null, _("The findings could not be loaded")), h("p", null, wordError(error))));
  }
}
