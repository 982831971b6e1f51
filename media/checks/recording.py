"""The walk's third part: is the track being written?"""

from typing import Final

from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.vocabulary import GapCause
from media.checks.facts import SittingFacts, TrackFacts
from media.checks.probe import TrackProbe

FULL_WORDS: Final = ("no space left", "enospc", "disk is full", "disk full", "quota")
READONLY_WORDS: Final = ("read-only", "permission denied", "not permitted", "erofs", "eacces")
YOUNG_SECONDS: Final = 3.0
"""From the start of a part to its first cluster on disk."""


def check_recorder(facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """A recorder works, and no gap is open."""
    name = track.track.value
    if not facts.recorded:
        return [skipped("recorder", "not_started", name)]
    figures: Figures = {"state": probe.recorder_state, "file": track.part.path if track.part is not None else None}
    gap = track.gap
    if gap is not None and gap.cause in {GapCause.RECORDER_FAILED, GapCause.DISK_FULL}:
        why = "disk_full" if gap.cause is GapCause.DISK_FULL else _why(gap.detail)
        return [failed("recorder", why, name, gap.detail, figures)]
    if gap is not None:
        detail = f"{gap.cause.value}: {gap.detail}"
        # Who was named above for it (browser, network) is the cause; this is what it costs.
        return [failed("recorder", "gap_open", name, detail, figures)]
    if track.part is None:
        return [failed("recorder", "recorder_missing", name, figures=figures)]
    if probe.recorder_state and probe.recorder_state not in {"START", "STARTED"}:
        return [failed("recorder", "recorder_missing", name, figures=figures)]
    return [passed("recorder", name, figures)]


def check_file(facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """The file gets longer while one looks."""
    name, part = track.track.value, track.part
    before, after = probe.before, probe.after
    if not facts.recorded:
        return [skipped("file", "not_started", name)]
    if part is None or before is None or after is None:
        return [skipped("file", "not_looked_at", name)]
    if after.file_bytes is None:
        return [failed("file", "file_missing", name, file=part.path)]
    grown = after.file_bytes - (before.file_bytes or 0)
    figures: Figures = {"bytes_grown": grown, "size_mb": round(after.file_bytes / 2**20, 2), "file": part.path}
    if grown > 0:
        return [passed("file", name, figures)]
    if not probe.flowing:
        return [skipped("file", "not_looked_at", name, figures)]
    if (facts.looked_at - part.started_at).total_seconds() < YOUNG_SECONDS:
        return [warning("file", "just_begun", name, figures=figures)]
    return [failed("file", "file_not_growing", name, figures=figures)]


def _why(detail: str) -> str:
    """Return the cause behind what a node said of its recorder."""
    said = detail.lower()
    if any(word in said for word in FULL_WORDS):
        return "disk_full"
    if any(word in said for word in READONLY_WORDS):
        return "recordings_readonly"
    return "recorder_failed"
