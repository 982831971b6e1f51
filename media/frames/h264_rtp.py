"""H.264 out of RTP packets, without any socket (RFC 6184, packetization-mode 1)."""

from dataclasses import dataclass

from media.frames.vp8_rtp import EncodedPicture, PictureAssembler, RtpPacket

SPS, IDR, STAP_A, FU_A = 7, 5, 24, 28
START_CODE = b"\x00\x00\x00\x01"


@dataclass(frozen=True)
class EncodedAccessUnit(EncodedPicture):
    """One picture as a byte stream (ITU-T H.264, annex B)."""

    has_parameters: bool = False

    @property
    def is_key(self) -> bool:
        """Whether it can be decoded alone: browsers send the parameter sets with every IDR picture."""
        return self.has_parameters


class AccessUnitAssembler(PictureAssembler):
    """Puts packets in order and joins them to pictures; what is whole of a damaged one is left to the decoder."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        super().__init__()
        self._fragment: list[bytes] = []
        self._has_parameters = False

    def _break(self) -> None:
        super()._break()
        self._fragment, self._has_parameters = [], False

    def _join(self, packet: RtpPacket) -> EncodedPicture | None:
        if packet.timestamp != self._timestamp:
            if self._pieces:  # its last packet never came, and no gap told so
                self._break()
            self._timestamp = packet.timestamp
        for unit in self._units(packet.payload):
            self._has_parameters |= unit[0] & 31 == SPS
            self._pieces += (START_CODE, unit)
        if not packet.marker or not self._pieces:
            return None
        picture = EncodedAccessUnit(self._timestamp, b"".join(self._pieces), self._lost, self._has_parameters)
        self._pieces, self._fragment, self._lost, self._has_parameters = [], [], False, False
        return picture

    def _units(self, payload: bytes) -> list[bytes]:
        """The NAL units that this packet completes; a malformed one counts as lost."""
        kind = payload[0] & 31
        if 1 <= kind <= 23:
            return [payload]
        if kind == STAP_A:
            return self._aggregated(payload)
        if kind == FU_A and len(payload) > 2:
            return self._fragmented(payload)
        self._break()
        return []

    def _aggregated(self, payload: bytes) -> list[bytes]:
        """Several units behind their lengths (5.7.1)."""
        units, offset = [], 1
        while offset + 2 < len(payload):
            size = int.from_bytes(payload[offset : offset + 2], "big")
            unit = payload[offset + 2 : offset + 2 + size]
            if not size or len(unit) < size:
                self._break()
                return []
            units.append(unit)
            offset += 2 + size
        return units

    def _fragmented(self, payload: bytes) -> list[bytes]:
        """A piece of a unit (5.8)."""
        begins, ends = payload[1] & 0x80, payload[1] & 0x40
        if begins:
            self._fragment = [bytes([payload[0] & 0xE0 | payload[1] & 31])]
        elif not self._fragment:
            return []  # its beginning was lost
        self._fragment.append(payload[2:])
        if not ends:
            return []
        unit, self._fragment = b"".join(self._fragment), []
        return [unit]
