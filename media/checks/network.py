"""The walk's second part: publication, the way through the network, encryption, what arrives and how well."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from appliance.diagnostics.report import Figure, Figures, Step, failed, passed, skipped, warning
from appliance.vocabulary import SittingState
from media.checks.facts import BrowserSaid, SittingFacts, TrackFacts
from media.checks.probe import TrackProbe

YOUNG_SECONDS: Final = 8.0
"""What ICE and DTLS may take on a bad line."""
UNAUTHORIZED: Final = 401
"""W3C webrtc, RTCPeerConnectionIceErrorEvent: a STUN error code; above 700 nothing was reached."""
ENOUGH: Final = 3
"""Questions over one pair: a lost one alone proves nothing."""
CONNECTED: Final = frozenset({"CONNECTED", "READY"})
LOSS_PERCENT, MUCH_LOSS_PERCENT = 1.0, 5.0
"""Over the whole connection, after packets were sent again: 3 % on the line leave less than 1 % here."""
JITTER_MS: Final = 100.0
CANDIDATE: Final = re.compile(r"candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) typ (\S+)", re.IGNORECASE)


def check_publication(facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """The browser offered the track, a node answered, and the node still has it."""
    name, live = track.track.value, track.live
    if live is None:
        if facts.state in {SittingState.CHECK_IN, SittingState.CREATED, SittingState.SCHEDULED}:
            return [skipped("publication", "not_joined", name)]
        return [failed("publication", "not_published", name, track.gap.detail if track.gap is not None else "")]
    age = (facts.looked_at - live.created_at).total_seconds()
    figures: Figures = {"connected_for_s": round(age, 1), "address": live.node_url}
    if probe.error:
        return [failed("publication", "node_unreachable", name, probe.error, figures)]
    if not probe.exists:
        return [failed("publication", "endpoint_gone", name, figures=figures)]
    return [passed("publication", name, figures)]


def check_ice(facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """Browser and node found a way to each other; where not, why."""
    name, said = track.track.value, facts.browser
    if not probe.exists or track.live is None:
        return [skipped("ice", "not_looked_at", name)]
    figures = _ice_figures(said, name, probe)
    errors = said.ice_errors if said is not None else []
    if probe.ice_state in CONNECTED or probe.flowing:
        if _refused(errors):
            return [warning("ice", "turn_password", name, figures=figures)]
        if _by_tcp(said, name, probe):
            rule = _rules(facts, _pairs(said, name), probe, [])
            return [warning("ice", "media_over_tcp", name, figures=figures, firewall_rule=rule)]
        return [passed("ice", name, figures)]
    if _refused(errors):
        return [failed("ice", "turn_password", name, figures=figures)]
    age = (facts.looked_at - track.live.created_at).total_seconds()
    pairs = _pairs(said, name)
    if said is not None and said.of(name) and not _types(said, name, "localTypes") and age > YOUNG_SECONDS:
        return [failed("ice", "no_local_address", name, figures=figures)]
    if any(pair.get("state") == "failed" for pair in pairs) and not _heard(said, name):
        rule = _rules(facts, pairs, probe, errors)
        return [failed("ice", "udp_blocked", name, figures=figures, firewall_rule=rule)]
    if age <= YOUNG_SECONDS and probe.ice_state != "FAILED" and not _failed_before(said, name):
        return [warning("ice", "just_begun", name, figures=figures)]
    if not _heard(said, name):
        rule = _rules(facts, pairs, probe, errors)
        return [failed("ice", "udp_blocked", name, figures=figures, firewall_rule=rule)]
    return [failed("ice", "ice_failed", name, figures=figures)]


def check_dtls(facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """The keys were agreed on."""
    name = track.track.value
    if not probe.exists or (probe.ice_state not in CONNECTED and not probe.flowing):
        return [skipped("dtls", "not_looked_at", name)]
    browser = str(facts.browser.of(name).get("dtlsState") or "") if facts.browser is not None else ""
    state = probe.dtls_state or probe.connection_state
    figures: Figures = {"dtls_state": state or browser, "connection_state": probe.connection_state}
    if probe.flowing or state == "CONNECTED" or browser == "connected":
        return [passed("dtls", name, figures)]
    if track.live is not None and (facts.looked_at - track.live.created_at).total_seconds() <= YOUNG_SECONDS:
        return [warning("dtls", "just_begun", name, figures=figures)]
    return [failed("dtls", "dtls_failed", name, figures=figures)]


def check_flow(facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """Pictures arrive now; of a camera sound, too."""
    name = track.track.value
    if not probe.exists:
        return [skipped("flow", "not_looked_at", name)]
    video, audio = probe.rate_kbps("video"), probe.rate_kbps("audio")
    sent = facts.browser.of(name).get("video.framesSent") if facts.browser is not None else None
    figures: Figures = {"video_kbps": video, "audio_kbps": audio, "frames_sent": sent}
    if not (probe.flowing if video is None else probe.flowing and video > 0):
        return [failed("flow", "no_flow", name, figures=figures)]
    if name == "camera" and "m=audio" in probe.remote and not probe.sound_flowing:
        return [warning("flow", "no_sound", name, figures=figures)]
    return [passed("flow", name, figures)]


def check_loss(_facts: SittingFacts, track: TrackFacts, probe: TrackProbe) -> list[Step]:
    """Few packets are missing in the end, and they come evenly."""
    name = track.track.value
    inbound = probe.after.video if probe.after is not None else {}
    received = float(inbound.get("packetsReceived") or 0)
    if not received:
        return [skipped("loss", "not_looked_at", name)]
    # What never came after all repair; a server that does not tell it counts what came again later, too.
    lost = max(0.0, float(inbound.get("packetsMissing", inbound.get("packetsLost")) or 0))
    percent, jitter = round(100 * lost / (lost + received), 2), _milliseconds(inbound.get("jitter"))
    figures: Figures = {
        "lost_percent": percent,
        "jitter_ms": jitter,
        "round_trip_ms": _milliseconds(inbound.get("roundTripTime")),
        "nacks": inbound.get("nackCount"),
        "plis": inbound.get("pliCount"),
    }
    if percent >= MUCH_LOSS_PERCENT:
        return [failed("loss", "loss_high", name, figures=figures)]
    if percent >= LOSS_PERCENT:
        return [warning("loss", "loss_noticeable", name, figures=figures)]
    if jitter is not None and jitter >= JITTER_MS:
        return [warning("loss", "jitter_high", name, figures=figures)]
    return [passed("loss", name, figures)]


def _ice_figures(said: BrowserSaid | None, name: str, probe: TrackProbe) -> dict[str, Figure]:
    pairs = _pairs(said, name)
    errors = said.ice_errors if said is not None else []
    return {
        "ice_state": probe.ice_state,
        "pair": " ↔ ".join(_place(line) for line in probe.pair) if probe.pair else None,
        "local_types": _types(said, name, "localTypes"),
        "remote_types": _types(said, name, "remoteTypes"),
        "pairs_tried": [_pair_line(pair) for pair in pairs],
        "ice_errors": [
            f"{error.get('code')} {error.get('url')} {error.get('text') or ''}".strip() for error in errors
        ],
    }


def _pairs(said: BrowserSaid | None, name: str) -> list[dict[str, Any]]:
    """Return the pairs of the connection that is being tried and of the last one that failed."""
    return [] if said is None else [*said.pairs.get(f"{name}_failed", []), *said.pairs.get(name, [])]


def _pair_line(pair: dict[str, Any]) -> str:
    ends = " → ".join(f"{pair.get(f'{end}_type')} {pair.get(end)}" for end in ("local", "remote"))
    answered = f"{pair.get('responses', 0)} of {pair.get('requests', 0)} answered"
    return f"{pair.get('protocol', 'udp')} {ends}: {pair.get('state')}, {answered}"


def _heard(said: BrowserSaid | None, name: str) -> bool:
    """Whether any question over any pair was answered: of the present connection, once it has asked enough."""
    present = [] if said is None else said.pairs.get(name, [])
    asked_enough = any((pair.get("requests") or 0) >= ENOUGH for pair in present)
    return any((pair.get("responses") or 0) > 0 for pair in (present if asked_enough else _pairs(said, name)))


def _failed_before(said: BrowserSaid | None, name: str) -> bool:
    return said is not None and bool(said.of(f"{name}_failed"))


def _refused(errors: Sequence[dict[str, Any]]) -> bool:
    return any(error.get("code") == UNAUTHORIZED for error in errors)


def _types(said: BrowserSaid | None, name: str, field: str) -> list[str]:
    value = str(said.of(name).get(field) or "") if said is not None else ""
    return [kind for kind in value.split(",") if kind]


def _by_tcp(said: BrowserSaid | None, name: str, probe: TrackProbe) -> bool:
    """Whether packets go straight by TCP, or over a relay by TCP although the browser tried to go straight."""
    if any(found[2].upper() == "TCP" for line in probe.pair or () if (found := CANDIDATE.search(line))):
        return True
    browser = said.of(name) if said is not None else {}
    straight = any(pair.get("local_type") != "relay" for pair in _pairs(said, name))
    return str(browser.get("pair.protocol") or "udp") != "udp" and straight


def _rules(
    facts: SittingFacts, pairs: Sequence[dict[str, Any]], probe: TrackProbe, errors: Sequence[dict[str, Any]]
) -> list[str]:
    """Return which packets a firewall should let through."""
    here = sorted({str(pair.get("local", "")).rpartition(":")[0].strip("[]") for pair in pairs} - {""})
    ports = facts.ice_ports or "1024-65535"
    rules = [
        f"UDP {sources} ↔ {address} (port {port} now, {ports})"
        for address, port in _node_addresses(pairs, probe)
        if (sources := _reaching(here, address))
    ]
    servers = sorted({str(error["url"]) for error in errors if str(error.get("url", "")).startswith("turn")})
    sources = _reaching(here, "0.0.0.0") or "*"  # noqa: S104 - any IPv4 address, nothing is bound
    return [*rules, *(f"{sources} → {server}" for server in servers)] or [f"UDP {sources} ↔ *"]


def _reaching(sources: Sequence[str], address: str) -> str:
    """Return which of the browser's addresses could talk to the node's; empty: none, no rule would help."""
    there = _parsed(address)
    if there is not None and there.is_link_local:
        return ""
    if there is None or not sources:
        return "*"
    told = [(source, _parsed(source)) for source in sources]
    fit = [name for name, here in told if here is None or here.version == there.version]
    outside = [name for name, here in told if name in fit and not (here is not None and here.is_loopback)]
    return ", ".join(outside or (fit if there.is_loopback else []))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:  # a name that hides the address (mDNS)
        return None


def _node_addresses(pairs: Sequence[dict[str, Any]], probe: TrackProbe) -> list[tuple[str, str]]:
    """Return address and port of the node's UDP candidates: they trickle, so its description may have none."""
    own = [found for found in CANDIDATE.finditer(probe.local) if found[1].upper() == "UDP"]
    entries = [one for one in probe.stats.values() if isinstance(one, dict) and one.get("type") == "localcandidate"]
    told = {(found[2], found[3]) for found in own}
    told |= {(str(one["ipAddress"]), str(one["portNumber"])) for one in entries if one.get("transport") == "udp"}
    if not told:
        ends = [str(pair.get("remote", "")) for pair in pairs if pair.get("protocol") == "udp"]
        told = {(end.rpartition(":")[0], end.rpartition(":")[2]) for end in ends if end}
    return sorted(told)


def _place(line: str) -> str:
    found = CANDIDATE.search(line)
    return f"{found[4]} {found[2]}:{found[3]} {found[1].lower()}" if found else line


def _milliseconds(seconds: object) -> float | None:
    return round(float(seconds) * 1000, 1) if isinstance(seconds, int | float) else None
