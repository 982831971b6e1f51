"""The labelled clips of the measuring data, and how findings are held against their labels."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from media.analysis import Analyser, AnalysisSettings, Change, check_photo
from media.frames import FileSource

DATA = Path(os.environ.get("KUSTOS_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
SCENARIOS = DATA / "scenarios"
needs_scenarios = pytest.mark.skipif(
    not SCENARIOS.is_dir(), reason=f"the labelled clips are not here: {SCENARIOS} (set KUSTOS_TEST_DATA)"
)

EDGE = 1.5
"""Seconds by which a finding may lie outside of its label: 1 s for walking in or out, half a sampling step."""


@dataclass
class Span:
    """One finding in seconds of the clip."""

    type: str
    reason: str
    start: float
    end: float
    told: float
    confidence: float

    @property
    def text(self):
        reason = f"({self.reason})" if self.reason else ""
        return f"{self.type}{reason} {self.start:.1f}-{self.end:.1f} confidence {self.confidence:.2f}"

    @property
    def label(self):
        """The clip's name of it: dark and frozen pictures have names of their own there."""
        return {"too_dark": "too_dark", "frozen": "frozen_picture"}.get(self.reason, self.type)


def matches(span, event):
    """Whether a finding is what the label says, or also accepted there."""
    accepted = {event["type"], *event.get("also_accepted", [])}
    overlaps = min(span.end, event["end"] + EDGE) - max(span.start, event["start"] - EDGE) > 0
    inside = span.start >= event["start"] - EDGE and span.end <= event["end"] + EDGE
    return ({span.label, span.type} & accepted) and overlaps and inside


def found_in(name, rate=4.0, settings=None, offset_s=0.0):
    """All findings of one clip, with the same settings for every clip."""
    photo = check_photo((SCENARIOS / f"{name}.candidate.jpg").read_bytes())
    assert photo.descriptor is not None, (name, photo.hints)
    return spans_of(Analyser(photo.descriptor, settings or AnalysisSettings()), SCENARIOS / f"{name}.webm", rate)


def spans_of(analyser, path, rate=4.0):
    events, last_ms = [], 0
    for picture in FileSource(path, rate=rate).frames():
        events += analyser.feed(picture)
        last_ms = picture.at_ms
    events += analyser.finish(last_ms)
    told = {event.key: event.at_ms for event in events if event.change is Change.OPENED}
    spans = [
        Span(str(event.type), str(event.details.get("reason", "")), event.start_ms / 1000, event.end_ms / 1000,
             told[event.key] / 1000, event.confidence)
        for event in events
        if event.change is Change.CLOSED
    ]  # fmt: skip
    return sorted(spans, key=lambda span: span.start), events


def truth_of(name):
    return json.loads((SCENARIOS / f"{name}.json").read_text())["events"]
