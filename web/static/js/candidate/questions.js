/** @file The exam's own questions, for exams without an LMS. */

import { fill, h, icon } from "../base/dom.js";
import { _, ngettext } from "../base/i18n.js";

/** @typedef {import("./types.js").Question} Question */
/** @typedef {import("./answers.js").Answers} Answers */

/** @param {Question} question @param {number} index @param {Answers} answers */
function choices(question, index, answers) {
  const given = answers.all.get(index);
  const type = question.multiple ? "checkbox" : "radio";
  const chosen = new Set(Array.isArray(given) ? given : typeof given === "number" ? [given] : []);
  const change = (/** @type {number} */ option, /** @type {boolean} */ on) => {
    if (!question.multiple) return answers.give(index, option);
    if (on) chosen.add(option);
    else chosen.delete(option);
    answers.give(
      index,
      [...chosen].sort((a, b) => a - b),
    );
  };
  return (question.options ?? []).map((text, option) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type,
        name: `question-${index}`,
        value: String(option),
        checked: chosen.has(option),
        on: {
          change: (/** @type {Event} */ event) =>
            change(option, /** @type {HTMLInputElement} */ (event.target).checked),
        },
      }),
      h("span", null, text),
    ),
  );
}

/** @param {number} index @param {Answers} answers */
function freeText(index, answers) {
  const given = answers.all.get(index);
  const input = (/** @type {Event} */ event) =>
    answers.give(index, /** @type {HTMLTextAreaElement} */ (event.target).value, true);
  const leave = () => answers.unsaved.has(index) && void answers.save();
  return h("textarea", {
    class: "textarea question-text",
    rows: 6,
    maxlength: 20_000,
    "aria-labelledby": `question-${index}`,
    value: typeof given === "string" ? given : "",
    on: { input, blur: leave },
  });
}

/** @type {Record<import("./answers.js").SaveState, {icon: string, tone: string, words: () => string}>} */
const SAVING = {
  saved: { icon: "circle-check", tone: "good", words: () => _("All answers are saved") },
  saving: { icon: "loader-circle", tone: "none", words: () => _("Saving…") },
  waiting: { icon: "wifi-off", tone: "warn", words: () => _("Not saved yet; we keep trying") },
  refused: { icon: "circle-alert", tone: "bad", words: () => _("The last answer was not accepted") },
};

/** @param {Question[]} questions @param {Answers} answers */
export function questionSheet(questions, answers) {
  const progress = h("span", { class: "muted small figures" });
  const bar = h("i", null);
  const saved = h("span", { class: "badge" });
  const fieldset = h(
    "fieldset",
    { class: "questions" },
    h("legend", { class: "visually-hidden" }, _("Questions")),
    questions.map((question, index) => {
      const options = question.options?.length;
      const title = h(
        "div",
        { class: "question-title" },
        h("span", { class: "question-number" }, index + 1),
        h("p", { id: `question-${index}` }, question.text),
      );
      const hint = question.multiple ? h("p", { class: "muted small" }, _("More than one answer may be right.")) : null;
      return h(
        "section",
        { class: "question card", role: options ? "group" : null, "aria-labelledby": `question-${index}` },
        title,
        hint,
        options ? choices(question, index, answers) : freeText(index, answers),
      );
    }),
  );
  const update = () => {
    const look = SAVING[answers.state];
    saved.className = `badge tone-${look.tone}`;
    fill(saved, icon(look.icon, answers.state === "saving" ? "is-turning" : ""), look.words());
    progress.textContent = ngettext("{n} of {all} answered", "{n} of {all} answered", answers.given, {
      all: questions.length,
    });
    bar.style.setProperty("--part", String(questions.length ? answers.given / questions.length : 0));
  };
  answers.onState = update;
  update();
  const head = h(
    "div",
    { class: "sheet-head" },
    progress,
    h("div", { class: "progress grow", "aria-hidden": "true" }, bar),
    saved,
  );
  return { element: h("div", { class: "sheet" }, head, fieldset), fieldset };
}
