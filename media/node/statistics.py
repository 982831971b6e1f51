"""What an endpoint tells of its connection, in Kurento's shape (docs/contracts.md lists the fields)."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

OWN_FIELDS = frozenset(
    {
        *("kind", "codec", "bitrate", "packetsMissing", "packetsLate", "packetsRepaired", "packetsRequestedAgain"),
        *("packetsDuplicated", "remoteJitter"),
    }
)
"""Of streams: ours, besides Kurento's."""
MAX_PAIRS = 64
"""Told of a connection that does not come about: 8 addresses on each side."""
CANDIDATE_TYPES = {"host": "host", "srflx": "serverreflexive", "prflx": "peerreflexive", "relay": "relayed"}
PAIR_STATES = {"new": "waiting", "failed": "failed"}
"""State of the connection -> of all its pairs while none is selected; else they are being checked."""


@dataclass(frozen=True)
class PeerReport:
    """What a peer connection tells. ``fingerprints``: ours and the peer's; ``pair``: candidates, ours first."""

    rtp: list[dict[str, Any]]
    ice_state: str
    gathering_state: str
    dtls_state: str
    fingerprints: tuple[str, str]
    local_candidates: list[str]
    remote_candidates: list[str]
    pair: tuple[str, str] | None


def candidate_pair(local: str, remote: str) -> dict[str, Any]:
    """IceCandidatePair."""
    return {
        "__module__": "kurento",
        "__type__": "IceCandidatePair",
        "streamId": "1",
        "componentId": 1,
        "localCandidate": local,
        "remoteCandidate": remote,
    }


def statistics(object_id: str, report: PeerReport, kind: str | None, complete: bool) -> dict[str, Any]:
    """All entries by id; of one kind of media only that one's streams.

    Kurento tells of streams only, in fixed words. ``complete`` adds fields to those and entries for the connection.
    """
    found = _streams([item for item in report.rtp if item.get("kind") or not complete], kind)
    if not complete:
        return {key: {name: item[name] for name in item if name not in OWN_FIELDS} for key, item in found.items()}
    if kind is None:
        for entry in _transport(object_id, report):
            found[entry["id"]] = entry
    return found


def _entry(cls: str, kind: str, *name: object) -> dict[str, Any]:
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join(str(part) for part in name)))
    return {
        "__module__": "kurento",
        "__type__": cls,
        "id": key,
        "type": kind,
        "timestampMillis": time.time_ns() // 1_000_000,
    }


# ---- the connection


def _transport(object_id: str, report: PeerReport) -> list[dict[str, Any]]:
    certificates = [
        _certificate(object_id, side, text)
        for side, text in zip(("local", "remote"), report.fingerprints, strict=True)
    ]
    pair = report.pair
    local = {line: _candidate(object_id, "local", line) for line in [*report.local_candidates, *(pair or ())[:1]]}
    remote = {line: _candidate(object_id, "remote", line) for line in [*report.remote_candidates, *(pair or ())[1:]]}
    tried = [pair] if pair else _possible_pairs(list(local), list(remote))
    state = "succeeded" if pair else PAIR_STATES.get(report.ice_state, "inprogress")
    pairs = [_pair(object_id, local[ours], remote[theirs], state) for ours, theirs in tried]
    for entry in pairs:
        entry["roundTripTime"] = _round_trip(report.rtp)
    transport = _entry("RTCTransportStats", "transport", object_id, "transport") | {
        "bytesSent": _total(report.rtp, "outbound-rtp", "bytes-sent"),
        "bytesReceived": _total(report.rtp, "inbound-rtp", "bytes-received"),
        "rtcpTransportStatsId": "",
        "activeConnection": report.ice_state in ("connected", "completed"),
        "selectedCandidatePairId": pairs[0]["id"] if pair else "",
        "localCertificateId": certificates[0]["id"],
        "remoteCertificateId": certificates[1]["id"],
        "iceState": report.ice_state,
        "iceGatheringState": report.gathering_state,
        "dtlsState": report.dtls_state,
    }
    return [transport, *certificates, *local.values(), *remote.values(), *pairs]


def _certificate(object_id: str, side: str, text: str) -> dict[str, Any]:
    algorithm, _, fingerprint = text.partition(" ")
    return _entry("RTCCertificateStats", "transport", object_id, side, "certificate") | {
        "fingerprint": fingerprint,
        "fingerprintAlgorithm": algorithm,
        "base64Certificate": "",
        "issuerCertificateId": "",
    }


def _candidate(object_id: str, side: str, line: str) -> dict[str, Any]:
    """RTCIceCandidateAttributes of ``candidate:1 1 UDP 2015363327 192.0.2.1 40000 typ host …`` (RFC 8839, 5.1)."""
    fields = line.split()
    named = dict(zip(fields[6::2], fields[7::2], strict=False))
    kind = named.get("typ", "host")
    return _entry("RTCIceCandidateAttributes", f"{side}candidate", object_id, side, line) | {
        "ipAddress": fields[4],
        "portNumber": int(fields[5]),
        "transport": fields[2].lower(),
        "candidateType": CANDIDATE_TYPES.get(kind, kind),
        "priority": int(fields[3]),
        "addressSourceUrl": "",
        "tcpType": named.get("tcptype", ""),
    }


