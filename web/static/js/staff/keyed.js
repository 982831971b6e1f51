/** @file A list on the page whose elements stay the same as long as their items do: a playing video is never made again. */

/**
 * @template T
 * @typedef {{element: HTMLElement, update: (item: T) => void, remove?: () => void}} View
 */

/** @template T, K */
export class KeyedList {
  /**
   * @param {HTMLElement} parent holds nothing but the list
   * @param {(item: T) => K} key
   * @param {(item: T) => View<T>} make
   */
  constructor(parent, key, make) {
    this.parent = parent;
    this.key = key;
    this.make = make;
    /** @type {Map<K, {view: View<T>, item: T}>} */
    this.views = new Map();
  }

  /** @param {T[]} items in their order */
  update(items) {
    const keys = new Set(items.map((item) => this.key(item)));
    for (const [key, { view }] of this.views) {
      if (keys.has(key)) continue;
      view.remove?.();
      view.element.remove();
      this.views.delete(key);
    }
    let place = this.parent.firstElementChild;
    for (const item of items) {
      const element = this.show(item).element;
      if (element === place) place = place.nextElementSibling;
      else this.put(element, place);
    }
  }

  /**
   * @param {T} item
   * @returns {View<T>}
   */
  show(item) {
    const key = this.key(item);
    const known = this.views.get(key);
    if (known) {
      if (known.item !== item) known.view.update(item);
      known.item = item;
      return known.view;
    }
    const view = this.make(item);
    this.views.set(key, { view, item });
    view.update(item);
    return view;
  }

  /**
   * @param {HTMLElement} element
   * @param {Element | null} before
   */
  put(element, before) {
    const hadFocus = element.contains(document.activeElement) ? document.activeElement : null;
    this.parent.insertBefore(element, before);
    if (hadFocus instanceof HTMLElement) hadFocus.focus({ preventScroll: true });
  }

  /** @returns {View<T>[]} */
  all() {
    return [...this.views.values()].map(({ view }) => view);
  }
}
