"""What live analysis writes down of one sitting, each function one unit of work: how far it saw, what it saw."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from appliance.db import Base, to_ms, utcnow
from appliance.errors import KeyDestroyed, NotFound
from appliance.models import Exam, IdentityPhoto, LiveMedia, Part, Sitting, Tile, VaultObject
from appliance.services import challenges, check_ins, incidents, profiles, recordings, sittings, templates
from appliance.sitting_machine import OVER
from appliance.vault import Vault
from appliance.vocabulary import (
    BiometricsMode,
    ExamMode,
    IdentityAction,
    ObservationSource,
    ObservationType,
    PhotoKind,
    PhotoState,
    Track,
)
from media.analysis import Analyser, AnalysisSettings, check_photo
from media.biometrics.engine import Descriptor
from media.biometrics.engines import engine_for
from media.biometrics.gaze_map import GazeMap
from media.biometrics.model_files import DESCRIPTOR
from media.pipelines import evidence

UNTIL = "analysed_until_ms"
"""Key in ``Part.media`` of how far live analysis saw: what the next worker begins with."""
UNWATCHED_MS = 3000
"""A shorter span without analysis is what starting takes; a longer one is told."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an analysis has to know at its start."""

    settings: AnalysisSettings
    mode: BiometricsMode
    enrolled: Descriptor | None
    """The face enrolled at this sitting's check-in; else the photo has to be described."""
    face_photo: bytes | None
    gaze_map: GazeMap | None = None
    """From the calibration of the check-in."""

    def reference(self) -> Descriptor | None:
        """What faces of the exam are compared with; None: it is not judged who sits there. Loads models."""
        if self.enrolled is not None or self.face_photo is None:
            return self.enrolled
        return check_photo(self.face_photo, PhotoKind.FACE, engine=engine_for(self.mode)).descriptor

    def analyser(self) -> Analyser:
        """What looks at this sitting, live or afterwards. Loads models, which takes up to a second."""
        engine = engine_for(self.mode)
        return Analyser(self.reference(), self.settings, engine=engine, gaze_map=self.gaze_map)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a sitting and its live tracks stand."""

    over: bool
    recorded: bool
    """See ``Facts``."""
    finished_at: datetime | None
    tracks: Mapping[Track, LiveMedia]
    """Those that are live."""
    wanted: frozenset[Track]
    """Those of which a wall wants small pictures."""

    @property
    def camera(self) -> LiveMedia | None:
        """The camera, if it is live."""
        return self.tracks.get(Track.CAMERA)

    @property
    def screen(self) -> LiveMedia | None:
        """The screen, if it is live and a wall wants to see it."""
        return self.tracks.get(Track.SCREEN) if Track.SCREEN in self.wanted else None


def take_up(session: Session, vault: Vault, sitting_id: int) -> Assignment:
    """Begin: end what a former worker left open where it last looked, and tell the span that nobody watched."""
    sitting = sittings.get(session, sitting_id)
    known = [int(part.media[UNTIL]) for part in _parts(session, sitting_id) if UNTIL in part.media]
    began = to_ms(sitting.started_at) if sitting.started_at is not None else to_ms(utcnow())
    until, now = max(known, default=began), to_ms(utcnow())
    incidents.close_open(session, sitting_id, ObservationSource.DETECTOR, until)
    if now - until > UNWATCHED_MS:
        incidents.open_observation(
            session,
            sitting_id,
            ObservationType.UNDETERMINED,
            ObservationSource.DETECTOR,
            until,
            1.0,
            "analysis",
            {"reason": "analysis_interrupted" if known else "analysis_late"},
            end_ms=now,
        )
    return assignment(session, vault, sitting)


def assignment(session: Session, vault: Vault, sitting: Sitting) -> Assignment:
    """Return what an analysis of this sitting needs; nothing of the face where the exam does not measure faces."""
    settings = AnalysisSettings.for_exam(sitting.exam.rules, sitting.exam.detection)
    mode = profiles.mode_of(sitting.exam)
    learned = challenges.gaze_map(session, sitting.id)
    gaze = None if learned is None else GazeMap.from_json(learned)
    if mode is not BiometricsMode.SERVER:
        return Assignment(settings, mode, None, None, gaze)
    try:
        enrolled = templates.reference(session, vault, sitting, DESCRIPTOR.sha256)
    except KeyDestroyed:
        return Assignment(settings, mode, None, None, gaze)  # the person was erased
    face = None if enrolled is not None else photo_content(session, vault, sitting.id, PhotoKind.FACE)
    return Assignment(settings, mode, enrolled, face, gaze)


def is_analysed_afterwards(exam: Exam) -> bool:
    """Whether the recordings of an exam are analysed, and not the live camera.

    Nobody watches an exam of mode ``offline`` or ``auto``. One that is to be paused or stopped when another person
    sits down must be looked at while that can still be done.
    """
    unwatched = exam.mode in {ExamMode.OFFLINE, ExamMode.AUTO}
    return unwatched and profiles.action_of(exam) is IdentityAction.NOTE


def waits(session: Session, sitting_id: int) -> bool:
    """Say whether a sitting is analysed after its end."""
    return is_analysed_afterwards(sittings.get(session, sitting_id).exam)


def look(session: Session, sitting_ids: Collection[int]) -> dict[int, Standing]:
    """Return where these sittings and their tracks stand; one that there is not is left out.

    One statement for all that a worker watches: it is asked once a second, and each one costs as much as a face that
    is looked for.
    """
    live = (LiveMedia.sitting_id == Sitting.id) & LiveMedia.track.in_([Track.CAMERA, Track.SCREEN])
    wish = (Tile.sitting_id == Sitting.id) & (Tile.track == LiveMedia.track) & (Tile.wanted_until > utcnow())
    found: dict[int, list[Any]] = {}
    for row in session.execute(
        select(Sitting.id, Sitting.state, Sitting.started_at, Sitting.finished_at, LiveMedia, Tile.track)
        .outerjoin(LiveMedia, live)
        .outerjoin(Tile, wish)
        .where(Sitting.id.in_(sitting_ids))
    ):
        found.setdefault(row[0], []).append(row)
    return {sitting_id: _standing(rows) for sitting_id, rows in found.items()}


def _standing(rows: list[Any]) -> Standing:
    _, state, started_at, finished_at, _, _ = rows[0]
    return Standing(
        state in OVER,
        evidence.is_recorded(state, started_at),
        finished_at,
        {row.track: row for *_, row, _ in rows if row is not None},
        frozenset(track for *_, track in rows if track is not None),
    )


def photo_content(session: Session, vault: Vault, sitting_id: int, kind: PhotoKind) -> bytes | None:
    """Return the photo of a kind that counts now; None if there is none here, or a new one is wanted."""
    photo = check_ins.current_photo(session, sitting_id, kind)
    if photo is None or photo.state is not PhotoState.SUBMITTED or photo.vault_object_id is None:
        return None
    return read_photo(session, vault, photo)


def read_photo(session: Session, vault: Vault, photo: IdentityPhoto) -> bytes:
    """Return a photo's bytes; raise ``KeyDestroyed`` or ``VaultTampered``."""
    if photo.vault_object_id is None:
        raise NotFound("The picture stayed in the candidate's browser.")
    with vault.open(session, session.get_one(VaultObject, photo.vault_object_id)) as reader:
        return reader.read(0, reader.size)


def saw(session: Session, until_ms: Mapping[int, int]) -> None:
    """Write down how far the pictures of each sitting were looked at."""
    marks = [{"sitting": sitting_id, "mark": {UNTIL: at_ms}} for sitting_id, at_ms in until_ms.items()]
    if marks:  # the core's statement: the mapper would take several rows for a list of primary keys
        session.connection().execute(_SAW, marks)


_NEWEST = recordings.newest_of_node(bindparam("sitting", type_=BigInteger), Track.CAMERA)
_PART = Base.metadata.tables[Part.__tablename__]
_SAW = (
    update(_PART)
    .where(_PART.c.id == _NEWEST.with_only_columns(Part.id).scalar_subquery())
    .values(media=_PART.c.media.concat(bindparam("mark", type_=JSONB)))
)


def _parts(session: Session, sitting_id: int) -> list[Part]:
    return list(session.scalars(select(Part).where(Part.sitting_id == sitting_id, Part.track == Track.CAMERA)))
