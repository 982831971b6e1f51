"""Labelled recordings: which events are found, how soon, and what is told that did not happen."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import numpy as np

from appliance.errors import ApplianceError
from media.biometrics.report.contents import Clip, Contents
from media.biometrics.report.statistics import Json, mean_of, rate
from media.recorded import Reference, analyse_file, reference_of

EDGE: Final = 1.5
"""Seconds by which a finding may lie outside of its label: 1 s for walking in or out, half a sampling step."""
WORTH: Final = 2.0
"""Seconds: events shorter than that need not be found."""
ON_TIME: Final = 1.0
"""Seconds by which a beginning may be off."""
HARMLESS: Final = "none"
LABELS: Final = {"too_dark": "too_dark", "frozen": "frozen_picture"}
"""Reasons of findings for which truth files have a name of their own."""
ALSO: Final = {"talk": "voice_detected"}
"""Findings that are right where a label has the other name: talking is a voice, with lips that move."""


@dataclass(frozen=True)
class Finding:
    """One incident or doubt of an analysis, in seconds."""

    type: str
    reason: str
    start: float
    end: float

    @property
    def names(self) -> set[str]:
        """What truth files may call it."""
        return {self.type, LABELS.get(self.reason, self.type), ALSO.get(self.type, self.type)}

    @property
    def is_doubt(self) -> bool:
        """Whether it says that nothing could be judged."""
        return self.type == "undetermined"


@dataclass
class Tally:
    """What happened to the events of one type."""

    labelled: int = 0
    found: int = 0
    short: int = 0
    right: int = 0
    false: int = 0
    onsets: list[float] = field(default_factory=list)

    def figures(self) -> Json:
        """Rates and the error of the beginning."""
        late = [abs(onset) for onset in self.onsets]
        return {
            "recall": rate(self.found, self.labelled),
            "precision": rate(self.right, self.right + self.false),
            "onset_error": {
                **mean_of(late, "s"),
                "median": round(median(late), 3) if late else None,
                "largest": round(max(late), 3) if late else None,
                "within_1_s": rate(sum(each <= ON_TIME for each in late), len(late)),
            },
            "shorter_than_2_s": self.short,
        }


def report(found: Contents, progress: Callable[[str], None]) -> Json:
    """Recall, precision and onset by type; false incidents by hour and on what is harmless."""
    tallies: dict[str, Tally] = {}
    wrong: list[Json] = []
    each: list[Json] = []
    seconds = cpu = doubts = 0.0
    harmless = harmless_hit = 0
    for clip in found.clips:
        name, reference, told = found.name(clip.path), None, None
        with found.attempt(clip.path):
            reference = _reference(found, clip)
            told = analyse_file(clip.path, reference, audio=True)
        if told is None:
            continue
        progress(f"clips: {name} analysed")
        findings = _findings(told)
        false = judge(clip.truth["events"], findings, tallies)
        hit = _harmless(clip.truth["events"], false)
        harmless, harmless_hit = harmless + hit[0], harmless_hit + hit[1]
        wrong += [{"clip": name, **vars(finding)} for finding in false]
        seconds, cpu = seconds + told["duration"], cpu + told["run"]["cpu_seconds"]
        doubts += sum(finding.end - finding.start for finding in findings if finding.is_doubt)
        each.append(_of_clip(name, told, reference, len(false)))
    return {
        "clips": each,
        "seconds": round(seconds, 1),
        "times_real_time_per_core": round(seconds / cpu, 1) if cpu else None,
        "by_type": {kind: tally.figures() for kind, tally in sorted(tallies.items())},
        "all_types": _together(tallies),
        "false_incidents": {"count": len(wrong), "per_hour": _per_hour(len(wrong), seconds), "which": wrong},
        "harmless_events_with_a_false_incident": rate(harmless_hit, harmless),
        "undetermined_seconds": round(doubts, 1),
        "how": f"a finding belongs to a label of its type that it overlaps, {EDGE} s of tolerance at both ends; "
        f"recall counts labels of {WORTH} s and more; undetermined is never a false incident",
    }


def _reference(found: Contents, clip: Clip) -> Reference | None:
    if clip.candidate is None:
        return None
    try:
        return reference_of(clip.candidate)
    except ApplianceError as error:
        found.skipped[clip.candidate] = f"{error.message} Identity is not judged in {clip.path.name}."
        return None


def _findings(told: dict[str, Any]) -> list[Finding]:
    incidents = [
        Finding(one["type"], str(one["details"].get("reason", "")), one["start"], one["end"])
        for one in told["incidents"]
    ]
    doubts = [Finding("undetermined", one["reason"], one["start"], one["end"]) for one in told["undetermined"]]
    return incidents + doubts


def judge(events: list[dict[str, Any]], findings: list[Finding], tallies: dict[str, Tally]) -> list[Finding]:
    """Count one clip's events and findings into ``tallies``; return the findings that belong to no label."""
    labelled = [event for event in events if event["type"] != HARMLESS]
    for event in labelled:
        tally = tallies.setdefault(event["type"], Tally())
        if event["end"] - event["start"] < WORTH:
            tally.short += 1
            continue
        tally.labelled += 1
        hits = [finding for finding in findings if _belongs(finding, event)]
        if hits:
            tally.found += 1
            tally.onsets.append(min((hit.start - event["start"] for hit in hits), key=abs))
    false = []
    for finding in findings:
        labels = [event for event in labelled if _belongs(finding, event)]
        if labels:
            tallies[labels[0]["type"]].right += 1
        elif not finding.is_doubt:
            tallies.setdefault(finding.type, Tally()).false += 1
            false.append(finding)
    return false


def _belongs(finding: Finding, event: dict[str, Any]) -> bool:
    accepted = {event["type"], *event.get("also_accepted", [])}
    overlap = min(finding.end, event["end"] + EDGE) - max(finding.start, event["start"] - EDGE)
    return bool(finding.names & accepted) and overlap > 0


def _harmless(events: list[dict[str, Any]], false: list[Finding]) -> tuple[int, int]:
    """How many stretches are labelled harmless, and in how many of them something false begins."""
    stretches = [event for event in events if event["type"] == HARMLESS]
    hit = [
        event
        for event in stretches
        if any(event["start"] - EDGE <= finding.start <= event["end"] + EDGE for finding in false)
    ]
    return len(stretches), len(hit)


def _together(tallies: dict[str, Tally]) -> Json:
    whole = Tally()
    for tally in tallies.values():
        for name in ("labelled", "found", "short", "right", "false"):
            setattr(whole, name, getattr(whole, name) + getattr(tally, name))
        whole.onsets += tally.onsets
    return whole.figures()


def _per_hour(count: int, seconds: float) -> Json:
    """Events by hour with the exact Poisson interval (Garwood)."""
    from scipy.stats import chi2  # type: ignore[import-untyped]  # noqa: PLC0415 - loads half a second

    hours = seconds / 3600
    if not hours:
        return {"value": None, "hours": 0, "interval": None}
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    return {
        "value": round(count / hours, 2),
        "hours": round(hours, 3),
        "interval": [round(float(low) / hours, 2), round(float(high) / hours, 2)],
    }


def _of_clip(name: str, told: dict[str, Any], reference: Reference | None, false: int) -> Json:
    reasons = Counter(one["reason"] for one in told["undetermined"])
    return {
        "clip": name,
        "seconds": told["duration"],
        "reference": "none" if reference is None else "usable" if not reference.hints else "doubtful",
        "incidents": len(told["incidents"]),
        "false": false,
        "undetermined": dict(reasons),
        "times_real_time": float(np.round(told["run"]["times_real_time"], 1)),
    }