def _possible_pairs(local: list[str], remote: list[str]) -> list[tuple[str, str]]:
    """Those that ICE checks: same transport, same family of addresses (RFC 8445, 6.1.2.2)."""
    sides = [[(line, line.split()[2].lower(), ":" in line.split()[4]) for line in side] for side in (local, remote)]
    fitting = [(ours[0], theirs[0]) for ours in sides[0] for theirs in sides[1] if ours[1:] == theirs[1:]]
    return fitting[:MAX_PAIRS]


def _pair(object_id: str, local: dict[str, Any], remote: dict[str, Any], state: str) -> dict[str, Any]:
    is_selected = state == "succeeded"
    return _entry("RTCIceCandidatePairStats", "candidatepair", object_id, local["id"], remote["id"]) | {
        "transportId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{object_id} transport")),
        "localCandidateId": local["id"],
        "remoteCandidateId": remote["id"],
        "state": state,
        "priority": 0,
        "nominated": is_selected,
        "writable": is_selected,
        "readable": is_selected,
    }


# ---- RTP


def _total(stats: list[dict[str, Any]], kind: str, field: str) -> int:
    return sum(int(item.get(field, 0)) for item in stats if item.get("type") == kind)


def _round_trip(stats: list[dict[str, Any]]) -> float:
    """Seconds, by the peer's last report of something we send; 0 while we send nothing."""
    times = [float(item.get("round-trip-time", 0.0)) for item in stats if item.get("type") == "remote-inbound-rtp"]
    return max(times, default=0.0)


def _streams(stats: list[dict[str, Any]], kind: str | None) -> dict[str, Any]:
    """RTCInboundRTPStreamStats and RTCOutboundRTPStreamStats by id; ``kind`` is empty before the first packet."""
    remote = {item.get("local-id"): item for item in stats if item.get("type") == "remote-inbound-rtp"}
    found: dict[str, Any] = {}
    for item in stats:
        direction = {"inbound-rtp": "Inbound", "outbound-rtp": "Outbound"}.get(str(item.get("type")))
        if direction is None or kind not in (None, item.get("kind")):
            continue
        entry = _stream(direction, item)
        entry |= _inbound(item) if direction == "Inbound" else _outbound(item, remote.get(item.get("id"), {}))
        found[entry["id"]] = entry
    return found


def _stream(direction: str, item: dict[str, Any]) -> dict[str, Any]:
    return _entry(f"RTC{direction}RTPStreamStats", f"{direction.lower()}rtp", item.get("id")) | {
        "ssrc": str(item.get("ssrc", 0)),
        "associateStatsId": "",
        "codecId": "",
        "mediaTrackId": "",
        "transportId": "",
        "isRemote": False,
        "firCount": int(item.get("fir-count", 0)),
        "pliCount": int(item.get("pli-count", 0)),
        "nackCount": int(item.get("nack-count", 0)),
        "sliCount": 0,
        "remb": 0,
        "kind": item.get("kind") or "",
        "codec": item.get("codec", ""),
    }


def _inbound(item: dict[str, Any]) -> dict[str, Any]:
    """``lost`` of the RTP session counts what is repaired later, too; the jitter buffer knows what never came."""
    source, buffered = item.get("gst-rtpsource-stats", {}), item.get("gst-rtpjitterbuffer-stats", {})
    return {
        "bytesReceived": int(item.get("bytes-received", 0)),
        "packetsReceived": int(item.get("packets-received", 0)),
        "packetsLost": max(0, int(item.get("packets-lost", 0))),
        "fractionLost": int(source.get("sent-rb-fractionlost", 0)) / 256,
        "jitter": float(item.get("jitter", 0.0)),
        "bitrate": int(source.get("bitrate", 0)),
        "packetsMissing": int(buffered.get("num-lost", 0)),
        "packetsLate": int(buffered.get("num-late", 0)),
        "packetsRepaired": int(buffered.get("rtx-success-count", 0)),
        "packetsRequestedAgain": int(buffered.get("rtx-count", 0)),
        "packetsDuplicated": int(buffered.get("num-duplicates", 0)),
    }


def _outbound(item: dict[str, Any], remote: dict[str, Any]) -> dict[str, Any]:
    """What the peer reported of our stream comes from its last RTCP."""
    return {
        "bytesSent": int(item.get("bytes-sent", 0)),
        "packetsSent": int(item.get("packets-sent", 0)),
        "packetsLost": max(0, int(remote.get("packets-lost", 0))),
        "fractionLost": float(remote.get("fraction-lost", 0.0)),
        "remoteJitter": float(remote.get("jitter", 0.0)),
        "targetBitrate": 0.0,
        "roundTripTime": float(remote.get("round-trip-time", 0.0)),
    }
