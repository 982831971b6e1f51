"""The ledger of live media objects (``live_media``): what a restarted gateway adopts and a worker taps."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance.models import LiveMedia
from appliance.vocabulary import Track


def all_rows(session: Session) -> Sequence[LiveMedia]:
    """Return every live track there is, in the order of sittings."""
    return session.scalars(select(LiveMedia).order_by(LiveMedia.sitting_id, LiveMedia.track)).all()


def find(session: Session, sitting_id: int, track: Track) -> LiveMedia | None:
    """Return the live track of a sitting, if there is one."""
    query = select(LiveMedia).where(LiveMedia.sitting_id == sitting_id, LiveMedia.track == track)
    return session.scalars(query).one_or_none()


def sessions_by_node(session: Session) -> dict[str, str]:
    """Return the Kurento session that owns most objects on each node: the one worth adopting."""
    counts: dict[tuple[str, str], int] = {}
    for row in all_rows(session):
        key = (row.node_url, row.session_id)
        counts[key] = counts.get(key, 0) + 1
    found: dict[str, str] = {}
    for (node_url, session_id), _ in sorted(counts.items(), key=lambda item: item[1]):
        found[node_url] = session_id
    return found


def enter(
    session: Session,
    sitting_id: int,
    track: Track,
    *,
    node_url: str,
    session_id: str,
    pipeline_id: str,
    endpoint_id: str,
    connection: str,
) -> None:
    """Write that a track is live; the row of an older endpoint of the track goes."""
    remove(session, sitting_id, track)
    row = LiveMedia(
        sitting_id=sitting_id, track=track, node_url=node_url, session_id=session_id, connection=connection
    )
    row.pipeline_id, row.endpoint_id = pipeline_id, endpoint_id
    session.add(row)


def set_recorder(session: Session, sitting_id: int, track: Track, part_id: int | None, recorder_id: str) -> None:
    """Write which recorder makes which part of a track just now; ``None`` and empty for none."""
    row = find(session, sitting_id, track)
    if row is not None:
        row.part_id, row.recorder_id = part_id, recorder_id


def remove(session: Session, sitting_id: int, track: Track | None = None) -> None:
    """Forget a track, or all tracks, of a sitting."""
    query = delete(LiveMedia).where(LiveMedia.sitting_id == sitting_id)
    session.execute(query if track is None else query.where(LiveMedia.track == track))
