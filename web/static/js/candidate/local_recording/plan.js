/** @file What of the own recording is kept, and what of it is handed in for which gap. Pure: no recorder, no store. */

/** @typedef {import("../types.js").TrackName} TrackName */
/**
 * @typedef {object} Segment one run of a recorder: a file of its own
 * @property {string} id
 * @property {number} sitting
 * @property {TrackName} track
 * @property {string} mime
 * @property {number} start_ms server's time
 * @property {number} until_ms when its last chunk came
 * @property {number | null} end_ms null while it is recorded
 * @property {number} size bytes
 */
/** @typedef {{track: TrackName, start_ms: number, end_ms: number | null}} Gap as the server tells it */
/** @typedef {{track: TrackName, start_ms: number, end_ms: number, state: string}} HandIn as the server tells it */
/** @typedef {{track: TrackName, start_ms: number, end_ms: number}} Span */
/** @typedef {Span & {segments: Segment[]}} Claim */

/** A recorder is restarted so often: a file can be used only from its own beginning. */
export const SEGMENT_MS = 10_000;
/** Kept while all is well: a loss is noticed up to 22 s after it began. */
const RING_MS = 30_000;
/** Kept of one loss, and of all losses of a sitting. */
export const KEEP_MS = 10 * 60_000;
export const KEEP_BYTES = 300 * 1024 * 1024;
/** How much of what the browser has left may be used. */
const SHARE_OF_FREE = 0.5;
/** A shorter span is how exactly recorders begin and end. */
const SHORTEST_MS = 250;
/** As many as the server takes in one go. */
const SEGMENTS_AT_ONCE = 100;

/**
 * @param {Segment[]} segments
 * @param {number} nowMs
 * @returns {Segment[]} what may go while all is well
 */
export const outOfRing = (segments, nowMs) =>
  segments.filter((segment) => segment.end_ms !== null && segment.end_ms < nowMs - RING_MS);

/**
 * Whether one more piece may be kept. What was kept first stays: it is nearest to what the server has.
 * @param {{bytes: number, free: number | null, sinceMs: number, nowMs: number}} now bytes kept; free: what the browser
 *   still offers, null if it does not tell; sinceMs: when the loss was noticed
 * @returns {boolean}
 */
export function mayKeep({ bytes, free, sinceMs, nowMs }) {
  if (nowMs - sinceMs > KEEP_MS) return false;
  return bytes < KEEP_BYTES && (free === null || bytes < (bytes + free) * SHARE_OF_FREE);
}

/**
 * The spans that nothing shows and nobody has handed in yet.
 * @param {Gap[]} gaps
 * @param {HandIn[]} handIns
 * @returns {Span[]}
 */
export function missing(gaps, handIns) {
  const there = handIns.filter((one) => one.state !== "receiving");
  return gaps.flatMap((gap) => {
    if (gap.end_ms === null) return [];
    /** @type {Span[]} */
    let left = [{ track: gap.track, start_ms: gap.start_ms, end_ms: gap.end_ms }];
    for (const one of there) if (one.track === gap.track) left = left.flatMap((span) => without(span, one));
    return left.filter(isLong);
  });
}

/** @param {Span} span @param {{start_ms: number, end_ms: number}} cut @returns {Span[]} */
function without(span, cut) {
  if (cut.end_ms <= span.start_ms || cut.start_ms >= span.end_ms) return [span];
  return [
    { ...span, end_ms: Math.min(span.end_ms, cut.start_ms) },
    { ...span, start_ms: Math.max(span.start_ms, cut.end_ms) },
  ].filter((rest) => rest.start_ms < rest.end_ms);
}

/** @param {{start_ms: number, end_ms: number}} span */
const isLong = (span) => span.end_ms - span.start_ms >= SHORTEST_MS;

/**
 * Whether a segment shows something of a span. @param {Segment} segment @param {Span} span @returns {boolean}
 */
export const overlaps = (segment, span) =>
  segment.track === span.track && segment.start_ms < span.end_ms && (segment.end_ms ?? Infinity) > span.start_ms;

/**
 * What to hand in: for each span the segments that show it, no more bytes at once than the server takes.
 * @param {Span[]} spans
 * @param {Segment[]} segments complete ones
 * @param {number} maxBytes
 * @returns {Claim[]}
 */
export function plan(spans, segments, maxBytes) {
  const usable = segments
    .filter((segment) => segment.end_ms !== null && segment.size > 0 && segment.size <= maxBytes)
    .sort((a, b) => a.start_ms - b.start_ms);
  return spans.flatMap((span) => {
    /** @type {Segment[][]} */
    const groups = [];
    for (const segment of usable.filter((one) => overlaps(one, span))) {
      const group = groups.at(-1);
      if (group && fits(group, segment, maxBytes)) group.push(segment);
      else groups.push([segment]);
    }
    return groups.map((group, index) => claim(span, group, groups[index + 1])).filter(isLong);
  });
}

/** @param {Segment[]} group @param {Segment} segment @param {number} maxBytes */
const fits = (group, segment, maxBytes) =>
  group.length < SEGMENTS_AT_ONCE &&
  group[0]?.mime === segment.mime &&
  sizeOf(group) + segment.size <= maxBytes;

/** @param {Segment[]} segments */
export const sizeOf = (segments) => segments.reduce((sum, segment) => sum + segment.size, 0);

/** @param {Span} span @param {Segment[]} group @param {Segment[]} [next] begins where this one ends @returns {Claim} */
function claim(span, group, next) {
  const first = /** @type {Segment} */ (group[0]);
  const last = /** @type {Segment} */ (group.at(-1));
  const until = Math.min(last.end_ms ?? 0, next?.[0]?.start_ms ?? Infinity, span.end_ms);
  return { track: span.track, start_ms: Math.max(span.start_ms, first.start_ms), end_ms: until, segments: group };
}
