/** @file Step 5: the exam itself: content, time, self view, chat, warnings, and whatever may block the content. */

import { confirmDialog } from "../../base/dialog.js";
import { busy, button, fill, h, icon, one } from "../../base/dom.js";
import { _, ngettext } from "../../base/i18n.js";
import { toastError } from "../../base/toast.js";
import { Answers } from "../answers.js";
import { chatPanel } from "../chat.js";
import { wantsFullScreen } from "../observers/watch.js";
import { questionSheet } from "../questions.js";
import { photoNotices, retakePhoto } from "../retake.js";
import { rulesList } from "../rules.js";
import { selfView } from "../self_view.js";
import { setTitle } from "../shell.js";
import { blockingMessage } from "../state.js";
import { examTimer } from "../timer.js";
import { warningList } from "../warnings.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {{key: string, icon: string, tone: string, title: string, text: string, action?: Node}} Block */

/** What stands before the content now, the weightiest first. @param {App} app @returns {Block | null} */
function blockOf(app) {
  const message = blockingMessage(app.state);
  if (message)
    return {
      key: `incident-${message.id}`,
      icon: "octagon-alert",
      tone: "bad",
      title: _("The proctor has stopped your work"),
      text: message.text,
    };
  if (app.state.sitting.state === "paused" && app.state.paused_for === "identity_photo")
    return {
      key: "paused-identity",
      icon: "scan-face",
      tone: "warn",
      title: _("The exam is paused: please show that it is you"),
      text: _(
        "The face in the picture was not recognised as yours. Your time stands still. Take a new photo in good light; when it matches, the exam goes on by itself. If that does not help, write to the support, or hand in what you have.",
      ),
      action: button(_("Take a new photo"), () => retakePhoto(app, "face"), { kind: "btn-primary btn-lg", icon: "camera" }),
    };
  if (app.state.sitting.state === "paused")
    return {
      key: "paused",
      icon: "circle-pause",
      tone: "info",
      title: _("The exam is paused"),
      text: _("Your time stands still. Stay at your place: the exam goes on when the proctor resumes it."),
    };
  if (app.state.sitting.state === "interrupted")
    return {
      key: "interrupted",
      icon: "unlink",
      tone: "warn",
      title: _("The exam was interrupted"),
      text: _("We are putting it together again. Please stay on this page."),
    };
  if (wantsFullScreen(app) && !document.fullscreenElement) {
    const enter = button(
      _("Enter full screen"),
      () => void document.documentElement.requestFullscreen({ navigationUI: "hide" }).catch(toastError),
      { kind: "btn-primary btn-lg", icon: "maximize" },
    );
    return {
      key: "full",
      icon: "maximize",
      tone: "accent",
      title: _("This exam is taken in full screen"),
      text: _("Leaving full screen is reported to the proctor."),
      action: enter,
    };
  }
  return null;
}

/** @param {App} app @param {Answers} answers */
function contentOf(app, answers) {
  const { exam } = app.state;
  if (!exam.content_url) return questionSheet(exam.questions, answers);
  const frame = h("iframe", {
    class: "exam-frame",
    src: exam.content_url,
    title: exam.name,
    // The LMS needs its own scripts and cookies; it may not lead this page away or open windows.
    sandbox: "allow-scripts allow-same-origin allow-forms allow-downloads allow-modals",
    allow: "fullscreen; clipboard-write",
    referrerpolicy: "strict-origin-when-cross-origin",
  });
  return { element: frame, fieldset: null };
}

/** @param {App} app @param {Answers} answers */
async function finish(app, answers) {
  const open = app.state.exam.content_url ? 0 : app.state.exam.questions.length - answers.given;
  const text =
    open > 0
      ? ngettext(
          "{n} question has no answer yet. After finishing nothing can be changed.",
          "{n} questions have no answer yet. After finishing nothing can be changed.",
          open,
        )
      : _("After finishing nothing can be changed. Hand in your work in the exam's own page first, if it asks for it.");
  const sure = await confirmDialog({
    title: _("Finish the exam?"),
    text,
    yes: _("Finish now"),
    no: _("Go on working"),
    tone: "warn",
    icon: "flag",
  });
  if (!sure) return;
  try {
    await answers.flush();
    await app.act("finish");
  } catch (error) {
    toastError(error);
  }
}

