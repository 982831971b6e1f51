"""An RtpEndpoint keeps to the ports that a firewall lets through: pairs, RTP at the even one."""

import pytest

from media.kurento.errors import SdpError
from media.node.rtp import _port_pair


def test_pairs_out_of_a_range_until_it_is_used_up():
    begin = _port_pair(None)
    first = begin[0].getsockname()[1]
    for one in begin:
        one.close()
    ports = (first - 1, first + 4)  # the odd one below and the even one above belong to no pair
    pairs = [_port_pair(ports) for _ in range(2)]
    found = {(rtp.getsockname()[1], rtcp.getsockname()[1]) for rtp, rtcp in pairs}
    assert found == {(first, first + 1), (first + 2, first + 3)}
    with pytest.raises(SdpError, match="No free pair"):
        _port_pair(ports)
    for one in (one for pair in pairs for one in pair):
        one.close()
