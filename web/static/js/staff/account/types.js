/**
 * @file The account as GET /api/v1/me tells it.
 *
 * @typedef {{id: number, name: string, created_ms: number, used_ms: number | null}} Key
 * @typedef {{id: number, current: boolean, address: string, browser: string, begun_ms: number, seen_ms: number, proved_by: string, locked: boolean}} Session
 *
 * @typedef {object} Account
 * @property {string} name
 * @property {string} email
 * @property {string} language
 * @property {string[]} wants
 * @property {{set: boolean, changed_ms: number | null, expires_ms: number | null, rules: import("../password_fields.js").Rules}} password
 * @property {boolean} authenticator
 * @property {Key[]} keys
 * @property {number} most_keys
 * @property {number} recovery_codes_left
 * @property {Session[]} sessions
 * @property {string[]} [codes] new recovery codes, told once
 *
 * @typedef {(account: Account) => void} Change
 */

export {};
