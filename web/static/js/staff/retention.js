/** @file Terms and their limits, what is deleted soon, one person's rights, holds, erasures, certificates. */

import { del, get } from "../base/api.js";
import { confirmDialog } from "../base/dialog.js";
import { button, fill, h, icon, one, setText } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _, formatDateTime, ngettext } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { toastError } from "../base/toast.js";
import { askErase, askExport, askHold, askRelease, askTerm } from "./retention/dialogs.js";
import { ASKERS, BASES, classIcon, classMeaning, classTitle, daysText, SCOPES, sizeText, titleIn } from "./retention/words.js";
import { connectFilter, formOf, TablePage } from "./table_page.js";
import { connectTabs } from "./tabs.js";

// An erasure and an export take a worker some seconds; while one is under way the page looks.
const LOOK_AGAIN_MS = 2000;
const may = (/** @type {string} */ permission) => pageData.permissions.includes(permission);
const when = (/** @type {number | null | undefined} */ ms) => (ms ? formatDateTime(ms) : "—");
const people = may("person.export");

/** @type {any} */
let known = null;
/** @type {number | undefined} */
let timer;

/** @param {string} tone @param {string} symbol @param {string} title */
const badge = (tone, symbol, title) => h("span", { class: `badge tone-${tone}` }, icon(symbol), title);
/** @param {string} first @param {string} second */
const two = (first, second) => h("div", { class: "cell-two" }, h("span", { class: "row-name" }, first), h("span", { class: "muted small" }, second));
/** @param {string} code */
const kind = (code) => h("span", { class: "row row-tight" }, icon(classIcon(code), "icon-sm"), classTitle(code));
const plain = (/** @type {any} */ answer) => answer;

/** @param {Promise<boolean>} asked */
const then = (asked) => void asked.then((done) => (done ? load() : undefined));

const terms = new TablePage({
  element: one("#terms"),
  caption: _("Terms"),
  columns: [{ title: _("Kind of data") }, { title: _("Kept"), class: "num" }, { title: _("Announced before"), class: "num" }, { title: _("The profile's limits") }, { title: _("Exams that differ") }, ...(may("retention.edit") ? [{ title: _("Action"), class: "keep-act" }] : [])],
  cells: (term) => [
    h("div", { class: "cell-two" }, kind(term.data_class), h("span", { class: "muted small" }, classMeaning(term.data_class))),
    h("div", { class: "cell-two" }, h("span", { class: "keep-days" }, daysText(term.days)), h("span", { class: "muted small" }, term.preset ? _("preset") : _("set {time}", { time: when(term.changed_ms) }))),
    daysText(term.warn_days),
    two(term.most === null ? _("at least {n} d", { n: term.least }) : _("{least} to {most} d", { least: term.least, most: term.most }), [term.least > 1 ? term.least_rule : "", term.most_rule].filter(Boolean).map((rule) => _(rule)).join("; ")),
    h("div", { class: "keep-exams" }, term.exams.length ? term.exams.map((/** @type {any} */ exam) => badge("none", "graduation-cap", `${exam.name}: ${daysText(exam.days)}`)) : "—"),
    ...(may("retention.edit") ? [button(_("Change…"), () => then(askTerm(term, known.exams)), { kind: "btn-sm", icon: "pen-line" })] : []),
  ],
  url: "",
  found: plain,
  empty: { icon: "clock", title: _("No terms"), text: "" },
});

const soon = new TablePage({
  element: one("#soon"),
  caption: _("Deleted soon"),
  columns: [{ title: _("Deleted on") }, { title: _("Kind of data") }, { title: _("Of") }, { title: _("Exam") }, { title: _("Ended") }, { title: _("Announced") }, ...(may("hold.place") ? [{ title: _("Action"), class: "keep-act" }] : [])],
  cells: (row) => [
    when(row.delete_ms),
    kind(row.data_class),
    row.sitting_id ? _("sitting {n}", { n: row.sitting_id }) : _("person {n}", { n: row.candidate_id }),
    row.exam ?? "—",
    two(when(row.ended_ms), _("term: {days}", { days: daysText(row.days) })),
    when(row.warned_ms),
    ...(may("hold.place") ? [button(_("Hold…"), () => then(askHold(row.sitting_id ? { scope: "sitting", id: row.sitting_id } : { scope: "candidate", id: row.candidate_id })), { kind: "btn-sm", icon: "lock" })] : []),
  ],
  url: "/api/v1/retention/soon",
  found: (answer) => ({ ...answer, rows: answer.deletions }),
  empty: { icon: "check", title: _("Nothing is deleted within 30 days"), text: _("What comes near the end of its term is announced here first.") },
});

