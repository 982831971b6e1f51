"""What a backup brings back, what it must not bring back, and that a damaged one says so."""

import os
from dataclasses import replace

import pytest
from sqlalchemy import select

from appliance import audit
from appliance.audit import Actor
from appliance.collaborators import assemble
from appliance.db import unit_of_work
from appliance.deploy import backup
from appliance.deploy.backup import BackupBroken, BackupFailed
from appliance.deploy.restore_drill import DrillFailed, drill, prove
from appliance.errors import BadInput, KeyDestroyed, VaultTampered
from appliance.models import VaultObject

ACTOR = Actor("cli", "test", "test")
FILM = os.urandom(200_000)


def sealed(collaborators, purpose, content=FILM):
    with unit_of_work(collaborators.session_factory) as session:
        row = collaborators.vault.seal(session, purpose, "part", content)
        audit.record(session, ACTOR, "recording.seal", ("part", row.id))
        return row.id


@pytest.fixture
def places(tmp_path):
    return tmp_path / "medium" / "backup", tmp_path / "safe" / "keys"


@pytest.fixture
def saved(collaborators, places):
    """Two sealed recordings and a backup of them."""
    numbers = [sealed(collaborators, "sitting:1"), sealed(collaborators, "sitting:2", b"short")]
    report = backup.create(collaborators.settings, collaborators.vault, *places)
    return report, numbers


@pytest.fixture
def elsewhere(settings, empty_database_url, tmp_path):
    """Another host, with nothing on it."""
    return replace(settings, data_dir=tmp_path / "other", database_url=empty_database_url)


def test_another_host_reads_what_was_sealed_here(saved, places, elsewhere):
    report, numbers = saved
    backup.restore(elsewhere, *places, report.moment)
    there = assemble(elsewhere)
    with unit_of_work(there.session_factory) as session:
        with there.vault.open(session, session.get_one(VaultObject, numbers[0])) as reader:
            assert reader.read() == FILM
        assert audit.verify_chain(session).entries == report.audit_entries == 2
    assert prove(elsewhere)[0] == 2


def test_only_what_is_new_is_copied_again(saved, collaborators, places):
    assert (
        saved[0].copied_bytes == saved[0].size_bytes - (places[0] / saved[0].moment / "database.dump").stat().st_size
    )
    sealed(collaborators, "sitting:3", b"x" * 1000)
    later = backup.create(collaborators.settings, collaborators.vault, *places)
    assert later.files == 3
    assert 1000 < later.copied_bytes < 2000
    assert backup.newest(places[0]) == later.moment


def test_a_copy_that_rotted_since_is_not_signed_anew(saved, collaborators, places):
    file = next(places[0].glob("vault/*/*"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    later = backup.create(collaborators.settings, collaborators.vault, *places)
    with pytest.raises(BackupBroken, match="not as it was made"):
        backup.verify(places[0], later.moment)


def test_a_folder_of_keys_that_is_not_there_is_named(saved, places, elsewhere, tmp_path):
    with pytest.raises(BackupFailed, match="no keys"):
        backup.restore(elsewhere, places[0], tmp_path / "nowhere", saved[0].moment)


def test_an_erased_persons_recording_does_not_come_back_from_an_old_backup(saved, collaborators, places, elsewhere):
    report, numbers = saved
    with unit_of_work(collaborators.session_factory) as session:
        collaborators.vault.destroy(session, "sitting:1")
    with unit_of_work(collaborators.session_factory) as session:
        assert collaborators.vault.sweep(session) == 1
    backup.create(collaborators.settings, collaborators.vault, *places)
    assert FILM[:50] not in b"".join(path.read_bytes() for path in places[1].rglob("*") if path.is_file())
    backup.restore(elsewhere, *places, report.moment)  # the old one, with the keys as they are now
    there = assemble(elsewhere)
    with unit_of_work(there.session_factory) as session:
        with pytest.raises((KeyDestroyed, VaultTampered)):
            there.vault.open(session, session.get_one(VaultObject, numbers[0]))
        with there.vault.open(session, session.get_one(VaultObject, numbers[1])) as reader:
            assert reader.read() == b"short"


@pytest.mark.parametrize("damage", ["dump", "sealed", "missing", "manifest", "signature"])
def test_a_damaged_backup_is_found_and_not_restored(saved, places, elsewhere, damage):
    target, keys = places
    folder = target / saved[0].moment
    file = {
        "dump": folder / "database.dump",
        "sealed": next(target.glob("vault/*/*")),
        "missing": next(target.glob("vault/*/*")),
        "manifest": folder / "manifest.json",
        "signature": folder / "manifest.sig",
    }[damage]
    if damage == "missing":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    with pytest.raises(BackupBroken):
        backup.verify(target, saved[0].moment)
    with pytest.raises(BackupBroken):
        backup.restore(elsewhere, target, keys, saved[0].moment)
    assert not elsewhere.vault.exists()


def test_nothing_is_overwritten_by_a_restore(saved, collaborators, places):
    with pytest.raises(BackupFailed, match="not empty"):
        backup.restore(collaborators.settings, *places, saved[0].moment)


def test_keys_must_lie_apart(collaborators, places, tmp_path):
    for target, keys in ((places[0], places[0] / "keys"), (collaborators.settings.data_dir / "x", tmp_path / "keys")):
        with pytest.raises(BadInput):
            backup.create(collaborators.settings, collaborators.vault, target, keys)


def test_a_failed_backup_leaves_nothing_that_looks_like_one(collaborators, places):
    broken = replace(collaborators.settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(BackupFailed, match="cannot be reached"):
        backup.create(broken, collaborators.vault, *places)
    assert list(places[0].iterdir()) == []


def test_a_drill_says_what_it_took_and_what_is_lost(saved, collaborators, places):
    sealed(collaborators, "sitting:9")
    report = drill(collaborators.settings, *places, saved[0].moment)
    assert report.opened == 2
    assert (report.audit_entries, report.lost_entries) == (2, 1)
    assert report.lost_seconds > 0


def test_a_drill_does_not_call_good_what_cannot_be_read(saved, collaborators, places):
    """A backup that is whole in itself, of a vault whose file was damaged before."""
    with unit_of_work(collaborators.session_factory) as session:
        row = session.scalars(select(VaultObject)).first()
        path = collaborators.vault.folder / row.path
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.unlink()
    path.write_bytes(content)
    (places[0] / "vault" / row.path).unlink()
    damaged = backup.create(collaborators.settings, collaborators.vault, *places)
    with pytest.raises(DrillFailed, match="cannot be read"):
        drill(collaborators.settings, *places, damaged.moment)
