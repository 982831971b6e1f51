"""One contract for every source of pictures: a file, and the same file sent by RTP as a media node would."""

import socket
import struct
import subprocess
import threading
import time

import av
import cv2
import numpy as np
import pytest

from appliance.errors import BadInput
from media.clips.files import write_webm
from media.frames import FileSource, Frame, NoPicture, RtpTap

SECONDS = 6
START_MS = 1_700_000_000_000


def coloured():
    """Left half blue, right half red; brighter as time goes."""
    for number in range(SECONDS * 15):
        picture = np.zeros((240, 320, 3), np.uint8)
        picture[:, :160, 0] = picture[:, 160:, 2] = 120 + number
        yield picture


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.webm"
    write_webm(path, coloured(), sound=False)
    return path


class Sender:
    """ffmpeg in the place of the media node: sends the clip's own VP8 to the port of an offer, at its own pace."""

    def __init__(self, clip, loops=1):
        self.command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", str(loops - 1), "-i", str(clip)]
        self.process = None

    def start(self, port, host="127.0.0.1"):
        target = ["-c", "copy", "-payload_type", "96", "-f", "rtp", f"rtp://{host}:{port}"]
        self.process = subprocess.Popen([*self.command, *target], stdout=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class File:
    """The clip as a file."""

    def __init__(self, clip):
        self.source = FileSource(clip, start_ms=START_MS, rate=2, silence_ms=1500)

    def start(self):
        pass

    def stop(self):
        pass


class Live:
    """The clip as a live stream."""

    def __init__(self, clip):
        self.source = RtpTap("camera", rate=2, silence_ms=1500)
        self.sender = Sender(clip)

    def start(self):
        self.sender.start(self.source.port)

    def stop(self):
        self.sender.stop()


@pytest.fixture(params=[File, Live])
def playing(request, clip):
    each = request.param(clip)
    each.start()
    yield each
    each.source.close()
    each.stop()


def taken(source, until):
    """What the source gives until the condition on the list so far holds, or it ends."""
    pictures = []
    for picture in source.frames():
        pictures.append(picture)
        if until(pictures):
            source.close()
            break
    return pictures


def test_pictures_are_bgr_in_order_and_about_two_a_second(playing):
    frames = [each for each in taken(playing.source, lambda so_far: len(so_far) == 9) if isinstance(each, Frame)]
    assert len(frames) == 9
    steps = np.diff([frame.at_ms for frame in frames])
    assert (steps > 300).all()
    assert 450 < steps.mean() < 550
    for frame in frames:
        assert frame.source == playing.source.source
        assert frame.image.shape == (240, 320, 3)
        assert frame.image.dtype == np.uint8
        left, right = frame.image[:, 20:140].mean(axis=(0, 1)), frame.image[:, 180:300].mean(axis=(0, 1))
        assert left[0] > 100
        assert left[2] < 40
        assert right[2] > 100
        assert right[0] < 40
    brightness = [frame.image[:, :140, 0].mean() for frame in frames]
    assert (np.diff(brightness) > 0).all()


def test_closing_from_another_thread_ends_it(playing):
    ended = threading.Event()
    seen = []

    def read():
        for picture in playing.source.frames():
            seen.append(picture)
            if len(seen) == 2:
                closer.start()
            if isinstance(playing, File):
                time.sleep(0.2)  # a file is read faster than one can close it
        ended.set()

    closer = threading.Timer(0.05, playing.source.close)
    threading.Thread(target=read, daemon=True).start()
    assert ended.wait(10)
    assert 2 <= len(seen) <= 4
    playing.source.close()


def test_a_file_keeps_its_own_time(clip):
    frames = list(FileSource(clip, start_ms=START_MS, rate=2).frames())
    assert abs(frames[0].at_ms - START_MS) < 100
    assert abs(frames[-1].at_ms - START_MS - (SECONDS * 1000 - 500)) < 150
    assert len(frames) == SECONDS * 2


def test_a_hole_in_a_file_is_told(tmp_path, clip):
    holed = tmp_path / "holed.webm"
    cut = ["-vf", "select='not(between(t,2,5))'", "-fps_mode", "vfr", "-c:v", "libvpx", "-deadline", "realtime"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, *cut, holed], check=True)
    pictures = list(FileSource(holed, start_ms=START_MS, rate=2, silence_ms=1500).frames())
    markers = [each for each in pictures if isinstance(each, NoPicture)]
    assert [round((marker.at_ms - START_MS) / 1000, 0) for marker in markers] == [3, 4]
    assert all(abs(marker.since_ms - START_MS - 1950) < 100 for marker in markers)
    assert [each.at_ms for each in pictures] == sorted(each.at_ms for each in pictures)


def test_what_is_no_recording_is_named(tmp_path):
    text = tmp_path / "notes.webm"
    text.write_text("no media in here")
    with pytest.raises(BadInput, match=r"notes\.webm cannot be read"):
        next(FileSource(text).frames())
    with pytest.raises(BadInput, match=r"missing\.webm cannot be read"):
        next(FileSource(tmp_path / "missing.webm").frames())


def test_a_recording_cut_short_gives_what_it_has(tmp_path, clip):
    cut = tmp_path / "cut.webm"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert 2 <= len(list(FileSource(cut, rate=2).frames())) < SECONDS * 2


def test_the_offer_names_the_port_that_is_held():
    tap = RtpTap("camera")
    assert f"m=video {tap.port} RTP/AVPF 96 102\r\n" in tap.offer
    assert "a=rtpmap:96 VP8/90000\r\n" in tap.offer
    assert "a=rtpmap:102 H264/90000\r\n" in tap.offer
    assert "a=recvonly\r\n" in tap.offer
    with pytest.raises(OSError, match="can be had"):
        RtpTap("other", ports=(tap.port, tap.port))
    tap.close()
    assert list(tap.frames()) == []
    RtpTap("other", ports=(tap.port, tap.port)).close()


