/** @file Time since the beginning of a sitting, as hours, minutes and seconds. */

/** @param {number} ms */
export function clockText(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const [hours = 0, ...rest] = parts;
  const shown = rest.map((part) => String(part).padStart(2, "0")).join(":");
  return hours ? `${hours}:${shown}` : shown;
}
