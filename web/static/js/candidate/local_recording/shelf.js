/** @file Where segments lie: the last half minute in memory, and on disk from the first sign of trouble on. */

import { mayKeep, outOfRing, sizeOf } from "./plan.js";
import { freeBytes, Store } from "./store.js";

/** @typedef {import("./plan.js").Segment} Segment */
/**
 * @typedef {object} Item
 * @property {Segment} segment
 * @property {Blob[]} chunks those not on disk
 * @property {number} stored how many are on disk
 * @property {boolean} full a chunk of it found no room: no later one makes sense
 */

/** The browser's estimate is not free; so many chunks may pass on one. */
const ESTIMATE_EVERY = 20;

export class Shelf {
  /** @param {number} sitting @param {{now: () => number}} clock the server's */
  constructor(sitting, clock) {
    this.sitting = sitting;
    this.clock = clock;
    /** @type {Map<string, Item>} */
    this.items = new Map();
    /** @type {Store | null} */
    this.store = null;
    /** Server's time of the first sign of trouble; null while all is well. @type {number | null} */
    this.keepingSince = null;
    /** Time that could not be kept, ms. */
    this.notKeptMs = 0;
    /** @type {number | null} */
    this.free = null;
    this.count = 0;
    /** Writes follow each other: a segment's end must not be overtaken by its chunk. @type {Promise<void>} */
    this.writing = Promise.resolve();
  }

  /** Open the disk and take in what an earlier page left there. */
  async open() {
    try {
      this.store = await Store.open();
      for (const segment of await this.store.segments(this.sitting)) {
        const chunks = await this.store.chunks(segment.id);
        const size = chunks.reduce((sum, chunk) => sum + chunk.size, 0);
        const end_ms = segment.end_ms ?? segment.until_ms; // of a page that was closed
        this.items.set(segment.id, { segment: { ...segment, end_ms, size }, chunks: [], stored: chunks.length, full: false });
      }
      this.free = await freeBytes();
    } catch (error) {
      console.warn(error); // what memory holds is still handed in
    }
  }

  /** @returns {Segment[]} */
  get segments() {
    return [...this.items.values()].map((item) => item.segment);
  }

  /** Whether anything is left on disk of this sitting. */
  get isStored() {
    return [...this.items.values()].some((item) => item.stored > 0);
  }

  /** From now on nothing is thrown away. */
  keep() {
    if (this.keepingSince !== null) return;
    this.keepingSince = this.clock.now();
    for (const item of this.items.values()) this.write(item);
  }

  /** All is well: only the last half minute stays, and what is wanted. @param {(segment: Segment) => boolean} wanted */
  async letGo(wanted) {
    this.keepingSince = null;
    this.notKeptMs = 0;
    await this.remove(outOfRing(this.segments, this.clock.now()).filter((segment) => !wanted(segment)));
  }

  /** Nothing is wanted any more. */
  async clear() {
    this.keepingSince = null;
    await this.remove(this.segments);
  }

  /** @param {Segment} segment @param {Blob} data */
  chunk(segment, data) {
    const item = this.items.get(segment.id) ?? { segment, chunks: [], stored: 0, full: false };
    this.items.set(segment.id, item);
    item.full ||= !this.hasRoom();
    if (item.full) {
      if (segment.track === "camera") this.notKeptMs += 1000;
      return;
    }
    item.chunks.push(data);
    segment.size += data.size;
    segment.until_ms = Math.round(this.clock.now());
    if (this.keepingSince !== null) this.write(item);
  }

  /** @param {Segment} segment */
  done(segment) {
    const item = this.items.get(segment.id);
    if (!item) return;
    if (!segment.size) return void this.remove([segment]);
    if (this.keepingSince !== null || item.stored) this.write(item);
    if (this.keepingSince === null) void this.remove(outOfRing(this.segments, this.clock.now()));
  }

  hasRoom() {
    if (this.keepingSince === null) return true;
    if ((this.count += 1) % ESTIMATE_EVERY === 0) void freeBytes().then((free) => (this.free = free));
    const bytes = sizeOf(this.segments);
    return mayKeep({ bytes, free: this.free, sinceMs: this.keepingSince, nowMs: this.clock.now() });
  }

  /** @param {Item} item */
  write(item) {
    this.writing = this.writing.then(async () => {
      if (!this.store || !this.items.has(item.segment.id)) return;
      const chunks = [...item.chunks];
      try {
        await this.store.put(item.segment, item.stored, chunks);
        item.stored += chunks.length;
        item.chunks.splice(0, chunks.length);
      } catch (error) {
        console.warn(error); // no room: memory has it still
      }
    });
  }

  /** The segment's file. @param {Segment} segment @returns {Promise<Blob>} */
  async blob(segment) {
    await this.writing;
    const item = this.items.get(segment.id);
    const stored = item?.stored ? ((await this.store?.chunks(segment.id)) ?? []) : [];
    return new Blob([...stored, ...(item?.chunks ?? [])], { type: segment.mime });
  }

  /** @param {Segment[]} segments */
  async remove(segments) {
    const stored = segments.filter((segment) => this.items.get(segment.id)?.stored);
    for (const segment of segments) this.items.delete(segment.id);
    await this.writing;
    await this.store?.remove(stored.map((segment) => segment.id)).catch(console.warn);
  }
}
