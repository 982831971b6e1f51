"""The schedule alone: every promise it makes, over years of days, with rules, holds and exams that change."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from appliance.retention.schedule import Case, Decision, Step, decide

START = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

CHANGE = some.one_of(
    some.tuples(some.just("term"), some.one_of(some.none(), some.integers(1, 900))),
    some.tuples(some.just("warn"), some.integers(3, 90)),
    some.tuples(some.just("hold"), some.booleans()),
    some.tuples(some.just("sits_again"), some.just(None)),
)


@settings(max_examples=60, deadline=None)
@given(
    term=some.integers(1, 900),
    changes=some.dictionaries(some.integers(0, 5 * 365), CHANGE, max_size=8),
    pauses=some.sets(some.integers(0, 5 * 365), max_size=40),
)
def test_five_years_of_days(term, changes, pauses):
    """``pauses``: days on which nothing ran, as of a box that was switched off."""
    ended, warn, held = START, 14, False
    announced = warned_at = None
    released = changed = START
    for number in range(5 * 365 + 1):
        now = START + number * DAY
        kind, value = changes.get(number, ("", None))
        if kind == "term":
            term, changed = value, now
        elif kind == "warn":
            warn, changed = value, now
        elif kind == "hold":
            released = now if held and not value else released
            held = value
        elif kind == "sits_again":
            ended = now
        if number in pauses:
            continue
        due = None if term is None else ended + term * DAY
        step, delete_at = decide(Case(due, warn * DAY, held, announced), now)
        if step is Step.DELETE:
            assert not held and due is not None
            assert now >= due and now >= announced
            assert now - warned_at >= min(warn, 3) * DAY  # never unannounced
            return
        if step in {Step.WARN, Step.MOVE}:
            assert not held and delete_at >= due
            if announced is None or delete_at < announced:
                assert delete_at - now >= warn * DAY
                warned_at = now
            announced = delete_at
        elif step is Step.WITHDRAW:
            assert held or due is None or now < due - warn * DAY
            announced = None
        if held or due is None:
            assert announced is None
        else:  # nothing stays late: due, or so long after a release, a change or a pause as an announcement takes
            latest = max(due, released + warn * DAY, changed + warn * DAY)
            idle = len(pauses) * DAY
            assert now <= latest + idle + 90 * DAY


def test_each_step():
    due, warn = START + 100 * DAY, 14 * DAY
    quiet = Case(due, warn, held=False)
    assert decide(quiet, due - 15 * DAY) == Decision(Step.WAIT)
    assert decide(quiet, due - warn) == (Step.WARN, due)
    assert decide(quiet, due + DAY) == (Step.WARN, due + 15 * DAY)  # late, and still announced
    told = Case(due, warn, held=False, announced=due)
    assert decide(told, due - DAY).step is Step.WAIT
    assert decide(told, due).step is Step.DELETE
    assert decide(Case(due, warn, held=True, announced=due), due).step is Step.WITHDRAW
    assert decide(Case(due, warn, held=True), due).step is Step.WAIT
    assert decide(Case(None, warn, held=False, announced=due), due).step is Step.WITHDRAW
    longer = Case(due + 5 * DAY, warn, held=False, announced=due)
    assert decide(longer, due) == (Step.MOVE, due + 5 * DAY)
    assert decide(longer, due - 10 * DAY).step is Step.WITHDRAW
    shorter = Case(START, warn, held=False, announced=due)
    assert decide(shorter, START + DAY) == (Step.MOVE, START + 15 * DAY)
    assert decide(shorter, due - DAY).step is Step.WAIT  # sooner than announced anew would be later
