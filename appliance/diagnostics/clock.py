"""How right this machine's clock is: what the kernel knows, and a time server's word (SNTP, RFC 4330)."""

import ctypes
import os
import socket
import struct
import time
from dataclasses import dataclass
from typing import Final

NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970."""
STA_UNSYNC: Final = 0x0040
"""Bit of the kernel's clock status (adjtimex(2)): nobody keeps it."""
TIMEX_BYTES: Final = 208
STATUS_OFFSET: Final = 40
"""Of ``status`` in ``struct timex`` on 64-bit Linux: modes (4 and 4 to fill), offset, freq, maxerror, esterror."""
CLIENT_REQUEST: Final = bytes([0b00_100_011]) + bytes(47)
"""Version 4, mode client."""


def kernel_synchronised() -> bool | None:
    """Return whether the kernel believes that its clock is kept; None where it does not say."""
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)
    if ctypes.CDLL(None).adjtimex(buffer) < 0 or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    status = struct.unpack_from("i", buffer, STATUS_OFFSET)[0]
    return not status & STA_UNSYNC


@dataclass(frozen=True, slots=True)
class Measured:
    """What a time server told."""

    offset_ms: int
    """This clock minus the server's."""
    round_trip_ms: int


def ask(server: str, seconds: float = 2.0) -> Measured:
    """Ask ``host`` or ``host:port`` for the time; raise ``OSError`` when it does not answer or makes no sense."""
    host, _, port = server.partition(":")
    family, kind, protocol, _, address = socket.getaddrinfo(host, int(port or 123), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as asking:
        asking.settimeout(seconds)
        cookie = os.urandom(8)  # comes back as the origin time: an answer to us and to nothing older
        sent, sent_at = time.time(), time.monotonic()
        asking.sendto(CLIENT_REQUEST[:40] + cookie, address)
        answer = asking.recv(512)
        round_trip = time.monotonic() - sent_at
    if len(answer) < 48 or answer[24:32] != cookie or answer[1] == 0:
        raise OSError(f"{server} answered something that is not the time")
    received, transmitted = (_unix(answer[start : start + 8]) for start in (32, 40))
    offset = ((received - sent) + (transmitted - (sent + round_trip))) / 2
    return Measured(round(-offset * 1000), round(round_trip * 1000))


def _unix(stamp: bytes) -> float:
    seconds, fraction = struct.unpack("!II", stamp)
    return float(seconds - NTP_EPOCH + fraction / 2**32)
