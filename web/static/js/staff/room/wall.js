/** @file The wall of tiles: as many columns as make the pictures largest, one tile enlarged on demand. */

import { button, fill, h, icon } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { KeyedList } from "../keyed.js";
import { audible, onPage, shown } from "./selectors.js";
import { Tile } from "./tile.js";

/**
 * @typedef {import("./state.js").RoomState} RoomState
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./tile.js").TileActions} TileActions
 */

// Width to height of a tile's pictures (4:3 beside 16:9, or one 4:3) and the rem its head and foot take.
const ASPECT = { side: 4 / 3 + 16 / 9, inset: 4 / 3 };
const HEAD_AND_FOOT_PX = 68;
const GAP_PX = 8;

export class Wall {
  /**
   * @param {HTMLElement} element
   * @param {TileActions & {reload: () => void, clearSearch: () => void}} actions
   */
  constructor(element, actions) {
    this.element = element;
    this.actions = actions;
    this.grid = h("div", { class: "wall-grid" });
    this.note = h("div", { class: "wall-note" });
    element.append(this.grid, this.note);
    this.columns = 1;
    /** @type {Map<number, Tile>} */
    this.tiles = new Map();
    this.list = new KeyedList(this.grid, (/** @type {Entry} */ entry) => entry.id, (entry) => this.makeTile(entry));
    /** @type {RoomState | null} */
    this.state = null;
    this.wasActive = /** @type {number | null} */ (null);
    new ResizeObserver(() => this.arrange()).observe(element);
  }

  /** @param {Entry} entry */
  makeTile(entry) {
    const tile = new Tile(entry, this.actions);
    this.tiles.set(entry.id, tile);
    return {
      element: tile.element,
      update: (/** @type {Entry} */ changed) => tile.update(changed),
      remove: () => {
        tile.remove();
        this.tiles.delete(entry.id);
      },
    };
  }

  /** @param {RoomState} state */
  render(state) {
    this.state = state;
    const entries = onPage(state);
    this.list.update(entries);
    this.grid.hidden = !entries.length;
    this.showNote(state, entries.length);
    this.arrange();
    const heard = audible(state);
    for (const tile of this.tiles.values()) tile.focusOn({ active: tile.id === state.active, audible: tile.id === heard });
    const moved = this.wasActive !== state.active;
    this.wasActive = state.active;
    const focused = document.activeElement;
    if (moved && focused instanceof HTMLElement && focused.classList.contains("tile")) this.focusActive();
  }

  focusActive() {
    const tile = this.tiles.get(this.state?.active ?? -1);
    tile?.element.focus({ preventScroll: true });
  }

  /** Chooses the number of columns that makes the pictures largest. */
  arrange() {
    const { state } = this;
    if (!state) return;
    const enlarged = state.enlarged && this.tiles.has(state.active ?? -1);
    const count = this.tiles.size;
    this.grid.dataset.layout = state.layout;
    this.grid.classList.toggle("is-enlarged", enlarged);
    this.columns = enlarged ? 1 : bestColumns(this.element, count, ASPECT[state.layout]);
    const strip = Math.max(1, count - 1);
    const rows = enlarged ? Math.max(strip, 3) : Math.max(1, Math.ceil(count / this.columns));
    this.grid.style.setProperty("--columns", String(this.columns));
    this.grid.style.setProperty("--rows", String(rows));
  }

  /**
   * @param {RoomState} state
   * @param {number} count
   */
  showNote(state, count) {
    const key = state.phase === "ready" && count ? "" : `${state.phase}|${state.error}|${state.sittings.size}|${shown(state).length}`;
    if (this.note.dataset.key === key) return;
    this.note.dataset.key = key;
    this.note.hidden = !key;
    if (key) fill(this.note, this.noteFor(state));
  }

  /** @param {RoomState} state */
  noteFor(state) {
    if (state.phase === "loading") {
      const tiles = Array.from({ length: 4 }, () => h("div", { class: "skeleton wall-skeleton" }));
      return h("div", { class: "wall-skeletons", "aria-busy": "true", "aria-label": _("Loading the room…") }, tiles);
    }
    if (state.phase === "failed") {
      return empty("unlink", _("The room could not be loaded"), state.error, button(_("Try again"), () => this.actions.reload(), { icon: "refresh-cw" }));
    }
    if (state.sittings.size) {
      const clear = button(_("Show all"), () => this.actions.clearSearch(), { icon: "x" });
      return empty("search", _("No sitting matches"), _("Nothing in the room fits the search and the filter."), clear);
    }
    return empty("armchair", _("Nobody is sitting an exam now"), _("Sittings appear here by themselves as soon as candidates come to the check-in."));
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    for (const tile of this.tiles.values()) tile.tick(nowMs);
  }
}

/**
 * @param {string} name
 * @param {string} title
 * @param {string} text
 * @param {HTMLElement} [action]
 */
function empty(name, title, text, action) {
  return h("div", { class: "empty" }, icon(name), h("strong", null, title), h("p", null, text), action);
}

/**
 * @param {HTMLElement} element
 * @param {number} count
 * @param {number} aspect
 */
function bestColumns(element, count, aspect) {
  const { clientWidth: width, clientHeight: height } = element;
  let best = 1;
  let bestArea = 0;
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const tileWidth = (width - GAP_PX * (columns + 1)) / columns;
    const mediaHeight = (height - GAP_PX * (rows + 1)) / rows - HEAD_AND_FOOT_PX;
    const pictureHeight = Math.min(mediaHeight, tileWidth / aspect);
    if (pictureHeight <= bestArea) continue;
    bestArea = pictureHeight;
    best = columns;
  }
  return best;
}
