"""What a backup brings back, what it must not bring back, and that a damaged one says so."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance import audit
from appliance.audit import Actor
from appliance.collaborators import assemble
from appliance.db import unit_of_work, utcnow
from appliance.deploy.backup import catalogue, full, recovery, state
from appliance.deploy.backup.drill import drill
from appliance.deploy.backup.errors import BackupBroken, BackupFailed, DrillFailed
from appliance.deploy.backup.restore import restore
from appliance.deploy.backup.stream import Stream
from appliance.deploy.backup.targets import open_store
from appliance.errors import BadInput, KeyDestroyed, VaultTampered
from appliance.models import Company, VaultObject
from tests.running import ROOT

ACTOR = Actor("cli", "test", "test")
FILM = os.urandom(200_000)


def sealed(own, purpose, content=FILM):
    with unit_of_work(own.session_factory) as session:
        row = own.vault.seal(session, purpose, "part", content)
        audit.record(session, ACTOR, "recording.seal", ("part", row.id))
        return row.id


def opened(own, number):
    with (
        unit_of_work(own.session_factory) as session,
        own.vault.open(session, session.get_one(VaultObject, number)) as reader,
    ):
        return reader.read()


@pytest.fixture
def store(settings, places):
    return open_store(settings, places[0])


@pytest.fixture
def saved(own, places):
    """Two sealed recordings and a full backup of them."""
    numbers = [sealed(own, "sitting:1"), sealed(own, "sitting:2", b"short")]
    return full.create(own, *places), numbers


@pytest.fixture
def stream(own, places, saved):
    """The continuous part, following the database."""
    following = Stream(own, *places)
    following.follow()
    full.create(own, *places)
    yield following
    following.close()


def test_another_host_reads_what_was_sealed_here(saved, store, places, elsewhere):
    report, numbers = saved
    back = restore(elsewhere, store, places[1], report.manifest.moment)
    assert opened(assemble(elsewhere), numbers[0]) == FILM
    assert (back.proof.audit_entries, back.proof.opened, back.files, back.missing) == (2, 2, 2, [])


def test_nothing_of_the_database_is_readable_in_the_target(own, saved, places, server):
    with unit_of_work(own.session_factory) as session:
        session.add(Company(slug="readable", name="Readable-Academy", integration_secret=b"x"))
    full.create(own, *places)
    found = subprocess.run(["grep", "-rla", "Readable-Academy", places[0]], capture_output=True, check=False)
    assert found.stdout == b""
    log = own.settings.backup_work
    assert subprocess.run(["grep", "-rqa", "Readable-Academy", server.folder / "data"], check=False).returncode == 0
    assert not list(log.glob("*/*"))  # nor on the way


def test_acts_of_seconds_before_the_crash_come_back(stream, own, store, places, elsewhere):
    """The full backup knows nothing of them: the database's log does, and keys and files came along with it."""
    number = sealed(own, "sitting:3", b"sealed just now")
    stream.beat()
    stream.close()  # here the host burns down
    moment = catalogue.choose(store)
    assert catalogue.read_manifest(store, moment).audit_entries == 2
    back = restore(elsewhere, store, places[1], moment)
    assert back.proof.audit_entries == 3
    assert opened(assemble(elsewhere), number) == b"sealed just now"
    assert utcnow() - back.reaches < timedelta(seconds=60)


def test_the_log_goes_on_over_many_segments(stream, own, server, store, places, elsewhere):
    for _ in range(3):
        server.run("SELECT pg_switch_wal()")
        sealed(own, "sitting:4", b"more")
        stream.beat()
    assert len(stream.receiver.segments()) <= 2  # what is in the target does not stay here
    manifest = catalogue.read_manifest(store, catalogue.choose(store))
    since = [name for name in catalogue.log_of(store, manifest) if name > manifest.last_segment]
    assert len(since) >= 3  # what the copy itself has is not counted
    assert restore(elsewhere, store, places[1], manifest.moment).proof.audit_entries == 5
    store.remove([catalogue.segment(manifest.moment, since[0])])
    with pytest.raises(BackupBroken, match=f"{since[0]} is missing"):
        recovery.verify(store, places[1], manifest.moment, elsewhere)


