/** @file The conclusion: who gave which and when, and the form to give one. */

import { button, fill, h, icon } from "../../base/dom.js";
import { _, formatDateTime } from "../../base/i18n.js";
import { conclusionWord } from "../words.js";

/** @typedef {import("../types.js").Timeline} Timeline */

const CONCLUSIONS = ["accepted", "suspicious", "rejected"];

export class ConclusionForm {
  /**
   * @param {HTMLElement} element
   * @param {boolean} mayConclude
   * @param {(conclusion: string, comment: string) => Promise<boolean>} conclude
   */
  constructor(element, mayConclude, conclude) {
    this.element = element;
    this.mayConclude = mayConclude;
    this.conclude = conclude;
    this.changing = false;
    this.key = "";
  }

  /** @param {Timeline} data */
  render(data) {
    const { conclusion, sitting } = data;
    const key = JSON.stringify([conclusion, sitting.state, this.changing]);
    if (key === this.key) return;
    this.key = key;
    const possible = sitting.state === "in_review" || sitting.state === "concluded";
    fill(this.element, conclusion && this.given(conclusion), !possible && !conclusion && h("p", { class: "muted small" }, _("A conclusion can be given as soon as the recordings are sealed.")));
    if (possible && this.mayConclude && (!conclusion || this.changing)) this.element.append(this.form(conclusion));
    else if (conclusion && possible && this.mayConclude) this.element.append(this.changeButton(data));
  }

  /** @param {NonNullable<Timeline["conclusion"]>} conclusion */
  given({ conclusion, comment, by, at_ms: at }) {
    const word = conclusionWord(conclusion);
    return h(
      "div",
      { class: `notice tone-${word.tone}` },
      icon(word.icon),
      h("div", { class: "grow" }, h("strong", null, word.title), comment && h("p", { class: "small" }, comment), h("p", { class: "small muted" }, `${by} · ${formatDateTime(at)}`)),
    );
  }

  /** @param {Timeline} data */
  changeButton(data) {
    return button(_("Change the conclusion"), () => {
      this.changing = true;
      this.render(data);
    }, { kind: "btn-quiet btn-sm", icon: "pen-line" });
  }

  /** @param {Timeline["conclusion"]} before */
  form(before) {
    const comment = h("textarea", { class: "textarea", id: "conclusion-comment", rows: "2", maxlength: "4000", value: before?.comment ?? "" });
    const error = h("p", { class: "form-error", role: "alert" });
    const radios = CONCLUSIONS.map((value) => {
      const word = conclusionWord(value);
      return h("label", { class: `choice choice-sm tone-${word.tone}` }, h("input", { type: "radio", name: "conclusion", value, checked: before?.conclusion === value }), icon(word.icon, "icon-tone"), h("span", null, word.title));
    });
    const save = h("button", { type: "submit", class: "btn btn-primary" }, _("Save the conclusion"));
    const form = h(
      "form",
      { class: "stack stack-tight conclusion-form" },
      h("div", { class: "conclusion-choices", role: "radiogroup", "aria-label": _("Conclusion") }, radios),
      h("div", { class: "field" }, h("label", { for: "conclusion-comment" }, _("Comment")), comment),
      error,
      h("div", { class: "row row-end" }, save),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = new FormData(form).get("conclusion");
      if (typeof chosen !== "string") return fill(error, _("Please choose one of the three."));
      void this.submit(save, chosen, comment.value.trim());
    });
    return form;
  }

  /**
   * @param {HTMLButtonElement} save
   * @param {string} chosen
   * @param {string} comment
   */
  async submit(save, chosen, comment) {
    save.setAttribute("aria-busy", "true");
    this.changing = false;
    const saved = await this.conclude(chosen, comment);
    if (!saved) this.changing = true;
    save.removeAttribute("aria-busy");
  }
}