const holdTable = new TablePage({
  element: one("#holds"),
  caption: _("Holds"),
  columns: [{ title: _("State") }, { title: _("On") }, { title: _("Reason") }, { title: _("Owner") }, { title: _("Placed") }, ...(may("hold.release") ? [{ title: _("Action"), class: "keep-act" }] : [])],
  cells: (hold) => [
    hold.released_ms ? two(_("released"), when(hold.released_ms)) : badge("warn", "lock", _("in force")),
    `${titleIn(SCOPES, hold.scope)} · ${hold.subject_id}`,
    hold.released_ms ? two(hold.reason, _("released: {why}", { why: hold.release_reason })) : hold.reason,
    hold.owner,
    two(when(hold.placed_ms), hold.placed_by || _("command line")),
    ...(may("hold.release") ? [hold.released_ms ? "" : button(_("Release…"), () => then(askRelease(hold)), { kind: "btn-sm", icon: "lock" })] : []),
  ],
  url: "",
  found: plain,
  empty: { icon: "lock", title: _("No holds"), text: _("Place one while a complaint or a case needs what would be deleted.") },
});

const erasures = new TablePage({
  element: one("#erasures"),
  caption: _("Erasures"),
  columns: [{ title: _("State") }, { title: _("Person") }, { title: _("Legal basis") }, { title: _("Asked for by") }, { title: _("Done by") }, { title: _("Certificate") }],
  cells: (row) => [
    row.state === "done" ? badge("good", "check", _("erased")) : badge("info", "hourglass", _("under way")),
    _("number {n}", { n: row.candidate_id }),
    titleIn(BASES, row.legal_basis),
    two(titleIn(ASKERS, row.asked_by), row.reference),
    two(row.requested_by, when(row.requested_ms)),
    row.certificate_id ? h("a", { href: `/retention/certificates/${row.certificate_id}` }, _("Certificate {n}", { n: row.certificate_id })) : "—",
  ],
  url: "",
  found: plain,
  empty: { icon: "trash-2", title: _("Nobody was erased"), text: _("A person who asks for it is found and erased on the tab People.") },
});

const certificates = new TablePage({
  element: one("#certificates"),
  caption: _("Certificates"),
  columns: [{ title: _("Certificate") }, { title: _("About") }, { title: _("Signed") }, { title: _("Rows"), class: "num" }, { title: _("Files"), class: "num" }, { title: _("Size"), class: "num" }, { title: _("Download"), class: "keep-act" }],
  cells: (row) => [
    h("a", { href: row.url }, _("Certificate {n}", { n: row.id })),
    row.kind === "erasure" ? badge("accent", "user-x", _("erasure")) : badge("none", "clock", _("end of terms")),
    when(row.made_ms),
    String(row.rows),
    String(row.files),
    sizeText(row.bytes),
    h("span", { class: "row row-tight" }, h("a", { href: `/api/v1/retention/certificates/${row.id}/content`, download: true }, "JSON"), h("a", { href: `/api/v1/retention/certificates/${row.id}/signature`, download: true }, _("signature"))),
  ],
  url: "",
  found: plain,
  empty: { icon: "badge-check", title: _("No certificates yet"), text: _("The first appears when something has been deleted.") },
});

const personTable = !people ? null : new TablePage({
  element: one("#people"),
  caption: _("People"),
  columns: [{ title: _("Person") }, { title: _("Sittings"), class: "num" }, { title: _("Last") }, { title: _("State") }, { title: _("Action"), class: "keep-act" }],
  cells: (person) => [
    two(person.name, [person.external_id, person.email, `#${person.id}`].filter(Boolean).join(" · ")),
    String(person.sittings),
    when(person.last_ms),
    person.erased_ms ? badge("none", "user-x", _("erased")) : person.held ? badge("warn", "lock", _("on hold")) : "",
    person.erased_ms ? "" : h("span", { class: "row row-tight" },
      button(_("Export…"), () => then(askExport(person)), { kind: "btn-sm", icon: "download" }),
      may("hold.place") && button(_("Hold…"), () => then(askHold({ scope: "candidate", id: person.id })), { kind: "btn-sm", icon: "lock" }),
      may("person.erase") && button(_("Erase…"), () => then(askErase(person)), { kind: "btn-sm btn-danger-quiet", icon: "trash-2", disabled: person.held }),
    ),
  ],
  url: "/api/v1/retention/people",
  found: (answer) => ({ rows: answer.people }),
  empty: { icon: "user-round-search", title: _("Nobody found"), text: _("Type part of a name, an id or an e-mail.") },
});

