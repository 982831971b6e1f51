/**
 * @file The live socket: asks for a token, says hello, replays what was missed, reconnects, measures the server's clock.
 * Messages are those of web/realtime/messages.py. Used by the candidate's page and by the room.
 */

import { ApiError } from "./errors.js";
import { Outbox } from "./outbox.js";
import { useWays } from "./rtc.js";
import { backOff } from "./time.js";

/** @typedef {import("./outbox.js").Reliable} Reliable */
/** @typedef {"idle" | "connecting" | "online" | "offline" | "superseded" | "refused"} SocketState */
/** @typedef {{type: string} & Record<string, any>} ServerMessage */
/**
 * @typedef {object} SocketOptions
 * @property {() => Promise<{token: string, url: string}>} getToken asked for before every connection; tokens live a minute
 * @property {import("./time.js").ServerClock} clock
 * @property {string} [tab]
 */

const PING_MS = 10_000;
/** Without any word for so long the connection is dead, whatever the browser believes; the server's own limit is 30 s. */
const SILENCE_MS = 22_000;
const HELLO_MS = 10_000;
/** Soon after something that must not be lost: its pong confirms it, so that little is said twice after a break. */
const CONFIRM_MS = 700;
/** Of the gateway (web/realtime/messages.py, CloseCode). */
const CLOSE = { policy: 1008, restart: 1012, notAllowed: 4403, superseded: 4409 };

