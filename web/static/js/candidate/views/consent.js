/** @file Step 1: the consent, in full, to accept or refuse. */

import { busy, button, h, icon } from "../../base/dom.js";
import { confirmDialog } from "../../base/dialog.js";
import { _ } from "../../base/i18n.js";
import { toastError } from "../../base/toast.js";
import { checkInFrame } from "./frame.js";

const BULLET = "• ";

/** Lines that begin with a bullet make a list, a line before a list is its heading, all others are paragraphs. @param {string} text @returns {Node[]} */
export function paragraphs(text) {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  /** @type {HTMLElement[]} */
  const nodes = [];
  lines.forEach((line, index) => {
    const list = nodes.at(-1);
    if (!line.startsWith(BULLET)) nodes.push(h(lines[index + 1]?.startsWith(BULLET) ? "h2" : "p", null, line));
    else if (list?.tagName === "UL") list.append(h("li", null, line.slice(BULLET.length)));
    else nodes.push(h("ul", null, h("li", null, line.slice(BULLET.length))));
  });
  return nodes;
}

/** @param {import("../app.js").App} app @returns {import("../types.js").View} */
export function consentView(app) {
  const { consent, support_email: support } = app.state;
  const answer = async (/** @type {boolean} */ accepted) => {
    await app.act("consent", { accepted, version: consent.version, language: app.state.language }).catch(toastError);
  };
  const refuse = async () => {
    const sure = await confirmDialog({
      title: _("Refuse and leave?"),
      text: _(
        "Without your consent this exam cannot be taken here. Your refusal is recorded, the organiser is told and will offer you another way. Nothing has been recorded of you.",
      ),
      yes: _("Yes, I refuse"),
      no: _("Back"),
      tone: "warn",
      icon: "hand-helping",
    });
    if (sure) await answer(false);
  };
  const accept = button(_("I agree, continue"), () => void busy(accept, () => answer(true)), {
    kind: "btn-primary btn-lg",
  });
  const element = checkInFrame(
    app.state,
    "consent",
    {
      title: _("Before we begin"),
      lead: _("This exam is supervised. Please read what is recorded, why, and who sees it."),
    },
    h(
      "div",
      { class: "consent-text", tabindex: 0, role: "region", "aria-label": _("Consent text") },
      paragraphs(consent.text),
    ),
    h(
      "p",
      { class: "muted small row row-tight" },
      icon("scroll-text", "icon-sm"),
      _("Version {version}", { version: consent.version }),
      support && h("span", null, "· ", _("Questions:"), " ", h("a", { href: `mailto:${support}` }, support)),
    ),
    h(
      "div",
      { class: "check-in-foot" },
      button(_("I do not agree"), () => void refuse(), { kind: "btn-quiet btn-lg" }),
      accept,
    ),
  );
  return { element };
}
