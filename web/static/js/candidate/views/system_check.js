/** @file Step 2: the system check, a list that runs by itself and says what to do where something is wrong. */

import { busy, button, fill, h, icon, setText } from "../../base/dom.js";
import { _ } from "../../base/i18n.js";
import { toastError } from "../../base/toast.js";
import { CHECKS, describeClient } from "../checks.js";
import { announce } from "../shell.js";
import { checkInFrame } from "./frame.js";
import { devicePicker } from "../device_picker.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../checks.js").Check} Check */
/** @typedef {import("../checks.js").Result} Result */
/** @typedef {"waiting" | "running" | "click" | import("../checks.js").Outcome} ItemState */

/** @type {Record<ItemState, {icon: string, tone: string, words: () => string}>} */
const LOOKS = {
  waiting: { icon: "circle-dashed", tone: "none", words: () => _("Waiting") },
  running: { icon: "loader-circle", tone: "accent", words: () => _("Checking…") },
  click: { icon: "circle-dot", tone: "accent", words: () => _("Your turn") },
  passed: { icon: "circle-check", tone: "good", words: () => _("In order") },
  warning: { icon: "triangle-alert", tone: "warn", words: () => _("Attention") },
  failed: { icon: "circle-x", tone: "bad", words: () => _("Not in order") },
};

/** One line of the list. */
class Item {
  /** @param {Check} check @param {() => void} onRun */
  constructor(check, onRun) {
    this.check = check;
    this.onRun = onRun;
    /** @type {ItemState} */
    this.state = "waiting";
    /** @type {Result | null} */
    this.result = null;
    this.mark = h("span", { class: "check-mark" });
    this.detail = h("span", { class: "check-detail" });
    this.advice = h("p", { class: "check-advice", hidden: true });
    this.extra = h("div", { class: "check-extra" });
    this.action = h("div", { class: "check-action" });
    this.element = h(
      "li",
      { class: "check" },
      h("span", { class: "check-icon" }, icon(check.icon)),
      h(
        "div",
        { class: "grow" },
        h("div", { class: "check-line" }, h("strong", null, check.title()), this.detail),
        this.advice,
        this.extra,
      ),
      this.action,
      this.mark,
    );
    this.show("waiting");
  }

  /** @param {ItemState} state @param {string} [detail] @param {string} [advice] */
  show(state, detail = "", advice = "") {
    const look = LOOKS[state];
    this.state = state;
    this.element.className = `check is-${state} tone-${look.tone}`;
    fill(
      this.mark,
      icon(look.icon, state === "running" ? "is-turning" : ""),
      h("span", { class: "visually-hidden" }, look.words()),
    );
    setText(this.detail, detail);
    setText(this.advice, advice);
    this.advice.hidden = advice === "";
    this.showAction();
  }

  showAction() {
    if (this.state === "click")
      fill(this.action, button(_("Share the screen"), this.onRun, { kind: "btn-primary", icon: "monitor-up" }));
    else if (this.state === "failed" && this.check.click)
      fill(this.action, button(_("Share the screen"), this.onRun, { kind: "btn-primary btn-sm", icon: "monitor-up" }));
    else if (this.state === "failed" || this.state === "warning")
      fill(this.action, button(_("Check again"), this.onRun, { kind: "btn-sm", icon: "rotate-cw" }));
    else fill(this.action);
  }

  /** @param {App} app */
  async run(app) {
    const meter = h("i", null);
    const bar = h(
      "div",
      { class: "progress check-meter", hidden: true, role: "img", "aria-label": _("Level of the microphone") },
      meter,
    );
    this.extra.prepend(bar);
    this.show("running");
    const progress = {
      level: (/** @type {number} */ level) => {
        bar.hidden = false;
        meter.style.setProperty("--part", level.toFixed(2));
      },
      now: (/** @type {string} */ text) => setText(this.detail, text),
    };
    try {
      this.result = await this.check.run(app, progress);
    } catch (error) {
      console.error(error);
      this.result = {
        state: "failed",
        detail: _("It did not work: {error}", { error: error instanceof Error ? error.name : "?" }),
        advice: _("Try again. If it stays so, restart the browser."),
      };
    }
    bar.remove();
    this.show(this.result.state, this.result.detail, this.result.advice);
    if (this.result.state === "failed") announce(`${this.check.title()}: ${this.result.detail}`);
  }
}

