"""The disk guard: what will be left when all sittings are over, and who is still let in."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.db import utcnow
from appliance.errors import MediaUnavailable
from appliance.models import DiskOutlook, LiveEvent
from appliance.services import admissions, disk_guard
from appliance.services.disk_guard import MB, TYPICAL_PER_SECOND, Measured, forecast, next_state
from appliance.vocabulary import DiskState, SittingState
from tests.appliance.services.test_admissions import WEB, admit, company, sign  # noqa: F401 - a fixture among them

GB = 1024 * MB


def measured(free=100 * GB, vault_free=None, unsealed=0, largest=0, per_second=0.0, recorded=0, steady=True):
    return Measured(free, vault_free, unsealed, largest, per_second, recorded, steady)


def test_what_runs_goes_on_at_its_rate_until_each_deadline():
    found = forecast(measured(per_second=400_000, recorded=2), [3600.0, 1800.0])
    assert found.per_sitting_second == 200_000
    assert found.to_come == 200_000 * 5400
    assert found.for_sealing == 2 * 200_000 * 5400, "both are sealed at once: written anew and encrypted"
    assert found.free_at_end == 100 * GB - 3 * 200_000 * 5400
    assert found.seconds_until_full is None


def test_what_lies_there_unsealed_needs_room_for_its_copies():
    assert forecast(measured(largest=GB), []).free_at_end == 98 * GB


def test_without_a_measured_rate_a_typical_one_counts():
    assert forecast(measured(per_second=1e9, recorded=1, steady=False), [10.0]).to_come == 10 * TYPICAL_PER_SECOND
    assert forecast(measured(), [10.0]).to_come == 10 * TYPICAL_PER_SECOND


def test_the_hour_it_is_full():
    found = forecast(measured(free=1_000_000, per_second=2000, recorded=2), [100.0, 10_000.0])
    # 100 s of both take 200,000; the other takes the remaining 800,000 alone
    assert found.seconds_until_full == pytest.approx(100 + 800)


def test_a_vault_on_another_disk_has_to_hold_everything():
    found = forecast(measured(vault_free=GB, unsealed=GB // 2, largest=GB // 4), [])
    assert found.for_sealing == GB // 4
    assert found.free_at_end == GB // 2
    assert forecast(measured(free=GB, vault_free=100 * GB, largest=GB // 4), []).free_at_end == GB - GB // 4


def test_states_do_not_flutter():
    assert next_state(20 * GB, 2 * GB, DiskState.OK) is DiskState.OK
    assert next_state(3 * GB, 2 * GB, DiskState.OK) is DiskState.TIGHT
    assert next_state(2 * GB - 1, 2 * GB, DiskState.TIGHT) is DiskState.CLOSED
    assert next_state(2 * GB + 1, 2 * GB, DiskState.CLOSED) is DiskState.CLOSED
    assert next_state(3 * GB, 2 * GB, DiskState.CLOSED) is DiskState.TIGHT
    assert next_state(4 * GB + 1, 2 * GB, DiskState.TIGHT) is DiskState.TIGHT
    assert next_state(5 * GB, 2 * GB, DiskState.TIGHT) is DiskState.OK


def test_how_long_each_sitting_may_still_take(session, make):
    running = make.sitting(SittingState.RUNNING)
    running.deadline_at = utcnow() + timedelta(minutes=10)
    waiting = make.sitting(SittingState.WAITING)
    waiting.duration_minutes = 90
    paused = make.sitting(SittingState.PAUSED)
    paused.duration_minutes, paused.deadline_at = 30, None
    make.sitting(SittingState.CONCLUDED)
    session.commit()
    assert sorted(disk_guard.remaining_seconds(session)) == [pytest.approx(600, abs=5), 3600.0, 5400.0]


def test_a_change_of_state_is_told_once_to_each_company(session, make):
    make.sitting(SittingState.RUNNING)
    session.commit()
    for free in (100 * GB, 1 * GB, 1 * GB, 100 * GB):
        disk_guard.update(session, "gateway", measured(free=free), 2 * GB)
        session.commit()
    told = session.scalars(select(LiveEvent).where(LiveEvent.kind == "disk.state").order_by(LiveEvent.id)).all()
    assert [event.payload["state"] for event in told] == ["closed", "ok"]
    assert told[0].payload["free_mb"] == 1024
    assert session.scalars(select(DiskOutlook)).one().state is DiskState.OK


def test_admission_stops_early_and_whoever_is_in_stays_in(session, vault, company):  # noqa: F811
    admit(session, vault, company)
    disk_guard.update(session, "gateway", measured(free=3 * GB), 2 * GB)
    session.commit()
    disk_guard.update(session, "gateway", measured(free=1 * GB), 2 * GB)
    session.commit()
    with pytest.raises(MediaUnavailable, match="try again later") as refused:
        admissions.admit(session, WEB, vault, company.slug, sign(sessionId="s-2"), reserve_mb=1)
    assert refused.value.details["reserve_mb"] == 1
    session.rollback()
    assert admissions.admit(session, WEB, vault, company.slug, sign(), reserve_mb=1)


def test_those_who_came_since_the_forecast_count(session, vault, company):  # noqa: F811
    """A group starts within one second: the forecast cannot know them yet."""
    row = disk_guard.update(session, "gateway", measured(free=100 * GB), 2 * GB)
    hour = 3600 * row.per_sitting_second
    row.free_at_end = 2 * GB + int(1.5 * hour)
    session.commit()
    fits, _ = disk_guard.room_for(session, 3600.0, 2 * GB)
    assert fits
    admit(session, vault, company, duration=60)
    session.commit()
    fits, _ = disk_guard.room_for(session, 3600.0, 2 * GB)
    assert not fits


def test_an_old_forecast_counts_no_more(session):
    row = disk_guard.update(session, "gateway", measured(free=1), 2 * GB)
    row.measured_at = utcnow() - 2 * disk_guard.FRESH
    session.commit()
    assert disk_guard.room_for(session, 3600.0, 2 * GB) == (True, None)