def test_taps_keep_to_the_ports_of_a_firewall():
    before = RtpTap("camera")
    first = before.port + 1  # what is free now, more or less
    before.close()
    assert list(before.frames()) == []
    taps = [RtpTap(str(number), ports=(first, first + 1)) for number in range(2)]
    assert {tap.port for tap in taps} == {first, first + 1}
    with pytest.raises(OSError, match=f"no port of {first}-{first + 1}"):
        RtpTap("third", ports=(first, first + 1))
    for tap in taps:
        tap.close()
        assert list(tap.frames()) == []


def test_silence_is_told_from_the_start_and_ends_with_the_first_picture(clip):
    tap, sender = RtpTap("camera", rate=2, silence_ms=400), Sender(clip)
    opened_ms = time.time() * 1000
    pictures = []
    for picture in tap.frames():
        pictures.append(picture)
        if len(pictures) == 2:
            sender.start(tap.port)
        if isinstance(picture, Frame):
            break
    tap.close()
    sender.stop()
    first = pictures[0]
    assert isinstance(first, NoPicture)
    assert abs(first.since_ms - opened_ms) < 300
    assert 400 <= first.at_ms - first.since_ms < 900
    assert isinstance(pictures[-1], Frame)


def test_a_stream_that_stops_is_silence_and_one_that_returns_is_seen(clip):
    tap, sender, again = RtpTap("camera", rate=2, silence_ms=600), Sender(clip), Sender(clip)
    sender.start(tap.port)
    kinds, times = [], []
    for picture in tap.frames():
        times.append(picture.at_ms)
        kind = Frame if isinstance(picture, Frame) else NoPicture
        if not kinds or kinds[-1] is not kind:
            kinds.append(kind)
        frames = kinds.count(Frame)
        if frames == 1 and kinds[-1] is Frame:
            sender.stop()
        if frames == 1 and kinds[-1] is NoPicture and not again.process:
            again.start(tap.port)
        if frames == 2:
            break
    tap.close()
    again.stop()
    assert kinds[-2:] == [NoPicture, Frame]
    assert times == sorted(times)


def test_loss_disorder_and_rubbish_are_lived_through(clip):
    """A relay between sender and tap drops every 40th packet, swaps some, and throws in rubbish."""
    tap, sender = RtpTap("camera", rate=2), Sender(clip)
    relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    relay.bind(("127.0.0.1", 0))
    relay.settimeout(0.2)
    done = threading.Event()

    def carry():
        held, number = None, 0
        while not done.is_set():
            try:
                data = relay.recv(65536)
            except TimeoutError:
                continue
            number += 1
            if number % 40 == 39:
                continue
            if number % 15 == 14:
                held = data
                continue
            for each in [data, *([held] if held else []), *([b"\x80\x60rubbish"] if number % 10 == 0 else [])]:
                relay.sendto(each, ("127.0.0.1", tap.port))
            held = None

    thread = threading.Thread(target=carry)
    thread.start()
    sender.start(relay.getsockname()[1])
    frames = taken(tap, lambda so_far: len(so_far) == 7)
    done.set()
    thread.join()
    relay.close()
    sender.stop()
    assert all(isinstance(frame, Frame) for frame in frames)
    for frame in frames:
        left = frame.image[:, 20:140].mean(axis=(0, 1))
        assert left[0] > 100
        assert left[2] < 60


def test_without_a_key_frame_the_sender_is_asked_for_one(tmp_path, clip):
    """Packets that refer to pictures never sent: the tap asks on the port that the answer names."""
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    control.bind(("127.0.0.1", 0))
    control.settimeout(10)
    tap = RtpTap("camera", silence_ms=60_000)
    tap.accept(f"v=0\r\nm=video 40000 RTP/AVPF 96\r\na=rtcp:{control.getsockname()[1]} IN IP4 127.0.0.1\r\n")
    reader = threading.Thread(target=lambda: list(tap.frames()))
    reader.start()
    delta = b"\x80\xe0\x00\x01\x00\x00\x00\x01\x00\x00\x00\x2a\x10\x01not a key frame"
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(delta, ("127.0.0.1", tap.port))
    asked = control.recv(100)
    tap.close()
    reader.join(5)
    assert asked[8:10] == b"\x81\xce"
    assert asked[-4:] == b"\x00\x00\x00\x2a"
    assert not reader.is_alive()


def test_pictures_fit_opencv(clip):
    frame = next(FileSource(clip).frames())
    assert frame.image.flags["C_CONTIGUOUS"]
    assert cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY).shape == (240, 320)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_what_a_telephone_stores_turned_is_seen_upright(tmp_path, quarters):
    """The matrix of MP4's track header (ISO/IEC 14496-12, 8.3.2) says how far to turn for showing."""
    upright = next(iter(coloured()))
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stored = np.ascontiguousarray(np.rot90(upright, -quarters))
        stream = container.add_stream("mpeg4", rate=4)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = *stored.shape[:2], "yuv420p", 2_000_000
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="bgr24")))
        container.mux(stream.encode(None))
    one, content = 0x10000, path.read_bytes()
    straight = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    cosine, sine = ((one, 0), (0, -one), (-one, 0), (0, one))[quarters]
    turned = struct.pack(">9i", cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    at = content.index(straight, content.index(b"tkhd"))
    path.write_bytes(content[:at] + turned + content[at + len(straight) :])
    seen = [item.image for item in FileSource(path).frames() if isinstance(item, Frame)]
    assert seen[0].shape == upright.shape
    assert np.abs(seen[0].astype(int) - upright).mean() < 8
