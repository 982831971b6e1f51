/** @file The sitting's exports: what there is, how far one under way is, and asking for another. */

import { del, get, post } from "../../base/api.js";
import { confirmDialog, openDialog } from "../../base/dialog.js";
import { busy, button, fill, h, icon } from "../../base/dom.js";
import { wordError } from "../../base/errors.js";
import { _, formatDateTime, ngettext } from "../../base/i18n.js";
import { toast, toastError } from "../../base/toast.js";

/**
 * @typedef {import("../types.js").Export} Export
 * @typedef {"camera" | "screen" | "side_by_side" | "originals"} Content
 * @typedef {{exports: Export[], limits: {most: number, hours: number}}} Listing
 */

// The worker notes its progress as often.
const LOOK_AGAIN_MS = 1000;
const UNDER_WAY = ["waiting", "working"];

const sizes = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
const sizeWord = (/** @type {number} */ bytes) => (bytes < 1e5 ? _("{n} KB", { n: sizes.format(Math.max(0.1, bytes / 1e3)) }) : _("{n} MB", { n: sizes.format(bytes / 1e6) }));

/** @returns {Record<Content, [string, string, string]>} title, what it is good for, icon */
const CONTENTS = () => ({
  camera: [_("Camera"), _("One film with sound, exactly as recorded; gaps stay gaps."), "camera"],
  screen: [_("Screen"), _("One film, exactly as recorded; gaps stay gaps."), "monitor"],
  side_by_side: [_("Side by side"), _("Both in one picture with the clock burnt in, encoded anew. Takes a while: about a tenth of the exam's length."), "panel-right"],
  originals: [_("Sealed originals"), _("The parts byte by byte; their hashes are in the audit log."), "lock"],
});

/** @param {number} sittingId */
export function openExportDialog(sittingId) {
  const list = h("div", { class: "exports", "aria-live": "polite" }, h("p", { class: "muted small" }, _("Loading …")));
  const form = new WishForm((wish) => ask(wish));
  let timer = 0;
  let open = true;

  async function load() {
    clearTimeout(timer);
    try {
      /** @type {Listing} */
      const found = await get(`/api/v1/sittings/${sittingId}/exports`);
      if (!open) return;
      renderList(list, found, remove);
      form.update(found);
      if (found.exports.some((it) => UNDER_WAY.includes(it.state))) timer = setTimeout(() => void load(), LOOK_AGAIN_MS);
    } catch (error) {
      if (!open) return;
      fill(list, h("div", { class: "notice tone-bad", role: "alert" }, icon("circle-alert"), h("div", { class: "grow" }, wordError(error)), button(_("Try again"), () => void load(), { kind: "btn-sm" })));
    }
  }

  async function ask(/** @type {object} */ wish) {
    try {
      await post(`/api/v1/sittings/${sittingId}/exports`, wish);
    } catch (error) {
      toastError(error);
    }
    await load();
  }

  async function remove(/** @type {Export} */ it) {
    const running = UNDER_WAY.includes(it.state);
    const sure =
      it.state === "failed" ||
      (await confirmDialog({
        title: running ? _("Stop this export?") : _("Delete this export?"),
        text: running ? _("What is made so far is thrown away.") : _("It is destroyed for good; the recordings themselves stay. You can make another one."),
        yes: running ? _("Stop it") : _("Delete"),
        tone: "bad",
        icon: "trash-2",
      }));
    if (!sure) return;
    try {
      await del(`/api/v1/exports/${it.id}`);
      if (!running) toast(_("The export was deleted."), "good");
    } catch (error) {
      toastError(error);
    }
    await load();
  }

  openDialog({
    title: _("Export the evidence"),
    icon: "download",
    wide: true,
    body: [list, form.element],
    buttons: [],
    onClose: () => {
      open = false;
      clearTimeout(timer);
    },
  });
  void load();
}

/** What is to be exported. */
class WishForm {
  /** @param {(wish: object) => Promise<void>} ask */
  constructor(ask) {
    const boxes = Object.entries(CONTENTS()).map(([value, [title, hint, symbol]]) => {
      const input = h("input", { type: "checkbox", name: "content", value, checked: value === "camera" || value === "screen", on: { change: () => this.enable() } });
      return h("label", { class: "choice choice-sm export-choice" }, input, icon(symbol, "icon-tone"), h("span", null, h("b", null, title), h("span", { class: "hint" }, hint)));
    });
    this.container = h(
      "select",
      { class: "select", id: "export-container" },
      h("option", { value: "webm" }, _("WebM: plays in every browser")),
      h("option", { value: "mp4" }, _("MP4: for programs that take no WebM")),
    );
    this.containerField = h("div", { class: "field" }, h("label", { for: "export-container" }, _("File format of the side-by-side film")), this.container);
    this.records = h("input", { type: "checkbox", checked: true });
    this.full = h("p", { class: "notice tone-info" });
    this.hours = h("p", { class: "muted small" });
    this.send = button(
      _("Make the export"),
      () => void busy(this.send, () => ask({ contents: this.contents(), container: this.container.value, with_records: this.records.checked })),
      { kind: "btn-primary", icon: "download" },
    );
    this.room = true;
    this.element = h(
      "form",
      { class: "stack export-form", on: { submit: (event) => event.preventDefault() } },
      h("fieldset", { class: "export-choices" }, h("legend", null, _("What goes in")), ...boxes),
      this.containerField,
      h("label", { class: "choice choice-sm export-choice" }, this.records, icon("flag", "icon-tone"), h("span", null, h("b", null, _("Incidents and chat")), h("span", { class: "hint" }, _("As tables, and in the signed manifest.")))),
      this.full,
      h("div", { class: "row row-between" }, this.hours, this.send),
    );
    this.enable();
  }

