/** @file What is stored of faces, under which key and how old; making a person's templates unreadable, protecting all anew. */

import { get, post } from "../base/api.js";
import { confirmDialog, openDialog } from "../base/dialog.js";
import { busy, button, fill, h, icon, one, setText } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime, ngettext } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toast, toastError } from "../base/toast.js";
import { connectFilter, formOf, TablePage } from "./table_page.js";
import { actionWord, faceModeWord } from "./words.js";

/**
 * @typedef {object} Inventory
 * @property {string} profile
 * @property {{in_use: number, people: number, oldest_ms: number | null, bytes: number, revoked: number, models: {sha256: string, count: number}[]}} templates
 * @property {{version: number, since_ms: number, renewed_ms: number | null, key: string, retired: number} | null} protection
 * @property {{people: number, people_destroyed: number}} keys
 * @property {{kind: string, count: number, oldest_ms: number | null}[]} photos
 * @property {{count: number, oldest_ms: number | null}} evidence_pictures
 * @property {number} checks
 * @property {number} similar
 * @property {{id: number, name: string, external_id: string, biometrics: string, identity_action: string}[]} exams
 */

// A renewal takes about a tenth of a millisecond a template; the page looks until the number of the version moved.
const LOOK_AGAIN_MS = 2000;
const LOOKS = 60;
const mayRevoke = pageData.permissions.includes("biometrics.revoke");
const day = (/** @type {number | null | undefined} */ ms) => (ms ? formatDateTime(ms) : "—");

/** @param {string} symbol @param {string} title @param {string | number} figure @param {string[]} lines @param {Node | null} [act] */
const tile = (symbol, title, figure, lines, act = null) =>
  h("div", { class: "card bio-tile" }, h("span", { class: "bio-tile-title" }, icon(symbol, "icon-sm"), title), h("span", { class: "bio-tile-figure" }, figure), lines.map((line) => h("span", { class: "small muted" }, line)), act);

/** @param {Inventory} it */
function showTiles(it) {
  const { templates, protection, keys } = it;
  const renew = mayRevoke && protection ? button(_("Renew all…"), () => void askToRenew(it), { kind: "btn-sm", icon: "refresh-cw" }) : null;
  const photos = it.photos.reduce((sum, { count }) => sum + count, 0);
  fill(
    one("#tiles"),
    tile("scan-face", _("Templates in use"), templates.in_use, [
      ngettext("of {n} person", "of {n} people", templates.people),
      _("oldest: {time}", { time: day(templates.oldest_ms) }),
      ngettext("{n} revoked or replaced", "{n} revoked or replaced", templates.revoked),
    ]),
    tile("shield-check", _("Protection of the organisation"), protection ? _("version {n}", { n: protection.version }) : "—", [protection ? _("since {time}", { time: day(protection.since_ms) }) : _("Nobody was ever enrolled."), ...(protection?.renewed_ms ? [_("last renewed {time}", { time: day(protection.renewed_ms) })] : [])], renew),
    tile("key", _("Keys of people"), keys.people, [ngettext("{n} destroyed for ever", "{n} destroyed for ever", keys.people_destroyed)]),
    tile("image", _("Pictures of faces"), photos + it.evidence_pictures.count, [_("{n} photos of check-ins", { n: photos }), _("{n} evidence pictures of findings", { n: it.evidence_pictures.count })]),
  );
  one("#tiles").removeAttribute("aria-busy");
}

/** @param {Inventory} it */
function storedRows(it) {
  const kind = (/** @type {string} */ name) => it.photos.find((row) => row.kind === name) ?? { count: 0, oldest_ms: null };
  const models = it.templates.models.map(({ sha256, count }) => _("{count} made by network {hash}…", { count, hash: sha256.slice(0, 16) })).join("; ");
  const own = _("until its term is over (page Retention), or the person is erased");
  return [
    { what: _("Templates of faces"), note: models || _("128 numbers a face, turned by the organisation's secret, encrypted"), where: _("database, table face_template"), key: `face:PERSON + ${it.protection?.key ?? "faces:ORGANISATION:VERSION"}`, count: it.templates.in_use, oldest: it.templates.oldest_ms, until: _("until revoked here, replaced by a newer one, or the person is erased") },
    { what: _("Face photos"), note: "", where: _("vault, encrypted files"), key: "pictures:SITTING", count: kind("face").count, oldest: kind("face").oldest_ms, until: own },
    { what: _("Document photos"), note: "", where: _("vault, encrypted files"), key: "pictures:SITTING", count: kind("document").count, oldest: kind("document").oldest_ms, until: own },
    { what: _("Evidence pictures of findings"), note: "", where: _("vault, encrypted files"), key: "pictures:SITTING", count: it.evidence_pictures.count, oldest: it.evidence_pictures.oldest_ms, until: own },
    { what: _("Outcomes of comparisons"), note: _("verdict and distance, nothing of the face"), where: _("database, table identity_check"), key: "—", count: it.checks, oldest: null, until: own },
    { what: _("Profiles that look alike"), note: _("who and how near, nothing of the face"), where: _("database, table similar_face"), key: "—", count: it.similar, oldest: null, until: _("as long as its sitting and both people") },
    { what: _("In the workers' memory"), note: _("templates rounded to one byte a number, still turned by the organisation's secret"), where: _("memory only"), key: "—", count: null, oldest: null, until: _("until the process ends") },
  ];
}