/** @param {App} app @returns {import("../types.js").View} */
export function examView(app) {
  setTitle(app.state.exam.name);
  const answers = new Answers(app.state.answers);
  const content = contentOf(app, answers);
  const cover = h("div", { class: "cover", hidden: true });
  const timer = examTimer(app);
  const self = selfView(app);
  const warnings = warningList(app);
  const notices = photoNotices(app, { hints: false });
  const badge = h("span", { class: "count", hidden: true });
  const isSeen = () => !narrow.matches || side.classList.contains("is-open");
  const chat = chatPanel(app, {
    isSeen,
    onUnread: (count) => {
      badge.hidden = count === 0;
      fill(
        badge,
        count,
        h("span", { class: "visually-hidden" }, " ", ngettext("unread message", "unread messages", count)),
      );
      setTitle(count ? `(${count}) ${app.state.exam.name}` : app.state.exam.name);
    },
  });
  const narrow = matchMedia("(max-width: 60rem)");
  const rules = h(
    "details",
    { class: "panel panel-rules" },
    h("summary", { class: "panel-title" }, _("Rules"), icon("chevron-down", "icon-sm")),
    rulesList(app.state),
  );
  const side = h(
    "aside",
    { class: "side", id: "side", "aria-label": _("You and the proctor") },
    h("section", { class: "panel" }, self.element),
    warnings.element,
    h(
      "section",
      { class: "panel panel-chat" },
      h("h2", { class: "panel-title" }, _("Chat with the proctor")),
      chat.element,
    ),
    rules,
  );
  const opener = button(_("Chat"), () => toggle(), {
    kind: "side-opener",
    icon: "message-square",
    "aria-expanded": "false",
    "aria-controls": "side",
  });
  opener.append(badge);
  const toggle = (open = !side.classList.contains("is-open")) => {
    side.classList.toggle("is-open", open);
    opener.setAttribute("aria-expanded", String(open));
    if (open) chat.seen();
  };
  const end = button(_("Finish"), () => void busy(end, () => finish(app, answers)), { kind: "", icon: "flag" });
  const bar = one("#bar-exam");
  fill(bar, timer.element, opener, end);
  const stage = h(
    "div",
    { class: "exam-stage" },
    notices.element,
    h("h1", { class: "visually-hidden", tabindex: -1 }, app.state.exam.name),
    content.element,
    cover,
  );

  let shown = "";
  const showBlock = () => {
    const block = blockOf(app);
    const key = block?.key ?? "";
    if (key === shown) return;
    shown = key;
    cover.hidden = !block;
    content.element.toggleAttribute("inert", Boolean(block));
    if (content.fieldset) content.fieldset.disabled = Boolean(block);
    if (!block) return fill(cover);
    cover.className = `cover tone-${block.tone}`;
    // The answer to a stop is a message; on small screens the chat is behind a button.
    const answer =
      block.key.startsWith("incident") &&
      button(_("Answer in the chat"), () => (toggle(true), chat.focus()), {
        kind: "btn-primary cover-answer",
        icon: "message-square",
      });
    fill(
      cover,
      h(
        "div",
        { class: "cover-card", role: "alert" },
        h("span", { class: "dialog-mark" }, icon(block.icon, "icon-lg")),
        h("h2", null, block.title),
        h("p", null, block.text),
        block.action,
        answer,
      ),
    );
  };
  stage.addEventListener("pointerdown", () => side.classList.contains("is-open") && toggle(false));
  side.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !side.classList.contains("is-open")) return;
    toggle(false);
    opener.focus();
  });
  const seen = () => document.hidden || !isSeen() || badge.hidden || chat.seen();
  document.addEventListener("visibilitychange", seen);
  side.addEventListener("focusin", seen);

  const update = () => {
    timer.update();
    self.update();
    warnings.update();
    notices.update();
    chat.update();
    showBlock();
    end.disabled = app.state.sitting.state === "interrupted";
  };
  update();
  return {
    element: h("div", { class: `exam ${app.state.exam.content_url ? "has-frame" : ""}` }, stage, side),
    update,
    destroy() {
      timer.destroy();
      self.destroy();
      fill(bar);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}
