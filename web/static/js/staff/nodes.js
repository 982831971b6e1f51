/** @file Media nodes: state, load, trend and advice; drain for a restart and resume. Gateways and stray files below. */

import { post } from "../base/api.js";
import { button, fill, h, icon, one } from "../base/dom.js";
import { openDialog } from "../base/dialog.js";
import { _, ngettext } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toast, toastError } from "../base/toast.js";
import { DiskNotice } from "./disk_notice.js";
import { TablePage } from "./table_page.js";
import { wallTime } from "./wall_time.js";

// The gateway that leads looks at the nodes every 3 s.
const REFRESH_MS = 3000;
const KB_PER_MB = 1024;
const BYTES_PER_MB = 1024 * 1024;
const mayDrain = (pageData.permissions ?? []).includes("node.drain");

/** @param {number} kb */
const megabytes = (kb) => _("{n} MB", { n: Math.round(kb / KB_PER_MB) });

/** @param {any} node */
function state(node) {
  const moving = node.moves ? _("draining, sittings move") : _("draining");
  /** @type {[string, string, string]} */
  const [tone, symbol, title] = node.state === "retired" ? ["none", "minus", _("not in use")]
    : !node.answers ? ["bad", "unlink", _("does not answer")]
      : node.empty ? ["info", "rotate-ccw", _("empty: restart it now")]
        : node.state === "draining" ? ["warn", "hourglass", moving]
          : ["good", "check", _("in use")];
  return h("div", { class: "cell-two" }, h("span", { class: `badge tone-${tone}` }, icon(symbol), title), node.failure && h("span", { class: "muted node-advice" }, node.failure));
}

/**
 * @param {[number, number][]} points time and KiB
 * @param {string} title
 */
function trend(points, title) {
  if (points.length < 2) return null;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 1];
  const most = Math.max(...points.map(([, kb]) => kb), 1);
  line.setAttribute("points", points.map(([at, kb]) => `${(100 * (at - first)) / Math.max(1, last - first)},${20 - (19 * kb) / most}`).join(" "));
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.5", "vector-effect": "non-scaling-stroke" })) line.setAttribute(name, value);
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 20", preserveAspectRatio: "none", class: "node-trend", role: "img", "aria-label": title })) svg.setAttribute(name, value);
  svg.append(line);
  return svg;
}

/** @param {any} node */
function memory(node) {
  if (node.memory_kb === null) return "—";
  const { advice } = node;
  const words = advice && _("Grew from {from} to {to} in {n} days: drain and restart it.", { from: megabytes(advice.from_kb), to: megabytes(advice.to_kb), n: advice.days });
  return h("div", { class: "cell-two" }, h("span", { class: "figures" }, megabytes(node.memory_kb)), trend(node.trend, _("Memory over the last weeks")), words && h("span", { class: "badge tone-warn node-advice" }, icon("triangle-alert"), words));
}

/** @param {any} node */
function act(node) {
  if (!mayDrain || node.state === "retired") return null;
  if (node.state === "draining") return button(_("Take into use"), () => void change(node, "resume", {}, _("{name} takes sittings again.", { name: node.name })), { kind: "btn-sm", icon: "play" });
  return button(_("Drain…"), () => askToDrain(node), { kind: "btn-sm", icon: "pause" });
}

/** @param {any} node */
function askToDrain(node) {
  const drain = (/** @type {boolean} */ moves) => {
    dialog.close();
    void change(node, "drain", { moves }, _("{name} takes no new sittings.", { name: node.name }));
  };
  const dialog = openDialog({
    title: _("Drain {name}?", { name: node.name }),
    icon: "server",
    body: [
      h("p", null, _("It takes no new sittings from now on. When it is empty it can be restarted without anybody noticing.")),
      h("p", null, node.sittings ? ngettext("{n} sitting is on it now.", "{n} sittings are on it now.", node.sittings) : _("No sitting is on it now.")),
      node.sittings ? h("p", { class: "muted" }, _("Moved sittings make a new connection; about a second of recording is missing then, with its cause on the timeline.")) : null,
    ],
    buttons: [
      button(node.sittings ? _("Wait until they end") : _("Drain it"), () => drain(false), { kind: "btn-primary", icon: "hourglass" }),
      ...(node.sittings ? [button(_("Move them now"), () => drain(true), { icon: "move-horizontal" })] : []),
    ],
  });
}

