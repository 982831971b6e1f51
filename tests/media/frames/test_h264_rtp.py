"""H.264 pictures out of packets: whole ones, lost pieces, rubbish."""

import random
import struct

import av

from media.frames.h264_rtp import AccessUnitAssembler
from media.frames.vp8_rtp import RtpPacket
from media.node.h264 import H264Frame, picture_size, units

SPS = bytes.fromhex("6742c016da0280f6840000030004000003007a3c58ba80")
PPS = bytes.fromhex("68ce3c80")


def packet(sequence, payload, timestamp=0, *, marker=False):
    header = struct.pack("!BBHII", 0x80, (0x80 if marker else 0) | 102, sequence % 65536, timestamp, 7)
    return RtpPacket.parse(header + payload, {102})


def packed(stream, first, timestamp, size=200):
    """An access unit as browsers send it: parameter sets together, large units in pieces."""
    found, payloads = units(stream), []
    small = [unit for unit in found if unit[0] & 31 in (7, 8)]
    if small:
        payloads.append(b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small))
    for unit in found:
        if unit in small:
            continue
        if len(unit) <= size:
            payloads.append(unit)
            continue
        pieces = [unit[at : at + size] for at in range(1, len(unit), size)]
        for number, piece in enumerate(pieces):
            flags = (0x80 if number == 0 else 0) | (0x40 if number == len(pieces) - 1 else 0)
            payloads.append(bytes([unit[0] & 0xE0 | 28, flags | unit[0] & 31]) + piece)
    last = len(payloads) - 1
    return [packet(first + index, payload, timestamp, marker=index == last) for index, payload in enumerate(payloads)]


def test_pictures_come_out_as_they_went_in_and_decode(h264_clip):
    assembler, decoder = AccessUnitAssembler(), av.VideoCodecContext.create("h264", "r")
    sequence, sizes, keys = 65530, set(), 0
    pictures = [item for item in h264_clip.packets if item.kind == "video"]
    for index, item in enumerate(pictures):
        sent = packed(item.data, sequence, index * 6000)
        sequence += len(sent)
        found = [picture for each in sent for picture in assembler.push(each)]
        assert len(found) == 1
        assert sorted(units(found[0].data)) == sorted(units(item.data))
        keys += found[0].is_key
        sizes |= {(frame.width, frame.height) for frame in decoder.decode(av.Packet(found[0].data))}
    assert sizes == {(640, 480)}
    assert keys == sum(item.keyframe for item in pictures)


def test_a_lost_piece_spoils_one_picture_and_is_told():
    assembler = AccessUnitAssembler()
    key = b"".join(b"\0\0\0\1" + unit for unit in (SPS, PPS, b"\x65" + bytes(range(1, 250)) * 4))
    sent = packed(key, 0, 0)
    assert len(sent) > 4
    for lost in range(1, len(sent)):
        for each in sent[:lost] + sent[lost + 1 :]:
            assert not any(picture.is_key for picture in assembler.push(each))
        following = [packet(1000 * lost + at, b"\x41next", 9000 * lost + at, marker=True) for at in range(40)]
        found = [picture for each in following for picture in assembler.push(each)]
        assert found
        assert found[0].after_loss
        assembler = AccessUnitAssembler()


def test_random_bytes_never_raise():
    random.seed(4)
    assembler = AccessUnitAssembler()
    for number in range(5000):
        kind = random.choice([0x18, 0x1C, 0x41, 0x1D, 0x00])
        parsed = packet(
            number, bytes([kind]) + random.randbytes(random.randrange(40)), number // 3, marker=number % 3 == 0
        )
        if parsed:
            assembler.push(parsed)
        H264Frame.of(0, b"\0\0\0\1" + random.randbytes(random.randrange(60)))


def test_the_parameter_sets_tell_the_size_and_make_the_header():
    assert picture_size(SPS) == (640, 480)
    frame = H264Frame.of(40, b"".join(b"\0\0\0\1" + unit for unit in (SPS, PPS, b"\x65key")))
    assert frame.keyframe
    assert frame.configuration()[:4] == b"\x01\x42\xc0\x16"
    assert frame.data[:4] == len(SPS).to_bytes(4, "big")
    assert not H264Frame.of(40, b"\0\0\1\x65key").keyframe, "nobody could decode it without parameter sets"
