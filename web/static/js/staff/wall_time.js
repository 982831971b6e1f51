/** @file Times of day in the control room: always 24 hours, so that columns stay narrow and nobody mistakes am for pm. */

const { lang } = document.documentElement;
const minutes = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {number} ms */
export const wallTime = (ms) => minutes.format(ms);

/** @param {number} ms */
export const wallTimeSeconds = (ms) => seconds.format(ms);
