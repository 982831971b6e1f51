"""Bounds on what a socket may say."""

from web.realtime.limits import RecentCount, TokenBucket


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_bucket_gives_its_burst_and_then_its_rate():
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=3, clock=clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.4
    assert not bucket.take()
    clock.now += 0.1
    assert bucket.take()
    assert not bucket.take()


def test_a_bucket_never_holds_more_than_its_burst():
    clock = Clock()
    bucket = TokenBucket(rate=10, burst=2, clock=clock)
    clock.now += 3600
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_the_count_tells_the_one_too_many_within_the_window():
    clock = Clock()
    count = RecentCount(limit=2, seconds=60, clock=clock)
    assert [count.add(), count.add(), count.add()] == [False, False, True]
    clock.now += 61
    assert not count.add()
