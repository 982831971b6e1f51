"""The ledger of live media objects (``live_media``): what a restarted gateway adopts and a worker taps."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance.models import LiveMedia
from appliance.vocabulary import Track


def find(session: Session, sitting_id: int, track: Track) -> LiveMedia | None:
    """Return the live track of a sitting, if there is one."""
    query = select(LiveMedia).where(LiveMedia.sitting_id == sitting_id, LiveMedia.track == track)
    return session.scalars(query).one_or_none()


def of(session: Session, sitting_id: int) -> Sequence[LiveMedia]:
    """Return the live tracks of a sitting."""
    query = select(LiveMedia).where(LiveMedia.sitting_id == sitting_id)
    return session.scalars(query.order_by(LiveMedia.track)).all()


def endpoints(session: Session, sitting_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the endpoints of the browsers, by sitting; empty for a sitting without live media."""
    found: dict[int, set[str]] = {sitting_id: set() for sitting_id in sitting_ids}
    for row in session.scalars(select(LiveMedia).where(LiveMedia.sitting_id.in_(list(found)))):
        found[row.sitting_id].add(row.endpoint_id)
    return {sitting_id: frozenset(ids) for sitting_id, ids in found.items()}


def pipelines(session: Session, node_url: str) -> set[str]:
    """Return the pipelines of a node that serve a sitting."""
    return set(session.scalars(select(LiveMedia.pipeline_id).where(LiveMedia.node_url == node_url)))


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
