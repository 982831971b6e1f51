/** @file The company's ICE policy, STUN and TURN servers; and a try of them from this very browser. */

import { get, post } from "../base/api.js";
import { busy, button, fill, h, icon, one } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { _ } from "../base/i18n.js";
import { toast } from "../base/toast.js";
import { gatherKinds } from "../candidate/media/ice.js";

/**
 * @typedef {{ice_policy: "all" | "relay", stun_urls: string[], turn_urls: string[], has_secret: boolean,
 *   appliance: {stun_urls: string[], turn_urls: string[]}}} Network
 * @typedef {{network: Network, ways: {ice_servers: RTCIceServer[], ice_policy: RTCIceTransportPolicy}}} Answer
 */

const place = one("#network");

/** @param {HTMLTextAreaElement} area */
const lines = (area) => area.value.split(/\s+/).filter(Boolean);

/** @param {string} value @param {string} title @param {string} text @param {boolean} checked */
const policy = (value, title, text, checked) =>
  h("label", { class: "choice" }, h("input", { type: "radio", name: "ice_policy", value, checked }), h("span", null, h("b", null, title), h("br", null), h("span", { class: "small muted" }, text)));

/** @param {string} title @param {string[]} urls @param {string[]} standing @param {string} example */
function addresses(title, urls, standing, example) {
  const area = h("textarea", { class: "textarea", rows: "3", spellcheck: "false", placeholder: example, value: urls.join("\n") });
  const hint = standing.length ? _("One a line. Empty: the appliance's own, {list}", { list: standing.join(", ") }) : _("One a line. Empty: none.");
  return { area, field: h("label", { class: "field" }, h("span", { class: "label" }, title), area, h("span", { class: "small muted" }, hint)) };
}

/** @param {Answer} answer */
function show({ network, ways }) {
  const policies = h(
    "fieldset",
    null,
    h("legend", null, _("Which way connections go")),
    policy("all", _("Any way that works"), _("Directly where the network lets it, through a TURN server where it does not."), network.ice_policy === "all"),
    policy("relay", _("Through a TURN server only"), _("For networks that let nothing else out, and where browsers may not learn the media nodes' addresses."), network.ice_policy === "relay"),
  );
  const stun = addresses(_("STUN servers"), network.stun_urls, network.appliance.stun_urls, "stun:turn.example.org:3478");
  const turn = addresses(_("TURN servers"), network.turn_urls, network.appliance.turn_urls, "turns:turn.example.org:443?transport=tcp");
  const secret = h("input", { class: "input", type: "password", autocomplete: "off", placeholder: network.has_secret ? _("unchanged") : "" });
  const error = h("p", { class: "form-error", role: "alert" });
  const result = h("ul", { class: "network-test", "aria-live": "polite" });
  const save = button(_("Save"), () => void busy(save, keep), { kind: "btn-primary", icon: "save" });
  const test = button(_("Try from this browser"), () => void busy(test, tryOut), { icon: "activity" });

  const keep = async () => {
    fill(error);
    const chosen = policies.querySelector("input:checked");
    const body = { ice_policy: chosen instanceof HTMLInputElement ? chosen.value : "all", stun_urls: lines(stun.area), turn_urls: lines(turn.area), turn_secret: secret.value || null };
    try {
      show(await post("/api/v1/network", body));
      toast(_("Saved. New connections use it."), "good");
    } catch (problem) {
      fill(error, wordError(problem));
    }
  };

  const tryOut = async () => {
    fill(result, h("li", null, h("span", { class: "spinner" }), _("Asking the servers that are saved…")));
    const kinds = await gatherKinds({ iceServers: ways.ice_servers, iceTransportPolicy: ways.ice_policy });
    const asked = (/** @type {string} */ scheme) => ways.ice_servers.some(({ urls }) => [urls].flat().some((url) => url.startsWith(scheme)));
    /** @type {[string, boolean, boolean][]} what, found, whether it could be */
    const rows = [
      [_("Directly (host)"), kinds.host, ways.ice_policy === "all"],
      [_("Through address translation (STUN)"), kinds.srflx, ways.ice_policy === "all" && (asked("stun") || asked("turn"))],
      [_("Through a TURN server (relay)"), kinds.relay, asked("turn")],
    ];
    fill(
      result,
      rows.map(([what, found, wanted]) => {
        const [tone, mark, word] = found ? ["good", "circle-check", _("works")] : wanted ? ["bad", "circle-x", _("does not work from here")] : ["none", "circle-minus", _("not asked for")];
        return h("li", { class: `tone-${tone}` }, icon(mark, "icon-tone"), h("span", null, what, ": ", h("b", null, word)));
      }),
    );
  };

  fill(
    place,
    h(
      "form",
      { class: "card network", on: { submit: (event) => event.preventDefault() } },
      policies,
      stun.field,
      turn.field,
      h("label", { class: "field" }, h("span", { class: "label" }, _("Secret of these TURN servers")), secret, h("span", { class: "small muted" }, _("coturn's static-auth-secret. Browsers get time-limited credentials made of it, never the secret."))),
      error,
      h("div", { class: "network-foot" }, save, test),
      result,
    ),
  );
}

async function load() {
  fill(place, h("div", { class: "empty", role: "status" }, h("span", { class: "spinner" }), h("p", null, _("Loading…"))));
  try {
    show(await get("/api/v1/network"));
  } catch (problem) {
    const again = button(_("Try again"), () => void load(), { icon: "refresh-cw" });
    fill(place, h("div", { class: "empty", role: "alert" }, icon("unlink"), h("strong", null, _("The settings could not be loaded")), h("p", null, wordError(problem)), again));
  }
}

await load();
