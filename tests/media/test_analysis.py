"""Whole clips through the Analyser: one drawn around the shipped portrait, and the labelled ones where they are."""

import statistics
from functools import cache

import numpy as np
import pytest

from appliance.errors import BadInput
from appliance.vocabulary import ObservationType
from media.analysis import Analyser, AnalysisSettings, Change, check_photo
from media.clips import drawn
from media.detectors.rules import Rule, Sample
from media.frames import Frame, NoPicture, Sound
from tests.media.scenarios import SCENARIOS, found_in, matches, needs_scenarios, spans_of, truth_of

START_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def reference():
    return check_photo(drawn.portrait_jpeg()).descriptor


@cache
def drawn_pictures():
    """Every fourth picture of the drawn webcam, about four a second, drawn once for all tests."""
    return [(n / drawn.FPS, picture) for n, picture in enumerate(drawn.webcam()) if n % 4 == 0]


def webcam(first_s=0.0, last_s=drawn.SECONDS, change=None):
    for at, picture in drawn_pictures():
        if first_s <= at < last_s:
            yield Frame(START_MS + round(at * 1000), change(at, picture) if change else picture, "drawn")


def analysed(pictures, reference=None, settings=None):
    analyser, events, last_ms = Analyser(reference, settings), [], START_MS
    for picture in pictures:
        events += analyser.feed(picture)
        last_ms = picture.at_ms
    return events + analyser.finish(last_ms)


def closed(events):
    return [
        (str(event.type), (event.start_ms - START_MS) / 1000, (event.end_ms - START_MS) / 1000)
        for event in events
        if event.change is Change.CLOSED
    ]


def test_the_drawn_clip_gives_its_absence_and_its_second_person_and_nothing_else(reference):
    events = analysed(webcam(), reference)
    found = closed(events)
    assert [type_ for type_, _, _ in found] == [str(truth.type) for truth in drawn.TRUTH]
    for (_, start, end), truth in zip(found, drawn.TRUTH, strict=True):
        assert abs(start - truth.start) < 1
        assert abs(end - truth.end) < 1
    for opened in (event for event in events if event.change is Change.OPENED):
        assert opened.at_ms - opened.start_ms <= 2100
        assert opened.end_ms is None
        assert 0.5 < opened.confidence <= 1
        assert opened.detector in ("absence", "extra_person")
        assert opened.details["score"] >= opened.details["threshold"]
        assert all(len(sha256) == 64 for sha256 in opened.details["models"].values())


def test_somebody_else_than_on_the_photo_is_told_from_the_start(reference):
    events = analysed(webcam(last_s=4), -reference)
    assert [(str(event.type), event.change) for event in events] == [
        ("substitution_user", Change.OPENED),
        ("substitution_user", Change.CLOSED),
    ]
    assert events[0].start_ms == START_MS
    assert events[0].at_ms - START_MS < 2000
    assert events[0].details["distance"] > 0.62
    assert set(events[0].details["models"]) >= {"dlib_face_recognition_resnet_model_v1"}


def test_without_a_photo_identity_is_never_judged():
    assert analysed(webcam(last_s=4)) == []


@pytest.mark.parametrize(
    ("change", "type_", "reason"),
    [
        (lambda at, picture: np.zeros_like(picture), "camera_no_picture", "black"),
        (lambda at, picture: np.full_like(picture, 120), "camera_no_picture", "covered"),
        (lambda at, picture: (picture * 0.05).astype(np.uint8), "undetermined", "too_dark"),
    ],
)
def test_a_picture_that_shows_nothing_is_named_and_never_called_an_absence(change, type_, reason):
    def during(at, picture):
        return change(at, picture) if 1 <= at < 4 else picture

    events = analysed(webcam(last_s=4.9, change=during))
    (found,) = closed(events)
    assert found[0] == type_
    assert abs(found[1] - 1) < 0.6
    assert abs(found[2] - 4) < 0.6
    assert events[0].details["reason"] == reason


def test_a_frozen_picture_is_told_with_the_moment_it_froze():
    still = next(webcam(first_s=1.0, last_s=2)).image
    events = analysed(webcam(last_s=4.9, change=lambda at, picture: still if at >= 1 else picture))
    (opened,) = [event for event in events if event.change is Change.OPENED]
    assert (opened.type, opened.details["reason"]) == (ObservationType.CAMERA_NO_PICTURE, "frozen")
    assert abs(opened.start_ms - START_MS - 1000) < 600


def test_no_frames_at_all_are_told_since_the_last_one():
    silence = [NoPicture(START_MS + 1000 + 1000 * number, START_MS + 900, "drawn") for number in range(2, 6)]
    back = list(webcam(first_s=8, last_s=9.5))
    events = analysed([*webcam(last_s=0.9), *silence, *back])
    opened = events[0]
    assert (opened.type, opened.details["reason"]) == (ObservationType.CAMERA_NO_PICTURE, "no_frames")
    assert opened.start_ms == START_MS + 900
    assert events[1].end_ms == back[0].at_ms