export class LiveSocket {
  /** @param {SocketOptions} options */
  constructor({ getToken, clock, tab = "" }) {
    this.getToken = getToken;
    this.clock = clock;
    this.tab = tab;
    this.outbox = new Outbox();
    /** @type {SocketState} */
    this.state = "idle";
    /** @type {number | null} last event seen, where replay begins */
    this.since = null;
    /** @type {WebSocket | null} */
    this.ws = null;
    /** @type {Map<string, Set<(message: any) => void>>} */
    this.listeners = new Map();
    this.attempt = 0;
    this.generation = 0;
    // By a clock that nobody can set: one that is put back would keep the page silent for as long.
    this.lastHeard = 0;
    this.lastPing = 0;
    /** @type {ApiError | null} why it was refused for good */
    this.refusal = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.beat = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.confirming = undefined;
    addEventListener("online", () => this.hurry());
    addEventListener("pageshow", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
  }

  /**
   * Listen to one type of server message, to "state", to "picture" (ArrayBuffer), or to "*" for every message.
   * @param {string} type
   * @param {(message: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const set = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, set.add(listener));
    return () => set.delete(listener);
  }

  /** @param {string} type @param {unknown} message */
  emit(type, message) {
    for (const listener of [...(this.listeners.get(type) ?? [])]) {
      try {
        listener(message);
      } catch (error) {
        // One broken listener must not cut the others off from an exam's events.
        console.error(error);
      }
    }
  }

  /** @param {SocketState} state */
  become(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }

  /** Connect, also after "superseded". */
  open() {
    if (this.ws || this.state === "connecting") return;
    this.attempt = 0;
    this.refusal = null;
    void this.connect();
  }

  /** Leave for good. */
  close() {
    this.drop();
    this.become("idle");
  }

  async connect() {
    clearTimeout(this.timer);
    const generation = ++this.generation;
    this.become("connecting");
    let ticket;
    try {
      ticket = await this.getToken();
    } catch (error) {
      if (generation !== this.generation) return;
      if (error instanceof ApiError && !error.passing) return this.refuse(error);
      return this.retry();
    }
    if (generation !== this.generation) return;
    const url = new URL(ticket.url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const ws = new WebSocket(url);
    this.ws = ws;
    this.lastHeard = performance.now();
    ws.onopen = () => ws.send(JSON.stringify({ type: "hello", token: ticket.token, since: this.since, tab: this.tab }));
    ws.binaryType = "arraybuffer";
    ws.onmessage = (event) => this.ws === ws && this.hear(event.data);
    ws.onclose = (event) => this.ws === ws && this.closed(event.code);
    this.timer = setTimeout(() => this.ws === ws && this.state === "connecting" && this.retry(), HELLO_MS);
  }

  /** The gateway, or the network, closed the socket. @param {number} code */
  closed(code) {
    if (code === CLOSE.superseded) {
      this.drop();
      this.become("superseded");
    } else if (code === CLOSE.policy) {
      this.refuse(new ApiError(429, "too_many", "The gateway closed the connection."));
    } else if (code === CLOSE.notAllowed) {
      this.refuse(new ApiError(403, "not_allowed", "This account has no live pages."));
    } else if (code === CLOSE.restart) {
      this.retry(1000 + Math.random() * 2000);
    } else {
      this.retry();
    }
  }

  /** @param {ApiError} error */
  refuse(error) {
    this.drop();
    this.refusal = error;
    this.become("refused");
  }

  /** Forget the socket without a word. */
  drop() {
    this.generation += 1;
    clearTimeout(this.timer);
    clearInterval(this.beat);
    clearTimeout(this.confirming);
    this.confirming = undefined;
    const ws = this.ws;
    this.ws = null;
    if (ws) {
      ws.onclose = ws.onmessage = ws.onopen = null;
      ws.close();
    }
    this.outbox.reopen();
  }

  /** @param {number} [wait] */
  retry(wait = backOff(this.attempt)) {
    this.drop();
    this.become("offline");
    this.timer = setTimeout(() => void this.connect(), wait);
    this.attempt += 1;
  }

  /** The network or the person is back: do not wait for the timer. */
  hurry() {
    if (this.state === "offline") {
      this.attempt = 0;
      void this.connect();
    } else if (this.state === "online") {
      this.ping();
    }
  }

  /** @param {string | ArrayBuffer} data text is a message, bytes are a small picture */
  hear(data) {
    this.lastHeard = performance.now();
    if (typeof data === "string") this.receive(JSON.parse(data));
    else this.emit("picture", data);
  }

  /** @param {ServerMessage} message */
  receive(message) {
    // The welcome's number is where replay would end, not what was seen: it counts only when there is nothing to replay.
    if (typeof message.seq === "number" && (message.type !== "welcome" || this.since === null))
      this.since = Math.max(this.since ?? 0, message.seq);
    if (message.type === "welcome") this.welcome(message);
    else if (message.type === "pong") this.pong(message);
    else if (message.type === "superseded") {
      this.drop();
      this.become("superseded");
    } else if (message.type === "error" && message.ref) this.outbox.settle(message.ref);
    this.emit(message.type, message);
    this.emit("*", message);
  }

  /** @param {ServerMessage} message */
  welcome(message) {
    clearTimeout(this.timer);
    this.attempt = 0;
    this.clock.guess = message.server_ms - Date.now();
    useWays(/** @type {import("./rtc.js").Ways & ServerMessage} */ (message));
    this.become("online");
    this.outbox.flush((reliable) => this.send(reliable));
    this.beat = setInterval(() => this.watch(), 1000);
    this.ping();
  }

  /** Once a second: time for a ping, or silent for too long? */
  watch() {
    if (performance.now() - this.lastHeard > SILENCE_MS) this.retry();
    else if (performance.now() - this.lastPing >= PING_MS) this.ping();
  }

  ping() {
    const at = Date.now();
    this.lastPing = performance.now();
    if (this.send({ type: "ping", at, rtt_ms: this.clock.rtt })) this.outbox.markSent(at);
  }

  /** @param {ServerMessage} message */
  pong(message) {
    this.clock.sample(message.at, message.server_ms);
    this.outbox.confirm(message.at);
  }

  /**
   * Send now or not at all. @param {Record<string, unknown>} message @returns {boolean} whether it left
   */
  send(message) {
    if (this.state !== "online" || this.ws?.readyState !== WebSocket.OPEN) return false;
    this.ws.send(JSON.stringify(message));
    return true;
  }

  /** Send now or after the next reconnect, at least once. @param {Reliable} message */
  sendReliably(message) {
    this.outbox.add(message);
    this.outbox.flush((reliable) => this.send(reliable));
    this.confirming ??= setTimeout(() => {
      this.confirming = undefined;
      this.ping();
    }, CONFIRM_MS);
  }
}
