import random
import struct

from media.frames.rtp_clock import RtpClock
from media.frames.vp8_rtp import REORDER_LIMIT, PictureAssembler, RtpPacket, picture_loss_indication, vp8_payload


def packet(sequence, timestamp=0, *, begins=True, marker=True, data=b"\x00picture", ssrc=7):
    descriptor = b"\x10" if begins else b"\x00"
    header = struct.pack("!BBHII", 0x80, (0x80 if marker else 0) | 96, sequence % 65536, timestamp, ssrc)
    return RtpPacket.parse(header + descriptor + data, {96})


def pushed(packets):
    assembler = PictureAssembler()
    return [picture for each in packets for picture in assembler.push(each)]


def test_extension_csrc_and_padding_are_stepped_over():
    header = struct.pack("!BBHII", 0xB2, 0x80 | 96, 5, 90, 9) + b"csr1csr2" + struct.pack("!HH", 0xBEDE, 1) + b"ext."
    parsed = RtpPacket.parse(header + b"payload" + b"\0\0\3", {96})
    assert (parsed.sequence, parsed.timestamp, parsed.ssrc, parsed.marker) == (5, 90, 9, True)
    assert parsed.payload == b"payload"


def test_what_is_no_packet_of_ours_is_left_out():
    assert RtpPacket.parse(b"", {96}) is None
    assert RtpPacket.parse(b"rubbish that is long enough", {96}) is None
    assert RtpPacket.parse(struct.pack("!BBHII", 0x80, 97, 1, 2, 3) + b"other type", {96}) is None
    assert RtpPacket.parse(struct.pack("!BBHII", 0x90, 96, 1, 2, 3) + b"\0", {96}) is None


def test_random_bytes_never_raise():
    random.seed(3)
    assembler = PictureAssembler()
    for _ in range(5000):
        data = bytes([0x80, 96]) + random.randbytes(random.randrange(60))
        parsed = RtpPacket.parse(data, {96})
        if parsed:
            assembler.push(parsed)


def test_payload_descriptors_of_every_length():
    assert vp8_payload(b"\x10data") == (True, b"data")
    assert vp8_payload(b"\x00data") == (False, b"data")
    assert vp8_payload(b"\x90\x80\x05data") == (True, b"data")  # picture id, 7 bits
    assert vp8_payload(b"\x90\x80\x85\x01data") == (True, b"data")  # picture id, 15 bits
    assert vp8_payload(b"\x90\xf0\x85\x01\x02\x40data") == (True, b"data")  # and layer numbers
    assert vp8_payload(b"\x90") is None
    assert vp8_payload(b"\x90\x80\x05") is None


def test_pieces_are_joined_in_order_whatever_the_order_they_came_in():
    pieces = [
        packet(65535, 10, marker=False, data=b"\x00a"),
        packet(0, 10, begins=False, marker=False, data=b"b"),
        packet(1, 10, begins=False, data=b"c"),
        packet(2, 20, data=b"\x01d"),
    ]
    for order in ([0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 2, 1], [0, 1, 1, 2, 3, 3]):
        pictures = pushed([pieces[index] for index in order])
        assert [(picture.timestamp, picture.data) for picture in pictures] == [(10, b"\x00abc"), (20, b"\x01d")]
        assert [picture.is_key for picture in pictures] == [True, False]


def test_a_lost_packet_costs_its_picture_and_marks_the_next():
    stream = [packet(number, number * 3000) for number in range(100) if number != 40]
    pictures = pushed(stream)
    assert [picture.timestamp // 3000 for picture in pictures] == [number for number in range(100) if number != 40]
    assert [picture.timestamp // 3000 for picture in pictures if picture.after_loss] == [0, 41]


def test_a_lost_packet_is_waited_for_only_so_long():
    assembler = PictureAssembler()
    assembler.push(packet(0))
    held = [assembler.push(packet(number)) for number in range(2, 2 + REORDER_LIMIT)]
    assert [len(pictures) for pictures in held] == [0] * (REORDER_LIMIT - 1) + [REORDER_LIMIT]


def test_another_sender_and_a_restart_begin_afresh():
    first = [packet(number, 1) for number in (500, 501)]
    other = [packet(number, 2, ssrc=8) for number in (9, 10)]
    restarted = [packet(number, 3, ssrc=8) for number in (40000, 40001)]
    assert [picture.timestamp for picture in pushed(first + other + restarted)] == [1, 1, 2, 2, 3, 3]


def test_the_request_for_a_key_frame_is_a_compound_of_report_and_pli():
    data = picture_loss_indication(1, 2)
    assert data == bytes.fromhex("80c90001 00000001 81ce0002 00000001 00000002")


def test_clock_takes_the_quickest_packet_for_the_truth():
    clock = RtpClock()
    assert clock.time_of(2**32 - 45_000, 1_000_000) == 1_000_000
    assert clock.time_of(0, 1_000_900) == 1_000_500  # half a second of media later, held up for 0.4 s; wraps around
    assert clock.time_of(45_000, 1_000_950) == 1_000_950  # quicker than the first: the offset follows


def test_clock_survives_a_jump_of_the_senders_time():
    clock = RtpClock()
    clock.time_of(0, 1_000_000)
    assert clock.time_of(90_000 * 7200, 1_001_000) == 1_001_000
    assert clock.time_of(90_000 * 7201, 1_002_000) == 1_002_000
