"""Where a track's record stands, whatever a candidate's browser handed in since."""

from datetime import timedelta

from appliance.db import to_ms, utcnow
from appliance.models import Gap, Part
from appliance.vocabulary import GapCause, PartSource, PartState, SittingState, Track
from media import watch_log
from media.pipelines import evidence


def test_a_handed_in_part_is_not_where_the_record_stands(make, session):
    """It has the highest number and an early time: who began there would tell a gap over what is recorded."""
    now = utcnow()
    sitting = make.sitting(SittingState.RUNNING, started_at=now - timedelta(minutes=5))
    session.flush()

    def part(sequence, began, ended, source=PartSource.NODE, state=PartState.STOPPED):
        row = Part(
            sitting_id=sitting.id, track=Track.CAMERA, sequence=sequence, path="x", node_url="n", source=source
        )
        row.state, row.started_at, row.media = state, now - timedelta(minutes=began), {}
        row.ended_at = None if ended is None else now - timedelta(minutes=ended)
        session.add(row)
        session.flush()
        return row

    part(1, 5, 4)
    recording = part(2, 2, None, state=PartState.RECORDING)
    supplied = part(3, 4, 3, PartSource.CANDIDATE, PartState.SEALED)
    gap = Gap(sitting_id=sitting.id, track=Track.CAMERA, cause=GapCause.CONNECTION_LOST, covered_by_id=supplied.id)
    gap.started_at, gap.ended_at = supplied.started_at, supplied.ended_at
    session.add(gap)
    session.flush()

    standing = evidence.standing(session, sitting.id, Track.CAMERA)
    assert (standing.covered_until, standing.gap_cause) == (recording.started_at, None)

    watch_log.saw(session, {sitting.id: to_ms(now)})
    session.expire_all()
    assert recording.media[watch_log.UNTIL] == to_ms(now)
    assert watch_log.UNTIL not in supplied.media
