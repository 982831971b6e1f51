"""The sender's time stamps, turned into this machine's time."""

VIDEO_CLOCK = 90_000
"""RTP ticks a second of every video format."""


class RtpClock:
    """Turns the sender's timestamps into UTC milliseconds: the quickest packet of late sets the offset."""

    def __init__(self, rate: int = VIDEO_CLOCK) -> None:
        """``rate``: ticks a second."""
        self._ticks_ms = rate / 1000
        self._first: int | None = None
        self._offset = 0.0
        self._last_media = 0.0

    def time_of(self, timestamp: int, arrived_ms: int) -> int:
        """When the picture was taken, as far as one can tell; never later than it arrived."""
        if self._first is None:
            self._first, self._offset, self._last_media = timestamp, float(arrived_ms), 0.0
            return arrived_ms
        ticks = (timestamp - self._first - round(self._last_media * self._ticks_ms) + 2**31) % 2**32 - 2**31
        media = self._last_media + ticks / self._ticks_ms
        delay = arrived_ms - media - self._offset
        if delay < 0 or delay > 10_000:  # quicker than ever, or the sender's clock jumped
            self._offset = arrived_ms - media
        else:
            # clocks drift apart by up to 100 ppm: let the offset follow by 1 ms in 5 s of media at most
            self._offset += min(delay, max(media - self._last_media, 0.0) * 0.0002)
        self._last_media = media
        return min(round(media + self._offset), arrived_ms)
