"""Enough of SDP: what a section offers, and the changes that browsers and webrtcbin need (RFC 8866, RFC 8829)."""

import re
from dataclasses import dataclass, field

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
CLOCK = {"opus": 48000, "VP8": 90000, "H264": 90000}
CODECS = {"audio": ("opus",), "video": ("VP8", "H264")}
"""The codecs a kind is taken in, the first one rather: nothing is transcoded."""


@dataclass
class Section:
    """One ``m=`` section. ``codecs``: payload type -> encoding name; ``formats``: payload type -> its ``fmtp``."""

    kind: str
    port: int
    protocol: str
    mid: str = ""
    direction: str = "sendrecv"
    address: str = ""
    codecs: dict[int, str] = field(default_factory=dict)
    formats: dict[int, str] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    bundle_only: bool = False
    rtcp_mux: bool = False

    @property
    def refused(self) -> bool:
        """Port 0 means refused, unless the section rides in a bundle (RFC 8843)."""
        return self.port == 0 and not self.bundle_only

    def payload(self, codec: str) -> int | None:
        """The payload type of a codec, None if it is not offered. Of H.264 the plainest that may be cut in pieces."""
        offered = [payload for payload, name in self.codecs.items() if name.lower() == codec.lower()]
        if codec == "H264":
            offered = sorted((pt for pt in offered if self._fragmented(pt)), key=self._plainness)
        return offered[0] if offered else None

    def choose(self, wanted: str | None = None) -> tuple[int, str] | None:
        """Payload type and codec to agree on: ``wanted`` if it is offered, else the first of ours that is."""
        codecs = CODECS.get(self.kind, ())
        for codec in sorted(codecs, key=lambda name: name != wanted):
            if (payload := self.payload(codec)) is not None:
                return payload, codec
        return None

    def _fragmented(self, payload: int) -> bool:
        """Whether pictures may be cut in pieces: packetization-mode 1 (RFC 6184, 6.3)."""
        return "packetization-mode=1" in self.formats.get(payload, "").replace(" ", "")

    def _plainness(self, payload: int) -> int:
        """Constrained baseline before baseline before the rest: every browser decodes it."""
        profile = re.search(r"profile-level-id=(\w{4})", self.formats.get(payload, "").lower())
        return {"42e0": 0, "4200": 1}.get(profile[1], 2) if profile else 2


@dataclass
class Description:
    """A whole session description."""

    sections: list[Section]
    address: str = ""

    def section(self, kind: str) -> Section | None:
        """The first usable section of a kind."""
        return next((item for item in self.sections if item.kind == kind and not item.refused), None)


def parse(text: str) -> Description:
    """Read a description; ValueError when it has no version or no section."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or not lines[0].startswith("v=0"):
        raise ValueError("no SDP: it does not begin with v=0")
    description = Description([])
    for line in lines:
        if line.startswith("m="):
            description.sections.append(_media(line))
        elif description.sections:
            _attribute(description.sections[-1], line)
        elif line.startswith("c="):
            description.address = line.split()[-1]
    if not description.sections:
        raise ValueError("no SDP: it has no media section")
    return description


def _media(line: str) -> Section:
    match = re.match(r"m=(\w+) (\d+)(?:/\d+)? (\S+)(.*)", line)
    if match is None:
        raise ValueError(f"no SDP: {line[:80]}")
    kind, port, protocol, formats = match.groups()
    static = {int(item): {"0": "PCMU", "8": "PCMA"}.get(item, "") for item in formats.split() if item.isdigit()}
    return Section(kind, int(port), protocol, codecs=static)


def _attribute(section: Section, line: str) -> None:
    if line.startswith("c="):
        section.address = line.rsplit(maxsplit=1)[-1]
    elif match := re.match(r"a=rtpmap:(\d+) ([^/\s]+)", line):
        section.codecs[int(match[1])] = match[2]
    elif match := re.match(r"a=fmtp:(\d+) (.+)", line):
        section.formats[int(match[1])] = match[2]
    elif match := re.match(r"a=extmap:(\d+)(?:/\w+)? (\S+)", line):
        section.extensions[match[2]] = int(match[1])
    elif match := re.match(r"a=mid:(\S+)", line):
        section.mid = match[1]
    elif line[2:].strip() in MIRROR and line.startswith("a="):
        section.direction = line[2:].strip()
    elif line.startswith("a=bundle-only"):
        section.bundle_only = True
    elif line.startswith("a=rtcp-mux"):
        section.rtcp_mux = True


def fingerprint(text: str) -> str:
    """The certificate's fingerprint that a description names, as ``sha-256 AB:CD…``; empty without one."""
    match = re.search(r"^a=fingerprint:(\S+ \S+)", text, re.MULTILINE)
    return match[1] if match else ""


def for_webrtcbin(text: str) -> str:
    """A peer's description as webrtcbin needs it.

    ``ccm fir`` goes, so that key frames are asked for by PLI, which our payloader hears; Kurento's own offers say
    RTP/SAVPF where browsers say UDP/TLS/RTP/SAVPF.
    """
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line and not _is_fir(line)]
    return "\r\n".join(re.sub(r"^(m=\w+ \d+) RTP/SAVPF ", r"\1 UDP/TLS/RTP/SAVPF ", line) for line in lines) + "\r\n"


def _is_fir(line: str) -> bool:
    return line.startswith("a=rtcp-fb:") and line.rstrip().endswith("ccm fir")


def for_peer(text: str, max_video_kbps: int = 0) -> str:
    """webrtcbin's description as a peer should see it: no FIR, no empty FID groups, the limit of the video's rate."""
    lines: list[str] = []
    video = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line or _is_fir(line) or re.match(r"a=ssrc-group:FID (0|\d+ 0)\b", line):
            continue
        if line.startswith("m="):
            video = line.startswith("m=video")
        lines.append(line)
        if video and line.startswith("c=") and max_video_kbps > 0:
            lines.append(f"b=AS:{max_video_kbps}")
    return "\r\n".join(lines) + "\r\n"


def rtp_caps(codec: str, payload: int, extensions: dict[str, int] | None = None, ssrc: int | None = None) -> str:
    """Caps of one codec of RTP, for a transceiver or a pad of webrtcbin.

    Header extensions are not echoed into answers unless they stand in the caps: transport-wide congestion control
    must, or browsers stay at 300 kbit/s.
    """
    kind = "audio" if codec == "opus" else "video"
    text = (
        f"application/x-rtp,media={kind},encoding-name={codec.upper()},payload={payload},clock-rate={CLOCK[codec]}"
        + (",encoding-params=(string)2" if kind == "audio" else "")
        + (f",ssrc=(uint){ssrc}" if ssrc is not None else "")
    )
    number = (extensions or {}).get(TRANSPORT_CC)
    if number:
        text += f",extmap-{number}=(string){TRANSPORT_CC}"
    if codec == "H264":
        text += ",packetization-mode=(string)1"
    if kind == "video":
        text += ",rtcp-fb-nack=(boolean)true,rtcp-fb-nack-pli=(boolean)true"
    return text + (",rtcp-fb-transport-cc=(boolean)true" if number else "")
