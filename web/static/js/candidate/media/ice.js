/** @file Which ways out of this network there are: kinds of ICE candidates, gathered by a connection that is thrown away. */

/** Gathering usually ends within a second; a blocked TURN server answers never. */
const TIMEOUT_MS = 6000;

/**
 * @param {RTCConfiguration} configuration
 * @returns {Promise<{host: boolean, srflx: boolean, relay: boolean}>}
 */
export async function gatherKinds(configuration) {
  const connection = new RTCPeerConnection(configuration);
  const kinds = { host: false, srflx: false, relay: false };
  try {
    connection.createDataChannel("check");
    await new Promise((resolve, reject) => {
      setTimeout(resolve, TIMEOUT_MS);
      connection.onicecandidate = ({ candidate }) => {
        if (!candidate?.candidate) return resolve(undefined);
        const kind = candidate.type;
        if (kind === "host" || kind === "srflx" || kind === "relay") kinds[kind] = true;
      };
      connection.setLocalDescription().catch(reject);
    });
  } finally {
    connection.close();
  }
  return kinds;
}
