/**
 * @file What a connection tells of itself, condensed for checks of the pipeline: the way that ICE took or all that it
 * tried, encryption, what is sent. Names are those of the W3C's webrtc-stats.
 */

/** @typedef {Record<string, string | number | boolean | null>} Values */
/**
 * @typedef {object} Pair
 * @property {string} local address:port
 * @property {string} remote
 * @property {string} local_type host, srflx, prflx or relay
 * @property {string} remote_type
 * @property {string} protocol
 * @property {string} state
 * @property {boolean} nominated
 * @property {number} requests connectivity checks sent
 * @property {number} responses and answered
 */
/** @typedef {{values: Values, pairs: Pair[]}} Condensed */

/** What the gateway takes of pairs (web/realtime/messages.py); those that got furthest are told. */
const PAIRS = 24;
const LONGEST = 64;
const PROGRESS = ["succeeded", "in-progress", "failed", "waiting", "frozen"];

/** @type {Record<string, string[]>} report type -> fields worth keeping */
const KEPT = {
  "outbound-rtp": [
    "bytesSent",
    "packetsSent",
    "framesSent",
    "framesPerSecond",
    "frameWidth",
    "frameHeight",
    "nackCount",
    "pliCount",
    "qualityLimitationReason",
  ],
  "remote-inbound-rtp": ["packetsLost", "jitter", "roundTripTime"],
  "candidate-pair": ["currentRoundTripTime", "availableOutgoingBitrate"],
};

/**
 * @param {RTCPeerConnection} pc
 * @returns {Promise<Condensed>} values are named `video.bytesSent`, `pair.currentRoundTripTime`, …
 */
export async function condense(pc) {
  const report = await pc.getStats();
  /** @type {any[]} */
  const entries = [];
  report.forEach((entry) => entries.push(entry));
  const chosen = entries.find((entry) => entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded");
  /** @type {Values} */
  const values = {
    connectionState: pc.connectionState,
    iceState: pc.iceConnectionState,
    gatheringState: pc.iceGatheringState,
    dtlsState: entries.find((entry) => entry.type === "transport")?.dtlsState ?? null,
    localTypes: types(entries, "local-candidate"),
    remoteTypes: types(entries, "remote-candidate"),
  };
  for (const entry of entries) {
    if (entry.type === "candidate-pair" && entry !== chosen) continue;
    const prefix = entry === chosen ? "pair" : entry.kind;
    for (const field of KEPT[entry.type] ?? []) {
      if (entry[field] !== undefined) values[`${prefix}.${field}`] = entry[field];
    }
    if (entry.type === "outbound-rtp" && entry.codecId) values[`${prefix}.codec`] = report.get(entry.codecId)?.mimeType ?? null;
  }
  if (chosen) {
    const local = report.get(chosen.localCandidateId);
    values["pair.kind"] = local?.candidateType ?? null;
    values["pair.protocol"] = local?.relayProtocol ?? local?.protocol ?? null;
  }
  return { values, pairs: pairsOf(entries, report) };
}

/** @param {any[]} entries @param {string} kind */
const types = (entries, kind) =>
  [...new Set(entries.filter((entry) => entry.type === kind).map((entry) => entry.candidateType))].sort().join(",");

/** @param {any[]} entries @param {RTCStatsReport} report @returns {Pair[]} */
function pairsOf(entries, report) {
  const place = (/** @type {any} */ candidate) => `${candidate?.address ?? candidate?.ip ?? "?"}:${candidate?.port ?? "?"}`.slice(0, LONGEST);
  return entries
    .filter((entry) => entry.type === "candidate-pair")
    .sort((a, b) => PROGRESS.indexOf(a.state) - PROGRESS.indexOf(b.state))
    .slice(0, PAIRS)
    .map((pair) => {
      const local = report.get(pair.localCandidateId);
      const remote = report.get(pair.remoteCandidateId);
      return {
        local: place(local),
        remote: place(remote),
        local_type: local?.candidateType ?? "",
        remote_type: remote?.candidateType ?? "",
        protocol: local?.relayProtocol ?? local?.protocol ?? "",
        state: pair.state,
        nominated: Boolean(pair.nominated),
        requests: pair.requestsSent ?? 0,
        responses: pair.responsesReceived ?? 0,
      };
    });
}
