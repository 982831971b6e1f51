"""What is heard: voices at every level, noises that are none, dead microphones, talking mouths."""

import csv
import subprocess
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from media.analysis import Analyser, AnalysisSettings, Change
from media.detectors import speech
from media.detectors.microphone import Microphone
from media.detectors.rules import RuleState
from media.detectors.speech import SpeechStream, speech_scores
from media.detectors.talking import CHIN, FOREHEAD, LOWER_LIP, UPPER_LIP, Talk
from media.detectors.voice import Voice
from media.frames import FileSource, NoSound, Sound
from tests.media import sounds
from tests.media.scenarios import DATA, SCENARIOS, needs_scenarios, truth_of

VOICES = DATA / "voice"
needs_voices = pytest.mark.skipif(not VOICES.is_dir(), reason=f"the labelled voices are not here: {VOICES}")
Told = namedtuple("Told", "start end told confidence details")


def told_of(detector, items):
    """What a detector's default rule makes of sounds and the lack of them, in seconds."""
    state, events = RuleState(detector.type, detector.name, detector.default_rule), []
    for item in items:
        for sample in detector.hear(item) if isinstance(item, Sound) else detector.hear_nothing(item):
            events += state.feed(sample)
    last = items[-1]
    events += state.finish(last.end_ms if isinstance(last, Sound) else last.at_ms)
    at = {event.key: event.at_ms / 1000 for event in events if event.change is Change.OPENED}
    return [
        Told(event.start_ms / 1000, event.end_ms / 1000, at[event.key], event.confidence, event.details)
        for event in events
        if event.change is Change.CLOSED
    ]


def room(seconds, dbfs=-62):
    return sounds.at_level(sounds.pink(seconds, 9), dbfs)


def with_voice(spans, seconds, dbfs):
    samples = room(seconds)
    for start, end in spans:
        at = round(start * sounds.RATE)
        spoken = sounds.at_level(sounds.voice(end - start), dbfs)
        samples[at : at + len(spoken)] += spoken
    return samples


def asked_at(monkeypatch, items):
    """Times in seconds of the pieces that the network was asked about, and all scores."""
    network, asked, stream, moments = speech.voice_network(), [], SpeechStream(), []
    monkeypatch.setattr(speech, "voice_network", lambda: SimpleNamespace(run=run))

    def run(steps, memory):
        asked.append(item.at_ms / 1000)
        return network.run(steps, memory)

    for item in items:
        moments += stream.hear(item)
    return asked, moments


@pytest.mark.parametrize(("noise", "voice"), [(-50, -40), (-60, -46)])
def test_a_quiet_rooms_noise_needs_no_network_and_who_speaks_faintly_in_it_is_heard(monkeypatch, noise, voice):
    samples = sounds.at_level(np.random.default_rng(1).normal(0, 1, 30 * sounds.RATE).astype(np.float32), noise)
    spoken = sounds.at_level(sounds.voice(4), voice)
    samples[20 * sounds.RATE : 24 * sounds.RATE] += spoken
    asked, moments = asked_at(monkeypatch, sounds.pieces(samples))
    assert not [at for at in asked if 3 < at < 19 or 27 < at < 29]
    assert len([at for at in asked if 19.4 < at < 24]) >= 8
    assert max(moment.score for moment in moments if 20_000 < moment.at_ms < 24_000) > 0.5
    assert max(moment.score for moment in moments if moment.at_ms < 19_000) < 0.1


def test_a_loud_noise_is_always_listened_to(monkeypatch):
    samples = sounds.at_level(np.random.default_rng(1).normal(0, 1, 10 * sounds.RATE).astype(np.float32), -40)
    pieces = sounds.pieces(samples)
    assert len(asked_at(monkeypatch, pieces)[0]) == len(pieces)


@pytest.mark.parametrize("dbfs", [-24, -32, -40])
def test_a_voice_is_told_from_where_it_begins_whatever_its_level(dbfs):
    (told,) = told_of(Voice(), sounds.pieces(with_voice([(4, 10)], 16, dbfs)))
    assert abs(told.start - 4) < 1
    assert abs(told.end - 10) < 1
    assert told.told - told.start < 1.6