/** As it is kept: the values beside the state. @param {Item} item */
function resultOf({ result }) {
  if (!result) return { state: "skipped" };
  const { values, ...rest } = result;
  return { ...values, ...rest };
}

/** @param {App} app @returns {import("../types.js").View} */
export function systemCheckView(app) {
  let gone = false;
  const items = CHECKS.filter(({ wanted }) => wanted?.(app) ?? true).map((check) => new Item(check, () => void rerun(check.name)));
  const by = (/** @type {string} */ name) => /** @type {Item} */ (items.find((item) => item.check.name === name));
  const preview = h("video", {
    class: "mirrored",
    autoplay: true,
    playsinline: true,
    muted: true,
    "aria-label": _("Your camera"),
  });
  const stage = h("div", { class: "stage check-preview", hidden: true }, preview);
  const picker = devicePicker(app, () => void rerun("camera"));
  by("camera").extra.append(stage, picker.camera);
  by("microphone").extra.append(picker.microphone);

  const next = button(_("Continue"), () => void busy(next, send), { kind: "btn-primary btn-lg" });
  const note = h("p", { class: "muted small grow", role: "status" });

  const report = () => ({
    results: Object.fromEntries(items.map((item) => [item.check.name, resultOf(item)])),
    client: describeClient(),
  });

  async function send() {
    await app.act("system-check", report()).catch(toastError);
  }

  const showCamera = () => {
    const stream = app.media.camera;
    stage.hidden = !app.media.cameraLive;
    if (preview.srcObject !== stream) preview.srcObject = stream;
    void picker.refresh();
  };

  const conclude = () => {
    const failed = items.filter((item) => item.state === "failed");
    const open = items.some((item) => ["waiting", "running", "click"].includes(item.state));
    next.disabled = open || failed.length > 0;
    if (failed.length) setText(note, _("Please put right what is marked, then check again."));
    else if (by("screen").state === "click") setText(note, _("Almost done: share your screen."));
    else setText(note, open ? "" : _("Everything is ready."));
    // Failed runs are kept too: support sees where candidates get stuck. The step does not move by them.
    if (!open && failed.length) void app.act("system-check", report()).catch(console.error);
  };

  /** @param {string} name */
  async function rerun(name) {
    const item = by(name);
    if (item.state === "running") return;
    await item.run(app);
    if (gone) return;
    if (name === "camera") {
      showCamera();
      // Its sound came anew with it.
      await by("microphone").run(app);
    }
    // Sharing a screen may tell of displays that were hidden before.
    if (name === "screen") await by("displays").run(app);
    if (!gone) conclude();
  }

  async function runAll() {
    conclude();
    for (const item of items) {
      if (gone) return;
      if (item.check.click && !app.media.screenLive)
        item.show("click", _("Choose “Entire screen” in the browser's window"));
      else await item.run(app);
      if (item.check.name === "camera") showCamera();
      if (!gone) conclude();
    }
    announce(note.textContent ?? "");
  }

  const element = checkInFrame(
    app.state,
    "system_check",
    {
      title: _("Checking your computer"),
      lead: _("This runs by itself. Allow the camera and the microphone when the browser asks."),
    },
    h(
      "ul",
      { class: "checks" },
      items.map((item) => item.element),
    ),
    h("div", { class: "check-in-foot" }, note, next),
  );
  // What takes long begins first; its line comes last, when everything else was looked at.
  if (app.onDevice.wanted) void app.onDevice.prepare();
  void runAll();
  return {
    element,
    destroy() {
      gone = true;
      preview.srcObject = null;
    },
  };
}
