/** @file What the test of an identity provider found. */

import { h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { pageData } from "../../base/page_data.js";

/** @typedef {import("./types.js").TestResult} TestResult @typedef {import("./types.js").Person} Person */

/** @returns {Record<string, string>} */
const words = () => ({
  address: _("Address"),
  name: _("Name of the server"),
  connect: _("Connection"),
  tls: _("Encryption"),
  discovery: _("Discovery document"),
  keys: _("Keys for signatures"),
  pkce: _("Proof for codes (PKCE)"),
  client: _("Client ID and secret"),
  log_out: _("Logging out"),
  server: _("Server and service account"),
  bind: _("Service account"),
  base: _("Base DN"),
  search: _("Search"),
  answer: _("Answer"),
  person: _("Person"),
});

const marks = { passed: ["good", "circle-check"], warning: ["warn", "triangle-alert"], failed: ["bad", "circle-x"] };

/** @param {TestResult} result */
export function testResult({ steps, person }) {
  const known = words();
  const rows = steps.map(({ code, state, detail }) => {
    const [tone, mark] = marks[state];
    return h("li", { class: `tone-${tone}` }, icon(mark ?? "", "icon-tone"), h("span", null, h("b", null, known[code] ?? code), detail && ": ", detail));
  });
  return h("div", { class: "stack" }, h("ul", { class: "test-steps" }, rows), person && personFacts(person));
}

/** @param {Person} person */
function personFacts(person) {
  const roles = /** @type {{value: string, title: string}[]} */ (pageData.roles ?? []);
  const role = roles.find(({ value }) => value === person.role)?.title ?? _("none: would not be let in");
  /** @type {[string, any][]} */
  const facts = [
    [_("Name"), person.name],
    [_("E-mail"), person.email || "—"],
    [_("Role"), person.disabled ? _("disabled in the directory") : role],
    [_("Groups"), person.groups.length ? h("ul", { class: "provider-rules" }, person.groups.map((group) => h("li", null, h("code", null, group)))) : _("none")],
  ];
  return h("dl", { class: "facts" }, facts.flatMap(([title, value]) => [h("dt", null, title), h("dd", null, value)]));
}
