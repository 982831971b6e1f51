/** @file Taking a photo: live picture with a guide, shoot, look at it, take again or use it. For the check-in and for retakes. */

import { busy, button, fill, h, icon, setText } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { wordError } from "../base/errors.js";
import { cameraFailure } from "./media/failures.js";
import { liveWords, objections, QualityLooker } from "./picture_quality.js";
import { announce } from "./shell.js";
import { hintWords } from "./words.js";

/** @typedef {import("./types.js").PhotoKind} PhotoKind */

/** A document's small print needs more than the exam's picture. */
const IDEAL = {
  face: { width: { ideal: 1280 }, height: { ideal: 960 } },
  document: { width: { ideal: 1920 }, height: { ideal: 1080 } },
};
const JPEG_QUALITY = 0.92;
/** How often the live picture is looked at. */
const LOOK_MS = 500;

/** @param {HTMLCanvasElement} canvas @returns {string[]} */
function hintsOf(canvas) {
  const quality = new QualityLooker().look(canvas);
  return quality ? objections(quality) : [];
}

/** A camera that is on but gives nothing: covered by its driver, or taken by another program a moment ago. */
const FIRST_FRAME_MS = 12_000;

/** Wait for a picture. @param {HTMLVideoElement} video @throws {DOMException} NotReadableError when none comes */
async function firstFrame(video) {
  void video.play().catch(() => undefined);
  if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth) return;
  await new Promise((resolve, reject) => {
    video.addEventListener("loadeddata", resolve, { once: true });
    setTimeout(() => reject(new DOMException("no picture", "NotReadableError")), FIRST_FRAME_MS);
  });
}

/**
 * @param {import("./app.js").App} app
 * @param {PhotoKind} kind
 * @param {() => void} [onDone] after the photo was handed in
 */
export function photoBooth(app, kind, onDone = () => {}) {
  const face = kind === "face";
  /** @type {MediaStreamTrack | null} a clone, so that its size does not change the exam's picture */
  let track = null;
  /** @type {Blob | null} */
  let taken = null;
  let gone = false;
  const video = h("video", {
    class: face ? "mirrored" : "",
    autoplay: true,
    playsinline: true,
    muted: true,
    "aria-label": _("Live picture of your camera"),
  });
  const still = h("img", { alt: _("The photo you took"), hidden: true, class: face ? "mirrored" : "" });
  const guide = h("div", { class: `guide guide-${kind}`, "aria-hidden": "true" });
  const stage = h("div", { class: "stage booth-stage" }, video, guide, still);
  const problem = h("div", { class: "notice tone-warn", role: "status", hidden: true });
  const buttons = h("div", { class: "booth-buttons" });
  const liveHint = h("p", { class: "booth-hint", role: "status", "aria-live": "polite" });
  const looker = new QualityLooker();
  /** Said only when it stays so for two looks: a passing shadow is no news. */
  let last = "";
  const looking = setInterval(() => {
    if (taken || !track || !video.videoWidth) return setText(liveHint, "");
    const quality = looker.look(video);
    const worst = quality ? (objections(quality)[0] ?? "") : "";
    if (worst === last) setText(liveHint, liveWords(worst, kind));
    liveHint.classList.toggle("is-good", worst === "");
    last = worst;
  }, LOOK_MS);

  const tell = (/** @type {string[]} */ texts, tone = "warn") => {
    problem.hidden = texts.length === 0;
    problem.className = `notice tone-${tone}`;
    fill(
      problem,
      icon(tone === "bad" ? "circle-alert" : "triangle-alert"),
      h(
        "div",
        null,
        texts.map((text) => h("p", null, text)),
      ),
    );
  };

  const shoot = button(_("Take the photo"), () => void take(), { kind: "btn-primary btn-lg", icon: "camera" });
  const again = button(_("Take again"), () => live(), { kind: "btn-lg", icon: "rotate-ccw" });
  const use = button(_("Use this photo"), () => void busy(use, submit), { kind: "btn-primary btn-lg", icon: "check" });
  const retry = button(_("Try again"), () => void open(), { kind: "btn-primary btn-lg", icon: "rotate-cw" });

  function live() {
    taken = null;
    still.hidden = true;
    guide.hidden = false;
    tell([]);
    fill(buttons, shoot);
    shoot.disabled = track === null;
    shoot.focus();
  }

  async function open() {
    shoot.disabled = true;
    fill(buttons, shoot);
    try {
      if (!app.media.cameraLive) await app.media.openCamera();
      const clone = app.media.camera?.getVideoTracks()[0]?.clone() ?? null;
      if (gone) return clone?.stop();
      track = clone;
      // A camera that cannot do it keeps its size.
      await track?.applyConstraints(IDEAL[kind]).catch(() => undefined);
      video.srcObject = track && new MediaStream([track]);
      await firstFrame(video);
      if (!gone) live();
    } catch (error) {
      if (gone) return;
      const { title, advice } = cameraFailure(error);
      tell([title, advice], "bad");
      fill(buttons, retry);
    }
  }

  async function take() {
    if (!video.videoWidth) return;
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    taken = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
    if (!taken) return;
    URL.revokeObjectURL(still.src);
    still.src = URL.createObjectURL(taken);
    still.hidden = false;
    guide.hidden = true;
    tell(hintsOf(canvas).map(hintWords));
    fill(buttons, again, use);
    use.focus();
    announce(_("The photo was taken. Use it or take it again."));
  }

  async function submit() {
    if (!taken) return;
    try {
      await app.submitPhoto(kind, taken);
      onDone();
    } catch (error) {
      tell([wordError(error)], "bad");
    }
  }

  void open();
  return {
    element: h("div", { class: "booth" }, stage, liveHint, problem, buttons),
    destroy() {
      gone = true;
      clearInterval(looking);
      track?.stop();
      video.srcObject = null;
      URL.revokeObjectURL(still.src);
    },
  };
}

/** Advice beside the picture. @param {PhotoKind} kind @returns {HTMLElement} */
export function photoAdvice(kind) {
  const advice =
    kind === "face"
      ? [
          ["sun", _("Light on your face, not behind you")],
          ["user", _("Alone in the picture, face inside the oval")],
          ["glasses", _("No sunglasses, hat or headphones")],
        ]
      : [
          ["id-card", _("Passport, driving licence or student card")],
          ["scan", _("The whole document inside the frame")],
          ["sun", _("All letters readable, no glare")],
        ];
  return h(
    "ul",
    { class: "advice" },
    advice.map(([name, text]) => h("li", null, icon(name ?? ""), h("span", null, text))),
  );
}

/** What the server found in a photo that was handed in, with a way to take it again. @param {import("./app.js").App} app @param {PhotoKind} kind @param {() => void} onRetake */
export function photoNotice(app, kind, onRetake) {
  const photo = app.state.photos[kind];
  if (!photo || photo.state === null) return null;
  const requested = photo.state === "retake_requested";
  if (!requested && !photo.hints?.length) return null;
  const title =
    kind === "face"
      ? requested
        ? _("The proctor asks for a new photo of your face")
        : _("Your photo may not be good enough")
      : requested
        ? _("The proctor asks for a new photo of your document")
        : _("The photo of your document may not be good enough");
  const text = h(
    "div",
    { class: "grow" },
    h("strong", null, title),
    requested ? null : (photo.hints ?? []).map((hint) => h("p", { class: "small" }, hintWords(hint))),
  );
  return h(
    "div",
    { class: "notice tone-warn photo-notice" },
    icon(kind === "face" ? "scan-face" : "id-card"),
    text,
    button(_("Take again"), onRetake, { kind: "btn-sm", icon: "camera" }),
  );
}
