/** @file What an administrator may do to a colleague's account, as a menu; and one-time links, shown once. */

import { copyText } from "../base/copy.js";
import { openDialog } from "../base/dialog.js";
import { button, h, icon } from "../base/dom.js";
import { _, formatDateTime } from "../base/i18n.js";

/**
 * @typedef {{id: number, name: string, email: string, role: string, limited: boolean, disabled: boolean, locked: boolean, invited: boolean, break_glass: boolean,
 *   second_factors: ("authenticator" | "security_key")[], last_seen_ms: number | null}} Person
 *
 * @typedef {object} Act
 * @property {string} name
 * @property {string} title
 * @property {string} icon
 * @property {string} path
 * @property {Record<string, unknown>} [body]
 * @property {"bad" | "warn"} [tone]
 * @property {(person: Person) => {title: string, text: string}} [question]
 * @property {string} [done]
 */

/** @param {Person} person @param {boolean} own @returns {Act[]} */
function acts(person, own) {
  if (person.break_glass) return [end(), person.disabled ? enable() : disable()];
  if (person.disabled) return [enable()];
  /** @type {(Act | false)[]} */
  const list = [
    person.locked && { name: "unlock", title: _("Unlock"), icon: "lock", path: "unlock", done: _("They may try again.") },
    person.invited
      ? { name: "invite", title: _("New invitation"), icon: "mail", path: "link", body: { kind: "invitation" } }
      : { name: "password", title: _("Link for a new password"), icon: "lock", path: "link", body: { kind: "password" } },
    !person.invited &&
      !own && {
        name: "everything",
        title: _("Start over"),
        icon: "rotate-ccw",
        path: "link",
        body: { kind: "everything" },
        tone: "warn",
        question: ({ name }) => ({ title: _("Start over for {name}?", { name }), text: _("Password, authenticator, keys and recovery codes are gone at once, and log-ins end. You get a link to hand over. For a lost phone, or when somebody else may have it.") }),
      },
    !own && ["organiser", "reviewer"].includes(person.role) && reach(person),
    !own && { name: "role", title: _("Change the role"), icon: "user-check", path: "role" },
    !own && end(),
    !own && disable(),
  ];
  return list.filter((act) => act !== false);
}

/** Organisers and reviewers reach the whole company, or the exams they are assigned to. @param {Person} person @returns {Act} */
const reach = ({ limited }) =>
  limited
    ? { name: "unlimit", title: _("Let reach all exams"), icon: "users", path: "limit", body: { limited: false }, done: _("They reach all exams now.") }
    : { name: "limit", title: _("Limit to assigned exams"), icon: "users", path: "limit", body: { limited: true }, done: _("They reach only exams they are assigned to. Assign them on the page Exams.") };
/** @returns {Act} */
const end = () => ({ name: "end", title: _("End log-ins"), icon: "log-out", path: "end-sessions", done: _("Their log-ins have ended.") });
/** @returns {Act} */
const enable = () => ({ name: "enable", title: _("Enable"), icon: "check", path: "enable" });
/** @returns {Act} */
const disable = () => ({
  name: "disable",
  title: _("Disable"),
  icon: "ban",
  path: "disable",
  tone: "bad",
  question: ({ name }) => ({ title: _("Disable {name}?", { name }), text: _("Log-ins and open pages end at once. What they did stays in the audit log; the account can be enabled again.") }),
});

/**
 * In the browser's top layer: a table that scrolls sideways would cut a menu of its own off.
 * @param {Person} person
 * @param {{own: boolean, onAct: (act: Act) => void}} options
 */
export function personMenu(person, { own, onAct }) {
  const id = `acts-${person.id}`;
  const items = acts(person, own).map((act) =>
    h("button", { type: "button", on: { click: () => (list.hidePopover(), onAct(act)) } }, icon(act.icon), act.title),
  );
  const list = h("div", { class: "menu-list people-menu", id, popover: "auto" }, items);
  const opener = h("button", { type: "button", class: "btn btn-quiet btn-icon btn-sm", popovertarget: id, "aria-label": _("Acts for {name}", { name: person.name }) }, icon("ellipsis"));
  list.addEventListener("toggle", () => {
    if (!list.matches(":popover-open")) return;
    const at = opener.getBoundingClientRect();
    const below = at.bottom + list.offsetHeight < innerHeight;
    list.style.top = `${Math.max(0, below ? at.bottom : at.top - list.offsetHeight)}px`;
    list.style.left = `${Math.max(0, at.right - list.offsetWidth)}px`;
  });
  return h("div", { class: "people-act" }, opener, list);
}

/** @param {string} name @param {{url: string, kind: string, expires_ms: number}} link */
export function showLink(name, link) {
  const copy = button(_("Copy the link"), () => void copyText(link.url), { icon: "copy", kind: "btn-primary" });
  const dialog = openDialog({
    title: _("Link for {name}", { name }),
    icon: "link",
    must: true,
    body: [
      h("p", null, _("Hand this over yourself, by a way you trust. It works once, until {when}, and is not shown again.", { when: formatDateTime(link.expires_ms) })),
      h("code", { class: "link-once" }, link.url),
    ],
    buttons: [copy, button(_("I have kept it"), () => dialog.close(), { icon: "check" })],
  });
}
