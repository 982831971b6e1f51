/** @file One try at a challenge: begin, show each step as the server tells it, send its pictures, wait for the judgement. */

import { post, postBlob } from "../../base/api.js";
import { sleep } from "../../base/time.js";
import { pack } from "./picture_taker.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.js").Challenge} Challenge */
/** @typedef {import("../types.js").ChallengeStep} ChallengeStep */
/** @typedef {"liveness" | "gaze_calibration"} Kind */

/** A word that the socket lost is asked for. */
const ASK_MS = 3000;

/** @param {Kind} kind */
const path = (kind) => `/api/v1/sitting/${kind.replace("_", "-")}`;

/**
 * @param {App} app
 * @param {Kind} kind
 * @param {import("./picture_taker.js").PictureTaker} taker
 * @param {boolean} relaxed with twice the time
 * @param {{show: (step: ChallengeStep, all: number) => void, progress: (share: number) => void, sending: () => void}} stage
 */
export async function runChallenge(app, kind, taker, relaxed, stage) {
  await taker.ready();
  app.take(await post(path(kind), { relaxed }));
  let challenge = of(app, kind);
  while (challenge.state === "open" && challenge.step && !taker.stopped) {
    const { step } = challenge;
    stage.show(step, challenge.steps);
    const pictures = await taker.take(step.ms, stage.progress);
    if (taker.stopped) return;
    stage.sending();
    const answer = await postBlob(`/api/v1/sitting/challenges/${challenge.id}/steps/${step.index}`, pack(pictures));
    challenge = answer.challenge;
    app.change(withChallenge(app.state, kind, challenge));
  }
}

/** Ask again until a judgement is there; by then the socket has told it as a rule. @param {App} app @param {Kind} kind @param {() => boolean} gone */
export async function awaitJudgement(app, kind, gone) {
  while (!gone() && app.state.challenges?.[kind]?.state === "judging") {
    await sleep(ASK_MS);
    if (!gone() && app.state.challenges?.[kind]?.state === "judging") await app.load().catch(() => undefined);
  }
}

/** @param {App} app @param {Kind} kind */
export async function leaveOut(app, kind) {
  app.take(await post(`${path(kind)}/leave-out`));
}

/** @param {App} app @param {Kind} kind @returns {Challenge} */
export function of(app, kind) {
  const challenge = app.state.challenges?.[kind];
  if (!challenge) throw new Error(`The exam asks for no ${kind}`);
  return challenge;
}

/** @param {import("../types.js").State} state @param {Kind} kind @param {Challenge} challenge */
export const withChallenge = (state, kind, challenge) => ({
  ...state,
  challenges: { ...state.challenges, [kind]: challenge },
});

/** A short tone: who has the eyes shut hears that the step is over. */
export function chime() {
  try {
    const context = new AudioContext();
    const tone = context.createOscillator();
    const volume = context.createGain();
    volume.gain.setValueAtTime(0.08, context.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.25);
    tone.connect(volume).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 0.25);
    tone.addEventListener("ended", () => void context.close());
  } catch {
    // No sound is no reason to stop: the words are on the screen.
  }
}
