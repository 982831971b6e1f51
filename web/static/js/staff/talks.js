/** @file The staff's side of conversations: beginning them, being asked in, the panel of the one that goes on. */

import { get, post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { busy, button, fill, h, icon } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { toast, toastError } from "../base/toast.js";
import { TalkPanel } from "../conversation/panel.js";
import { Talk } from "../conversation/talk.js";
import { clock } from "./clock.js";

/**
 * @typedef {import("../conversation/talk.js").Conversation} Conversation
 * @typedef {{id: number, name: string, role: string, role_title?: string}} Colleague
 */

/** Most people in a conference, the host among them (appliance/services/conversations.py). */
const CONFERENCE_SEATS = 8;

export class StaffTalks {
  /**
   * @param {HTMLElement} place where invitations and the panel appear
   * @param {import("../base/socket.js").LiveSocket} socket
   * @param {number} me
   */
  constructor(place, socket, me) {
    this.place = place;
    this.socket = socket;
    this.me = me;
    /** @type {Map<number, Conversation>} */
    this.known = new Map();
    /** @type {{talk: Talk, panel: TalkPanel} | null} */
    this.current = null;
    /** @type {Map<number, HTMLElement>} */
    this.invitations = new Map();
    /** @type {Set<() => void>} */
    this.watchers = new Set();
    socket.on("welcome", () => {
      this.current?.talk.renew();
      void this.load();
    });
    socket.on("event", (event) => event.kind === "conversation.changed" && this.take(event.payload.conversation));
    for (const type of ["answer", "candidate", "view_ended", "error"]) socket.on(type, (message) => this.current?.talk.handle(message));
    addEventListener("pagehide", () => this.current?.talk.hush());
  }

  async load() {
    try {
      const { conversations } = await get("/api/v1/conversations");
      for (const conversation of conversations) this.take(conversation);
    } catch (error) {
      console.warn("conversations not loaded", error);
    }
  }

  /** @param {Conversation} conversation */
  take(conversation) {
    const mine = conversation.seats.find((seat) => seat.user_id === this.me);
    if (conversation.ended_ms !== null || !mine || mine.state === "left" || mine.state === "declined") {
      this.known.delete(conversation.id);
      this.uninvite(conversation.id);
      if (this.current?.talk.conversation.id === conversation.id) this.close(conversation);
    } else {
      this.known.set(conversation.id, conversation);
      if (mine.state === "invited") this.invite(conversation);
      else this.enter(conversation);
    }
    for (const watcher of this.watchers) watcher();
  }

  /** @param {Conversation} conversation */
  enter(conversation) {
    this.uninvite(conversation.id);
    if (this.current && this.current.talk.conversation.id !== conversation.id) return;
    if (this.current) return this.current.talk.reconcile(conversation);
    const talk = new Talk(conversation, {
      isMine: (seat) => seat.user_id === this.me,
      send: (message) => void this.socket.send(message),
      onChange: () => this.current?.panel.render(),
    });
    const panel = new TalkPanel(talk, { leave: () => void this.leave(talk.conversation.id), now: () => clock.now(), guest: false });
    this.current = { talk, panel };
    this.place.append(panel.element);
    talk.reconcile(conversation);
    void talk.speak(conversation.kind === "conference");
  }

  /** @param {Conversation} conversation */
  close(conversation) {
    const { current } = this;
    this.current = null;
    current?.talk.close();
    current?.panel.remove();
    if (conversation.end_reason === "nobody_left") toast(_("The conversation is over: nobody else is in it."));
  }

  /** @param {Conversation} conversation */
  invite(conversation) {
    if (this.invitations.has(conversation.id)) return;
    const answer = (/** @type {"join" | "decline"} */ verb) => busy(verb === "join" ? yes : no, () => this.act(conversation.id, verb));
    const yes = button(_("Join"), () => void answer("join"), { kind: "btn-primary btn-sm", icon: "video" });
    const no = button(_("Decline"), () => void answer("decline"), { kind: "btn-sm", icon: "phone-off" });
    const card = h(
      "section",
      { class: "talk talk-invitation", role: "alertdialog", "aria-label": _("Invitation") },
      h("header", { class: "talk-head" }, icon("bell-ring", "icon-sm"), h("strong", { class: "grow" }, conversation.title || _("Conference"))),
      h("p", { class: "talk-text" }, _("{name} asks you into a conference.", { name: conversation.host })),
      h("div", { class: "talk-keys" }, yes, no),
    );
    this.invitations.set(conversation.id, card);
    this.place.append(card);
  }

  /** @param {number} id */
  uninvite(id) {
    this.invitations.get(id)?.remove();
    this.invitations.delete(id);
  }

  /**
   * @param {number} id
   * @param {"join" | "decline" | "leave"} verb
   */
  async act(id, verb) {
    try {
      const { conversation } = await post(`/api/v1/conversations/${id}/${verb}`);
      this.take(conversation);
    } catch (error) {
      toastError(error);
    }
  }

  /** @param {number} id */
  leave(id) {
    return this.act(id, "leave");
  }

  /**
   * @param {"call" | "broadcast" | "conference"} kind
   * @param {{sittings?: number[], users?: number[], title?: string}} people
   */
  async begin(kind, { sittings = [], users = [], title = "" }) {
    if (this.current) return toast(_("You are in a conversation already; end it first."), "warn");
    try {
      const { conversation } = await post("/api/v1/conversations", { kind, sitting_ids: sittings, user_ids: users, title });
      this.take(conversation);
    } catch (error) {
      toastError(error);
    }
  }

  /** Ask whom to call together, then do it. @param {{id: number, name: string}[]} [candidates] sittings that may be asked, too */
  async askConference(candidates = []) {
    /** @type {Colleague[]} */
    let colleagues;
    try {
      ({ colleagues } = await get("/api/v1/colleagues"));
    } catch (error) {
      return toastError(error);
    }
    const title = h("input", { class: "input", maxlength: "120", placeholder: _("for example: Defence, group 12") });
    const users = choices(colleagues.map(({ id, name, role_title: role }) => ({ id, name, more: role ?? "" })));
    const sittings = choices(candidates.map(({ id, name }) => ({ id, name, more: `#${id}` })));
    const count = h("p", { class: "small muted", role: "status" });
    const yes = button(_("Begin"), () => begin(), { kind: "btn-primary", icon: "video" });
    const begin = () => {
      dialog.close();
      void this.begin("conference", { users: users.chosen(), sittings: sittings.chosen(), title: title.value.trim() });
    };
    const recount = () => {
      const people = 1 + users.chosen().length + sittings.chosen().length;
      yes.disabled = people < 2 || people > CONFERENCE_SEATS;
      fill(count, _("{n} of {most} people, you among them", { n: people, most: CONFERENCE_SEATS }));
    };
    const dialog = openDialog({
      title: _("Conference"),
      icon: "users",
      body: [
        h("label", { class: "field" }, h("span", { class: "label" }, _("Title")), title),
        h("fieldset", { class: "talk-choices" }, h("legend", null, _("Colleagues")), colleagues.length ? users.elements : h("p", { class: "muted" }, _("Nobody else of your company can take part."))),
        candidates.length > 0 && h("fieldset", { class: "talk-choices" }, h("legend", null, _("Candidates")), sittings.elements),
        count,
      ],
      buttons: [button(_("Cancel"), () => dialog.close()), yes],
    });
    dialog.element.addEventListener("change", recount);
    recount();
  }
}

/** @param {{id: number, name: string, more: string}[]} people */
function choices(people) {
  const boxes = people.map((person) => ({ id: person.id, box: h("input", { type: "checkbox" }), person }));
  return {
    elements: boxes.map(({ box, person }) => h("label", { class: "choice choice-sm" }, box, h("span", null, person.name, " ", h("span", { class: "muted" }, person.more)))),
    chosen: () => boxes.filter(({ box }) => box.checked).map(({ id }) => id),
  };
}