/**
 * @param {any} node
 * @param {string} what
 * @param {object} body
 * @param {string} done
 */
async function change(node, what, body, done) {
  try {
    await post(`/api/v1/nodes/${node.id}/${what}`, body);
    toast(done, "good");
  } catch (error) {
    toastError(error);
  }
  await table.load();
}

/** @param {any[]} gateways */
function showGateways(gateways) {
  const items = gateways.map((gateway) => {
    const [tone, title] = gateway.alive ? ["good", _("running")] : gateway.ended ? ["none", _("ended {time}", { time: wallTime(gateway.beat_ms) })] : ["bad", _("silent since {time}", { time: wallTime(gateway.beat_ms) })];
    return h("li", null, h("span", { class: "mono cell-cut" }, gateway.address), h("span", { class: `badge tone-${tone}` }, title));
  });
  fill(one("#gateways"), items.length ? items : h("li", { class: "muted" }, _("No gateway is running.")));
}

/** @param {{count: number, size_bytes: number, files: any[]}} strays */
function showStrays(strays) {
  if (!strays.count) {
    fill(one("#strays"), h("p", { class: "with-icon muted" }, icon("check", "icon-sm"), _("Every file belongs to a sitting.")));
    return;
  }
  const reasons = /** @type {Record<string, string>} */ ({
    unknown_sitting: _("there is no such sitting"),
    no_part: _("its sitting does not know it"),
    sealed: _("a copy is in the vault"),
    foreign: _("no recording by its name"),
  });
  fill(
    one("#strays"),
    h("p", { class: "notice tone-warn" }, icon("hard-drive"), h("span", null, h("strong", null, ngettext("{n} file takes up {size} MB.", "{n} files take up {size} MB.", strays.count, { size: (strays.size_bytes / BYTES_PER_MB).toFixed(1) })), _("Nothing is deleted by itself. On the server, look with: {command}", { command: "kustos node sweep" }))),
    h("ul", { class: "nodes-list" }, strays.files.slice(0, 20).map((file) => h("li", null, h("span", { class: "mono path small", title: file.path }, file.path), h("span", { class: "muted small" }, reasons[file.reason] ?? file.reason)))),
  );
}

const disk = new DiskNotice(one("#disk"));
const table = new TablePage({
  element: one("#nodes"),
  caption: _("Media nodes"),
  columns: [{ title: _("Node") }, { title: _("State") }, { title: _("Sittings") }, { title: _("CPU") }, { title: _("Memory") }, { title: _("Last answer") }, { title: _("Action") }],
  cells: (node) => [
    h("div", { class: "cell-two" }, h("span", { class: "row-name" }, node.name), h("span", { class: "muted mono small" }, node.url), h("span", { class: "muted" }, node.version ? _("version {version}", { version: node.version }) : "")),
    state(node),
    h("span", { class: "figures" }, node.capacity ? _("{n} of {most}", { n: node.sittings, most: node.capacity }) : String(node.sittings)),
    node.cpu === null || !node.answers ? "—" : h("span", { class: "figures" }, `${Math.round(node.cpu)} %`),
    memory(node),
    node.seen_ms ? wallTime(node.seen_ms) : _("never"),
    act(node),
  ],
  url: "/api/v1/nodes",
  found: (answer) => {
    disk.show(answer.disk);
    showGateways(answer.gateways);
    showStrays(answer.stray_files);
    return { rows: answer.nodes };
  },
  empty: { icon: "server", title: _("No media node is known"), text: _("Add one on the server with: kustos node register ws://host:8888/kurento") },
});

await table.load();
setInterval(() => !document.hidden && void table.load(), REFRESH_MS);