@pytest.mark.parametrize("dbfs", [-20, -30, -40])
def test_noises_are_no_voice(dbfs):
    noises = [sounds.pink(8), sounds.fan(8), sounds.hum(8), sounds.hum(8, 60), sounds.clicks(8, 8)]
    noises += [sounds.clicks(8, 2, 7, 400), sounds.clicks(8, 15, 5)]
    together = np.concatenate([sounds.at_level(noise, dbfs) for noise in noises])
    assert told_of(Voice(), sounds.pieces(together + room(len(together) / sounds.RATE))) == []


def test_a_pause_for_breath_is_no_end_and_a_long_one_is():
    told = told_of(Voice(), sounds.pieces(with_voice([(2, 5), (6.2, 9), (14, 17)], 20, -28)))
    assert [round(each.start) for each in told] == [2, 14]
    assert abs(told[0].end - 9) < 1


def test_scores_are_the_same_however_the_sound_is_cut():
    samples = with_voice([(1, 4)], 6, -30)
    whole = speech_scores(samples)
    assert len(whole) == -(-len(samples) // Sound.STEP)
    assert whole[40:120].mean() > 0.5
    assert whole[:20].max() < 0.3
    stream, at = SpeechStream(), 0
    moments = []
    for steps in (1, 3, 16, 40, 7, 200):
        piece = np.zeros(steps * Sound.STEP, np.float32)
        part = samples[at : at + len(piece)]
        piece[: len(part)] = part
        moments += stream.hear(Sound(round(at / 16), piece, "cut"))
        at += len(piece)
    found = np.array([moment.score for moment in moments])
    assert np.abs(found[:150] - whole[:150]).max() < 0.01
    assert [round(moment.at_ms / 32) for moment in moments] == list(range(len(moments)))


def test_a_hole_begins_the_hearing_anew_and_ends_what_was_heard():
    spoken = sounds.pieces(with_voice([(0.5, 5)], 5, -28))
    gone = [NoSound(8000 + 1000 * n, 5000, "drawn") for n in range(4)]
    told = told_of(Voice(), [*spoken, *gone, *sounds.pieces(with_voice([(1, 4)], 5, -28), 20_000)])
    assert [round(each.start) for each in told] == [0, 21]
    assert abs(told[0].end - 5) < 0.5


def test_a_dead_microphone_is_told_and_a_quiet_room_is_not():
    dead = sounds.pieces(np.zeros(20 * sounds.RATE))
    (told,) = told_of(Microphone(), dead)
    assert (told.start, told.details["reason"]) == (0, "silent")
    assert told_of(Microphone(), sounds.pieces(np.zeros(10 * sounds.RATE))) == []
    assert told_of(Microphone(), sounds.pieces(room(20, -68))) == []


def test_a_track_that_is_missing_is_told_from_its_last_sound_on():
    gone = [NoSound(4000 + 1000 * n, 1000, "drawn") for n in range(20)]
    (told,) = told_of(Microphone(), [*sounds.pieces(room(1)), *gone])
    assert (told.start, told.details["reason"]) == (1, "no_stream")
    assert abs(told.end - 23) < 1.1


def looking(at_ms, opening, presence=1.0, width=200):
    """A scene with a face whose mouth is open that far, in heights of the face."""
    points = np.zeros((468, 3), np.float32)
    points[FOREHEAD, 1], points[CHIN, 1] = 0, 200
    points[UPPER_LIP, 1], points[LOWER_LIP, 1] = 140, 140 + opening * 200
    mesh = SimpleNamespace(points=points, presence=presence)
    return SimpleNamespace(at_ms=at_ms, main_face=SimpleNamespace(width=width), mesh_of=lambda face: mesh)


def talking(samples, opening):
    """What Talk tells of sound beside a mouth at two pictures a second; ``opening`` by time in seconds."""
    detector, state, events = Talk(), RuleState(Talk.type, Talk.name, Talk.default_rule), []
    pieces = sounds.pieces(samples)
    moments = [*pieces, *(looking(at, opening(at / 1000)) for at in range(0, pieces[-1].end_ms, 500))]
    for item in sorted(moments, key=lambda item: getattr(item, "end_ms", item.at_ms)):
        for sample in detector.hear(item) if isinstance(item, Sound) else [detector.sample(item)]:
            events += state.feed(sample) if sample else []
    events += state.finish(pieces[-1].end_ms)
    return [(event.start_ms / 1000, event.end_ms / 1000) for event in events if event.change is Change.CLOSED]


def moving(time):
    return 0.03 + 0.03 * np.sin(time * 9)


def test_talk_is_a_voice_with_a_moving_mouth():
    samples = with_voice([(6, 12)], 18, -28)
    ((start, end),) = talking(samples, lambda time: moving(time) if 6 <= time < 12 else 0.01)
    assert abs(start - 6) < 1.5
    assert abs(end - 12) < 3.5
    assert talking(samples, lambda time: 0.01) == [], "a voice beside a still mouth is somebody else's"
    assert talking(room(18), moving) == [], "a mouth that moves in silence eats"
    assert talking(samples, moving) == [], "one that always moves tells nothing"


def test_no_talk_is_judged_without_a_mouth_to_be_seen():
    detector = Talk()
    for at_ms in range(0, 5000, 500):
        detector.sample(SimpleNamespace(at_ms=at_ms, main_face=None))
        detector.sample(looking(at_ms, moving(at_ms / 1000), presence=0.1))
        detector.sample(looking(at_ms, moving(at_ms / 1000), width=40))
    samples = [sample for piece in sounds.pieces(with_voice([(1, 5)], 6, -28)) for sample in detector.hear(piece)]
    assert {sample.score for sample in samples} == {None}


def test_an_exam_that_allows_voices_is_not_told_of_any():
    def told(rules):
        analyser = Analyser(None, AnalysisSettings.for_exam(rules, {}))
        return {
            event.type.value
            for piece in sounds.pieces(with_voice([(1, 5)], 8, -28))
            for event in analyser.feed(piece)
        }

    assert told({}) == {"voice_detected"}
    assert told({"allow_voices": True}) == set()


@needs_voices
def test_speech_is_told_from_its_absence_in_meetings():
    """AUC over all steps of the labelled meetings."""
    truth, scores = [], []
    labels = {}
    for path in VOICES.glob("*.rttm"):
        for _, name, _, start, length, *_ in csv.reader(path.open(), delimiter=" "):
            labels.setdefault(name, []).append((float(start), float(start) + float(length)))
    for path in sorted(VOICES.glob("*.wav")):
        if path.stem in labels:
            found = speech_scores(np.concatenate([item.samples for item in FileSource(path, sound=True).frames()]))
            times = (np.arange(len(found)) + 0.5) * 0.032
            truth.append(np.any([(times >= start) & (times < end) for start, end in labels[path.stem]], axis=0))
            scores.append(found)
    truth, scores = np.concatenate(truth), np.concatenate(scores)
    ranks = scores.argsort().argsort() + 1
    count = truth.sum()
    auc = (ranks[truth].sum() - count * (count + 1) / 2) / (count * (~truth).sum())
    assert auc >= 0.97


@needs_scenarios
@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.webm")))
def test_the_labelled_voices_are_found_and_nothing_else(name, tmp_path):
    copied = ("-vn", "-c", "copy", str(tmp_path / "sound.webm"))  # the pictures take ten times the time
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(SCENARIOS / f"{name}.webm"), *copied], check=True)
    items = list(FileSource(tmp_path / "sound.webm", sound=True).frames())
    told = told_of(Voice(), items)
    spoken = [event for event in truth_of(name) if event["type"] == "voice_detected"]
    assert len(told) == len(spoken), told
    for each, event in zip(told, spoken, strict=True):
        assert abs(each.start - event["start"]) < 1
        assert abs(each.end - event["end"]) < 1
    assert told_of(Microphone(), items) == []
