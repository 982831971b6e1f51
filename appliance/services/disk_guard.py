"""The disk guard: forecasts from the running bit rate whether what is admitted will fit, and stops admission early.

Pure reckoning first (:func:`forecast`), then what it is written down as and asked of by admission, which runs in
another process. Bytes and seconds everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance import bus
from appliance.db import to_ms, utcnow
from appliance.models import Company, DiskOutlook, Sitting
from appliance.sitting_machine import LIVE
from appliance.vocabulary import DiskState, SittingState

TYPICAL_PER_SECOND = 110_000
"""Until it is measured: a camera (VP8 640x480, sound) and a screen at browsers' usual rates, 400 MB an hour."""
MEASURED_SECONDS = 30.0
"""So long recorders must have run before their rate is believed: a file's first seconds hold a large key frame."""
SEALING_COPIES = 2
"""A part being sealed is there three times: as the node left it, written anew, and encrypted."""
SEALED_AT_ONCE = 8
"""Parts that sealing may have in hand when a group's exams end together: as many as a worker has jobs."""
TIGHT = 2.0
"""Below this many reserves people are warned."""
HYSTERESIS = 1.1
"""What is closed or tight stays so until that much more is free, so that the state does not flutter."""
FRESH = timedelta(seconds=30)
"""An older forecast is that of a gateway which is gone: its sittings are in another's forecast."""
FORGOTTEN = timedelta(days=1)
OPEN_ENDED_SECONDS = 3600.0
"""What a sitting whose clock stands (a pause) is reckoned with at least."""
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of the disks."""

    free: int
    """Where the nodes write."""
    vault_free: int | None
    """Where sealed files go, if that is another disk."""
    unsealed: int
    """Bytes of parts that are not sealed yet."""
    largest_parts: int
    """Bytes of the parts that sealing may take up at once, the largest ones."""
    per_second: float
    recorded: int
    """Sittings being recorded."""
    steady: bool
    """Whether they have been recorded long enough for their rate to be believed."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will be."""

    per_sitting_second: float
    to_come: int
    for_sealing: int
    free_at_end: int
    seconds_until_full: float | None


def forecast(measured: Measured, remaining: Sequence[float]) -> Forecast:
    """Reckon what is left when all admitted sittings are over; ``remaining``: the seconds that each still takes."""
    mean = measured.per_second / measured.recorded if measured.recorded and measured.steady else TYPICAL_PER_SECOND
    to_come = round(mean * sum(remaining))
    # The largest parts go on growing until they are sealed; the camera's is nearly all of a sitting.
    growing = round(mean * sum(sorted(remaining)[-SEALED_AT_ONCE:]))
    largest = measured.largest_parts + growing
    if measured.vault_free is None:
        for_sealing = SEALING_COPIES * largest
        left = measured.free - to_come - for_sealing
    else:  # written anew beside the part, encrypted on the other disk, where everything ends up
        for_sealing = largest
        left = min(measured.free - to_come - for_sealing, measured.vault_free - measured.unsealed - to_come)
    return Forecast(mean, to_come, for_sealing, left, _until_full(measured.free, mean, remaining))


def _until_full(free: int, rate: float, remaining: Sequence[float]) -> float | None:
    """Seconds until the sittings, each until its end, have written ``free`` bytes; None if they never do."""
    left, now = float(free), 0.0
    ends = sorted(remaining)
    for done, end in enumerate(ends):
        speed = rate * (len(ends) - done)
        if speed > 0 and left < speed * (end - now):
            return now + left / speed
        left, now = left - speed * (end - now), end
    return None


def next_state(free_at_end: int, reserve: int, former: DiskState) -> DiskState:
    """Return the state for what will be left; a worse one is entered sooner than left."""
    closed_below = reserve * (HYSTERESIS if former is DiskState.CLOSED else 1.0)
    tight_below = reserve * TIGHT * (1.0 if former is DiskState.OK else HYSTERESIS)
    if free_at_end < closed_below:
        return DiskState.CLOSED
    return DiskState.TIGHT if free_at_end < tight_below else DiskState.OK