def test_it_can_be_as_it_was_at_a_time(stream, own, server, store, places, elsewhere):
    sealed(own, "sitting:5", b"before")
    (then,) = server.run("SELECT now()")
    time.sleep(0.05)
    sealed(own, "sitting:6", b"after")
    stream.beat()
    moment = catalogue.choose(store, until=then)
    assert restore(elsewhere, store, places[1], moment, then).proof.audit_entries == 3
    later = restore(elsewhere, store, places[1], moment, utcnow() + timedelta(hours=1), replace=True)
    assert later.proof.audit_entries == 4
    with pytest.raises(BackupBroken, match="before that time"):
        catalogue.choose(store, until=then - timedelta(days=1))


def test_who_was_erased_stays_erased_in_what_was_before(stream, own, store, places, elsewhere, saved):
    then = utcnow()
    with unit_of_work(own.session_factory) as session:
        own.vault.destroy(session, "sitting:1")
    with unit_of_work(own.session_factory) as session:
        assert own.vault.sweep(session) == 1
    stream.beat()
    report = full.create(own, *places)
    assert report.erased == 1
    assert restore(elsewhere, store, places[1], saved[0].manifest.moment, then).erased == 1
    there = assemble(elsewhere)
    with pytest.raises((KeyDestroyed, VaultTampered)):
        opened(there, saved[1][0])
    assert opened(there, saved[1][1]) == b"short"


def test_only_what_is_new_is_copied_again(saved, own, places):
    assert saved[0].copied_bytes > len(FILM)
    sealed(own, "sitting:3", b"x" * 1000)
    assert 1000 < full.create(own, *places).copied_bytes < 2000


def test_backups_that_came_of_age_go_with_their_keys(saved, own, store, places):
    young = replace(own.settings, backup_days=0)
    report = full.create(replace(own, settings=young), *places)
    assert report.expired == [saved[0].manifest.moment]
    assert catalogue.moments(store) == [report.manifest.moment]
    assert [path.stem for path in (places[1] / "backup").iterdir()] == [report.manifest.moment]
    assert not store.sizes(f"base/{saved[0].manifest.moment}/")


def test_killed_during_a_backup_the_former_one_is_whole(saved, own, places, store, elsewhere):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from appliance.collaborators import assemble; from appliance.settings import load_settings\n"
        "from appliance.deploy.backup import full\n"
        "full.Carrier.carry_files = lambda *_: (print('under way', flush=True), time.sleep(60))\n"
        "own = assemble(load_settings({}, data_dir=sys.argv[1], database_url=sys.argv[2], secret_key='x' * 40))\n"
        "full.create(own, sys.argv[3], Path(sys.argv[4]))\n"
    )
    words = [str(own.settings.data_dir), own.settings.database_url, places[0], str(places[1])]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout.readline() == b"under way\n"
    with pytest.raises(BackupFailed, match="under way"):
        full.create(own, *places)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len({name.split("/")[1] for name in store.sizes("base/")}) == 2  # what it left does not count
    assert catalogue.choose(store) == saved[0].manifest.moment
    recovery.verify(store, places[1], saved[0].manifest.moment, own.settings)
    later = full.create(own, *places)
    assert {name.split("/")[1] for name in store.sizes("base/")} == {*catalogue.moments(store)}
    assert restore(elsewhere, store, places[1], later.manifest.moment).proof.opened == 2


@pytest.mark.parametrize("damage", ["piece", "log", "missing", "manifest", "signature", "other key", "no key"])
def test_a_damaged_backup_is_found_and_not_restored(stream, own, places, store, elsewhere, damage):
    stream.beat()
    moment = catalogue.choose(store)
    folder = store.folder
    file = {
        "piece": folder / f"base/{moment}/000000.sealed",
        "missing": folder / f"base/{moment}/000000.sealed",
        "log": max((folder / f"wal/{moment}").glob("0*.sealed")),
        "manifest": folder / f"base/{moment}/manifest.json",
        "signature": folder / f"base/{moment}/manifest.sig",
        "other key": places[1] / f"backup/{moment}.key",
        "no key": places[1] / f"backup/{moment}.key",
    }[damage]
    if damage in {"missing", "no key"}:
        file.unlink()
    elif damage == "other key":
        shutil.copy(min((places[1] / "backup").glob("*.key")), file)
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    with pytest.raises(BackupBroken):
        recovery.verify(store, places[1], moment, own.settings)
    with pytest.raises(BackupBroken):
        restore(elsewhere, store, places[1], moment)
    assert not elsewhere.vault.exists()


