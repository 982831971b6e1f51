"""What of a stream of VP8 need not be decoded: headers as encoders write them, and pictures that stay the same."""

import random
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from media.clips import drawn
from media.frames import FileSource, Frame
from media.frames.layers import HEAD, LayerGate
from media.frames.vp8_header import refreshes

LAYERS = {
    1: "",
    2: "ts_number_layers=2:ts_target_bitrate=180,300:ts_rate_decimator=2,1:ts_periodicity=2"
    ":ts_layer_id=0,1:ts_layering_mode=2",
    3: "ts_number_layers=3:ts_target_bitrate=120,180,300:ts_rate_decimator=4,2,1:ts_periodicity=4"
    ":ts_layer_id=0,2,1,2:ts_layering_mode=3",
}


def encoded(path, layers, fps=15, seconds=4):
    """A moving portrait as a browser encodes it, with a key frame at the beginning only."""
    still = cv2.resize(drawn.portrait(), (320, 240))
    with av.open(str(path), "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=fps)
        video.width, video.height, video.pix_fmt, video.bit_rate = 320, 240, "yuv420p", 300_000
        video.options = {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "g": "3000"}
        if layers > 1:
            video.options = {**video.options, "error-resilient": "1", "ts-parameters": LAYERS[layers]}
        for number in range(fps * seconds):
            frame = av.VideoFrame.from_ndarray(np.roll(still, number * 3, axis=1), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    return {layers: encoded(folder / f"{layers}.webm", layers) for layers in LAYERS}


def packets(path):
    with av.open(str(path)) as container:
        return [(float(each.pts * each.time_base) * 1000, bytes(each)) for each in container.demux() if each.size]


def decoded(found):
    decoder, pictures = av.VideoCodecContext.create("vp8", "r"), {}
    for at_ms, data in found:
        for picture in decoder.decode(av.Packet(data)):
            pictures[at_ms] = picture.to_ndarray()
    return pictures


def test_headers_tell_the_layers_as_the_encoder_made_them(clips):
    shares = {}
    for layers, path in clips.items():
        read = [refreshes(data[:HEAD]) for _, data in packets(path)]
        assert read == [refreshes(data) for _, data in packets(path)], "the header lies in the first bytes"
        assert [each.is_key for each in read] == [True] + [False] * (len(read) - 1)
        assert all(each.is_shown for each in read)
        shares[layers] = sum(each.is_base for each in read) / len(read)
    assert shares == pytest.approx({1: 1.0, 2: 0.5, 3: 0.25}, abs=0.02)


@pytest.mark.parametrize("layers", LAYERS)
def test_what_is_decoded_is_the_same_without_what_is_left_out(clips, layers):
    gate = LayerGate(3.5)
    found = packets(clips[layers])
    kept = [(at_ms, data) for at_ms, data in found if gate.takes(data, at_ms)]
    assert len(kept) < len(found) * (1.25 / layers) + 12
    whole, part = decoded(found), decoded(kept)
    for at_ms, picture in part.items():
        assert np.array_equal(picture, whole[at_ms])


def test_a_base_that_is_too_slow_is_not_alone(tmp_path):
    """Five pictures a second in two layers: all are wanted, so all are decoded."""
    found = packets(encoded(tmp_path / "slow.webm", 2, fps=5))
    gate = LayerGate(4)
    assert all(gate.takes(data, at_ms) for at_ms, data in found)
    assert not gate.wants_key


def test_a_camera_that_becomes_slow_needs_a_key_frame_first(clips):
    found, gate = packets(clips[2]), LayerGate(4)
    taken = [gate.takes(data, at_ms) for at_ms, data in found[:40]]
    assert not all(taken[-8:])
    last_ms = found[39][0]
    for number, (_, data) in enumerate(found[40:]):
        assert refreshes(data).is_base or not gate.takes(data, last_ms)
        if refreshes(data).is_base:
            gate.takes(data, last_ms + 500 * number)
    assert gate.wants_key
    assert gate.takes(found[0][1], last_ms + 50_000)
    assert not gate.wants_key
    assert gate.takes(found[1][1], last_ms + 50_300)


def test_a_file_gives_as_many_pictures_with_layers_as_without(clips):
    times = {}
    for layers in (1, 2):
        frames = [item for item in FileSource(clips[layers]).frames() if isinstance(item, Frame)]
        times[layers] = [frame.at_ms for frame in frames]
    assert len(times[2]) == len(times[1]) == 16
    assert np.abs(np.subtract(times[2], times[1])).max() <= 67


def test_rubbish_never_raises():
    random.seed(8)
    gate = LayerGate(4)
    for number in range(3000):
        data = random.randbytes(random.randrange(120))
        refreshes(data)
        gate.takes(data, number * 30)
    assert refreshes(b"\x11") is None