def remaining_seconds(session: Session, now: datetime | None = None) -> list[float]:
    """Return for each sitting that is admitted and not over how long it may still be recorded."""
    moment = now or utcnow()
    query = select(Sitting.state, Sitting.deadline_at, Sitting.duration_minutes).where(Sitting.state.in_(LIVE))
    found = []
    for state, deadline, minutes in session.execute(query):
        if deadline is not None:
            found.append(max(0.0, (deadline - moment).total_seconds()))
        elif state in {SittingState.PAUSED, SittingState.INTERRUPTED}:
            found.append(max(OPEN_ENDED_SECONDS, minutes * 60.0))
        else:
            found.append(minutes * 60.0)
    return found


def update(session: Session, gateway: str, measured: Measured, reserve: int) -> DiskOutlook:
    """Write a gateway's forecast, and tell everybody who looks after sittings when its state changes."""
    row = session.get(DiskOutlook, gateway)
    former = DiskState.OK if row is None or not _is_fresh(row) else row.state
    found = forecast(measured, remaining := remaining_seconds(session))
    if row is None:
        row = DiskOutlook(gateway=gateway)
        session.add(row)
    row.state, row.measured_at = next_state(found.free_at_end, reserve, former), utcnow()
    row.free, row.per_second = measured.free, round(measured.per_second)
    row.per_sitting_second, row.to_come = round(found.per_sitting_second), found.to_come
    row.for_sealing, row.free_at_end, row.sittings = found.for_sealing, found.free_at_end, len(remaining)
    until = found.seconds_until_full
    row.full_at = None if until is None else row.measured_at + timedelta(seconds=until)
    session.execute(delete(DiskOutlook).where(DiskOutlook.measured_at < row.measured_at - FORGOTTEN))
    if row.state is not former:
        for company_id in session.scalars(select(Company.id)):
            bus.publish(session, bus.company_topic(company_id), "disk.state", payload(row))
    return row


def worst(session: Session) -> DiskOutlook | None:
    """Return the fresh forecast that leaves least; None while no gateway forecasts."""
    query = select(DiskOutlook).where(DiskOutlook.measured_at > utcnow() - FRESH)
    return session.scalars(query.order_by(DiskOutlook.free_at_end).limit(1)).first()


def room_for(session: Session, seconds: float, reserve: int) -> tuple[bool, DiskOutlook | None]:
    """Say whether one more sitting of this length fits, by the newest forecast and who came since.

    True without a forecast.
    """
    row = worst(session)
    if row is None:
        return True, None
    query = select(func.coalesce(func.sum(Sitting.duration_minutes), 0)).where(
        Sitting.created_at > row.measured_at, Sitting.state.in_(LIVE)
    )
    came = float(session.scalar(query) or 0) * 60.0
    left = row.free_at_end - row.per_sitting_second * (came + seconds)
    return row.state is not DiskState.CLOSED and left >= reserve, row


def told(session: Session) -> dict[str, object] | None:
    """Return what the pages are told: the payload of the worst forecast; None while no gateway forecasts."""
    row = worst(session)
    return None if row is None else payload(row)


def payload(row: DiskOutlook) -> dict[str, object]:
    """Return a forecast for the bus, health checks and diagnoses."""
    return {
        "state": row.state.value,
        "free_mb": row.free // MB,
        "free_at_end_mb": row.free_at_end // MB,
        "kbit_per_second": round(row.per_second * 8 / 1000),
        "sittings": row.sittings,
        "full_ms": None if row.full_at is None else to_ms(row.full_at),
        "measured_ms": to_ms(row.measured_at),
    }


def _is_fresh(row: DiskOutlook) -> bool:
    return utcnow() - row.measured_at < FRESH
