/** @file Where one is logged in, and how to end it. */

import { post } from "../../base/api.js";
import { h, icon } from "../../base/dom.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { actButton, badge, card } from "./card.js";

/** @type {Record<string, () => string>} */
const PROOFS = {
  totp: () => _("authenticator"),
  security_key: () => _("security key"),
  recovery_code: () => _("recovery code"),
  single_sign_on: () => _("single sign-on"),
  link: () => _("one-time link"),
};

/** @param {import("./types.js").Account} account @param {import("./types.js").Change} change */
export function sessionsCard({ sessions }, change) {
  const others = actButton(_("End all others"), async () => change(await post("/api/v1/me/sessions/end-others")), { icon: "log-out" });
  return card(
    { id: "sessions", mark: "monitor", title: _("Where you are logged in"), lead: _("End what you do not know; its pages close at once."), actions: [sessions.length > 1 && others] },
    h("ul", { class: "account-list" }, sessions.map((session) => row(session, change))),
  );
}

/** @param {import("./types.js").Session} session @param {import("./types.js").Change} change */
function row(session, change) {
  const end = actButton(_("End this log-in"), async () => change(await post(`/api/v1/me/sessions/${session.id}/end`)), { kind: "btn-sm btn-quiet", icon: "log-out" });
  const proof = PROOFS[session.proved_by]?.() ?? session.proved_by;
  return h(
    "li",
    null,
    icon("monitor"),
    h("div", null, h("strong", null, browserName(session.browser)), h("span", null, session.address || "—", " · ", _("since {when}", { when: formatDateTime(session.begun_ms) }), " · ", _("last seen {when}", { when: formatDateTime(session.seen_ms) }), " · ", proof)),
    session.current ? badge("good", "check", _("This one")) : end,
  );
}

/** A browser's own long name, short. @param {string} agent */
export function browserName(agent) {
  const found = [["Edg/", "Edge"], ["OPR/", "Opera"], ["YaBrowser/", "Yandex"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => mark && agent.includes(mark));
  const system = [["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS", "macOS"], ["Linux", "Linux"]].find(([mark]) => mark && agent.includes(mark));
  return [found?.[1] ?? _("Another browser"), system?.[1]].filter(Boolean).join(", ");
}
