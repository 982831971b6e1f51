/** @file The fields of an identity provider, as tables: name, words, kind, and what a new one begins with. */

import { _ } from "../../base/i18n.js";

/**
 * @typedef {object} Field
 * @property {string} name of the setting
 * @property {string} title
 * @property {string} [hint]
 * @property {"text" | "lines" | "words" | "pem" | "flag" | "choice" | "number"} kind
 * @property {string} [example]
 * @property {[string, string][]} [options]
 * @property {boolean} [more] below "more settings"
 */

/** @returns {Field[]} */
export const oidcFields = () => [
  { name: "issuer", title: _("Issuer"), kind: "text", example: "https://login.example.org/realms/exams", hint: _("The address by which the provider names itself; below it is /.well-known/openid-configuration.") },
  { name: "client_id", title: _("Client ID"), kind: "text", example: "kustos" },
  { name: "groups_claim", title: _("Claim with the groups"), kind: "text", hint: _("Dots lead into objects: realm_access.roles") },
  { name: "scopes", title: _("Scopes"), kind: "words", hint: _("Separated by spaces.") },
  { name: "second_factor_values", title: _("Values of acr or amr that mean: a second factor was shown"), kind: "words", hint: _("Separated by spaces. Who comes without one of them shows a second factor to Kustos.") },
  { name: "acr_values", title: _("acr values to ask for"), kind: "words", more: true },
  { name: "name_claim", title: _("Claim with the name"), kind: "text", more: true },
  { name: "email_claim", title: _("Claim with the e-mail"), kind: "text", more: true },
  { name: "trust_email", title: _("The provider's e-mail addresses are its own; people cannot change them"), kind: "flag", more: true },
  { name: "logs_out", title: _("Logging out of Kustos logs out at the provider too"), kind: "flag", more: true },
  { name: "ca_certificate", title: _("Certificate of your own authority (PEM)"), kind: "pem", more: true, hint: _("Empty: the authorities of this system.") },
];

/** @returns {Field[]} */
export const ldapFields = () => [
  { name: "servers", title: _("Servers"), kind: "lines", example: "ldaps://dc1.example.org", hint: _("One a line, asked in this order. ldap:// goes on with StartTLS; without encryption nothing is sent.") },
  { name: "bind_dn", title: _("Service account"), kind: "text", example: "cn=kustos,ou=services,dc=example,dc=org", hint: _("It searches for who logs in; it needs to read, nothing else.") },
  { name: "base_dn", title: _("Where people are (base DN)"), kind: "text", example: "dc=example,dc=org" },
  { name: "user_filter", title: _("Filter for the user name"), kind: "text", hint: _("{username} is what is typed, escaped.") },
  {
    name: "group_lookup",
    title: _("Groups of a person"),
    kind: "choice",
    options: [
      ["member_of", _("Attribute memberOf of the person")],
      ["search", _("Search for groups that name the person")],
      ["nested", _("Active Directory, with groups within groups")],
    ],
  },
  { name: "ca_certificate", title: _("Certificate of your own authority (PEM)"), kind: "pem", hint: _("Empty: the authorities of this system.") },
  { name: "group_base_dn", title: _("Where groups are (base DN)"), kind: "text", more: true, hint: _("Empty: where people are.") },
  { name: "group_filter", title: _("Filter for groups"), kind: "text", more: true, hint: _("{dn} is the person, escaped.") },
  { name: "subject_attribute", title: _("Attribute that never changes"), kind: "text", more: true, hint: _("entryUUID; in Active Directory objectGUID") },
  { name: "name_attribute", title: _("Attribute with the name"), kind: "text", more: true },
  { name: "email_attribute", title: _("Attribute with the e-mail"), kind: "text", more: true },
  { name: "timeout_seconds", title: _("Seconds to wait for a server"), kind: "number", more: true },
];

/** What a new provider begins with. @type {Record<string, {kind: "oidc" | "ldap", settings: Record<string, any>}>} */
export const beginnings = {
  oidc: {
    kind: "oidc",
    settings: { issuer: "", client_id: "", groups_claim: "groups", scopes: ["openid", "profile", "email", "groups"], second_factor_values: ["mfa"], acr_values: [], name_claim: "name", email_claim: "email", trust_email: false, logs_out: true, ca_certificate: "" },
  },
  ldap: {
    kind: "ldap",
    settings: { servers: [], bind_dn: "", base_dn: "", user_filter: "(&(objectClass=person)(uid={username}))", group_lookup: "member_of", ca_certificate: "", group_base_dn: "", group_filter: "(&(objectClass=groupOfNames)(member={dn}))", subject_attribute: "entryUUID", name_attribute: "cn", email_attribute: "mail", timeout_seconds: 5 },
  },
  active_directory: {
    kind: "ldap",
    settings: { servers: [], bind_dn: "", base_dn: "", user_filter: "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))", group_lookup: "nested", ca_certificate: "", group_base_dn: "", group_filter: "(&(objectClass=group)(member={dn}))", subject_attribute: "objectGUID", name_attribute: "displayName", email_attribute: "mail", timeout_seconds: 5 },
  },
};
