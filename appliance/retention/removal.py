"""Removing one data class of one sitting or person: keys, rows, and the list of files that go after the commit.

Each function returns what it took away, counted before it is gone. Files are named here and removed later
(``remove_files``): a transaction can roll back, an unlinked file does not come back.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.evidence.sitting_manifest import sign_what_is_left
from appliance.models import (
    BrowserReport,
    Candidate,
    Challenge,
    ChatMessage,
    Consent,
    DataKey,
    DocumentReading,
    EvidencePicture,
    Export,
    Gap,
    HandIn,
    HandInChunk,
    IdentityCheck,
    IdentityPhoto,
    Incident,
    LiveMedia,
    Observation,
    Part,
    PersonExport,
    PipelineCheck,
    Score,
    SimilarFace,
    Sitting,
    StrayFile,
    SystemCheck,
    Tile,
    VaultObject,
)
from appliance.models.challenge import ChallengePictures
from appliance.services import exports, hand_ins, purposes, templates
from appliance.vocabulary import DataClass, ExportState, PersonExportState

ROOTS: Final = ("vault", "recordings", "hand_ins", "exports")
"""Folders a named file may lie in."""


@dataclass(slots=True)
class Removed:
    """What was taken away."""

    rows: Counter[str] = field(default_factory=Counter)
    """Table -> rows deleted or left without a person."""
    files: list[str] = field(default_factory=list)
    """``ROOT:path``, still on disk."""
    file_count: int = 0
    bytes: int = 0
    """Of the files on disk, sealed ones with their tags."""
    keys: list[str] = field(default_factory=list)
    """Purposes of the destroyed keys."""

    def add(self, other: "Removed") -> Self:
        """Take over what another step took away."""
        self.rows += other.rows
        self.files += other.files
        self.file_count += other.file_count
        self.bytes += other.bytes
        self.keys += other.keys
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the counts; the files have a column of their own until they are gone."""
        rows = {name: count for name, count in sorted(self.rows.items()) if count}
        return {"rows": rows, "files": self.file_count, "bytes": self.bytes, "keys": sorted(self.keys)}


