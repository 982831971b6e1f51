/** @file Who watched a candidate: each viewer's spans on the recording's timeline. */

import { get } from "../../base/api.js";
import { fill, h, icon } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime, ngettext } from "../../base/i18n.js";

/** @typedef {[number, number]} Span */
/** @typedef {Record<string, Span[]>} Tracks */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const TRACKS = ["camera", "screen"];
const KINDS = ["recorded", "sent", "live", "played"];

/** @param {number} ms */
export function lengthText(ms) {
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/**
 * @param {number} start
 * @param {number} end
 * @param {Record<string, Tracks>} spans kind -> track -> spans
 * @param {string} label
 */
function line(start, end, spans, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "viewer-line");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${TRACKS.length * 10}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const scale = WIDTH / Math.max(1, end - start);
  for (const kind of KINDS) {
    TRACKS.forEach((track, index) => {
      // live pictures of all tracks at once are small ones, on the wall
      const list = [...(spans[kind]?.[track] ?? []), ...((kind === "live" && spans[kind]?.["tiles"]) || [])];
      for (const [from, to] of list) {
        const rect = document.createElementNS(SVG, "rect");
        const x = Math.max(0, (from - start) * scale);
        rect.setAttribute("class", kind);
        rect.setAttribute("x", String(x));
        rect.setAttribute("y", String(index * 10 + 1));
        rect.setAttribute("width", String(Math.max(1.5, Math.min(WIDTH, (to - start) * scale) - x)));
        rect.setAttribute("height", "8");
        svg.append(rect);
      }
    });
  }
  return svg;
}

/** @param {any} viewer */
function figures(viewer) {
  const share = viewer.share === null ? "" : ` · ${Math.round(viewer.share * 100)} %`;
  return h(
    "div",
    { class: "viewer-figure" },
    h("strong", null, `${lengthText(viewer.played_ms)}${share}`),
    viewer.live_ms > 0 && h("div", { class: "small muted" }, _("live {length}", { length: lengthText(viewer.live_ms) })),
    viewer.sent_ms > 0 && h("div", { class: "small muted" }, _("sent, not played {length}", { length: lengthText(viewer.sent_ms) })),
  );
}

/**
 * @param {any} viewer
 * @param {any} found
 */
function viewerRow(viewer, found) {
  const name = viewer.name || viewer.kind;
  const told = _("{name} played {length} of the recording", { name, length: lengthText(viewer.played_ms) });
  const looks = Object.entries(viewer.looks).map(([action, count]) => `${action} × ${count}`).join(", ");
  const drawn = found.start_ms === null ? h("span", { class: "muted small" }, _("Nothing was recorded")) : line(found.start_ms, found.end_ms, { recorded: found.recorded, ...viewer.spans }, told);
  return h(
    "div",
    { class: "viewer" },
    h("div", { class: "cell-two" }, h("strong", null, name), h("span", { class: "muted mono" }, [`${viewer.kind}:${viewer.id}`, ...viewer.addresses].join(" · ")), h("span", { class: "muted small" }, formatDateTime(viewer.last_ms)), looks && h("span", { class: "muted small" }, looks)),
    drawn,
    figures(viewer),
  );
}

const legend = () =>
  h(
    "div",
    { class: "viewer-legend" },
    h("span", null, h("i", { class: "is-played" }), _("played")),
    h("span", null, h("i", { class: "is-live" }), _("watched live")),
    h("span", null, h("i", { class: "is-sent" }), _("sent to the browser, not reported as played")),
    h("span", null, h("i", { class: "is-recorded" }), _("recorded: camera above, screen below")),
  );

/** @param {any} found */
function sittingCard(found) {
  const { sitting, viewers } = found;
  const title = h("h2", null, `${sitting.candidate.name} · #${sitting.id}`);
  const count = h("span", { class: "muted small" }, ngettext("{n} viewer", "{n} viewers", viewers.length));
  const scale = found.start_ms !== null && h("div", { class: "viewer" }, h("span"), h("div", { class: "viewer-scale" }, h("span", null, formatDateTime(found.start_ms)), h("span", null, formatDateTime(found.end_ms))));
  const body = viewers.length
    ? h("div", { class: "card-body stack" }, legend(), h("div", { class: "viewers" }, viewers.map((/** @type {any} */ viewer) => viewerRow(viewer, found)), scale))
    : h("div", { class: "empty" }, icon("eye-off"), h("strong", null, _("Nobody watched this sitting")), h("p", null, _("Neither live nor recorded, as far as the log in this appliance reaches.")));
  return h("section", { class: "card" }, h("div", { class: "card-head" }, icon("user"), title, h("span", { class: "muted small" }, sitting.exam.name ?? ""), count), body);
}

/**
 * @param {HTMLElement} place
 * @param {string} wanted
 */
export async function showWatchers(place, wanted) {
  fill(place, h("div", { class: "card empty" }, h("span", { class: "spinner" }), h("strong", null, _("Looking through the log…"))));
  try {
    const { sittings } = await get(`/api/v1/audit/watchers?${new URLSearchParams({ q: wanted })}`);
    const none = h("div", { class: "card empty" }, icon("search"), h("strong", null, _("No sitting fits")), h("p", null, _("Write part of a name, an id, an exam, or the number of a sitting.")));
    fill(place, sittings.length ? sittings.map(sittingCard) : none);
  } catch (error) {
    fill(place, h("div", { class: "card empty", role: "alert" }, icon("unlink"), h("strong", null, _("The viewers could not be loaded")), h("p", null, wordError(error))));
  }
}