const exportTable = !people ? null : new TablePage({
  element: one("#person-exports"),
  caption: _("Made up for people"),
  columns: [{ title: _("State") }, { title: _("Person") }, { title: _("Asked for") }, { title: _("Destroyed on") }, { title: _("Size"), class: "num" }, { title: _("Action"), class: "keep-act" }],
  cells: (row) => [
    row.state === "ready" ? badge("good", "check", _("ready")) : row.state === "failed" ? h("div", { class: "cell-two" }, badge("bad", "circle-alert", _("failed")), h("span", { class: "muted small" }, row.problem)) : badge("info", "hourglass", _("being made")),
    two(_("number {n}", { n: row.candidate_id }), row.with_recordings ? _("with recordings") : _("without recordings")),
    when(row.requested_ms),
    when(row.expires_ms),
    sizeText(row.size_bytes),
    h("span", { class: "row row-tight" }, row.url && h("a", { class: "btn btn-sm", href: row.url, download: true }, icon("download"), h("span", null, _("Download"))), button(_("Destroy"), () => void destroy(row), { kind: "btn-sm btn-danger-quiet", icon: "trash-2" })),
  ],
  url: "",
  found: plain,
  empty: { icon: "download", title: _("Nothing was made up"), text: "" },
});

/** @param {any} row */
async function destroy(row) {
  if (!(await confirmDialog({ title: _("Destroy this archive?"), text: _("It can be made up anew."), yes: _("Destroy"), icon: "trash-2" }))) return;
  try {
    await del(`/api/v1/retention/person-exports/${row.id}`);
  } catch (error) {
    toastError(error);
  }
  await load();
}

/** @param {{data_class: string, count: number, first_ms: number}[]} counts */
function showNotice(counts) {
  const notice = one("#notice");
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  notice.className = `notice keep-notice tone-${total ? "warn" : "good"}`;
  const first = counts[0];
  if (!first) return fill(notice, icon("check"), h("span", null, _("Nothing is deleted within the next 30 days.")));
  const parts = counts.map(({ data_class: code, count }) => `${classTitle(code)}: ${count}`).join(" · ");
  fill(notice, icon("hourglass"), h("div", null, h("strong", null, ngettext("{n} deletion is announced, the first on {time}", "{n} deletions are announced, the first on {time}", total, { time: when(first.first_ms) })), h("span", null, parts)));
}

async function load() {
  window.clearTimeout(timer);
  try {
    known = await get("/api/v1/retention");
    one("#failure").hidden = true;
    showNotice(known.soon);
    terms.show({ rows: known.terms });
    holdTable.show({ rows: known.holds });
    erasures.show({ rows: known.erasures });
    certificates.show({ rows: known.certificates });
    exportTable?.show({ rows: known.person_exports });
    const underWay = known.erasures.some((/** @type {any} */ row) => row.state !== "done") || known.person_exports.some((/** @type {any} */ row) => row.state === "waiting");
    if (underWay) timer = window.setTimeout(() => void load(), LOOK_AGAIN_MS);
  } catch (error) {
    one("#failure").hidden = false;
    one("#notice").hidden = true;
    setText(one("#failure-text"), wordError(error));
    return;
  }
  one("#notice").hidden = false;
  await Promise.all([soon.load(), personTable?.query.q ? personTable.load() : null]);
}

connectTabs(one("#tabs"));
connectFilter(formOf("#soon-filter"), (query) => void soon.load(query));
if (personTable) {
  personTable.show({ rows: [] });
  connectFilter(formOf("#people-filter"), (query) => void personTable.load(query));
}
document.querySelector("#place-hold")?.addEventListener("click", () => then(askHold()));
one("#retry").addEventListener("click", () => void load());
await load();
fill(one("#soon-class"), h("option", { value: "" }, _("All")), (known?.terms ?? []).map((/** @type {any} */ term) => h("option", { value: term.data_class }, classTitle(term.data_class))));
