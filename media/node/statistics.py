"""webrtcbin's statistics in Kurento's shape."""

import time
import uuid
from typing import Any


def candidate_pair(stats: list[dict[str, Any]]) -> dict[str, Any] | None:
    """IceCandidatePair out of webrtcbin's statistics."""
    by_type = {str(item.get("type")): item for item in stats}
    local, remote = by_type.get("local-candidate"), by_type.get("remote-candidate")
    if not local or not remote:
        return None
    return {
        "__module__": "kurento",
        "__type__": "IceCandidatePair",
        "streamId": "1",
        "componentId": 1,
        "localCandidate": _candidate_line(local),
        "remoteCandidate": _candidate_line(remote),
    }


def _candidate_line(stats: dict[str, Any]) -> str:
    protocol = str(stats.get("protocol", "UDP")).upper()
    priority, kind = stats.get("priority", 0), stats.get("candidate-type", "host")
    return f"candidate:1 1 {protocol} {priority} {stats.get('address')} {stats.get('port')} typ {kind}"


def rtp_stats(stats: list[dict[str, Any]], kind: str | None) -> dict[str, Any]:
    """RTCInboundRTPStreamStats and RTCOutboundRTPStreamStats by id."""
    found: dict[str, Any] = {}
    for item in stats:
        direction = {"inbound-rtp": "Inbound", "outbound-rtp": "Outbound"}.get(str(item.get("type")))
        if direction is None or (kind and item.get("kind") != kind):
            continue
        key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{item.get('id')}"))
        found[key] = _rtp_stats(key, direction, item)
    return found


def _rtp_stats(key: str, direction: str, item: dict[str, Any]) -> dict[str, Any]:
    common = {
        "__module__": "kurento",
        "__type__": f"RTC{direction}RTPStreamStats",
        "id": key,
        "type": f"{direction.lower()}rtp",
        "timestampMillis": time.time_ns() // 1_000_000,
        "ssrc": str(item.get("ssrc", 0)),
        "associateStatsId": "",
        "codecId": "",
        "mediaTrackId": "",
        "transportId": "",
        "isRemote": False,
        "fractionLost": 0.0,
        "packetsLost": int(item.get("packets-lost", 0)),
        "firCount": int(item.get("fir-count", 0)),
        "pliCount": int(item.get("pli-count", 0)),
        "nackCount": int(item.get("nack-count", 0)),
        "sliCount": 0,
        "remb": 0,
    }
    if direction == "Inbound":
        return common | {
            "bytesReceived": int(item.get("bytes-received", 0)),
            "packetsReceived": int(item.get("packets-received", 0)),
            "jitter": float(item.get("jitter", 0.0)),
        }
    return common | {
        "bytesSent": int(item.get("bytes-sent", 0)),
        "packetsSent": int(item.get("packets-sent", 0)),
        "targetBitrate": 0.0,
        "roundTripTime": float(item.get("round-trip-time", 0.0)),
    }