def test_a_sealed_file_that_rotted_or_went_is_named(saved, store, places, elsewhere):
    file = next(store.folder.glob("vault/*/*"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BackupBroken, match="not as it was made"):
        restore(elsewhere, store, places[1], saved[0].manifest.moment)
    with pytest.raises(DrillFailed, match="cannot be read"):
        drill(elsewhere, store, places[1], saved[0].manifest.moment)


def test_nothing_is_overwritten_unasked(saved, own, store, places):
    with unit_of_work(own.session_factory) as session:
        session.add(Company(slug="here", name="Here", integration_secret=b"x"))
    own.session_factory.kw["bind"].dispose()
    with pytest.raises(BackupFailed, match=r"in use .1 companies in the database, 2 sealed files"):
        restore(own.settings, store, places[1], saved[0].manifest.moment)


def test_a_host_whose_processes_run_is_left_alone(saved, own, store, places):
    with own.session_factory() as session:
        session.scalar(select(Company.id))
        with pytest.raises(BackupFailed, match="stop all processes"):
            restore(own.settings, store, places[1], saved[0].manifest.moment, replace=True)


def test_keys_must_lie_apart(own, places, tmp_path):
    for target, keys in ((places[0], tmp_path / "medium"), (str(own.settings.data_dir / "x"), tmp_path / "keys")):
        with pytest.raises(BadInput):
            full.create(own, target, keys)


def test_a_vault_that_lost_files_takes_none_from_older_backups(saved, own, store, places):
    shutil.rmtree(own.settings.vault)
    with pytest.raises(BackupFailed, match="2 sealed files are missing"):
        full.create(own, *places)
    assert len(store.sizes("vault/")) == 2
    assert catalogue.moments(store) == [saved[0].manifest.moment]


def test_a_target_that_cannot_be_written_says_so(own, places, tmp_path):
    (tmp_path / "rubbish").write_text("a file, no folder")
    with pytest.raises(BackupFailed, match="cannot be"):
        full.create(own, str(tmp_path / "rubbish"), places[1])
    assert not list((own.settings.backup_keys_folder).glob("*.key"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own is root's to mount")
def test_a_full_disk_leaves_the_former_backup_whole(own, places, tmp_path):
    medium = tmp_path / "small"
    medium.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(medium)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine mounts nothing")
    try:
        target = str(medium / "backup")
        first = full.create(own, target, places[1])
        (medium / "filler").write_bytes(os.urandom(24 << 20)[: shutil.disk_usage(medium).free - 100_000])
        sealed(own, "sitting:9", os.urandom(1_000_000))
        with pytest.raises(BackupFailed, match="No space left"):
            full.create(own, target, places[1])
        store = open_store(own.settings, target)
        assert catalogue.moments(store) == [first.manifest.moment]
        recovery.verify(store, places[1], first.manifest.moment, own.settings)
    finally:
        subprocess.run(["umount", str(medium)], check=True)


def test_a_drill_says_what_it_took_and_what_is_lost(saved, own, store, places):
    sealed(own, "sitting:9")
    report = drill(own.settings, store, places[1], saved[0].manifest.moment)
    assert report.proof.opened == 2
    assert (report.proof.audit_entries, report.lost_entries) == (2, 1)
    assert report.lost_seconds > 0
    assert not list(own.settings.backup_work.glob("restore-*"))


def test_monitoring_is_told(stream, own):
    stream.beat()
    told = state.read_stamp(own.settings)
    assert time.time() - told["streamed_at"] < 60
    assert told["files_waiting"] == 0


def test_what_waits_too_long_is_given_up_before_the_disk_is_full(stream, own, server):
    sealed(own, "sitting:7")
    assert stream.receiver.caught_up()
    small = replace(own.settings, backup_spool_mb=1)
    stream._settings = small
    with pytest.raises(BackupFailed, match="a full backup is due"):
        stream.beat()
    assert not stream.has_full()
    assert server.run("SELECT count(*) FROM pg_replication_slots") == (0,)
