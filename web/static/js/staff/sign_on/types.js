/**
 * @file What the server tells of identity providers.
 *
 * @typedef {{group: string, role: string}} Rule
 * @typedef {{people: number, disabled: number, changed: number, problem: string}} Recheck
 * @typedef {object} Provider
 * @property {number} id
 * @property {"oidc" | "ldap"} kind
 * @property {string} name
 * @property {boolean} enabled
 * @property {Record<string, any>} settings
 * @property {boolean} has_secret
 * @property {Rule[]} role_rules
 * @property {boolean} makes_accounts
 * @property {boolean} links_by_email
 * @property {number} people
 * @property {number | null} rechecked_ms
 * @property {Partial<Recheck>} recheck
 * @property {string} redirect_uri
 * @property {string} logout_uri
 * @property {string} back_channel_uri
 *
 * @typedef {{providers: Provider[], local_passwords: "allowed" | "break_glass", login_url: string, loopback: boolean}} State
 * @typedef {{code: string, state: "passed" | "warning" | "failed", detail: string}} Step
 * @typedef {{dn: string, subject: string, name: string, email: string, disabled: boolean, groups: string[], role: string | null}} Person
 * @typedef {{steps: Step[], person: Person | null}} TestResult
 */

export {};
