"""A sitting whose sealed parts are real films, and an export of it."""

import pytest

from appliance.db import from_ms, unit_of_work
from appliance.models import ChatMessage, Gap, Incident, Part
from appliance.services import exports
from appliance.vocabulary import (
    ChatAuthor,
    Conclusion,
    ExportContent,
    GapCause,
    ObservationType,
    PartSource,
    PartState,
    Role,
    SittingState,
    Track,
)
from media.exports.make import make_export
from media.recordings.remux import remux
from tests.media.recordings.conftest import webm

ZERO_MS = 1_800_000_000_000
LENGTH_MS = 12_000


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """Sealed films' bytes by name: a camera of 4 s with sound, a screen of 4 s without."""
    folder = tmp_path_factory.mktemp("recordings")
    found = {}
    for name, audio in (("camera", True), ("screen", False)):
        seekable = folder / f"{name}-sealed.webm"
        facts = remux(webm(folder / f"{name}.webm", 4.0, audio=audio), seekable)
        found[name] = (seekable.read_bytes(), facts)
    return found


@pytest.fixture
def judged(make, session, vault, recordings):
    """12 s: the camera has a gap from 4 to 7 s, a part to 11 s; the screen's second part came from the candidate."""
    reviewer = make.user(Role.REVIEWER)
    sitting = make.sitting(
        SittingState.CONCLUDED,
        started_at=from_ms(ZERO_MS),
        finished_at=from_ms(ZERO_MS + LENGTH_MS),
        conclusion=Conclusion.ACCEPTED,
        conclusion_comment="Nothing to see.",
        concluded_by_id=reviewer.id,
        concluded_at=from_ms(ZERO_MS + 60_000),
    )
    places = [
        (Track.CAMERA, 0, PartSource.NODE),
        (Track.CAMERA, 7000, PartSource.NODE),
        (Track.SCREEN, 200, PartSource.NODE),
        (Track.SCREEN, 5000, PartSource.CANDIDATE),
    ]
    rows = []
    for track, start, source in places:
        content, facts = recordings[track.value]
        sealed = vault.seal(session, f"sitting:{sitting.id}", "part", content)
        row = Part(
            sitting_id=sitting.id,
            track=track,
            sequence=1 + sum(other.track is track for other in rows),
            source=source,
            state=PartState.SEALED,
            path="",
            node_url="",
            started_at=from_ms(ZERO_MS + start),
            ended_at=from_ms(ZERO_MS + start + facts.duration_ms),
            duration_ms=facts.duration_ms,
            sha256=sealed.sha256,
            size_bytes=sealed.size_bytes,
            vault_object_id=sealed.id,
            media=facts.media,
        )
        session.add(row)
        rows.append(row)
    session.flush()
    gaps = [
        (Track.CAMERA, 4000, 7000, GapCause.NODE_LOST, None),
        (Track.CAMERA, 11_000, LENGTH_MS, GapCause.PAGE_CLOSED, None),
        (Track.SCREEN, 4200, 9000, GapCause.CONNECTION_LOST, rows[3].id),
        (Track.SCREEN, 9000, LENGTH_MS, GapCause.SHARE_STOPPED, None),
    ]
    for track, start, end, cause, covered in gaps:
        session.add(
            Gap(
                sitting_id=sitting.id,
                track=track,
                started_at=from_ms(ZERO_MS + start),
                ended_at=from_ms(ZERO_MS + end),
                cause=cause,
                detail="",
                covered_by_id=covered,
            )
        )
    session.add(
        Incident(
            sitting_id=sitting.id,
            type=ObservationType.PHONE,
            started_at=from_ms(ZERO_MS + 2000),
            comment="=HYPERLINK(1)",
            created_by_id=reviewer.id,
        )
    )
    session.add(ChatMessage(sitting_id=sitting.id, author=ChatAuthor.CANDIDATE, text="-1 is my answer"))
    session.commit()
    return sitting


@pytest.fixture
def export_archive(collaborators, make, tmp_path):
    """``export_archive(sitting, ExportContent.CAMERA, …)``: the archive's path, read out of the vault."""

    def make_one(sitting, *contents, **options):
        with unit_of_work(collaborators.session_factory) as session:
            actor = make.actor(make.user(Role.REVIEWER))
            make.session.commit()
            sitting = session.merge(sitting)
            row = exports.request(
                session, actor, collaborators.settings, sitting, contents or list(ExportContent), **options
            )
        assert make_export(collaborators, row.id), reload(collaborators, row.id).problem
        path = tmp_path / f"export-{row.id}.zip"
        from media.exports.make import copy_out  # noqa: PLC0415

        copy_out(collaborators, reload(collaborators, row.id), path)
        return path

    return make_one


def reload(collaborators, export_id):
    with unit_of_work(collaborators.session_factory) as session:
        return exports.get(session, export_id)
