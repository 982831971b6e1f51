"""What was missed and what comes, in order and once."""

from appliance.bus import BusEvent
from web.realtime.feed import REPLAY_LIMIT, Subscription
from web.realtime.messages import Event


def fact(number, kind="chat.message"):
    return BusEvent(number, "sitting:1", kind, {}, 0)


def see(event):
    return None if event.kind == "hidden" else Event(event.id, event.kind, 1, {}, event.at_ms)


def test_live_events_wait_for_the_past_and_none_comes_twice():
    told = []
    subscription = Subscription("sitting:1", see, told.append)
    subscription.last = 10
    for number in (12, 13, 14):  # the bus is ahead of the read
        subscription.offer(fact(number))
    assert told == []
    past = [event.seq for event in subscription.past([fact(11), fact(12), fact(13)])]
    assert past == [11, 12, 13]
    assert subscription.go_live()
    subscription.offer(fact(15))
    subscription.offer(fact(15))
    assert [event.seq for event in told] == [14, 15]


def test_hidden_events_are_passed_over_but_counted():
    told = []
    subscription = Subscription("sitting:1", see, told.append)
    assert list(subscription.past([fact(1, "hidden")])) == []
    assert subscription.last == 1
    subscription.go_live()
    subscription.offer(fact(2, "hidden"))
    subscription.offer(fact(3))
    assert [event.seq for event in told] == [3]


def test_more_than_can_be_held_is_told():
    subscription = Subscription("sitting:1", see, lambda _: None)
    for number in range(REPLAY_LIMIT + 1):
        subscription.offer(fact(number + 1))
    assert not subscription.go_live()
