/** @file When staff speak with the candidate: calls and broadcasts are heard at once, a conference is asked about. */

import { get, post } from "../base/api.js";
import { openDialog } from "../base/dialog.js";
import { busy, button, h } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { toastError } from "../base/toast.js";
import { TalkPanel } from "../conversation/panel.js";
import { Talk } from "../conversation/talk.js";
import { announce } from "./shell.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("../conversation/talk.js").Conversation} Conversation
 */

/**
 * @param {App} app
 * @param {HTMLElement} place
 * @param {number} sittingId
 */
export function watchTalks(app, place, sittingId) {
  /** @type {Map<number, {talk: Talk, panel: TalkPanel}>} */
  const current = new Map();
  /** @type {Map<number, () => void>} dialogs that ask, by conversation */
  const asked = new Map();

  /** @param {Conversation} conversation */
  const take = (conversation) => {
    const { id } = conversation;
    const seat = conversation.seats.find((one) => one.sitting_id === sittingId);
    const over = conversation.ended_ms !== null || !seat || seat.state === "left" || seat.state === "declined";
    if (over || seat?.state === "joined") {
      asked.get(id)?.();
      asked.delete(id);
    }
    if (over) return close(id);
    if (seat?.state === "joined") return enter(conversation);
    if (conversation.kind === "conference") ask(conversation);
    else void act(id, "join");
  };

  /** @param {number} id */
  const close = (id) => {
    const found = current.get(id);
    current.delete(id);
    found?.talk.close();
    found?.panel.remove();
    if (found) announce(_("The conversation is over."));
  };

  /** @param {Conversation} conversation */
  const enter = (conversation) => {
    const known = current.get(conversation.id);
    if (known) return known.talk.reconcile(conversation);
    const talk = new Talk(conversation, {
      isMine: (seat) => seat.sitting_id === sittingId,
      send: (message) => void app.socket.send(message),
      onChange: () => current.get(conversation.id)?.panel.render(),
    });
    const panel = new TalkPanel(talk, { leave: () => void act(conversation.id, "leave"), now: () => app.clock.now(), guest: true });
    current.set(conversation.id, { talk, panel });
    place.append(panel.element);
    announce(panel.title(), true);
    talk.reconcile(conversation);
    if (talk.seat?.may_send) void talk.speak(true);
  };

  /** @param {number} id @param {"join" | "decline" | "leave"} verb */
  const act = async (id, verb) => {
    try {
      const { conversation } = await post(`/api/v1/sitting/conversations/${id}/${verb}`);
      take(conversation);
    } catch (error) {
      // It may have ended meanwhile; the server's state says so.
      if (verb === "leave") toastError(error);
      else void refresh();
    }
  };

  /** @param {Conversation} conversation */
  const ask = (conversation) => {
    if (asked.has(conversation.id)) return;
    const answer = (/** @type {HTMLButtonElement} */ element, /** @type {"join" | "decline"} */ verb) => busy(element, () => act(conversation.id, verb));
    const yes = button(_("Join"), () => void answer(yes, "join"), { kind: "btn-primary", icon: "video", autofocus: true });
    const no = button(_("Decline"), () => void answer(no, "decline"));
    const dialog = openDialog({
      title: conversation.title || _("Conference"),
      icon: "users",
      must: true,
      body: [h("p", null, _("{name} asks you into a conference. Your camera and microphone will be seen and heard by all who take part.", { name: conversation.host }))],
      buttons: [no, yes],
    });
    asked.set(conversation.id, dialog.close);
  };

  const refresh = async () => {
    try {
      const { conversations } = await get("/api/v1/sitting");
      const open = new Set(conversations.map((/** @type {Conversation} */ one) => one.id));
      for (const id of [...current.keys()]) if (!open.has(id)) close(id);
      for (const conversation of conversations) {
        const seat = conversation.seats.find((/** @type {{sitting_id: number | null}} */ one) => one.sitting_id === sittingId);
        if (seat?.state === "joined" || conversation.kind === "conference") take(conversation);
      }
    } catch (error) {
      console.warn("conversations not loaded", error);
    }
  };

  let begun = false;
  app.watch(() => {
    if (begun || !app.known || app.socket.state !== "online") return;
    begun = true;
    for (const conversation of app.known.conversations ?? []) take(conversation);
  });
  app.socket.on("welcome", () => {
    for (const { talk } of current.values()) talk.renew();
  });
  app.socket.on("reset", () => void refresh());
  app.socket.on("event", (event) => event.kind === "conversation.changed" && take(event.payload.conversation));
  for (const type of ["answer", "candidate", "view_ended", "error"]) {
    app.socket.on(type, (message) => [...current.values()].some(({ talk }) => talk.handle(message)));
  }
}
