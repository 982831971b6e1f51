"""An RtpEndpoint keeps to the ports that a firewall lets through: pairs, RTP at the even one."""

import random
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from media.kurento.errors import SdpError
from media.node.rtp import _port_pair


def four_free_ports() -> int:
    """Return the first, an even one, below what the kernel hands out: who asks for any port gets none of them."""
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        first = random.randrange(10_000, ephemeral - 4, 2)
        with ExitStack() as held:
            try:
                for port in range(first, first + 4):
                    held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("0.0.0.0", port))  # noqa: S104 - as the endpoint does
            except OSError:
                continue
            return first


def test_pairs_out_of_a_range_until_it_is_used_up():
    first = four_free_ports()
    ports = (first - 1, first + 4)  # the odd one below and the even one above belong to no pair
    pairs = [_port_pair(ports) for _ in range(2)]
    found = {(rtp.getsockname()[1], rtcp.getsockname()[1]) for rtp, rtcp in pairs}
    assert found == {(first, first + 1), (first + 2, first + 3)}
    with pytest.raises(SdpError, match="No free pair"):
        _port_pair(ports)
    for one in (one for pair in pairs for one in pair):
        one.close()
