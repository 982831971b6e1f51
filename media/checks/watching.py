"""The walk's last part: who looks at the pictures. The worker by its tap, staff by their browsers."""

from typing import Final

from appliance.db import to_ms
from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.vocabulary import Track
from media.checks.facts import SittingFacts, TrackFacts
from media.checks.network import CONNECTED
from media.checks.probe import TrackProbe, Watcher

OLD_MS: Final = 8000
"""A worker writes every 2 s how far it saw; taking over from a dead one takes 5 s."""
OWN_ANALYSIS_FAILED: Final = frozenset({"failed", "slow"})
"""What the candidate's browser says of an analysis that judges nothing, or too little."""
BEGIN_SECONDS: Final = 6.0
"""From the first part to the first picture seen: the job is fetched, models are loaded, the tap is made."""


def check_tap(facts: SittingFacts, probe: TrackProbe) -> list[Step]:
    """A living worker has the job and has joined the camera."""
    if not facts.recorded:
        return [skipped("tap", "not_started", "camera")]
    job = facts.job
    status = "" if job is None else f"{job.status}{'' if job.worker_alive else ', no worker'}"
    figures: Figures = {"job": status}
    if job is not None and job.status == "doing" and not job.worker_alive:
        return [failed("tap", "worker_stopped", "camera", figures=figures)]
    if probe.taps and job is not None and job.worker_alive:
        return [passed("tap", "camera", figures)]
    if _just_begun(facts):
        return [warning("tap", "just_begun", "camera", figures=figures)]
    if job is not None and job.status == "todo":
        return [failed("tap", "worker_stopped", "camera", figures=figures)]
    if not probe.exists:
        return [skipped("tap", "not_looked_at", "camera", figures)]
    return [failed("tap", "tap_missing", "camera", figures=figures)]


def check_analysis(facts: SittingFacts, probe: TrackProbe) -> list[Step]:
    """What the worker saw last is recent."""
    until = facts.analysed_until_ms
    if not facts.recorded:
        return [skipped("analysis", "not_started", "camera")]
    figures: Figures = {} if until is None else {"age_s": round((to_ms(facts.looked_at) - until) / 1000, 1)}
    if until is None or to_ms(facts.looked_at) - until > OLD_MS:
        if _just_begun(facts):
            return [warning("analysis", "just_begun", "camera", figures=figures)]
        return [failed("analysis", "frames_old", "camera", figures=figures)]
    if probe.exists and not probe.flowing:
        return [skipped("analysis", "not_looked_at", "camera", figures)]
    return [passed("analysis", "camera", figures)]


def check_own_analysis(facts: SittingFacts) -> list[Step]:
    """The camera stays with the candidate, whose browser looks at it and says in its reports how that goes."""
    tap = skipped("tap", "camera_stays")
    if not facts.recorded:
        return [tap, skipped("analysis", "not_started")]
    said = {} if facts.browser is None else facts.browser.of("analysis")
    figures: Figures = {"age_s": round(facts.browser.age_s, 1)} if facts.browser is not None else {}
    state = said.get("state")
    if state == "running":
        return [tap, passed("analysis", figures=figures)]
    if state in OWN_ANALYSIS_FAILED:
        return [
            tap,
            failed("analysis", "own_analysis_failed", detail=str(said.get("reason", ""))[:100], figures=figures),
        ]
    return [tap, skipped("analysis", "not_looked_at", figures=figures)]


def check_viewers(watchers: list[Watcher]) -> list[Step]:
    """Whoever watches has a codec and a connection."""
    figures: Figures = {"viewers": len(watchers)}
    if not watchers:
        return [skipped("viewers", "nobody_watches", figures=figures)]
    without = [watcher for watcher in watchers if lacks_codec(watcher)]
    if without:
        return [failed("viewers", "viewer_codec_missing", detail=_offered(without[0].remote), figures=figures)]
    apart = [watcher for watcher in watchers if watcher.ice_state == "FAILED"]
    if apart:
        return [failed("viewers", "viewer_not_connected", figures=figures)]
    waiting = [watcher for watcher in watchers if watcher.ice_state not in CONNECTED]
    if waiting:
        return [warning("viewers", "just_begun", figures=figures)]
    return [passed("viewers", figures=figures)]


def lacks_codec(watcher: Watcher) -> bool:
    """Whether a viewer asked for pictures and the node had to refuse: its browser offers no codec the node sends."""
    asked, given = video_section(watcher.remote), video_section(watcher.local)
    if not asked or asked[0].startswith("m=video 0 "):
        return False
    return not given or given[0].startswith("m=video 0 ") or "a=inactive" in given


def video_section(sdp: str) -> list[str]:
    """Return the lines of the first video section of a session description; empty where there is none."""
    lines = sdp.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    for index, start in enumerate(starts):
        if lines[start].startswith("m=video"):
            return lines[start : starts[index + 1] if index + 1 < len(starts) else len(lines)]
    return []


def _offered(sdp: str) -> str:
    codecs = [line.split(" ", 1)[1] for line in video_section(sdp) if line.startswith("a=rtpmap:") and " " in line]
    return "offered: " + (", ".join(dict.fromkeys(codecs)) or "none")


def _just_begun(facts: SittingFacts) -> bool:
    camera: TrackFacts | None = facts.tracks.get(Track.CAMERA)
    began = camera.part.started_at if camera is not None and camera.part is not None else facts.started_at
    return began is not None and (facts.looked_at - began).total_seconds() < BEGIN_SECONDS
