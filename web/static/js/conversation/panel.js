/** @file What one sees of a conversation: the people in it, and one's own microphone, camera and way out. */

import { button, fill, h, icon, setText } from "../base/dom.js";
import { _, ngettext } from "../base/i18n.js";
import { formatDuration } from "../base/time.js";

/**
 * @typedef {import("./talk.js").Talk} Talk
 * @typedef {import("./talk.js").Seat} Seat
 *
 * @typedef {object} PanelOptions
 * @property {() => void} leave
 * @property {() => number} now the server's time, UTC ms
 * @property {boolean} guest a candidate: told of the host's words only
 */

/** @param {string} name */
const initials = (name) =>
  name
    .split(/\s+/)
    .map((part) => part[0] ?? "")
    .slice(0, 2)
    .join("")
    .toLocaleUpperCase();

/** One person: the video if there is one, else initials; and how they stand. */
class Person {
  /** @param {Seat} seat @param {boolean} own */
  constructor(seat, own) {
    this.own = own;
    this.video = h("video", { autoplay: true, playsinline: true, muted: own, "aria-label": seat.name });
    this.note = h("span", { class: "talk-note" });
    const name = own ? _("You") : seat.name;
    this.element = h(
      "li",
      { class: "talk-person" },
      h("span", { class: "talk-initials", "aria-hidden": "true" }, initials(seat.name)),
      this.video,
      h("span", { class: "talk-name" }, name, this.note),
    );
  }

  /** @param {MediaStream | null} stream @param {string} note @param {boolean} pictured */
  show(stream, note, pictured) {
    if (this.video.srcObject !== stream) {
      this.video.srcObject = stream;
      if (stream) void this.video.play().catch(() => undefined);
    }
    this.element.classList.toggle("is-pictured", pictured);
    setText(this.note, note);
  }
}

export class TalkPanel {
  /**
   * @param {Talk} talk
   * @param {PanelOptions} options
   */
  constructor(talk, options) {
    this.talk = talk;
    this.options = options;
    /** @type {Map<number, Person>} */
    this.people = new Map();
    this.list = h("ul", { class: "talk-people" });
    this.time = h("time", { class: "talk-time" });
    this.problem = h("p", { class: "talk-problem tone-bad", role: "alert", hidden: true });
    this.keys = h("div", { class: "talk-keys" });
    this.keysShown = "";
    const title = this.title();
    this.element = h(
      "section",
      { class: `talk talk-${talk.conversation.kind}`, "aria-label": title },
      h("header", { class: "talk-head" }, icon(talk.conversation.kind === "broadcast" ? "volume-2" : "users", "icon-sm"), h("strong", { class: "grow" }, title), this.time),
      this.list,
      this.problem,
      this.keys,
    );
    this.ticking = setInterval(() => this.tick(), 1000);
    this.render();
  }

  title() {
    const { kind, title, host, seats } = this.talk.conversation;
    if (title) return title;
    if (this.options.guest) {
      if (kind === "call") return _("{name} is speaking with you", { name: host });
      if (kind === "broadcast") return _("{name} is speaking to all candidates", { name: host });
      return _("Conference");
    }
    if (kind === "call") return _("Call with {name}", { name: seats.find((seat) => seat.sitting_id)?.name ?? "" });
    const count = seats.filter((seat) => seat.sitting_id).length;
    return kind === "broadcast" ? ngettext("Speaking to {n} candidate", "Speaking to {n} candidates", count) : _("Conference");
  }

  render() {
    const { talk } = this;
    const seats = this.seats();
    for (const [id, person] of this.people) {
      if (seats.some((seat) => seat.id === id)) continue;
      person.show(null, "", false);
      person.element.remove();
      this.people.delete(id);
    }
    for (const seat of seats) {
      const own = seat.id === talk.seat?.id;
      const person = this.people.get(seat.id) ?? new Person(seat, own);
      if (!this.people.has(seat.id)) {
        this.people.set(seat.id, person);
        this.list.append(person.element);
      }
      const heard = talk.heard.get(seat.id);
      const stream = own ? talk.own : (heard?.stream ?? null);
      const pictured = Boolean(stream?.getVideoTracks().some((track) => track.readyState === "live" && (own || !track.muted)));
      person.show(stream, this.note(seat, own, heard?.state), pictured);
    }
    this.problem.hidden = !talk.problem;
    setText(this.problem, talk.problem ? problemText(talk.problem) : "");
    this.showKeys();
    this.tick();
  }

  /** Who is shown: of many candidates of a broadcast only those who send. */
  seats() {
    const { kind, seats } = this.talk.conversation;
    return seats.filter((seat) => (kind === "conference" ? seat.state !== "left" : seat.may_send || seat.id === this.talk.seat?.id || kind === "call"))
      .filter((seat) => !(this.options.guest && kind !== "conference" && seat.id === this.talk.seat?.id));
  }

  /**
   * @param {Seat} seat
   * @param {boolean} own
   * @param {string | undefined} line
   */
  note(seat, own, line) {
    if (seat.state === "invited") return _("asked in");
    if (seat.state === "declined") return _("declined");
    if (seat.state === "left") return _("left");
    if (own) return this.talk.muted ? _("muted") : "";
    if (seat.may_send && !seat.sends) return _("not speaking");
    if (line === "failed") return _("trying again");
    return line === "connecting" ? _("connecting") : "";
  }

  showKeys() {
    const { talk } = this;
    const maySend = Boolean(talk.seat?.may_send);
    const key = `${maySend}|${talk.muted}|${talk.camera}|${Boolean(talk.own)}`;
    if (key === this.keysShown) return;
    this.keysShown = key;
    const focused = this.keys.contains(document.activeElement) ? [...this.keys.children].indexOf(/** @type {Element} */ (document.activeElement)) : -1;
    const mine = maySend && [
      button(talk.muted ? _("Switch the microphone on") : _("Switch the microphone off"), () => talk.mute(!talk.muted), { kind: "btn-sm", icon: talk.muted ? "mic-off" : "mic", iconOnly: true, "aria-pressed": String(!talk.muted), disabled: !talk.own }),
      button(talk.camera ? _("Switch the camera off") : _("Switch the camera on"), () => void talk.speak(!talk.camera), { kind: "btn-sm", icon: talk.camera ? "video" : "video-off", iconOnly: true, "aria-pressed": String(talk.camera) }),
    ];
    const host = talk.seat?.user_id === talk.conversation.host_id && !this.options.guest;
    const silent = this.options.guest && talk.conversation.kind === "broadcast";
    fill(this.keys, mine || [], !silent && button(host ? _("End") : _("Leave"), this.options.leave, { kind: "btn-sm btn-danger-quiet", icon: "phone-off" }));
    const again = this.keys.children[focused];
    if (again instanceof HTMLElement) again.focus();
  }

  tick() {
    setText(this.time, formatDuration(Math.max(0, this.options.now() - this.talk.conversation.started_ms)));
  }

  remove() {
    clearInterval(this.ticking);
    for (const person of this.people.values()) person.show(null, "", false);
    this.element.remove();
  }
}

/** @param {string} name of the browser's error */
function problemText(name) {
  if (name === "NotAllowedError") return _("The browser may not use the microphone. Allow it in the address bar, then switch the camera on or off to try again.");
  if (name === "NotFoundError") return _("No microphone was found. Connect one, then switch the camera on or off to try again.");
  return _("The microphone cannot be used. Another program may hold it; close it and try again.");
}