def test_an_absence_that_goes_black_ends_as_absence(reference):
    def gone_then_black(at, picture):
        return np.zeros_like(picture) if at >= 8 else picture

    found = closed(analysed(webcam(first_s=3, last_s=12, change=gone_then_black)))
    assert {type_ for type_, _, _ in found} == {"camera_no_picture", "no_user_in_frame"}
    absence = next(span for span in found if span[0] == "no_user_in_frame")
    assert abs(absence[2] - 8) < 0.6


def test_finish_closes_what_goes_on():
    events = analysed(webcam(first_s=4, last_s=9))
    assert [event.change for event in events] == [Change.OPENED, Change.CLOSED]
    assert events[-1].end_ms == events[-1].at_ms


def test_time_that_goes_back_is_left_out():
    frames = list(webcam(first_s=5.5, last_s=9))
    analyser = Analyser(None)
    events = [event for frame in [*frames, *frames] for event in analyser.feed(frame)]
    assert [event.change for event in events] == [Change.OPENED]


def test_an_exam_that_allows_it_is_not_told_of_it(reference):
    rules = {
        "allow_absence_in_frame": True,
        "allow_to_use_human_assistant": True,
        "allow_wrong_gaze_direction": False,
    }
    assert analysed(webcam(), reference, AnalysisSettings.for_exam(rules, {})) == []


def test_an_exam_sets_its_own_durations():
    settings = AnalysisSettings.for_exam(
        {}, {"absence": {"min_duration_ms": 5000}, "extra_person": {"enabled": False}}
    )
    (opened, shut) = analysed(webcam(), None, settings)
    assert opened.at_ms - opened.start_ms >= 5000
    assert opened.details["min_duration_ms"] == 5000
    assert shut.change is Change.CLOSED


@pytest.mark.parametrize(
    "detection",
    [
        {"absense": {"min_duration_ms": 1}},
        {"absence": {"minimum": 1}},
        {"absence": {"threshold": 7}},
        {"identity_interval": {"often": 1}},
    ],
)
def test_settings_that_mean_nothing_are_refused(detection):
    with pytest.raises(BadInput):
        AnalysisSettings.for_exam({}, detection)


ONSET = 1.0
"""Seconds between the label's start and the finding's."""


@needs_scenarios
@pytest.mark.timeout(240)  # five seconds of CPU, more on a busy machine
@pytest.mark.parametrize(
    "name", ["quick", "clean", "absence", "extra_person", "substitution", "looking_away", "voice_and_dark"]
)
def test_a_labelled_clip_gives_its_events_and_nothing_else(name):
    spans, _ = found_in(name)
    labels = [event for event in truth_of(name) if event["type"] not in ("none", "voice_detected")]
    told = []
    for event in labels:
        found = [span for span in spans if matches(span, event)]
        assert found, (event, [span.text for span in spans])
        assert abs(found[0].start - event["start"]) <= ONSET, (event, found[0].text)
        if event["type"] in ("no_user_in_frame", "extra_user_in_frame", "substitution_user"):
            told.append(found[0].told - event["start"])
    assert [span.text for span in spans if not any(matches(span, event) for event in labels)] == []
    assert not told or statistics.median(told) <= 2.1


@needs_scenarios
def test_a_stranger_in_the_whole_clip_is_told_once():
    other = check_photo((SCENARIOS / "clean.candidate.jpg").read_bytes())
    spans, _ = spans_of(Analyser(other.descriptor), SCENARIOS / "quick.webm")
    strangers = [span for span in spans if span.type == "substitution_user"]
    assert strangers[0].start < 0.5
    assert len(strangers) == 2  # before and after the absence


class Loud:
    """A detector that hears, for the test: 1 while the sound is loud; it looks at pictures, too."""

    name, type, models = "loud", ObservationType.VOICE_DETECTED, ()
    default_rule = Rule(threshold=0.5, clear_below=0.5, min_duration_ms=1000)

    def __init__(self):
        self.seen = 0

    def hear(self, sound):
        return [Sample(sound.at_ms, float(np.abs(sound.samples).max() > 0.1))]

    def hear_nothing(self, nothing):
        return []

    def sample(self, scene):
        self.seen += 1
        return Sample(scene.at_ms - 300, 0.0) if scene.at_ms < START_MS + 1000 else None


def test_sound_is_heard_beside_the_pictures_and_without_any(monkeypatch):
    detector = Loud()
    monkeypatch.setattr("media.analysis.sound_detectors", lambda: [detector])
    settings = AnalysisSettings({**AnalysisSettings().rules, "loud": detector.default_rule})
    pieces = [
        Sound(START_MS + 500 * n, np.full(8000, 0.5 if 4 <= n < 10 else 0.0, np.float32), "drawn") for n in range(20)
    ]
    alone = closed(analysed(pieces, settings=settings))
    assert alone == [("voice_detected", 2.0, 5.0)]
    both = sorted([*webcam(last_s=4.9), *pieces], key=lambda piece: piece.at_ms)
    assert closed(analysed(both, settings=settings)) == alone
    assert detector.seen
