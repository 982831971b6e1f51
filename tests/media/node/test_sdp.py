"""Reading and changing session descriptions, as plain text."""

import pytest

from media.node import sdp
from media.node.rtp import has_picture_loss

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 10.0.0.9",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sendrecv",
        "a=rtpmap:111 opus/48000/2",
        "m=video 0 UDP/TLS/RTP/SAVPF 102 96",
        "a=bundle-only",
        "a=mid:1",
        "a=recvonly",
        f"a=extmap:4/recvonly {sdp.TRANSPORT_CC}",
        "a=rtpmap:102 H264/90000",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 ccm fir",
        "a=rtcp-fb:96 nack pli",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:2",
        "",
    ]
)


def test_an_offer_is_read():
    audio, video, data = sdp.parse(OFFER).sections
    assert (audio.kind, audio.mid, audio.direction, audio.payload("opus")) == ("audio", "0", "sendrecv", 111)
    assert (video.mid, video.direction, video.payload("VP8"), video.refused) == ("1", "recvonly", 96, False)
    assert video.extensions == {sdp.TRANSPORT_CC: 4}
    assert data.refused
    assert sdp.parse(OFFER).address == "10.0.0.9"
    assert audio.address == "0.0.0.0"  # noqa: S104 - text of an offer


@pytest.mark.parametrize("text", ["", "hello", "v=0\r\ns=-\r\n", "v=0\r\nm=video\r\n"])
def test_what_is_no_description_is_refused(text):
    with pytest.raises(ValueError, match="no SDP"):
        sdp.parse(text)


def test_full_intra_requests_are_taken_out_and_kurentos_profile_is_translated():
    text = sdp.for_webrtcbin(OFFER.replace("UDP/TLS/RTP/SAVPF 111", "RTP/SAVPF 111"))
    assert "ccm fir" not in text
    assert "nack pli" in text
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n" in text


def test_the_limit_stands_in_the_video_section_only():
    text = sdp.for_peer(OFFER.replace("a=bundle-only", "c=IN IP4 0.0.0.0"), 800)
    audio, video = text.split("m=video")
    assert "b=AS:800" not in audio
    assert "b=AS:800" in video
    assert "FID" not in sdp.for_peer(OFFER + "a=ssrc-group:FID 0 5\r\n")


def test_caps_carry_transport_wide_congestion_control_only_when_offered():
    assert "extmap-4=(string)http" in sdp.rtp_caps("VP8", 96, {sdp.TRANSPORT_CC: 4})
    assert "extmap" not in sdp.rtp_caps("VP8", 96)


def test_picture_loss_is_found_in_compound_packets():
    report = bytes([0x80, 201, 0, 1]) + bytes(4)
    pli = bytes([0x81, 206, 0, 2]) + bytes(8)
    assert has_picture_loss(report + pli)
    assert not has_picture_loss(report)
    assert not has_picture_loss(b"\x81\xce")
