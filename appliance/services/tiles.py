"""Small pictures of live tracks on their way from the worker's tap to the wall of the room; none outlives its use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.models import Tile
from appliance.vocabulary import Track

WANTED_FOR = timedelta(seconds=6)
"""How long a wish holds: walls repeat theirs every two seconds, and one that is gone costs little."""

TileKey = tuple[int, Track]


@dataclass(frozen=True, slots=True)
class TilePicture:
    """One picture of a track: a JPEG of some 5 to 15 KB."""

    sitting_id: int
    track: Track
    taken_at: datetime
    jpeg: bytes


def want(session: Session, keys: Iterable[TileKey], now: datetime) -> None:
    """Ask for pictures of these tracks for the next seconds."""
    rows = [
        {"sitting_id": sitting_id, "track": track, "wanted_until": now + WANTED_FOR} for sitting_id, track in keys
    ]
    if rows:
        rows.sort(key=lambda row: (row["sitting_id"], row["track"]))  # two gateways lock in one order
        statement = insert(Tile).values(rows)
        wish = {"wanted_until": statement.excluded.wanted_until}
        session.execute(statement.on_conflict_do_update(index_elements=[Tile.sitting_id, Tile.track], set_=wish))


def wanted(session: Session, sitting_id: int, now: datetime) -> frozenset[Track]:
    """Return the tracks of a sitting of which somebody wants pictures just now."""
    query = select(Tile.track).where(Tile.sitting_id == sitting_id, Tile.wanted_until > now)
    return frozenset(session.scalars(query))


def put(session: Session, picture: TilePicture) -> bool:
    """Replace a track's picture; False when nobody wants it any more, and it is not kept."""
    found = session.execute(
        update(Tile)
        .where(
            Tile.sitting_id == picture.sitting_id, Tile.track == picture.track, Tile.wanted_until > picture.taken_at
        )
        .values(taken_at=picture.taken_at, jpeg=picture.jpeg)
        .returning(Tile.sitting_id)
    )
    return found.first() is not None


def newer(session: Session, seen: Mapping[TileKey, datetime | None]) -> list[TilePicture]:
    """Return the pictures of the tracks in ``seen`` that are newer than the ones seen of them."""
    if not seen:
        return []
    query = select(Tile).where(tuple_(Tile.sitting_id, Tile.track).in_(list(seen)), Tile.jpeg.is_not(None))
    found = []
    for row in session.scalars(query):
        last = seen[row.sitting_id, row.track]
        if row.jpeg is not None and row.taken_at is not None and (last is None or row.taken_at > last):
            found.append(TilePicture(row.sitting_id, row.track, row.taken_at, row.jpeg))
    return found


def sweep(session: Session, now: datetime) -> int:
    """Delete the pictures that nobody wants any more; return how many tracks that were."""
    return len(session.scalars(delete(Tile).where(Tile.wanted_until < now).returning(Tile.sitting_id)).all())
