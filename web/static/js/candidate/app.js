/** @file The page's one object: state, socket, media, and the acts of the candidate. State flows one way: server, store, views. */

import { get, post, postBlob, useCsrf } from "../base/api.js";
import { pageData } from "../base/page_data.js";
import { useWays } from "../base/rtc.js";
import { LiveSocket } from "../base/socket.js";
import { ServerClock } from "../base/time.js";
import { LocalRecording } from "./local_recording/local_recording.js";
import { LocalMedia } from "./media/local_media.js";
import { Publisher } from "./media/publisher.js";
import { OnDevice } from "./analysis/on_device.js";
import { Observations } from "./observers/observations.js";
import { reduce, staysHere } from "./state.js";

/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").TrackName} TrackName */

export class App {
  constructor() {
    /** @type {State | null} */
    this.known = null;
    /** Whether camera and screen have been shared since the page was loaded. */
    this.joined = false;
    /** @type {Set<() => void>} */
    this.watchers = new Set();
    this.clock = new ServerClock(pageData.server_ms);
    // A new name per load: a duplicated tab must not pass for the same one.
    this.socket = new LiveSocket({
      getToken: () => post("/api/v1/sitting/live-token"),
      clock: this.clock,
      tab: crypto.randomUUID?.() ?? String(Math.random()),
    });
    this.media = new LocalMedia();
    this.observations = new Observations((message) => this.socket.sendReliably(message));
    /** @type {Record<TrackName, Publisher>} */
    this.publishers = {
      camera: new Publisher("camera", this.socket),
      screen: new Publisher("screen", this.socket),
    };
    this.recording = new LocalRecording(this, pageData.sitting_id ?? 0);
    this.onDevice = new OnDevice(this, pageData.sitting_id ?? 0);
    this.listen();
  }

  /** The server's state; only asked for after the first load. @returns {State} */
  get state() {
    if (!this.known) throw new Error("The state is not loaded yet");
    return this.known;
  }

  listen() {
    let welcomed = false;
    this.socket.on("welcome", () => {
      // What happened between the page's first question and the socket's first word came by neither way.
      if (!welcomed) void this.load().catch(console.error);
      else this.observations.reopen((ref) => this.socket.outbox.has(ref));
      welcomed = true;
    });
    this.socket.on("reset", () => void this.load().catch(console.error));
    this.socket.on("event", (event) => {
      if (this.known) this.change(reduce(this.known, event));
      if (event.payload?.message?.ref) this.socket.outbox.settle(event.payload.message.ref);
    });
    this.socket.on("state", () => this.tell());
    this.media.onChange = () => this.tell();
  }

  /** @param {() => void} watcher called after every change @returns {() => void} stops watching */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  tell() {
    for (const watcher of [...this.watchers]) watcher();
  }

  /** @param {State} state */
  change(state) {
    if (state === this.known) return;
    this.known = state;
    this.tell();
  }

  /** Take in the server's whole state. @param {State} state */
  take(state) {
    useCsrf(state.csrf);
    useWays(state);
    const pending =
      this.known?.messages.filter(
        (message) => message.pending && !state.messages.some((other) => other.ref === message.ref),
      ) ?? [];
    this.change({ ...state, messages: [...state.messages, ...pending] });
  }

  async load() {
    this.take(await get("/api/v1/sitting"));
  }

  /** @param {string} act path below the sitting @param {unknown} [body] */
  async act(act, body) {
    this.take(await post(`/api/v1/sitting/${act}`, body));
  }

  /** What of camera and screen has to reach the server. @returns {TrackName[]} */
  get sent() {
    return this.known && staysHere(this.known) ? ["screen"] : ["camera", "screen"];
  }

  /** @param {import("./types.js").PhotoKind} kind @param {Blob} photo */
  async submitPhoto(kind, photo) {
    if (staysHere(this.state)) {
      const unjudged = { usable: false, hints: ["not_judged"], verdict: null, distance: null, models: {} };
      return await this.act(`photos/${kind}/on-device`, await this.onDevice.judge(kind, photo).catch(() => unjudged));
    }
    this.take(await postBlob(`/api/v1/sitting/photos/${kind}`, photo));
  }

  /** @param {string} text */
  sendChat(text) {
    const ref = crypto.randomUUID?.() ?? String(Math.random());
    const message = /** @type {const} */ ({
      id: -this.clock.now(),
      author: "candidate",
      kind: "message",
      name: "",
      text,
      at_ms: this.clock.now(),
      ref,
      pending: true,
    });
    this.change({ ...this.state, messages: [...this.state.messages, message] });
    this.socket.sendReliably({ type: "chat", text, ref });
  }

  /** Both tracks are there: from now on the views of the waiting room and the exam take over. */
  join() {
    this.joined = true;
    this.tell();
  }
}
