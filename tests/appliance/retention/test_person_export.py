"""One person's data, made up for them: complete, readable, and nobody else's."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest

from appliance.db import utcnow
from appliance.errors import ImpossibleStep, KeyDestroyed, TooMany
from appliance.models import ChatMessage, VaultObject
from appliance.retention import erasure, person_export, person_facts
from appliance.vocabulary import AskedBy, ChatAuthor, LegalBasis, PersonExportState, Role, SittingState
from tests.appliance.retention.evidence import fill


@pytest.fixture
def officer(make):
    return make.user(Role.SECURITY_OFFICER, name="Olga Officer")


@pytest.fixture
def person(make, session, collaborators, officer):
    now = utcnow()
    who = make.candidate(first_name="Zebulon", last_name="Quagmire", email="z@example.org", external_id="zq-7")
    mine = make.sitting(SittingState.CONCLUDED, candidate=who, finished_at=now)
    fill(session, collaborators, mine, now, film=b"the film")
    proctor = make.user(Role.PROCTOR, name="Paula Proctor")
    session.add(ChatMessage(sitting_id=mine.id, author=ChatAuthor.PROCTOR, user_id=proctor.id, text="<b>Hello</b>"))
    other = make.sitting(
        SittingState.CONCLUDED,
        candidate=make.candidate(first_name="Ottilie", last_name="Other", email="o@example.org", external_id="oo-1"),
        finished_at=now,
    )
    fill(session, collaborators, other, now, film=b"another's film")
    session.commit()
    return who


def made(session, make, collaborators, officer, person, with_recordings=True):
    row = person_export.request(session, make.actor(officer), person, with_recordings, utcnow())
    session.commit()
    row = person_export.make(collaborators, row.id, utcnow())
    assert row.state is PersonExportState.READY, row.problem
    with collaborators.vault.open(session, session.get_one(VaultObject, row.vault_object_id)) as reader:
        return row, zipfile.ZipFile(io.BytesIO(reader.read()))


def test_everything_of_one_person_and_of_nobody_else(session, make, collaborators, officer, person):
    _row, archive = made(session, make, collaborators, officer, person)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for other in (b"Ottilie", b"oo-1", b"another's film", b"Paula", b"Olga"):
        assert other not in everything, other
    data = json.loads(archive.read("data.json"))
    (sitting,) = data["sittings"]
    assert (data["format"], data["person"]["external_id"]) == ("kustos-person-data", "zq-7")
    assert {message["by"] for message in sitting["chat"]} == {"you", "proctor"}
    assert [mark["comment"] for mark in sitting["marks"]] == ["Zebulon Quagmire held a phone"]
    assert sitting["findings"][0]["details"]["threshold"] == 0.5
    assert sitting["consents"][0]["address"] == "198.51.100.7"
    assert archive.read(sitting["recordings"][0]["file"]) == b"the film"
    assert b"face of Zebulon" in archive.read(sitting["photos"][0]["file"])
    assert set(data["files"]) <= set(archive.namelist()) and len(data["files"]) == 5
    for line in archive.read("sha256sums.txt").decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest


def test_without_recordings(session, make, collaborators, officer, person):
    _row, archive = made(session, make, collaborators, officer, person, with_recordings=False)
    assert not [name for name in archive.namelist() if name.endswith(".webm")]
    assert len(json.loads(archive.read("data.json"))["files"]) == 4


def test_every_column_about_a_person_is_in_it(session, make, collaborators, person):
    """Names of columns of the person's own row and of the sitting, but for what only makes the box work."""
    data = person_facts.collect(session, person, True, utcnow()).data
    own = {column.name for column in person.__table__.columns} - {"id", "company_id", "created_at", "erased_at"}
    assert own <= set(data["person"])


def test_pages_are_readable_without_script_or_network(session, make, collaborators, officer, person, tmp_path):
    _row, archive = made(session, make, collaborators, officer, person)
    for language, title in (("en", "What is stored about you"), ("ru", "Что о вас хранится")):
        page = archive.read(f"index.{language}.html").decode()
        assert f"<h1>{title}</h1>" in page and "<script" not in page and "http" not in page
        assert "&lt;b&gt;Hello&lt;/b&gt;" in page and "Zebulon" in page


def test_it_ends(session, make, collaborators, officer, person):
    row, _archive = made(session, make, collaborators, officer, person)
    sealed = session.get_one(VaultObject, row.vault_object_id)
    assert person_export.expire(collaborators, utcnow()) == []
    later = utcnow() + timedelta(hours=collaborators.settings.export_hours + 1)
    assert person_export.expire(collaborators, later) == [row.id]
    session.expire_all()
    with pytest.raises(KeyDestroyed):
        collaborators.vault.open(session, sealed)
    assert not (collaborators.settings.data_dir / "exports" / f"person-{row.id}").exists()


def test_an_erasure_takes_it_along_and_forbids_another(session, make, collaborators, officer, person):
    made(session, make, collaborators, officer, person)
    actor = make.actor(officer)
    row = erasure.request(session, actor, person, LegalBasis.WITHDRAWN, AskedBy.PERSON, "", utcnow())
    session.commit()
    erasure.carry_out(collaborators, row.id, utcnow())
    session.expire_all()
    assert b"Zebulon" not in b"".join(
        path.read_bytes() for path in collaborators.settings.data_dir.rglob("*") if path.is_file()
    )
    with pytest.raises(ImpossibleStep, match="erased"):
        person_export.request(session, actor, person, True, utcnow())


def test_not_more_than_three_at_once(session, make, officer, person):
    for _ in range(3):
        person_export.request(session, make.actor(officer), person, True, utcnow())
    with pytest.raises(TooMany):
        person_export.request(session, make.actor(officer), person, True, utcnow())


def test_one_that_cannot_be_made_says_why(session, make, collaborators, officer, person):
    row = person_export.request(session, make.actor(officer), person, True, utcnow())
    session.commit()
    for path in collaborators.vault.folder.rglob("*.sealed"):
        path.unlink()
    failed = person_export.make(collaborators, row.id, utcnow())
    assert failed.state is PersonExportState.FAILED and "missing" in failed.problem
    assert not (collaborators.settings.data_dir / "exports" / f"person-{row.id}").exists()
