/** @file How each measure of the company stands now, and the profile whose limits count. */

import { get, post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { button, fill, h, icon, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, ngettext } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toast } from "../base/toast.js";

/**
 * @typedef {"met" | "not met" | "could not tell" | "depends on IT"} State
 * @typedef {{key: string, requirement: string, measure: string, setting: string, evidence: string, tests: string[], state: State}} Row
 * @typedef {{company: {name: string, slug: string}, profile: string, counts: Record<State, number>, measures: Row[]}} Report
 * @typedef {{kind: string, id: number, name: string, words: string}} Against
 * @typedef {{session_minutes: number, idle_minutes: number, lock_minutes: number, login_attempts: number, lockout_minutes: number}} Sessions
 * @typedef {{name: string, attention_monitoring: boolean, default_mode: string, contradictions: Against[]}} Choice
 * @typedef {{profile: string, sessions: Sessions, private_hosts: string[], profiles: Choice[]}} Profile
 */

const [profilePlace, reportPlace, papers] = [one("#profile"), one("#report"), one("#papers")];
const mayChange = pageData.permissions.includes("profile.edit");

/** @type {Record<State, [string, string, () => string]>} tone, symbol, words */
const STATES = {
  "met": ["good", "circle-check", () => _("met")],
  "not met": ["bad", "circle-x", () => _("not met")],
  "could not tell": ["warn", "triangle-alert", () => _("could not tell")],
  "depends on IT": ["info", "info", () => _("depends on your IT")],
};

/** @type {Record<string, () => string>} */
const PROFILES = {
  none: () => _("none: no law of its own, the general limits"),
  ru: () => _("ru: 152-FZ, 572-FZ, FSTEC's orders"),
  eu: () => _("eu: GDPR, AI Act"),
};

/** @param {State} state @param {string} [words] */
function badge(state, words) {
  const [tone, symbol, title] = STATES[state];
  return h("span", { class: `badge tone-${tone}` }, icon(symbol), words ?? title());
}

/** @param {Row} row */
function line(row) {
  const tests = row.tests.length
    ? h("details", null, h("summary", { class: "small muted" }, ngettext("{n} test", "{n} tests", row.tests.length)), row.tests.map((test) => h("p", { class: "small" }, h("code", null, test))))
    : null;
  return h(
    "li",
    { "data-measure": row.key },
    badge(row.state),
    h("div", null, h("h3", null, row.measure), h("p", null, row.setting), h("p", { class: "small muted" }, _("Evidence: {what}", { what: row.evidence })), tests),
  );
}

/** @param {Report} report */
function showReport(report) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map();
  for (const row of report.measures) groups.set(row.requirement, [...(groups.get(row.requirement) ?? []), row]);
  const states = /** @type {State[]} */ (Object.keys(STATES));
  fill(
    reportPlace,
    h("ul", { class: "compliance-counts", "aria-label": _("Summary") }, states.map((state) => h("li", null, badge(state, `${report.counts[state]} ${STATES[state][2]()}`)))),
    [...groups].map(([requirement, rows]) => h("section", { class: "card compliance-group" }, h("h2", null, requirement), h("ul", { class: "compliance-rows" }, rows.map(line)))),
  );
}

/** @param {Profile} told */
function showProfile(told) {
  const { sessions } = told;
  const fact = (/** @type {string} */ name, /** @type {string} */ value) => h("div", null, h("dt", null, name), h("dd", null, value));
  const minutes = (/** @type {number} */ n) => ngettext("{n} minute", "{n} minutes", n);
  fill(
    profilePlace,
    h(
      "div",
      { class: "compliance-head" },
      h("div", null, h("h2", { id: "profile-title" }, _("Profile of this organisation")), h("p", null, PROFILES[told.profile]?.() ?? told.profile)),
      mayChange ? button(_("Change…"), () => choose(told), { icon: "settings" }) : null,
    ),
    h(
      "dl",
      { class: "compliance-limits" },
      fact(_("A log-in ends after"), minutes(sessions.session_minutes)),
      fact(_("without a request after"), minutes(sessions.idle_minutes)),
      fact(_("and is locked, nobody there, after"), minutes(sessions.lock_minutes)),
      fact(_("Locked out"), _("{time} after {n} failed attempts", { time: minutes(sessions.lockout_minutes), n: sessions.login_attempts })),
      fact(_("Private hosts that may be asked"), told.private_hosts.join(", ") || _("none")),
    ),
  );
}

/** @param {Choice} choice @param {string} chosen */
function option(choice, chosen) {
  const box = h("input", { type: "radio", name: "profile", value: choice.name, checked: choice.name === chosen, disabled: choice.contradictions.length > 0 });
  const against = choice.contradictions.length
    ? h("div", { class: "small" }, _("Not possible while this is set:"), h("ul", { class: "compliance-against" }, choice.contradictions.map((it) => h("li", null, h("b", null, it.name), ": ", it.words))))
    : null;
  return h("div", null, h("label", { class: "choice" }, box, h("span", null, h("b", null, PROFILES[choice.name]?.() ?? choice.name))), against);
}

/** @param {Profile} told */
function choose(told) {
  const error = h("p", { class: "form-error", role: "alert" });
  const choices = h("fieldset", { class: "compliance-choices" }, h("legend", { class: "label" }, _("From now on under")), told.profiles.map((one) => option(one, told.profile)));
  const keep = async () => {
    const chosen = choices.querySelector("input:checked");
    if (!(chosen instanceof HTMLInputElement)) return;
    try {
      const { profile } = await post("/api/v1/profile", { profile: chosen.value });
      dialog.close();
      showProfile(profile);
      toast(_("The profile is changed. It is in the audit log."), "good");
      await loadReport();
    } catch (problem) {
      fill(error, wordError(problem));
    }
  };
  const dialog = openDialog({
    title: _("Change the profile"),
    icon: "settings",
    body: [h("p", null, _("A profile sets hard limits: what it forbids cannot be switched on by anybody. Nothing is changed by itself; what stands against it must be put in order first.")), choices, error],
    buttons: [
      button(_("Cancel"), () => dialog.close()),
      button(_("Change the profile"), () => void keep(), { kind: "btn-primary", icon: "check" }),
    ],
  });
}

/**
 * @param {HTMLElement} place
 * @param {() => Promise<void>} load
 */
async function guarded(place, load) {
  fill(place, h("div", { class: "skeleton table-skeleton", role: "status", "aria-label": _("Loading…") }));
  try {
    await load();
  } catch (problem) {
    const again = button(_("Try again"), () => void guarded(place, load), { icon: "refresh-cw" });
    fill(place, h("div", { class: "empty", role: "alert" }, icon("unlink"), h("strong", null, _("This could not be loaded")), h("p", null, wordError(problem)), again));
  }
}

const loadReport = () => guarded(reportPlace, async () => showReport((await get("/api/v1/compliance")).report));
const loadProfile = () => guarded(profilePlace, async () => showProfile((await get("/api/v1/profile")).profile));

fill(
  papers,
  h("a", { class: "btn", href: "/api/v1/compliance/settings", download: "" }, icon("download", "icon-sm"), _("Settings")),
  h("a", { class: "btn", href: "/api/v1/openapi.json", download: "kustos-openapi.json" }, icon("download", "icon-sm"), _("API description")),
);
await Promise.all([loadProfile(), loadReport()]);
