"""Makes an export: the job ``media.export``, and the command line's way. May be killed at any point and run again."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import structlog
from av.container import InputContainer
from av.error import FFmpegError
from sqlalchemy import select

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.errors import ApplianceError, DatabaseUnavailable, KeyDestroyed
from appliance.evidence import EvidenceKey
from appliance.evidence.manifest import MANIFEST, PUBLIC_KEY, SIGNATURE, canonical
from appliance.models import Export, Part, VaultObject
from appliance.services import export_facts, exports, sittings
from appliance.vault import SealedReader
from appliance.vocabulary import ExportContainer, ExportContent, Track
from media.exports import papers
from media.exports.archive import Archive
from media.exports.film import LEAST_HOLE_MS, write_film
from media.exports.plan import Film, Piece, films, holes, pieces
from media.exports.sealed_input import SealedInput
from media.exports.side_by_side import Source, Subject, write_side_by_side
from media.exports.words import phrase

EXPORTER: Final = Actor.appliance("exporter")

SAY_EVERY: Final = 1.0
"""Seconds between two words about progress; the page asks as often."""

MIXED_BYTES_PER_SECOND: Final = 110_000
"""What a side-by-side film with sound takes, generously."""

log = structlog.get_logger(__name__)


class Abandoned(ApplianceError):
    """The export was deleted while it was being made."""


class NoRoom(ApplianceError):
    """There is not enough room on the disk for this export."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be made."""

    export_id: int
    contents: tuple[ExportContent, ...]
    container: ExportContainer
    language: str
    facts: dict[str, Any]
    chat: list[dict[str, Any]] | None
    vault_objects: dict[int, int]
    """Part id -> id of its sealed file."""


