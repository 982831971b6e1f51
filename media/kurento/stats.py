"""RTC statistics as typed values: Kurento's, which follow W3C's webrtc-stats of 2016."""

from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

Raw = dict[str, dict[str, Any]]


class RtpStream(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One RTP stream. ``fraction_lost`` is 0 to 1, of the last report; counters are since the beginning."""

    id: str
    ssrc: str = ""
    timestamp_millis: int = 0
    packets_lost: int = 0
    fraction_lost: float = 0.0
    nack_count: int = 0
    pli_count: int = 0
    fir_count: int = 0
    remb: int = 0


class InboundRtp(RtpStream, frozen=True, kw_only=True, rename="camel"):
    """What comes from the peer. ``jitter`` in seconds."""

    bytes_received: int = 0
    packets_received: int = 0
    jitter: float = 0.0


class OutboundRtp(RtpStream, frozen=True, kw_only=True, rename="camel"):
    """What goes to the peer. ``round_trip_time`` in seconds, ``target_bitrate`` in bit/s."""

    bytes_sent: int = 0
    packets_sent: int = 0
    round_trip_time: float = 0.0
    target_bitrate: float = 0.0


@dataclass(frozen=True)
class Statistics:
    """What an element tells; ``others`` as it came, by id: a node may tell more than is typed here."""

    inbound: tuple[InboundRtp, ...] = ()
    outbound: tuple[OutboundRtp, ...] = ()
    others: Raw = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Raw) -> Self:
        """From the answer of getStats; an odd entry is kept among ``others``."""
        inbound: list[InboundRtp] = []
        outbound: list[OutboundRtp] = []
        others: Raw = {}
        for key, item in raw.items():
            try:
                if item.get("type") == "inboundrtp":
                    inbound.append(msgspec.convert(item, InboundRtp, strict=False))
                elif item.get("type") == "outboundrtp":
                    outbound.append(msgspec.convert(item, OutboundRtp, strict=False))
                else:
                    others[key] = item
            except msgspec.ValidationError:
                others[key] = item
        return cls(tuple(inbound), tuple(outbound), others)

    @property
    def bytes_received(self) -> int:
        """Of all streams."""
        return sum(item.bytes_received for item in self.inbound)

    @property
    def bytes_sent(self) -> int:
        """Of all streams."""
        return sum(item.bytes_sent for item in self.outbound)
