/**
 * @file How connections of this page are made: STUN and TURN servers and the company's ICE policy, as the server told
 * them last.
 */

/** @typedef {{ice_servers: RTCIceServer[], ice_policy?: RTCIceTransportPolicy}} Ways */

/** @type {Ways} */
let ways = { ice_servers: [] };

/** @param {Ways} told what `welcome` or the candidate's state says */
export function useWays(told) {
  if (told.ice_servers) ways = { ice_servers: told.ice_servers, ice_policy: told.ice_policy };
}

/** @returns {RTCConfiguration} for every RTCPeerConnection of this page */
export const rtcConfiguration = () => ({
  iceServers: ways.ice_servers,
  iceTransportPolicy: ways.ice_policy ?? "all",
  bundlePolicy: "max-bundle",
});
