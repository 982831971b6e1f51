"""The browser's clock against the server's."""

import pytest

from web.realtime.clock import FUTURE_MS, PAST_MS, BrowserClock

NOW = 1_800_000_000_000


@pytest.mark.parametrize("offset", [0, -3_600_000, 86_400_000, 250])
def test_the_offset_is_what_the_pings_say(offset):
    clock = BrowserClock()
    for second in range(5):
        arrives = NOW + second * 10_000
        clock.ping(at=arrives - 40 + offset, rtt_ms=80, now_ms=arrives)
    assert clock.offset_ms == offset
    assert clock.to_server(NOW + 30_000 + offset, NOW + 31_000) == NOW + 30_000


def test_one_late_ping_does_not_move_it():
    clock = BrowserClock()
    for way in (20, 20, 900, 20, 20):
        clock.ping(at=NOW + 5000 - way, rtt_ms=40, now_ms=NOW)
    assert clock.offset_ms == 5000


@pytest.mark.parametrize("rtt", [None, -5, 1e12, float("nan")])
def test_a_nonsense_round_trip_counts_as_none(rtt):
    clock = BrowserClock()
    clock.ping(at=NOW + 700, rtt_ms=rtt, now_ms=NOW)
    assert clock.offset_ms == 700


def test_times_that_cannot_be_are_kept_within_bounds():
    clock = BrowserClock()
    clock.ping(at=NOW, rtt_ms=0, now_ms=NOW)
    assert clock.to_server(NOW + 10_000_000, NOW) == NOW + FUTURE_MS
    assert clock.to_server(0, NOW) == NOW - PAST_MS


def test_an_unmeasured_clock_is_not_believed_and_a_known_offset_is():
    clock = BrowserClock()
    assert clock.to_server(NOW - 5000, NOW) == NOW
    clock.know(-2000)
    assert clock.to_server(NOW - 5000, NOW) == NOW - 3000
