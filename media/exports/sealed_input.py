"""A sealed part as FFmpeg reads it: decrypted block by block, never written out plain."""

import io

from appliance.vault import SealedReader


class SealedInput:
    """The file object that PyAV asks for."""

    def __init__(self, reader: SealedReader) -> None:
        """Take over the open reader."""
        self._reader = reader
        self._at = 0

    def read(self, length: int = -1) -> bytes:
        """Return the next bytes, none at the end."""
        data = self._reader.read(self._at, None if length < 0 else length)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte and return its number."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the number of the next byte."""
        return self._at

    def close(self) -> None:
        """Close the sealed file."""
        self._reader.close()
