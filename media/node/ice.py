"""What of a WebRtcEndpoint is ICE: its settings, its candidates both ways, its states."""

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import CandidateRefused
from media.node import nice
from media.node.endpoint import SdpEndpoint
from media.node.peer import IceSettings, Peer
from media.node.statistics import candidate_pair
from media.node.values import Operation, Param, operation, properties

if TYPE_CHECKING:
    from media.node.node import Node
    from media.node.pipeline import MediaPipeline

MAX_CANDIDATES = 200
"""Candidates kept until the offer comes; a browser has some 20."""
PAIR_DELAYS = (0.0, 0.1, 0.5)
"""Seconds between looks for the selected pair of candidates."""
TUNNEL_SECONDS = 5.0
"""To open a listener on the loopback address."""
ICE_STATES = {
    "checking": "CONNECTING",
    "connected": "CONNECTED",
    "completed": "READY",
    "failed": "FAILED",
    "disconnected": "DISCONNECTED",
    "closed": "DISCONNECTED",
}


class IceEndpoint(SdpEndpoint):
    """The part of a WebRtcEndpoint that finds a way to the browser."""

    events = SdpEndpoint.events | {
        "IceCandidateFound",
        "IceGatheringDone",
        "IceComponentStateChanged",
        "NewCandidatePairSelected",
    }

    def __init__(self, node: "Node", parent: "MediaPipeline") -> None:
        """Nothing is gathered yet."""
        super().__init__(node, parent)
        self.stun_server_address, self.stun_server_port, self.turn_url = "", 3478, ""
        self.external_address = self.external_i_pv4 = self.external_i_pv6 = self.network_interfaces = ""
        self.ice_tcp = True
        self.peer: Peer | None = None
        self._gathering = self._gathering_done = False
        self._found: list[tuple[int, str]] = []
        self._early: list[tuple[int, str]] = []
        self._pair: dict[str, Any] | None = None
        self._ice_state = "new"

    operations: ClassVar[dict[str, Operation]] = {
        **properties(
            stun_server_address=str,
            stun_server_port=int,
            turn_url=str,
            external_address=str,
            network_interfaces=str,
            ice_tcp=bool,
        ),
        **properties(external_i_pv4=str, external_i_pv6=str),
    }

    # ---- in threads

    def _ice_settings(self) -> IceSettings:
        stun = f"{self.stun_server_address}:{self.stun_server_port}" if self.stun_server_address else ""
        names = [name.strip() for name in self.network_interfaces.split(",") if name.strip()]
        addresses = tuple(address for name in names for address in nice.interface_addresses(name))
        if names and not addresses:
            raise ValueError(f"no network interface {self.network_interfaces} has an address")
        return IceSettings(stun, self._turn(), addresses, self.node.options.ice_ports, self.ice_tcp)

    def _turn(self) -> str:
        """The TURN server as libnice can use it: what wants TLS goes through a tunnel of ours."""
        credentials, _, server = self.turn_url.rpartition("@")
        server, _, transport = server.partition("?transport=")
        if transport != "tls":
            return self.turn_url
        host, _, port = server.rpartition(":")
        if not port.isdigit():
            raise ValueError(f"{server} is no TURN server with its port")
        opening = asyncio.run_coroutine_threadsafe(
            self.node.tunnels.open(host.strip("[]"), int(port)), self.node.loop
        )
        return f"{credentials}@127.0.0.1:{opening.result(TUNNEL_SECONDS)}?transport=tcp"

    # ---- from GStreamer's threads

    def on_candidate(self, mline: int, candidate: str) -> None:
        """Listener."""
        self.node.soon(self._candidate, mline, candidate)

    def on_gathering_done(self) -> None:
        """Listener."""
        self.node.soon(self._gathered)

    def on_ice_state(self, state: str) -> None:
        """Listener."""
        self.node.soon(self._ice, state)

    def on_connection_state(self, state: str) -> None:
        """Listener."""
        self.node.soon(self._connection, state)

    # ---- event loop

    def _candidate(self, mline: int, candidate: str) -> None:
        if self.released or not candidate:
            return
        if not self._gathering:
            self._found.append((mline, candidate))
            return
        for line in self.peer.mlines if self.peer else ():
            self.tell(
                "IceCandidateFound",
                candidate={
                    "__module__": "kurento",
                    "__type__": "IceCandidate",
                    "candidate": self._public(candidate),
                    "sdpMLineIndex": line.index,
                    "sdpMid": line.mid,
                },
            )

    def _public(self, candidate: str) -> str:
        """The candidate with the address that the outside sees, where one is set."""
        fields = candidate.split(" ")
        external = self.external_i_pv6 if len(fields) > 4 and ":" in fields[4] else self.external_i_pv4
        if external and len(fields) > 7 and fields[7] == "host":
            fields[4] = external
        return " ".join(fields)

    def _gathered(self) -> None:
        self._gathering_done = True
        if self._gathering and not self.released:
            self.tell("IceGatheringDone")

    def _ice(self, state: str) -> None:
        if self.released or state not in ICE_STATES:
            return
        self._ice_state = state
        self.tell("IceComponentStateChanged", componentId=1, streamId=1, state=ICE_STATES[state])
        if state in ("connected", "completed"):
            self.node.spawn(self._select_pair())
        elif state in ("failed", "disconnected"):
            self.enter("ConnectionState", "DISCONNECTED")

    def _connection(self, state: str) -> None:
        if self.released:
            return
        if state == "connected":
            self.enter("ConnectionState", "CONNECTED")
        elif state in ("failed", "disconnected", "closed"):
            self.enter("ConnectionState", "DISCONNECTED")

    async def _select_pair(self) -> None:
        """webrtcbin does not tell the pair by itself."""
        for delay in PAIR_DELAYS:
            await asyncio.sleep(delay)
            async with self.node.lock(self.id):
                if self.peer is None or self.released:
                    return
                found = await self.node.run(self.peer.selected_pair)
            if found is not None:
                pair = candidate_pair(*found)
                if pair != self._pair:
                    self._pair = pair
                    self.tell("NewCandidatePairSelected", candidatePair=pair)
                return

    # ---- operations

    @operation()
    def gatherCandidates(self) -> None:
        """Tell the candidates found so far and all that come."""
        if self._gathering or self.peer is None:
            return
        self._gathering = True
        for component in (1, 2):
            self.tell("IceComponentStateChanged", componentId=component, streamId=1, state="GATHERING")
        found, self._found = self._found, []
        for mline, candidate in found:
            self._candidate(mline, candidate)
        if self._gathering_done:
            self.tell("IceGatheringDone")

    @operation(Param("candidate", dict))
    async def addIceCandidate(self, candidate: dict[str, Any]) -> None:
        """Take a browser's candidate; those that come before the offer wait for it."""
        what = "property"
        line = Param("candidate").read(candidate, what)
        mid = Param("sdpMid").read(candidate, what)
        mline = Param("sdpMLineIndex", int).read(candidate, what)
        if self.peer is None or not self.negotiated:
            if len(self._early) >= MAX_CANDIDATES:
                raise CandidateRefused()
            self._early.append((mline, line))
            return
        known = next((item for item in self.peer.mlines if item.index == mline or item.mid == mid), None)
        if known is None:
            raise CandidateRefused()
        if not line.startswith("candidate:") or " tcp " in line.lower():
            return
        await self.node.run(self.peer.add_candidate, known.index, line)

    @operation()
    def getICECandidatePairs(self) -> list[dict[str, Any]]:
        """The pair in use."""
        return [self._pair] if self._pair else []

    @operation()
    def getIceConnectionState(self) -> list[dict[str, Any]]:
        """State of the one component (RTP and RTCP share it)."""
        if self._ice_state not in ICE_STATES:
            return []
        state = ICE_STATES[self._ice_state]
        return [
            {"__module__": "kurento", "__type__": "IceConnection", "componentId": 1, "state": state, "streamId": "1"}
        ]

    @operation()
    def getDtlsConnectionState(self) -> list[dict[str, Any]]:
        """State of DTLS."""
        if self.connection_state != "CONNECTED":
            return []
        return [
            {
                "__module__": "kurento",
                "__type__": "DtlsConnection",
                "componentId": "1",
                "connectionId": "1",
                "state": "CONNECTED",
                "streamId": "1",
            }
        ]
