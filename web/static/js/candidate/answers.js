/** @file Saves answers by itself: choices at once, text after a pause; kept and tried again while there is no connection. */

import { post } from "../base/api.js";
import { ApiError } from "../base/errors.js";
import { backOff } from "../base/time.js";

/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {"saved" | "saving" | "waiting" | "refused"} SaveState */

const TYPING_MS = 800;

export class Answers {
  /** @param {Record<string, Answer>} answers */
  constructor(answers) {
    /** @type {Map<number, Answer>} */
    this.all = new Map(Object.entries(answers).map(([index, answer]) => [Number(index), answer]));
    /** @type {Map<number, Answer>} not yet on the server */
    this.unsaved = new Map();
    /** @type {SaveState} */
    this.state = "saved";
    this.onState = () => {};
    this.attempt = 0;
    this.sending = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {number} index @param {Answer} answer @param {boolean} [typing] more is to be expected at once */
  give(index, answer, typing = false) {
    this.all.set(index, answer);
    this.unsaved.set(index, answer);
    this.become("saving");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), typing ? TYPING_MS : 0);
  }

  /** @param {SaveState} state */
  become(state) {
    this.state = state;
    this.onState();
  }

  /** How many questions have an answer. */
  get given() {
    return [...this.all.values()].filter(
      (answer) => answer !== null && answer !== "" && !(Array.isArray(answer) && !answer.length),
    ).length;
  }

  /** Send what is unsaved, one after the other. */
  async save() {
    clearTimeout(this.timer);
    if (this.sending) return;
    this.sending = true;
    try {
      for (const [index, answer] of this.unsaved) {
        await post("/api/v1/sitting/answers", { index, answer });
        // It may have been changed meanwhile; then it is still unsaved.
        if (this.unsaved.get(index) === answer) this.unsaved.delete(index);
        this.attempt = 0;
      }
      this.become(this.unsaved.size ? "saving" : "saved");
      if (this.unsaved.size) this.timer = setTimeout(() => void this.save(), TYPING_MS);
    } catch (error) {
      this.fail(error);
    } finally {
      this.sending = false;
    }
  }

  /** @param {unknown} error */
  fail(error) {
    const passing = error instanceof ApiError && error.passing;
    this.become(passing ? "waiting" : "refused");
    if (!passing) return;
    this.timer = setTimeout(() => void this.save(), backOff(this.attempt, 1000, 15_000));
    this.attempt += 1;
  }

  /** Everything on the server, as far as can be reached now. */
  async flush() {
    for (let tries = 0; this.unsaved.size && tries < 3; tries += 1) await this.save();
    return this.unsaved.size === 0;
  }
}
