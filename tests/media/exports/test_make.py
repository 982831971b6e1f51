"""An export of real films: what is in it, and that times are right within a picture."""

import csv
import io
import json
import zipfile

import av
import pytest

from appliance.evidence import verify
from appliance.vocabulary import ExportContent
from tests.media.exports.conftest import ZERO_MS

FRAME_MS = 1000 / 15


def unpacked(path, tmp_path):
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def video_times(path):
    with av.open(str(path)) as container:
        return [frame.time * 1000 for frame in container.decode(video=0)]


def packets(source, kind):
    with av.open(source) as container:
        stream = getattr(container.streams, kind)[0]
        return [(round(p.pts * p.time_base * 1000), bytes(p)) for p in container.demux(stream) if p.dts is not None]


def test_the_archive_is_whole_and_says_what_is_in_it(export_archive, judged, tmp_path):
    path = export_archive(judged)
    report = verify([path])
    assert report.is_whole, report.findings
    names = [entry["name"] for entry in report.manifest["files"]]
    assert names == [
        "camera.webm", "screen.webm", "side-by-side.webm",
        "original-camera-1.webm", "original-screen-1.webm", "original-screen-2.webm", "original-camera-2.webm",
        "incidents.csv", "chat.csv", "readme.txt", "sha256sums.txt",
    ]  # fmt: skip
    manifest = report.manifest
    assert manifest["zero_ms"] == ZERO_MS
    assert [(part["file"], part["offset_ms"], part["source"]) for part in manifest["parts"]] == [
        ("camera.webm", 0, "node"),
        ("screen.webm", 200, "node"),
        ("screen.webm", 5000, "candidate"),
        ("camera.webm", 7000, "node"),
    ]
    files = {entry["name"]: entry for entry in manifest["files"]}
    for part in manifest["parts"]:
        assert files[part["original"]]["sha256"] == part["sha256"]
    assert manifest["sitting"]["candidate"]["name"] == judged.candidate.name
    assert manifest["sitting"]["conclusion"]["conclusion"] == "accepted"
    assert manifest["audit"]["entries"] > 0


def test_a_track_is_copied_packet_by_packet_with_its_gaps_in_time(export_archive, judged, recordings, tmp_path):
    folder = unpacked(export_archive(judged, ExportContent.CAMERA, ExportContent.SCREEN), tmp_path)
    times = video_times(folder / "camera.webm")
    assert abs(times[-1] - 11_000) < FRAME_MS, "the last is the card of the last gap"
    recorded = packets(io.BytesIO(recordings["camera"][0]), "video")
    found = packets(str(folder / "camera.webm"), "video")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (film,) = [entry for entry in manifest["files"] if entry["name"] == "camera.webm"]
    cards = {card["at_ms"] for card in film["cards"]}
    assert [card["cause"] for card in film["cards"]] == ["node_lost", "page_closed"]
    assert abs(min(cards) - 4000) < FRAME_MS
    assert abs(max(cards) - 11_000) < FRAME_MS
    copied = [(at, data) for at, data in found if at not in cards]
    expected = [(at, data) for at, data in recorded] + [(at + 7000, data) for at, data in recorded]
    assert copied == expected
    sound = packets(str(folder / "camera.webm"), "audio")
    assert [data for _, data in sound] == [
        data for _, data in packets(io.BytesIO(recordings["camera"][0]), "audio")
    ] * 2
    assert not [at for at, _ in sound if 4100 < at < 6900]


def test_a_card_stands_in_the_gap_instead_of_the_last_picture(export_archive, judged, tmp_path):
    folder = unpacked(export_archive(judged, ExportContent.CAMERA), tmp_path)
    with av.open(str(folder / "camera.webm")) as container:
        shown = {round(frame.time * 1000): frame.to_ndarray(format="gray") for frame in container.decode(video=0)}
    card = next(picture for at, picture in shown.items() if 3990 < at < 5000)
    assert 10 < card.min() < 40
    assert card.mean() < 60, "a dark card with a few words"
    assert card.max() > 150, "words on it"


@pytest.mark.parametrize("container", ["webm", "mp4"])
def test_side_by_side_is_as_long_as_the_sitting_and_shows_gaps(
    export_archive, judged, recordings, tmp_path, container
):
    archive = export_archive(judged, ExportContent.SIDE_BY_SIDE, container=container)
    film = unpacked(archive, tmp_path) / f"side-by-side.{container}"
    shown = {}
    with av.open(str(film)) as opened:
        assert (opened.streams.video[0].width, opened.streams.video[0].height) == (1280, 480)
        for frame in opened.decode(video=0):
            shown[round(frame.time * 1000)] = frame.to_ndarray(format="gray")
        assert abs(opened.duration / 1000 - 12_000) < 300
    times = sorted(shown)
    assert times[0] == 0
    assert times[-1] >= 11_000

    def recorded(at, rows, columns):
        """A white box is in the upper part of every recorded picture; a card has its words in the middle."""
        latest = max(time for time in times if time <= at)
        return bool((shown[latest][rows, columns] > 190).any())

    moments = range(0, 12_000, 100)
    camera = [at for at in moments if recorded(at, slice(56, 80), slice(0, 426))]
    length = recordings["camera"][1].duration_ms
    assert camera == [*range(0, length, 100), *range(7000, 7000 + length, 100)]
    screen = [at for at in moments if recorded(at, slice(84, 140), slice(426, 1280))]
    length = recordings["screen"][1].duration_ms
    assert screen == [*range(200, 200 + length, 100), *range(5000, 5000 + length, 100)]


def test_the_tables_hold_no_formula(export_archive, judged, tmp_path):
    folder = unpacked(export_archive(judged, ExportContent.CAMERA), tmp_path)
    rows = list(csv.DictReader(io.StringIO((folder / "incidents.csv").read_text(encoding="utf-8-sig"))))
    assert [(row["offset_ms"], row["type"], row["comment"]) for row in rows] == [("2000", "phone", "'=HYPERLINK(1)")]
    chat = list(csv.DictReader(io.StringIO((folder / "chat.csv").read_text(encoding="utf-8-sig"))))
    assert [row["text"] for row in chat] == ["'-1 is my answer"]


def test_without_records_nothing_of_them_is_there(export_archive, judged):
    report = verify([export_archive(judged, ExportContent.CAMERA, with_records=False)])
    assert "incidents" not in report.manifest
    assert {entry["name"] for entry in report.manifest["files"]} == {"camera.webm", "readme.txt", "sha256sums.txt"}