class Remover:
    """Removes within one transaction, in the name of one actor."""

    def __init__(self, session: Session, collaborators: Collaborators, actor: Actor) -> None:
        """Everything is done with ``session``; the caller commits."""
        self._session, self._own, self._actor = session, collaborators, actor

    def sitting(self, data_class: DataClass, sitting_id: int) -> Removed:
        """Remove a data class of one sitting."""
        removed = self._exports(sitting_id)
        removed.add(_OF_SITTING[data_class](self, sitting_id))
        self._sign_what_is_left(sitting_id)
        return removed

    def recording(self, sitting_id: int) -> Removed:
        """Remove films: parts, hand-ins, and what a media node left in the folder of recordings."""
        session, removed = self._session, Removed()
        parts = session.execute(select(Part.vault_object_id).where(Part.sitting_id == sitting_id)).scalars().all()
        rows = session.scalars(select(HandIn).where(HandIn.sitting_id == sitting_id)).all()
        for row in rows:
            path = hand_ins.file_of(self._own.settings, row).relative_to(self._own.settings.hand_ins)
            self._file(removed, f"hand_ins:{path}")
        of_rows = HandInChunk.hand_in_id.in_([row.id for row in rows])
        self._delete(removed, HandInChunk, of_rows)
        self._delete(removed, HandIn, HandIn.sitting_id == sitting_id)
        self._delete(removed, LiveMedia, LiveMedia.sitting_id == sitting_id)
        session.execute(update(Gap).where(Gap.sitting_id == sitting_id).values(covered_by_id=None))
        self._delete(removed, Part, Part.sitting_id == sitting_id)
        folder = self._own.settings.recordings / str(sitting_id)
        self._delete(removed, StrayFile, StrayFile.path.startswith(f"{folder}/", autoescape=True))
        self._file(removed, f"recordings:{sitting_id}")
        return self._sealed(removed, parts, [purposes.recordings(sitting_id)])

    def photo(self, sitting_id: int) -> Removed:
        """Remove pictures: photos with what was read on them, pictures of findings and of challenges."""
        session, removed = self._session, Removed()
        own = select(IdentityPhoto.id).where(IdentityPhoto.sitting_id == sitting_id)
        seen = select(Observation.id).where(Observation.sitting_id == sitting_id)
        tries = select(Challenge.id).where(Challenge.sitting_id == sitting_id)
        sealed = [
            *session.scalars(select(IdentityPhoto.vault_object_id).where(IdentityPhoto.sitting_id == sitting_id)),
            *session.scalars(select(DocumentReading.vault_object_id).where(DocumentReading.photo_id.in_(own))),
            *session.scalars(select(EvidencePicture.vault_object_id).where(EvidencePicture.observation_id.in_(seen))),
            *session.scalars(
                select(ChallengePictures.vault_object_id).where(ChallengePictures.challenge_id.in_(tries))
            ),
        ]
        keys = [f"challenge:{number}" for number in session.scalars(tries)]
        session.execute(update(IdentityCheck).where(IdentityCheck.photo_id.in_(own)).values(photo_id=None))
        self._delete(removed, DocumentReading, DocumentReading.photo_id.in_(own))
        self._delete(removed, IdentityPhoto, IdentityPhoto.sitting_id == sitting_id)
        self._delete(removed, EvidencePicture, EvidencePicture.observation_id.in_(seen))
        self._delete(removed, ChallengePictures, ChallengePictures.challenge_id.in_(tries))
        return self._sealed(removed, sealed, [purposes.pictures(sitting_id), *keys])

    def chat(self, sitting_id: int) -> Removed:
        """Remove the chat."""
        removed = Removed()
        self._delete(removed, ChatMessage, ChatMessage.sitting_id == sitting_id)
        return removed

    def metrics(self, sitting_id: int) -> Removed:
        """Remove findings, marks, scores and comparisons; what pictures still show them go along."""
        pictured = self._findings_pictures(sitting_id)
        self._delete(pictured, Incident, Incident.sitting_id == sitting_id)
        for model in (Observation, Score, IdentityCheck, SimilarFace, Challenge):
            self._delete(pictured, model, model.sitting_id == sitting_id)
        self._session.execute(update(Sitting).where(Sitting.id == sitting_id).values(score=None))
        return pictured

    def log(self, sitting_id: int) -> Removed:
        """Remove technical records; of a consent stays what was agreed to, and when."""
        session, removed = self._session, Removed()
        bundles = session.scalars(
            select(PipelineCheck.bundle_object_id).where(PipelineCheck.sitting_id == sitting_id)
        ).all()
        for model in (SystemCheck, BrowserReport, PipelineCheck):
            self._delete(removed, model, model.sitting_id == sitting_id)
        named = (Consent.sitting_id == sitting_id, or_(Consent.address != "", Consent.user_agent != ""))
        self._change(removed, "consent", update(Consent).where(*named).values(address="", user_agent=""))
        session.execute(update(Gap).where(Gap.sitting_id == sitting_id).values(detail=""))
        return self._sealed(removed, bundles, [purposes.checks(sitting_id)])

    def template(self, candidate_id: int) -> Removed:
        """Make a person's templates unreadable; the person may be enrolled anew, under a new key."""
        session, removed = self._session, Removed()
        person = session.get_one(Candidate, candidate_id)
        count = templates.revoke(session, self._actor, self._own.vault, person, "retention")
        removed.rows["face_template"] += count
        if count:
            removed.keys.append(templates.person_purpose(candidate_id))
        return removed

    def challenges(self, sitting_id: int) -> Removed:
        """Remove tries at challenges: how somebody moves and where their eyes are on the screen."""
        removed = self._findings_pictures(sitting_id)
        self._delete(removed, Challenge, Challenge.sitting_id == sitting_id)
        self._sign_what_is_left(sitting_id)
        return removed

    def tiles(self, sitting_id: int) -> Removed:
        """Remove the small pictures of the wall."""
        removed = Removed()
        self._delete(removed, Tile, Tile.sitting_id == sitting_id)
        return removed

    def person_exports(self, candidate_id: int) -> Removed:
        """Destroy what was made up for the person, whatever of it is still there."""
        removed = Removed()
        alive = (PersonExport.candidate_id == candidate_id, PersonExport.state != PersonExportState.DELETED)
        rows = self._session.scalars(select(PersonExport).where(*alive).with_for_update()).all()
        for row in rows:
            sealed, row.state, row.vault_object_id = row.vault_object_id, PersonExportState.DELETED, None
            removed.rows["person_export"] += 1
            self._file(removed, f"exports:person-{row.id}")
            self._session.flush()
            self._sealed(removed, [sealed], [purposes.person_export(row.id)])
        return removed

    def _sign_what_is_left(self, sitting_id: int) -> None:
        own = self._own
        sign_what_is_left(self._session, own.vault, own.settings, sitting_id, self._actor)

    def _exports(self, sitting_id: int) -> Removed:
        """Destroy exports: they hold films, findings and chat alike, and another can be made of what stays."""
        removed, session = Removed(), self._session
        for row in session.scalars(select(Export).where(Export.sitting_id == sitting_id)).all():
            sealed = row.vault_object_id
            if row.state is not ExportState.DELETED:
                exports.delete(session, self._actor, self._own.vault, row)
                removed.rows["export"] += 1
            if sealed is None:
                continue
            row.vault_object_id = None
            session.flush()
            self._sealed(removed, [sealed], [])
            removed.keys.append(exports.purpose(row.id))
            self._file(removed, f"exports:{row.id}")
        person = session.scalar(select(Sitting.candidate_id).where(Sitting.id == sitting_id))
        return removed.add(self.person_exports(person or 0))

    def _findings_pictures(self, sitting_id: int) -> Removed:
        """Remove the pictures that hang on findings and challenges; photos keep their key."""
        removed, session = Removed(), self._session
        seen = select(Observation.id).where(Observation.sitting_id == sitting_id)
        tries = select(Challenge.id).where(Challenge.sitting_id == sitting_id)
        of_seen, of_tries = EvidencePicture.observation_id.in_(seen), ChallengePictures.challenge_id.in_(tries)
        sealed = [
            *session.scalars(select(EvidencePicture.vault_object_id).where(of_seen)),
            *session.scalars(select(ChallengePictures.vault_object_id).where(of_tries)),
        ]
        keys = [f"challenge:{number}" for number in session.scalars(tries)]
        self._delete(removed, EvidencePicture, of_seen)
        self._delete(removed, ChallengePictures, of_tries)
        return self._sealed(removed, sealed, keys)

    def _delete(self, removed: Removed, model: Any, *where: Any) -> None:
        self._change(removed, model.__tablename__, delete(model).where(*where))

    def _change(self, removed: Removed, table: str, statement: Any) -> None:
        result = self._session.execute(statement.execution_options(synchronize_session=False))
        assert isinstance(result, CursorResult)  # noqa: S101 - of a statement that changes
        removed.rows[table] += result.rowcount

    def _sealed(self, removed: Removed, ids: Iterable[int | None], keys: Sequence[str]) -> Removed:
        """Remove sealed files, and destroy each key that seals nothing else any more, and ``keys``' own."""
        session = self._session
        wanted = {number for number in ids if number is not None}
        rows = session.scalars(select(VaultObject).where(VaultObject.id.in_(wanted))).all()
        for row in rows:
            self._file(removed, f"vault:{row.path}")
        self._delete(removed, VaultObject, VaultObject.id.in_(wanted))
        used = {row.data_key_id for row in rows}
        others = select(VaultObject.id).where(VaultObject.data_key_id == DataKey.id).exists()
        idle = select(DataKey.purpose).where(~others, or_(DataKey.id.in_(used), DataKey.purpose.in_(keys)))
        for purpose in session.scalars(idle).all():
            if self._own.vault.destroy(session, purpose):
                removed.keys.append(purpose)
        return removed

    def _file(self, removed: Removed, name: str) -> None:
        path = path_of(self._own, name)
        found = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
        sizes = [one.stat().st_size for one in found if one.is_file()]
        if sizes or path.exists():
            removed.files.append(name)
        removed.file_count += len(sizes)
        removed.bytes += sum(sizes)


_OF_SITTING: Final[dict[DataClass, Callable[[Remover, int], Removed]]] = {
    DataClass.RECORDING: Remover.recording,
    DataClass.PHOTO: Remover.photo,
    DataClass.CHAT: Remover.chat,
    DataClass.METRICS: Remover.metrics,
    DataClass.LOG: Remover.log,
}


def path_of(own: Collaborators, name: str) -> Path:
    """Return where a named file or folder is; raise ``ValueError`` for a name that leads out of its folder."""
    root, _, inner = name.partition(":")
    folders = {
        "vault": own.vault.folder,
        "recordings": own.settings.recordings,
        "hand_ins": own.settings.hand_ins,
        "exports": own.settings.data_dir / "exports",
    }
    path = folders[root] / inner
    if not inner or ".." in Path(inner).parts or Path(inner).is_absolute():
        raise ValueError(f"{name} is no file of ours")
    return path


def remove_files(own: Collaborators, names: Iterable[str]) -> None:
    """Remove files and folders; those that are gone already are no matter. Raises ``OSError`` for one that stays."""
    for name in names:
        path = path_of(own, name)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
