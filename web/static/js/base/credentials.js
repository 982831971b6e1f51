/**
 * @file Security keys (W3C Web Authentication): the server's JSON to what the browser wants, and its answer back.
 * By hand rather than by PublicKeyCredential.toJSON, which browsers have only since 2024.
 */

import { _ } from "./i18n.js";

/** @param {string} text base64url @returns {ArrayBuffer} */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0)).buffer;
}

/** @param {ArrayBuffer | null} buffer */
function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer ?? new ArrayBuffer(0)));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {{id: string}[]} list */
const descriptors = (list = []) => list.map((entry) => ({ ...entry, id: bytes(entry.id) }));

/**
 * What the server is told of either act.
 * @param {PublicKeyCredential} key
 * @param {Record<string, unknown>} own what this act alone has
 */
const answer = (key, own) => ({
  id: key.id,
  rawId: text(key.rawId),
  type: key.type,
  response: { clientDataJSON: text(key.response.clientDataJSON), ...own },
});

/** Whether this browser, at this address, can ask keys at all. */
export const hasKeys = () => typeof PublicKeyCredential === "function" && isSecureContext;

/**
 * Let a new key make a credential.
 * @param {any} options of the server
 * @returns {Promise<Record<string, unknown>>}
 */
export async function createKey(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  const key = /** @type {PublicKeyCredential} */ (made);
  const response = /** @type {AuthenticatorAttestationResponse} */ (key.response);
  return answer(key, {
    attestationObject: text(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

/**
 * Let a known key sign the server's challenge.
 * @param {any} options of the server
 * @returns {Promise<Record<string, unknown>>}
 */
export async function askKey(options) {
  const given = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
  });
  const key = /** @type {PublicKeyCredential} */ (given);
  const response = /** @type {AuthenticatorAssertionResponse} */ (key.response);
  return answer(key, {
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
    userHandle: response.userHandle ? text(response.userHandle) : null,
  });
}

/** Why a key gave nothing, in words; null for an error that is no key's. @param {unknown} error */
export function wordKeyError(error) {
  if (!(error instanceof DOMException)) return null;
  if (error.name === "InvalidStateError") return _("This security key is registered already.");
  if (error.name === "SecurityError") return _("Security keys do not work at this address.");
  return _("No security key answered. Try again, or use a code.");
}