  contents() {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (this.element.querySelectorAll("input[name=content]:checked"))].map((box) => box.value);
  }

  /** @param {Listing} found */
  update({ exports, limits }) {
    this.room = exports.filter((it) => it.state !== "failed").length < limits.most;
    fill(this.full, icon("info"), h("span", null, ngettext("There is {n} export of this sitting; delete it to make another.", "There are {n} exports of this sitting; delete one to make another.", limits.most)));
    this.hours.textContent = ngettext("Deleted by itself after {n} hour.", "Deleted by itself after {n} hours.", Math.round(limits.hours));
    this.enable();
  }

  enable() {
    const contents = this.element ? this.contents() : [];
    this.containerField.hidden = !contents.includes("side_by_side");
    this.full.hidden = this.room;
    this.send.disabled = !this.room || contents.length === 0;
  }
}

/**
 * @param {HTMLElement} element
 * @param {Listing} found
 * @param {(it: Export) => void} remove
 */
function renderList(element, { exports }, remove) {
  if (!exports.length) return fill(element, h("p", { class: "muted" }, _("Nothing has been exported yet. An export is one archive with a signed manifest that anybody can check without this server.")));
  const opened = new Set([.../** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("details[open]"))].map((it) => it.dataset.id));
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.focus : undefined;
  fill(element, h("ul", { class: "plain" }, exports.map((it) => row(it, opened.has(String(it.id)), remove))));
  if (focused) /** @type {HTMLElement | null} */ (element.querySelector(`[data-focus="${focused}"]`))?.focus();
}

/**
 * @param {Export} it
 * @param {boolean} isOpen whether its list of files was unfolded
 * @param {(it: Export) => void} remove
 */
function row(it, isOpen, remove) {
  const words = CONTENTS();
  const titles = it.contents.map((content) => words[/** @type {Content} */ (content)]?.[0] ?? content);
  const running = UNDER_WAY.includes(it.state);
  return h(
    "li",
    { class: "export-row", dataset: { state: it.state } },
    h(
      "div",
      { class: "row row-tight" },
      h("div", { class: "grow" }, h("strong", null, titles.join(", ")), h("div", { class: "muted small" }, `${it.requested_by} · ${formatDateTime(it.requested_ms)}`)),
      it.url && h("a", { class: "btn btn-primary btn-sm", href: it.url, download: "", dataset: { focus: `get-${it.id}` } }, icon("download"), h("span", null, sizeWord(it.size_bytes ?? 0))),
      button(running ? _("Stop") : _("Delete"), () => remove(it), { kind: "btn-quiet btn-sm", icon: running ? "x" : "trash-2", iconOnly: true, dataset: { focus: `end-${it.id}` } }),
    ),
    running && progress(it),
    it.state === "failed" && h("p", { class: "with-icon small tone-bad" }, icon("circle-alert", "icon-sm icon-tone"), `${_("The export failed.")} ${_(it.problem)}`),
    it.state === "ready" && files(it, isOpen),
  );
}

/** @param {Export} it */
function progress(it) {
  const waits = it.state === "waiting";
  const text = waits ? _("Waits for its turn") : percent.format(it.progress);
  return h("div", { class: "row row-tight small muted" }, h("progress", { class: "export-progress grow", max: "1", value: waits ? undefined : it.progress, "aria-label": _("Progress") }), h("span", null, text));
}

/**
 * @param {Export} it
 * @param {boolean} isOpen
 */
function files(it, isOpen) {
  const links = it.files.map((file) => h("li", null, h("a", { href: `${it.url}?name=${encodeURIComponent(file.name)}`, download: file.name }, file.name), h("span", { class: "muted" }, ` · ${sizeWord(file.size)}`)));
  return [
    h("p", { class: "muted small" }, it.expires_ms === null ? null : _("Deleted by itself on {time}", { time: formatDateTime(it.expires_ms) })),
    h("details", { class: "small", open: isOpen, dataset: { id: String(it.id) } }, h("summary", null, _("Single files, and how to check")), h("ul", { class: "plain export-files" }, links), h("p", { class: "muted" }, _("On any machine with Kustos:"), " ", h("code", null, "kustos evidence verify --public-key KEY.pem EXPORT.zip"))),
  ];
}
