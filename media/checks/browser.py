"""The walk's first part: the sitting, the page's socket, what the browser says of itself and of its devices."""

from typing import Final

from appliance.diagnostics.report import Figures, Step, failed, passed, skipped, warning
from appliance.sitting_machine import LIVE, OVER
from appliance.vocabulary import SittingState
from media.checks.facts import SittingFacts, Values

SILENT_SECONDS: Final = 25.0
"""The page pings every 10 s, and that is written down at most every 5 s."""
REPORT_SECONDS: Final = 35.0
"""The page reports every 11 s while its socket stands."""
UNSTEADY: Final = 5
"""Reconnections since the page was loaded; a network that changes now and then makes one or two."""
CLOCK_OFF_MS: Final = 60_000
"""What the check-in warns of, too."""
GOOD_DEVICE: Final = frozenset({"live", ""})


def check_sitting(facts: SittingFacts) -> list[Step]:
    """The sitting is one whose media should be live."""
    figures: Figures = {"state": facts.state.value}
    if facts.state in OVER:
        return [failed("sitting", "sitting_over", figures=figures)]
    if facts.state not in LIVE or facts.state is SittingState.CHECK_IN:
        return [skipped("sitting", "not_joined", figures=figures)]
    return [passed("sitting", figures=figures)]


def check_socket(facts: SittingFacts) -> list[Step]:
    """The page was heard just now, and does not come back again and again."""
    page = _page(facts)
    reconnects = page.get("socketReconnects")
    seen = None if facts.seen_s is None else round(facts.seen_s, 1)
    figures: Figures = {"age_s": seen, "reconnects": reconnects, "round_trip_ms": _rounded(page.get("rttMs"))}
    if facts.seen_s is None or facts.seen_s > SILENT_SECONDS:
        return [failed("socket", "socket_lost", figures=figures)]
    if isinstance(reconnects, int | float) and reconnects >= UNSTEADY:
        return [warning("socket", "socket_unsteady", figures=figures)]
    return [passed("socket", figures=figures)]


def check_browser(facts: SittingFacts) -> list[Step]:
    """The browser reports of itself."""
    said, checked_in = facts.browser, _check_in(facts)
    if said is None:
        return [skipped("browser", "browser_unknown", figures={"check_in": checked_in})]
    agent = _page(facts).get("userAgent")
    figures: Figures = {
        "age_s": round(said.age_s, 1),
        "browser": str(agent or "")[:200],
        "check_in": checked_in,
    }
    if said.age_s > REPORT_SECONDS:
        return [warning("browser", "browser_silent", figures=figures)]
    return [passed("browser", figures=figures)]


def check_devices(facts: SittingFacts) -> list[Step]:
    """Camera, microphone and screen are live in the browser, and the computer keeps up."""
    page = _page(facts)
    if not page or facts.browser is None or facts.browser.age_s > REPORT_SECONDS:
        return [skipped("devices", "browser_unknown")]
    if not page.get("joined", True):
        return [skipped("devices", "not_joined")]
    names = ("camera", "microphone", "screen")
    camera, microphone, screen = (str(page.get(name) or "") for name in names)
    limited = _limits(facts)
    figures: Figures = {"camera": camera, "microphone": microphone, "screen": screen, "limited_by": limited}
    if camera in {"muted", "disabled"}:
        return [failed("devices", "camera_muted", "camera", figures=figures)]
    if camera not in GOOD_DEVICE:
        return [failed("devices", "camera_ended", "camera", figures=figures)]
    if screen not in GOOD_DEVICE:
        return [failed("devices", "screen_ended", "screen", figures=figures)]
    if microphone not in GOOD_DEVICE:
        return [warning("devices", "microphone_muted", "camera", figures=figures)]
    if any("cpu" in item for item in limited):
        return [warning("devices", "browser_overloaded", figures=figures)]
    if any("bandwidth" in item for item in limited):
        return [warning("devices", "browser_bandwidth", figures=figures)]
    return [passed("devices", figures=figures)]


def check_candidate_clock(facts: SittingFacts) -> list[Step]:
    """The candidate's clock is not far off."""
    figures: Figures = {"clock_offset_ms": facts.clock_offset_ms}
    if abs(facts.clock_offset_ms) > CLOCK_OFF_MS:
        return [warning("candidate_clock", "candidate_clock_off", figures=figures)]
    return [passed("candidate_clock", figures=figures)]


def _page(facts: SittingFacts) -> Values:
    return facts.browser.of("page") if facts.browser is not None else {}


def _check_in(facts: SittingFacts) -> list[str]:
    """Return which ways out the system check of the check-in found."""
    network = facts.checked_in
    found = [kind for kind in ("host", "srflx", "relay") if network.get(kind)]
    return [str(network["state"]), *found] if network.get("state") else []


def _limits(facts: SittingFacts) -> list[str]:
    """Return what keeps the browser from sending all it should, by track."""
    found = []
    for track in facts.tracks:
        reason = facts.browser.of(track.value).get("video.qualityLimitationReason") if facts.browser else None
        if reason and reason != "none":
            found.append(f"{track.value}: {reason}")
    return found


def _rounded(value: object) -> int | None:
    return round(value) if isinstance(value, int | float) else None
