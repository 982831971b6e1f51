"""How much a browser may send: told by the answer's ``b=AS``, and at any later time by REMB.

Nothing is transcoded, so a viewer's limit can only be met by its source sending less, for the recorder, too.
Therefore a viewer's slow line is never passed on (evidence goes first): only a limit that somebody set is.
REMB: draft-alvestrand-rmcat-remb-03, 2.2. Browsers heed it as an upper limit of transport-wide congestion control.
"""

import struct
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from media.node.gst import Gst

if TYPE_CHECKING:
    from media.node.peer import Peer
    from media.node.webrtc import WebRtcEndpoint

REPEAT_SECONDS = 1.0
"""RTCP gets lost."""
LIFTED_BPS, LIFTED_TIMES = 100_000_000, 3
"""How the end of a limit is told: by one that limits nothing, so often."""


def remb(own_ssrc: int, bps: int, ssrcs: list[int]) -> bytes:
    """A receiver report without blocks, and the estimate of what may be sent in all of ``ssrcs``."""
    exponent = max(0, bps.bit_length() - 18)
    report = struct.pack("!BBHI", 0x80, 201, 1, own_ssrc)
    rate = struct.pack("!BBH", len(ssrcs), exponent << 2 | bps >> exponent >> 16, bps >> exponent & 0xFFFF)
    body = struct.pack("!II", own_ssrc, 0) + b"REMB" + rate + struct.pack(f"!{len(ssrcs)}I", *ssrcs)
    return report + struct.pack("!BBH", 0x8F, 206, len(body) // 4) + body


def limit_kbps(own: int, viewers: Iterable[int], floor: int) -> int:
    """The least of the limits that are set, never below ``floor``; 0 when none is set."""
    limits = [kbps for kbps in (own, *viewers) if kbps > 0]
    return max(min(limits), floor) if limits else 0


class Restraint:
    """Tells the browser of one endpoint what it may send, as long as there is a limit."""

    def __init__(self, endpoint: "WebRtcEndpoint") -> None:
        """Nothing is told yet."""
        self._endpoint = endpoint
        self._looked = 0.0
        self._lifting = 0

    def look(self) -> None:
        """In the pulse's thread; the telling itself happens in one that may wait."""
        now = time.monotonic()
        if now - self._looked < REPEAT_SECONDS:
            return
        self._looked = now
        endpoint = self._endpoint
        viewers = [item.sink for item in list(endpoint.sinks) if item.media_type == "VIDEO"]
        sending = (getattr(viewer, "asked_send_kbps", 0) for viewer in viewers)
        kbps = limit_kbps(endpoint.max_video_recv_bandwidth, sending, endpoint.min_video_recv_bandwidth)
        self._lifting = LIFTED_TIMES if kbps else self._lifting - 1
        if self._lifting >= 0 and (peer := endpoint.peer) is not None:
            endpoint.node.threads.submit(tell, peer, kbps * 1000 or LIFTED_BPS)


def tell(peer: "Peer", bps: int) -> None:
    """Send a REMB now, if there is something to limit and a connection to say it on."""
    way = peer.rtcp_way()
    if way is not None:
        own_ssrc, ssrc, pad = way
        pad.chain(Gst.Buffer.new_wrapped(remb(own_ssrc, bps, [ssrc])))
