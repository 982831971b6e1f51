/** @file Segments on this computer's disk, in IndexedDB: they outlive the page. */

/** @typedef {import("./plan.js").Segment} Segment */
/** @typedef {Segment & {updated_ms: number}} Stored updated_ms: this computer's clock */

const NAME = "kustos-recording";
/** No server takes anything in after so long; another exam's rest is removed. */
const OLD_MS = 7 * 24 * 3_600_000;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
const committed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });

export class Store {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** @returns {Promise<Store>} @throws {DOMException} where the browser keeps nothing (some private windows) */
  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("segments", { keyPath: "id" });
      request.result.createObjectStore("chunks", { keyPath: ["segment", "n"] });
    };
    return new Store(await answer(request));
  }

  /**
   * Keep a segment as it is now, and these chunks of it. @param {Segment} segment @param {number} from number of the
   * first chunk @param {Blob[]} chunks @throws {DOMException} QuotaExceededError when the disk is full
   */
  async put(segment, from, chunks) {
    const transaction = this.database.transaction(["segments", "chunks"], "readwrite");
    transaction.objectStore("segments").put({ ...segment, updated_ms: Date.now() });
    const store = transaction.objectStore("chunks");
    chunks.forEach((data, index) => store.put({ segment: segment.id, n: from + index, data }));
    await committed(transaction);
  }

  /** @param {number} sitting @returns {Promise<Segment[]>} what a page that was closed left, too */
  async segments(sitting) {
    /** @type {Stored[]} */
    const all = await answer(this.database.transaction("segments").objectStore("segments").getAll());
    const old = all.filter((one) => one.sitting !== sitting && Date.now() - one.updated_ms > OLD_MS);
    await this.remove(old.map((one) => one.id));
    return all
      .filter((one) => one.sitting === sitting)
      .map(({ updated_ms, ...segment }) => segment);
  }

  /** @param {string} id @returns {Promise<Blob[]>} */
  async chunks(id) {
    const range = IDBKeyRange.bound([id, 0], [id, Infinity]);
    /** @type {{data: Blob}[]} */
    const found = await answer(this.database.transaction("chunks").objectStore("chunks").getAll(range));
    return found.map((one) => one.data);
  }

  /** @param {string[]} ids */
  async remove(ids) {
    if (!ids.length) return;
    const transaction = this.database.transaction(["segments", "chunks"], "readwrite");
    for (const id of ids) {
      transaction.objectStore("segments").delete(id);
      transaction.objectStore("chunks").delete(IDBKeyRange.bound([id, 0], [id, Infinity]));
    }
    await committed(transaction);
  }
}

/** How many bytes the browser still offers; null where it does not tell. @returns {Promise<number | null>} */
export async function freeBytes() {
  const { quota, usage } = (await globalThis.navigator?.storage?.estimate?.().catch(() => null)) ?? {};
  return quota === undefined ? null : quota - (usage ?? 0);
}
