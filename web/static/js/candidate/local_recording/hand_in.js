/** @file Sends what the server misses, in chunks that may break off and be sent again; each says its own hash. */

import { get, post, putBlob } from "../../base/api.js";
import { ApiError } from "../../base/errors.js";
import { backOff, sleep } from "../../base/time.js";

/** @typedef {import("./plan.js").Claim} Claim */
/** @typedef {{id: number, state: string, chunks: number, received: number[], reason: string}} HandIn */

/** A chunk that arrives damaged so often will not arrive. */
const DAMAGED_AT_MOST = 3;
/** Waits for the line and for the server, about a quarter of an hour; then the next visit tries again. */
const TRIES = 60;

/** @param {ArrayBuffer} data @returns {Promise<ArrayBuffer>} */
const sha256 = (data) => crypto.subtle.digest("SHA-256", data);

/** @param {ArrayBuffer} digest */
const hex = (digest) => [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {ArrayBuffer} digest */
const base64 = (digest) => btoa(String.fromCharCode(...new Uint8Array(digest)));

/**
 * Hand one claim in.
 * @param {Claim} claim
 * @param {Blob} whole the segments one behind the other
 * @param {number} chunkBytes
 * @param {(sent: number) => void} onProgress bytes that are there
 * @param {() => boolean} goOn asked before every try
 * @returns {Promise<HandIn>} complete, or refused with a reason
 * @throws {ApiError} what trying again does not help against
 */
export async function handIn(claim, whole, chunkBytes, onProgress, goOn) {
  const digest = hex(await sha256(await whole.arrayBuffer()));
  const insist = (/** @type {() => Promise<any>} */ work) => insistently(work, goOn);
  /** @type {HandIn} */
  const row = (await insist(() => post("/api/v1/sitting/hand-ins", bodyOf(claim, whole, digest)))).hand_in;
  if (row.state !== "receiving") return row;
  const there = new Set(row.received);
  const sizeOf = (/** @type {number} */ n) => Math.min(chunkBytes, whole.size - n * chunkBytes);
  const tell = () => onProgress([...there].reduce((sum, n) => sum + sizeOf(n), 0));
  tell();
  for (let n = 0; n < row.chunks; n += 1) {
    if (there.has(n)) continue;
    const began = performance.now();
    await insist(() => sendChunk(row.id, n, whole.slice(n * chunkBytes, (n + 1) * chunkBytes)));
    there.add(n);
    tell();
    // Half of the time only: the live picture has the right of way.
    await sleep(performance.now() - began);
  }
  return (await insist(() => post(`/api/v1/sitting/hand-ins/${row.id}/complete`))).hand_in;
}

/** @param {Claim} claim @param {Blob} whole @param {string} digest */
function bodyOf(claim, whole, digest) {
  const segments = claim.segments.map(({ start_ms, end_ms, size }) => ({ start_ms, end_ms, size }));
  const { track, start_ms, end_ms } = claim;
  return { track, start_ms, end_ms, size: whole.size, sha256: digest, mime: whole.type, segments };
}

/** @param {number} id @param {number} n @param {Blob} piece */
async function sendChunk(id, n, piece) {
  const data = await piece.arrayBuffer();
  const headers = { "Content-Digest": `sha-256=:${base64(await sha256(data))}:` };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await putBlob(`/api/v1/sitting/hand-ins/${id}/chunks/${n}`, new Blob([data]), headers);
    } catch (error) {
      const damaged = error instanceof ApiError && error.details.reason === "hash";
      if (!damaged || attempt >= DAMAGED_AT_MOST) throw error;
    }
  }
}

/** @template T @param {() => Promise<T>} work @param {() => boolean} goOn @returns {Promise<T>} */
async function insistently(work, goOn) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.passing || !goOn() || attempt >= TRIES) throw error;
      await sleep(backOff(attempt));
    }
  }
}

/**
 * What the server misses of this sitting.
 * @returns {Promise<{accepts: boolean, chunk_bytes: number, hand_in_bytes: number, gaps: import("./plan.js").Gap[], hand_ins: import("./plan.js").HandIn[]}>}
 */
export const askGaps = () => get("/api/v1/sitting/gaps");
