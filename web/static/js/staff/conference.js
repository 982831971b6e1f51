/** @file The conference's page: where those without a room take part in a commission. */

import { post } from "../base/api.js";
import { button, fill, h, icon, one } from "../base/dom.js";
import { _ } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { LiveSocket } from "../base/socket.js";
import { clock } from "./clock.js";
import { StaffTalks } from "./talks.js";

const socket = new LiveSocket({ getToken: () => post("/api/v1/live-token"), clock });
const talks = new StaffTalks(one("#talks"), socket, pageData.user?.id ?? 0);
const mayBegin = pageData.permissions.includes("conversation.hold");
const note = one("#note");

const begin = button(_("New conference"), () => void talks.askConference(), { kind: "btn-primary", icon: "plus" });
if (mayBegin) one("#begin").append(begin);

let shown = "";

/** What stands here while nothing goes on. */
function render() {
  const waits = talks.invitations.size > 0 || talks.current !== null;
  const key = waits ? "" : socket.state;
  begin.disabled = talks.current !== null;
  note.hidden = waits;
  if (key === shown) return;
  shown = key;
  if (waits) return;
  const online = socket.state === "online";
  const text = mayBegin
    ? _("Begin one, or wait until somebody asks you in: the invitation appears here.")
    : _("The invitation appears here as soon as somebody asks you in.");
  fill(
    note,
    online
      ? h("div", { class: "empty" }, icon("users"), h("strong", null, _("No conference goes on")), h("p", null, text))
      : h("div", { class: "empty" }, icon("loader-circle"), h("strong", null, _("Connecting…")), h("p", null, _("The page reconnects by itself."))),
  );
}

talks.watchers.add(render);
socket.on("state", render);
render();
socket.open();
