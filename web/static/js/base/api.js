/** @file The REST API: JSON in and out, CSRF header, errors as ApiError. */

import { ApiError } from "./errors.js";
import { pageData } from "./page_data.js";

const TIMEOUT_MS = 20_000;
/** What asks who is there is not asked who is there. */
const ASKS_ITSELF = /^\/api\/v1\/me\/(proof|unlock|lock|active)/;

/** Keep the CSRF token up to date when an answer brings another. @param {string} token */
export function useCsrf(token) {
  if (token) pageData.csrf = token;
}

/**
 * Ask; where the server first wants to know who is there, ask the person and send the request again.
 * @param {string} path
 * @param {RequestInit & {timeout?: number}} [options]
 * @returns {Promise<any>}
 */
async function request(path, options = {}) {
  try {
    return await send(path, options);
  } catch (error) {
    if (!(error instanceof ApiError) || !(await isAnswered(error, path))) throw error;
    return send(path, options);
  }
}

/**
 * Whether the person has shown what the server wants to see, so that asking again makes sense.
 * @param {ApiError} error
 * @param {string} path
 */
async function isAnswered({ code }, path) {
  if (ASKS_ITSELF.test(path)) return false;
  if (code === "proof_wanted") return (await import("./proof.js")).prove();
  if (code === "session_locked") return (await import("./idle.js")).showLock().then(() => true);
  if (code === "enrolment_wanted" && location.pathname !== "/account") location.assign("/account");
  return false;
}

/**
 * @param {string} path
 * @param {RequestInit & {timeout?: number}} [options]
 * @returns {Promise<any>}
 */
async function send(path, { timeout = TIMEOUT_MS, ...options } = {}) {
  let response;
  try {
    response = await fetch(path, {
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(timeout),
      ...options,
    });
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(0, late ? "timeout" : "offline", String(error));
  }
  const body = await response.json().catch(() => null);
  if (response.ok) return body ?? {};
  const error = body?.error;
  // A proxy in between answers in its own words: never show those.
  if (!error?.code)
    throw new ApiError(response.status, response.status === 413 ? "too_large" : "internal", response.statusText);
  throw new ApiError(response.status, error.code, error.message, error.details);
}

/** @param {string} path */
export const get = (path) => request(path, { headers: { Accept: "application/json" } });

/** @param {string} path @param {unknown} [body] */
export const post = (path, body = {}) =>
  request(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": pageData.csrf },
    body: JSON.stringify(body),
  });

/** @param {string} path */
export const del = (path) => request(path, { method: "DELETE", headers: { Accept: "application/json", "X-CSRF-Token": pageData.csrf } });

/** Send a file as it is. @param {string} path @param {Blob} blob */
export const postBlob = (path, blob) =>
  request(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": blob.type, "X-CSRF-Token": pageData.csrf },
    body: blob,
    timeout: 60_000,
  });

/** Send a piece of a file. @param {string} path @param {Blob} blob @param {Record<string, string>} headers */
export const putBlob = (path, blob, headers) =>
  request(path, {
    method: "PUT",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/octet-stream",
      "X-CSRF-Token": pageData.csrf,
      ...headers,
    },
    body: blob,
    timeout: 60_000,
  });
