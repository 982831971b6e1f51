/**
 * @file Parts and gaps of one track on the sitting's time. Pure: knows no video element.
 *
 * @typedef {import("../types.js").Part} Part
 * @typedef {import("../types.js").Gap} Gap
 * @typedef {import("../types.js").Track} Track
 *
 * @typedef {{part: Part, startMs: number, endMs: number}} Span
 */

/**
 * @param {Part[]} parts
 * @param {Track} track
 * @param {number} endMs end of the timeline, for a part that still records
 * @returns {Span[]} in order of time, without overlap
 */
export function spans(parts, track, endMs) {
  const own = parts.filter((part) => part.track === track).sort((a, b) => a.start_ms - b.start_ms || a.id - b.id);
  const list = own.map((part) => ({ part, startMs: part.start_ms, endMs: partEnd(part, endMs) }));
  return list.map((span, index) => {
    const next = list[index + 1];
    return next && next.startMs < span.endMs ? { ...span, endMs: next.startMs } : span;
  });
}

/**
 * @param {Part} part
 * @param {number} endMs
 */
function partEnd(part, endMs) {
  // The file's own length counts: the recorder may have been told to stop after the last frame came.
  if (part.duration_ms !== null) return part.start_ms + part.duration_ms;
  return part.end_ms ?? endMs;
}

/**
 * @param {Span[]} list
 * @param {number} atMs
 * @returns {Span | undefined}
 */
export const spanAt = (list, atMs) => list.find((span) => atMs >= span.startMs && atMs < span.endMs);

/**
 * @param {Span[]} list
 * @param {number} atMs
 * @returns {Span | undefined} the next span that begins after `atMs`
 */
const spanAfter = (list, atMs) => list.find((span) => span.startMs > atMs);

/**
 * @param {Gap[]} gaps
 * @param {Track} track
 * @param {number} atMs
 * @returns {Gap | undefined}
 */
export const gapAt = (gaps, track, atMs) =>
  gaps.find((gap) => gap.track === track && atMs >= gap.start_ms - 1000 && atMs < (gap.end_ms ?? Infinity) + 1000);

/**
 * @param {Span[][]} tracks
 * @param {number} atMs
 * @returns {number | null} where the next evidence of any track begins, if there is none at `atMs`
 */
export function skipTo(tracks, atMs) {
  if (tracks.some((list) => spanAt(list, atMs))) return null;
  const next = tracks.map((list) => spanAfter(list, atMs)?.startMs ?? Infinity);
  const nearest = Math.min(...next);
  return Number.isFinite(nearest) ? nearest : null;
}
