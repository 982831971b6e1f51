/** @file How this proctor likes the room, kept in this browser. */

/** @typedef {import("./state.js").RoomState} RoomState */

const STORED = "kustos-room";

/** @returns {Partial<RoomState>} */
export function preferences() {
  try {
    const { perPage, layout, sound, feed } = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    return {
      ...([1, 4, 8, 12].includes(perPage) && { perPage }),
      ...(["side", "inset"].includes(layout) && { layout }),
      ...(typeof sound === "boolean" && { sound }),
      ...(feed && { feed: { mine: Boolean(feed.mine), technical: Boolean(feed.technical), undecided: Boolean(feed.undecided) } }),
    };
  } catch {
    return {};
  }
}

let kept = "";

/** @param {RoomState} state */
export function keepPreferences({ perPage, layout, sound, feed }) {
  const now = JSON.stringify({ perPage, layout, sound, feed });
  if (now === kept) return;
  kept = now;
  try {
    localStorage.setItem(STORED, now);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
