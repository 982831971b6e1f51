"""A UDP port that media comes in at."""

import contextlib
import socket
from collections.abc import Container, Iterator

from media.frames.vp8_rtp import RtpPacket
from media.ports import Range, bind

RECEIVE_BUFFER = 2 * 1024 * 1024
"""Bytes: some 15 s of a webcam's stream, held by the kernel while a slow finding is computed; then they are lost."""
MOST = 4096
"""Packets fetched at once: more than the kernel holds, so that a flood cannot keep the reader for ever."""
LARGEST = 65536


class Inlet:
    """Bound at once, read without waiting."""

    def __init__(self, host: str, ports: Range | None) -> None:
        """Bind. Raises OSError when the address is not this machine's or no port is free."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            bind(self._socket, host, ports)
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        self._view = memoryview(bytearray(LARGEST))
        self.sender: tuple[str, int] | None = None
        """Address that the last packet came from."""

    def packets(self, payload_types: Container[int]) -> Iterator[RtpPacket]:
        """Give what has come so far; rubbish is left out."""
        for _ in range(MOST):
            try:
                size, address = self._socket.recvfrom_into(self._view)
            except BlockingIOError:
                return
            except OSError:  # ICMP told that what we sent found nobody
                continue
            packet = RtpPacket.parse(self._view[:size], payload_types)
            if packet:
                self.sender = address[:2]
                yield packet

    def send(self, data: bytes, host: str, port: int) -> None:
        """Send as far as that is possible."""
        with contextlib.suppress(OSError, OverflowError):
            self._socket.sendto(data, (host, port))

    def close(self) -> None:
        """Free the port."""
        self._socket.close()