/** @param {Inventory} it */
function askToRenew(it) {
  return confirmDialog({
    title: _("Protect all templates anew?"),
    text: _("All templates are turned by a new secret and the old one is destroyed. Nobody has to be enrolled again; whatever was copied before fits nothing any more. A worker does it in the background."),
    yes: _("Renew all"),
    icon: "refresh-cw",
  }).then(async (sure) => {
    if (!sure) return;
    try {
      await post("/api/v1/biometrics/renew");
      toast(_("The templates are being protected anew."), "info");
      await waitForVersion(it.protection?.version ?? 0);
    } catch (error) {
      toastError(error);
    }
  });
}

/** @param {number} before */
async function waitForVersion(before) {
  for (let look = 0; look < LOOKS; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const found = await load();
    if (found?.protection && found.protection.version > before) return toast(_("All templates are protected anew."), "good");
  }
  toast(_("No worker has taken this up yet; it is done as soon as one runs."), "warn");
}

/** @param {any} person */
function askToRevoke(person) {
  const reason = h("input", { class: "input", type: "text", maxlength: 500, id: "reason" });
  const revoke = button(
    _("Revoke for ever"),
    () =>
      void busy(revoke, async () => {
        try {
          const { revoked } = await post(`/api/v1/biometrics/people/${person.id}/revoke`, { reason: reason.value });
          dialog.close();
          toast(ngettext("{n} template was made unreadable.", "{n} templates were made unreadable.", revoked), "good");
        } catch (error) {
          toastError(error);
        }
        await Promise.all([people.load(), load()]);
      }),
    { kind: "btn-danger", icon: "trash-2" },
  );
  const dialog = openDialog({
    title: _("Revoke the templates of {name}?", { name: person.name }),
    icon: "shield-alert",
    tone: "bad",
    body: [
      h("p", null, _("The key of this person's templates is destroyed: they are unreadable from now on, in every copy and backup. Photos and recordings of sittings are not touched.")),
      h("p", { class: "muted" }, _("At the next check-in the person is enrolled anew, under a new key.")),
      h("div", { class: "field" }, h("label", { for: "reason" }, _("Reason, for the audit log")), reason),
    ],
    buttons: [revoke],
  });
  reason.focus();
}

const stored = new TablePage({
  element: one("#stored"),
  caption: _("What is stored where"),
  columns: [{ title: _("What") }, { title: _("Where") }, { title: _("Under which key") }, { title: _("How many"), class: "num" }, { title: _("Oldest") }, { title: _("For how long") }],
  cells: (row) => [h("div", { class: "cell-two" }, h("span", { class: "row-name" }, row.what), row.note && h("span", { class: "muted" }, row.note)), row.where, h("span", { class: "mono bio-key" }, row.key), row.count === null ? "—" : String(row.count), day(row.oldest), row.until],
  url: "",
  found: (answer) => answer,
  empty: { icon: "database", title: _("Nothing is stored"), text: "" },
});

const modes = new TablePage({
  element: one("#modes"),
  caption: _("Exams"),
  columns: [{ title: _("Exam") }, { title: _("Faces are measured") }, { title: _("When another person is seen") }],
  cells: (exam) => {
    const mode = faceModeWord(exam.biometrics);
    return [h("div", { class: "cell-two" }, h("span", { class: "row-name" }, exam.name), h("span", { class: "muted mono" }, exam.external_id)), h("span", { class: `badge tone-${mode.tone}` }, icon(mode.icon), mode.title), actionWord(exam.identity_action).title];
  },
  url: "",
  found: (answer) => answer,
  empty: { icon: "graduation-cap", title: _("No exams yet"), text: _("An exam appears here with the first candidate whom the learning platform sends.") },
});

const people = new TablePage({
  element: one("#people"),
  caption: _("Enrolled people"),
  columns: [{ title: _("Person") }, { title: _("Templates"), class: "num" }, { title: _("Oldest") }, { title: _("Newest") }, ...(mayRevoke ? [{ title: _("Action") }] : [])],
  cells: (person) => [
    h("div", { class: "cell-two" }, h("span", { class: "row-name" }, person.name), h("span", { class: "muted mono" }, [person.external_id, person.email].filter(Boolean).join(" · "))),
    String(person.templates),
    day(person.oldest_ms),
    day(person.newest_ms),
    ...(mayRevoke ? [button(_("Revoke…"), () => askToRevoke(person), { kind: "btn-sm btn-danger-quiet", icon: "trash-2" })] : []),
  ],
  url: "/api/v1/biometrics/people",
  found: (answer) => ({ rows: answer.people, page: answer.page, pages: answer.pages, total: answer.total }),
  empty: { icon: "scan-face", title: _("Nobody is enrolled"), text: _("A face is enrolled with its first good photo at a check-in of an exam that measures faces on the server.") },
});

/** @returns {Promise<Inventory | null>} */
async function load() {
  try {
    /** @type {Inventory} */
    const found = await get("/api/v1/biometrics");
    one("#failure").hidden = true;
    showTiles(found);
    stored.show({ rows: storedRows(found) });
    modes.show({ rows: found.exams });
    return found;
  } catch (error) {
    one("#failure").hidden = false;
    setText(one("#failure-text"), wordError(error));
    return null;
  }
}

connectFilter(formOf("#filter"), (query) => void people.load(query));
one("#retry").addEventListener("click", () => void load());
await Promise.all([load(), people.load()]);
