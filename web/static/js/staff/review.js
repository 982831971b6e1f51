/** @file The review of one sitting: joins the store, the players, the timeline and the cards around them. */

import { fill, h, icon, one, setText } from "../base/dom.js";
import { _, formatDateTime } from "../base/i18n.js";
import { pageData } from "../base/page_data.js";
import { ChatLog } from "./chat_log.js";
import { openPeopleOfSitting } from "./exam_people.js";
import { Faces } from "./faces.js";
import { showChallenges } from "./challenges.js";
import { Identity } from "./identity.js";
import { reviewActions } from "./review/actions.js";
import { ConclusionForm } from "./review/conclusion_form.js";
import { renderChecks, renderParts } from "./review/details.js";
import { openExportDialog } from "./review/export_dialog.js";
import { Findings } from "./review/findings.js";
import { Scale } from "./review/heat.js";
import { renderScore, scoreWord } from "./review/score_card.js";
import { Stage } from "./review/stage.js";
import { awaited, INITIAL, reduce, unfinished } from "./review/state.js";
import { Timeline } from "./review/timeline.js";
import { Transport } from "./review/transport.js";
import { TransportBar } from "./review/transport_bar.js";
import { keepWatchLog } from "./review/watch_log.js";
import { createStore } from "./store.js";
import { connectTabs } from "./tabs.js";
import { stateWord } from "./words.js";

/** @typedef {import("./types.js").Timeline} Data */

// Sealing takes seconds; a page left open all night should not ask more often than this.
const LOOK_AGAIN_MS = 5000;

const may = (/** @type {string} */ permission) => pageData.permissions.includes(permission);
const id = Number(pageData.sitting_id);
const store = createStore(INITIAL, reduce);
const actions = reviewActions(store, id, pageData.warning_types ?? []);

const identity = new Identity(null);
const challenges = h("div", { class: "side-pad", hidden: true });
one("#identity").append(identity.element, challenges);
const faces = new Faces(() => id);
one("#faces").append(faces.element);
one("#tab-faces").addEventListener("click", () => void faces.load());
const conclusion = new ConclusionForm(one("#conclusion"), may("conclusion.give"), actions.conclude);
/** @type {ReturnType<typeof makePlayers> | null} */
let players = null;

const chat = new ChatLog((atMs) => players?.transport.seek(atMs));
one("#chat").append(chat.element);
const findings = new Findings(one("#findings"), actions, {
  seek: (atMs) => players?.transport.seek(atMs),
  mayDecide: may("observation.decide"),
  set: (values) => store.dispatch({ type: "set", values }),
});

/** @param {Data} data */
function makePlayers(data) {
  const scale = new Scale(data.start_ms, data.end_ms);
  const stage = new Stage(one("#stage"), data);
  const transport = new Transport(stage.players, scale, (state) => {
    stage.render(state);
    bar.render(state);
    timeline.render(state);
    findings.markNow(state.atMs);
  });
  const timeline = new Timeline(one("#timeline"), scale, (atMs) => transport.seek(atMs));
  const bar = new TransportBar(one("#transport"), transport, {
    mark: (atMs) => void (may("incident.mark") && actions.mark(atMs)),
    neighbour: (by) => {
      const at = findings.neighbour(transport.state.atMs, by);
      if (at !== null) transport.seek(at);
    },
  });
  transport.start();
  keepWatchLog(id, stage.players);
  return { scale, stage, transport, timeline };
}

/** @param {Data} data */
function showPlayers(data) {
  players ??= makePlayers(data);
  players.scale.extend(data.start_ms, data.end_ms);
  players.stage.update(data);
  players.timeline.update(data);
}

/** @param {Data} data */
function showHead(data) {
  const { sitting, score } = data;
  const word = stateWord(sitting.state);
  const badge = one("#state");
  badge.className = `badge tone-${word.tone}`;
  fill(badge, icon(word.icon), word.title);
  const scored = score && scoreWord(score.value, data.thresholds ?? {});
  fill(one("#head-score"), scored && h("span", { class: `badge tone-${scored.tone}`, title: scored.title }, icon("gauge"), _("Trust {score}", { score: score?.value ?? 0 })));
  const when = sitting.started_ms ? formatDateTime(sitting.started_ms) : _("never started");
  setText(one("#facts"), [`#${sitting.id}`, sitting.candidate.external_id, sitting.exam.name, when, sitting.proctor?.name && _("Proctor: {name}", { name: sitting.proctor.name })].filter(Boolean).join(" · "));
  showExport(sitting.state, data.parts.length);
  const sealing = one("#sealing");
  sealing.hidden = !["finished", "processing"].includes(sitting.state);
}

/**
 * @param {string} state of the sitting
 * @param {number} parts
 */
function showExport(state, parts) {
  const opener = document.querySelector("#export");
  if (!(opener instanceof HTMLButtonElement)) return;
  opener.hidden = false;
  opener.disabled = !["in_review", "concluded"].includes(state) || parts === 0;
  opener.title = opener.disabled ? _("Possible once the recordings are sealed") : "";
}

document.querySelector("#assign")?.addEventListener("click", () => void openPeopleOfSitting(id, one("h1").textContent?.trim() ?? ""));

/** @type {Data | null} */
let shown = null;
store.subscribe((state) => {
  document.body.dataset.phase = state.phase;
  one("#failure").hidden = state.phase !== "failed";
  setText(one("#failure-text"), state.error);
  findings.render(state);
  if (!state.data || state.data === shown) return;
  shown = state.data;
  showHead(shown);
  showPlayers(shown);
  identity.update(shown.sitting.candidate, shown.photos, false);
  showChallenges(challenges, shown.challenges);
  chat.update(id, shown.messages);
  conclusion.render(shown);
  renderScore(one("#score"), shown, may("conclusion.give") && shown.sitting.started_ms ? actions.rescore : null);
  renderParts(one("#parts"), shown);
  renderChecks(one("#checks"), shown);
  setText(one("#chat-count"), String(shown.messages.length));
});

document.querySelector("#export")?.addEventListener("click", () => openExportDialog(id));
connectTabs(one("#tabs"));
one("#retry").addEventListener("click", () => void actions.load());
setInterval(() => {
  const { data } = store.get();
  if (data && (unfinished(data) || awaited(data)) && !document.hidden) void actions.load();
}, LOOK_AGAIN_MS);
await actions.load();
