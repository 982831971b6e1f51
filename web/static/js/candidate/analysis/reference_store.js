/**
 * @file What a reload must not lose of an analysis, in this browser's IndexedDB until the sitting ends: the template of the
 * candidate's face, and up to when was looked.
 */

/** @typedef {{sitting: number, descriptor: Float32Array | null, seenMs: number | null, updatedMs: number}} Kept */

const NAME = "kustos-analysis";
/** Longer than any exam: what a browser was closed on must not stay for ever. */
const OLD_MS = 24 * 3_600_000;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @template T @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<T>} act @returns {Promise<T>} */
async function inStore(mode, act) {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => void request.result.createObjectStore("kept", { keyPath: "sitting" });
  const database = await answer(request);
  try {
    return await answer(act(database.transaction("kept", mode).objectStore("kept")));
  } finally {
    database.close();
  }
}

/** What is known of a sitting; of others, what is old is removed. @param {number} sitting @returns {Promise<Kept>} */
export async function recall(sitting) {
  /** @type {Kept} */
  const nothing = { sitting, descriptor: null, seenMs: null, updatedMs: Date.now() };
  try {
    /** @type {Kept[]} */
    const all = await inStore("readonly", (store) => store.getAll());
    for (const other of all)
      if (other.sitting !== sitting && Date.now() - other.updatedMs > OLD_MS) await forget(other.sitting);
    return all.find((kept) => kept.sitting === sitting) ?? nothing;
  } catch {
    // Some private windows keep nothing: then a reload needs a new photo.
    return nothing;
  }
}

/** @param {Kept} kept */
export const keep = (kept) =>
  inStore("readwrite", (store) => store.put({ ...kept, updatedMs: Date.now() })).catch(() => undefined);

/** The sitting is over: nothing of it may stay on this computer. @param {number} sitting */
export const forget = (sitting) => inStore("readwrite", (store) => store.delete(sitting)).catch(() => undefined);