def make_export(collaborators: Collaborators, export_id: int, pause_point: Callable[[], None] = lambda: None) -> bool:
    """Make the export and say whether it is ready; what went wrong is noted in its row.

    ``pause_point`` is called now and then and may raise to stop; the work then begins anew with the next call.
    """
    folder = working_folder(collaborators, export_id)
    began = time.monotonic()
    try:
        order = _take(collaborators, export_id)
        if order is None:
            return False
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        done = _Making(collaborators, order, folder, pause_point).run()
    except (Abandoned, KeyDestroyed) as error:
        return _fail(collaborators, export_id, error.message)  # a deleted one stays deleted
    except DatabaseUnavailable:
        raise  # the job is tried again
    except ApplianceError as error:
        return _fail(collaborators, export_id, error.message)
    except FFmpegError as error:
        return _fail(collaborators, export_id, f"A part cannot be read: {error}")
    except OSError as error:
        return _fail(collaborators, export_id, f"A file could not be written: {error.strerror}.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    log.info("export made", export=export_id, ready=done, seconds=round(time.monotonic() - began, 1))
    return done


def working_folder(collaborators: Collaborators, export_id: int) -> Path:
    """Return where an export's plain files are while it is made."""
    return collaborators.settings.data_dir / "exports" / str(export_id)


def _take(collaborators: Collaborators, export_id: int) -> _Order | None:
    with unit_of_work(collaborators.session_factory) as session:
        row = exports.begin(session, export_id)
        if row is None:
            return None
        sitting = sittings.get(session, row.sitting_id)
        query = select(Part.id, Part.vault_object_id).where(Part.sitting_id == row.sitting_id)
        sealed = {part: found for part, found in session.execute(query) if found is not None}
        return _Order(
            export_id,
            tuple(ExportContent(word) for word in row.contents),
            row.container,
            row.language,
            export_facts.facts(session, collaborators.settings, row, sitting),
            export_facts.chat(session, sitting) if row.with_records else None,
            sealed,
        )


def _fail(collaborators: Collaborators, export_id: int, problem: str) -> bool:
    log.error("export failed", export=export_id, problem=problem)
    with unit_of_work(collaborators.session_factory) as session:
        exports.fail(session, EXPORTER, export_id, problem)
    return False


class _Making:
    """One run."""

    def __init__(
        self, collaborators: Collaborators, order: _Order, folder: Path, pause_point: Callable[[], None]
    ) -> None:
        self._collaborators, self._order, self._folder = collaborators, order, folder
        self._pause_point = pause_point
        self._manifest = order.facts
        self._whole_ms = self._length()
        self._said = 0.0
        self._steps = {content: 15 if content is ExportContent.SIDE_BY_SIDE else 1 for content in order.contents}
        self._done = 0

    def run(self) -> bool:
        self._check_room()
        made = utcnow()
        self._manifest["export"]["made_ms"] = to_ms(made)
        archive_path = self._folder / "export.zip"
        with Archive(archive_path, made) as archive:
            for content in self._order.contents:
                self._add(content, archive)
                self._done += self._steps[content]
            self._add_papers(archive)
        with unit_of_work(self._collaborators.session_factory) as session:
            purpose = exports.purpose(self._order.export_id)
            sealed = self._collaborators.vault.seal(session, purpose, "export", archive_path)
            hours = self._collaborators.settings.export_hours
            vault = self._collaborators.vault
            return exports.complete(session, EXPORTER, vault, self._order.export_id, sealed, archive.members, hours)

    def _length(self) -> int:
        zero: int = self._manifest["zero_ms"]
        ends: list[int] = [part["start_ms"] + (part["duration_ms"] or 0) for part in self._manifest["parts"]]
        return max([self._manifest["sitting"]["finished_ms"] or zero, *ends]) - zero

    def _check_room(self) -> None:
        """Raise ``NoRoom`` before the disk is filled that running exams are recorded to."""
        size = sum(part["size_bytes"] or 0 for part in self._manifest["parts"])
        mixed = self._whole_ms // 1000 * MIXED_BYTES_PER_SECOND
        copies = [mixed if content is ExportContent.SIDE_BY_SIDE else size for content in self._order.contents]
        # the archive, then its sealed copy beside it; while it is written, one film beside it as well
        need = 2 * sum(copies) + self._collaborators.settings.disk_reserve_mb * 1_000_000
        free = shutil.disk_usage(self._folder).free
        if free < need:
            raise NoRoom(
                f"There is not enough room on the disk: {need // 1_000_000:,} MB are needed, reserve included, "
                f"{free // 1_000_000:,} MB are free."
            )

    def _add(self, content: ExportContent, archive: Archive) -> None:
        if content is ExportContent.SIDE_BY_SIDE:
            self._add_side_by_side(archive)
        elif content is ExportContent.ORIGINALS:
            self._add_originals(archive)
        else:
            self._add_track(Track(content.value), archive)

    def _add_track(self, track: Track, archive: Archive) -> None:
        source = self._source(track)
        for film in films(track, source.pieces):
            path = self._folder / film.name
            written = write_film(
                film, _within(source, film), path, self._open, self._order.language, self._progress(film.name)
            )
            archive.add_file(
                film.name,
                path,
                kind="film",
                made="copied",
                track=track.value,
                part_ids=[piece.part_id for piece in film.pieces],
                duration_ms=written.duration_ms,
                cards=written.cards,
            )
            path.unlink()
            for piece in film.pieces:
                place = {"file": film.name, "offset_ms": piece.start_ms, "cut_ms": piece.cut_ms}
                self._part(piece.part_id).update(place)

    def _add_side_by_side(self, archive: Archive) -> None:
        order, sitting = self._order, self._manifest["sitting"]
        name = f"side-by-side.{order.container.value}"
        path = self._folder / name
        camera, screen = self._source(Track.CAMERA), self._source(Track.SCREEN)
        number = f"{phrase(order.language, 'sitting')} {sitting['id']}"
        lines = (sitting["candidate"]["name"], sitting["exam"]["name"], number)
        subject = Subject(lines, self._manifest["zero_ms"], self._whole_ms, order.language)
        written = write_side_by_side(
            camera, screen, subject, order.container, path, self._open, self._progress(ExportContent.SIDE_BY_SIDE)
        )
        ids = [piece.part_id for piece in (*camera.pieces, *screen.pieces)]
        archive.add_file(
            name, path, kind="side_by_side", made="encoded", part_ids=ids, duration_ms=written.duration_ms
        )
        path.unlink()

    def _add_originals(self, archive: Archive) -> None:
        for part in self._manifest["parts"]:
            vault_object_id = self._order.vault_objects.get(part["id"])
            if vault_object_id is None:
                continue
            name = f"original-{part['track']}-{part['sequence']}.{part['container']}"
            with self._sealed(vault_object_id) as reader:
                archive.add_sealed(name, reader, kind="original", made="sealed", part_ids=[part["id"]])
            part["original"] = name
            self._progress("originals")(0)

    def _add_papers(self, archive: Archive) -> None:
        if self._order.chat is not None:
            archive.add_bytes("incidents.csv", papers.incidents_table(self._manifest), kind="incidents")
            chat = papers.chat_table(self._order.chat, self._manifest["zero_ms"])
            archive.add_bytes("chat.csv", chat, kind="chat")
        archive.add_bytes("readme.txt", papers.README.encode(), kind="readme")
        archive.add_bytes("sha256sums.txt", papers.sums(archive.entries), kind="sums")
        key = EvidenceKey.load_or_create(self._collaborators.settings.evidence_key_file, self._collaborators.vault)
        self._manifest["files"] = list(archive.entries)
        self._manifest["key"] = {"algorithm": "Ed25519", "fingerprint": key.fingerprint}
        signed = canonical(self._manifest)
        archive.add_bytes(MANIFEST, signed)
        archive.add_bytes(SIGNATURE, key.sign(signed))
        archive.add_bytes(PUBLIC_KEY, key.public_pem)

    def _source(self, track: Track) -> Source:
        placed = pieces(self._manifest, self._order.vault_objects, track)
        gaps, zero = self._manifest["gaps"], self._manifest["zero_ms"]
        return Source(placed, holes(placed, gaps, track, self._whole_ms, zero, LEAST_HOLE_MS))

    def _part(self, part_id: int) -> dict[str, Any]:
        found: dict[str, Any] = next(part for part in self._manifest["parts"] if part["id"] == part_id)
        return found

    @contextmanager
    def _open(self, piece: Piece) -> Iterator[InputContainer]:
        with self._sealed(piece.vault_object_id) as reader, av.open(SealedInput(reader), "r") as container:
            yield container

    def _sealed(self, vault_object_id: int) -> SealedReader:
        with unit_of_work(self._collaborators.session_factory) as session:
            return self._collaborators.vault.open(session, session.get_one(VaultObject, vault_object_id))

    def _progress(self, name: str) -> Callable[[float], None]:
        weight = self._steps.get(ExportContent.SIDE_BY_SIDE, 1) if name == ExportContent.SIDE_BY_SIDE else 1
        whole = sum(self._steps.values()) + 1  # and the sealing

        def say(fraction: float) -> None:
            self._pause_point()
            if time.monotonic() - self._said < SAY_EVERY:
                return
            self._said = time.monotonic()
            with unit_of_work(self._collaborators.session_factory) as session:
                if not exports.note_progress(
                    session, self._order.export_id, (self._done + weight * fraction) / whole
                ):
                    raise Abandoned

        return say


def _within(source: Source, film: Film) -> list[Any]:
    """Return the holes that a film shows; of several films of a track each shows those before its last piece."""
    if film.pieces[-1] == source.pieces[-1] and film.pieces[0] == source.pieces[0]:
        return source.holes
    first, last = film.pieces[0].start_ms, film.pieces[-1].end_ms
    return [hole for hole in source.holes if first <= hole.start_ms < last]


def copy_out(collaborators: Collaborators, row: Export, target: Path) -> None:
    """Write a ready export's archive to a file of the command line's caller."""
    with unit_of_work(collaborators.session_factory) as session:
        sealed = session.get_one(VaultObject, row.vault_object_id)
        reader = collaborators.vault.open(session, sealed)
    with reader, target.open("xb") as file:
        for offset in range(0, reader.size, 1 << 20):
            file.write(reader.read(offset, 1 << 20))
