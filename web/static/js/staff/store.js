/** @file A store: one state, changed only by actions, told to its listeners once for all actions of a turn. */

/**
 * @template S, A
 * @typedef {object} Store
 * @property {() => S} get
 * @property {(action: A) => void} dispatch
 * @property {(listener: (state: S) => void) => void} subscribe
 */

/**
 * @template S, A
 * @param {S} initial
 * @param {(state: S, action: A) => S} reduce
 * @returns {Store<S, A>}
 */
export function createStore(initial, reduce) {
  let state = initial;
  let told = false;
  /** @type {((state: S) => void)[]} */
  const listeners = [];
  const tell = () => {
    told = false;
    for (const listener of listeners) listener(state);
  };
  return {
    get: () => state,
    dispatch(action) {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      if (told) return;
      told = true;
      queueMicrotask(tell);
    },
    subscribe(listener) {
      listeners.push(listener);
      listener(state);
    },
  };
}
