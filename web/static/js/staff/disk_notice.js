/** @file The disk guard's word to people: that no new sitting is admitted, or soon none will be, and what helps. */

import { fill, h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { wallTime } from "./wall_time.js";

/**
 * What `disk_guard.payload` makes; null: no gateway forecasts.
 * @typedef {{state: string, free_mb: number, free_at_end_mb: number, sittings: number, full_ms: number | null, measured_ms: number} | null} Disk
 */

const MB_PER_GB = 1024;
const MS_PER_HOUR = 3_600_000;

/** @param {number} mb */
const gigabytes = (mb) => _("{n} GB", { n: (mb / MB_PER_GB).toFixed(1) });

/** @param {NonNullable<Disk>} disk */
function forecast(disk) {
  if (disk.full_ms !== null) {
    const hours = Math.max(0, (disk.full_ms - disk.measured_ms) / MS_PER_HOUR).toFixed(1);
    return _("{free} are free. At the running bit rate the disk is full at {time}, in {hours} h.", { free: gigabytes(disk.free_mb), time: wallTime(disk.full_ms), hours });
  }
  return _("{free} are free; {left} will be left when the running exams are over and sealed.", { free: gigabytes(disk.free_mb), left: gigabytes(Math.max(0, disk.free_at_end_mb)) });
}

export class DiskNotice {
  /**
   * @param {HTMLElement} element hidden while there is nothing to say
   * @param {{forProctors?: boolean}} [options] proctors are told only what touches them: that nobody new comes in
   */
  constructor(element, { forProctors = false } = {}) {
    this.element = element;
    this.forProctors = forProctors;
    this.told = "";
  }

  /** @param {Disk} disk */
  show(disk) {
    const closed = disk?.state === "closed";
    const said = disk !== null && (closed || (disk.state === "tight" && !this.forProctors));
    const words = said ? this.words(disk, closed) : [];
    // Told again only when it differs: the pages ask every few seconds, and a screen reader would read it each time.
    const key = words.join("\n");
    if (key === this.told) return;
    this.told = key;
    this.element.hidden = !said;
    this.element.className = `notice disk-notice tone-${closed ? "bad" : "warn"}`;
    this.element.setAttribute("role", closed ? "alert" : "status");
    const [title, ...lines] = words;
    fill(this.element, icon("hard-drive"), h("div", null, h("strong", null, title), lines.map((line) => h("p", null, line))));
  }

  /**
   * @param {NonNullable<Disk>} disk
   * @param {boolean} closed
   * @returns {string[]}
   */
  words(disk, closed) {
    if (this.forProctors) return [_("The disk of the recordings is filling up: no new sittings are admitted."), _("Running sittings go on and are recorded. Tell your support engineer.")];
    if (closed) return [_("The disk of the recordings is filling up: no new sittings are admitted."), forecast(disk), _("Free space or enlarge the disk; admission opens again by itself as soon as what is admitted fits.")];
    return [_("Little more than the reserve will be left when the running exams are over."), forecast(disk), _("Free space or enlarge the disk before more candidates come.")];
  }
}
