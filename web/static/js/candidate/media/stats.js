/** @file What getStats tells of a connection, condensed for the support engineer. */

/** @typedef {Record<string, string | number | boolean | null>} Values */

/** @type {Record<string, string[]>} report type -> fields worth keeping */
const KEPT = {
  "outbound-rtp": [
    "bytesSent",
    "packetsSent",
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
 * @returns {Promise<Values>} fields named `video.bytesSent`, `pair.currentRoundTripTime`, …
 */
export async function condense(pc) {
  /** @type {Values} */
  const values = { connectionState: pc.connectionState };
  const report = await pc.getStats();
  report.forEach((entry) => {
    if (entry.type === "candidate-pair" && !(entry.nominated && entry.state === "succeeded")) return;
    const prefix = entry.type === "candidate-pair" ? "pair" : entry.kind;
    for (const field of KEPT[entry.type] ?? []) {
      if (entry[field] !== undefined) values[`${prefix}.${field}`] = entry[field];
    }
    if (entry.type === "candidate-pair") {
      const local = report.get(entry.localCandidateId);
      values["pair.kind"] = local?.candidateType ?? null;
      values["pair.protocol"] = local?.relayProtocol ?? local?.protocol ?? null;
    }
  });
  return values;
}
