"""Keys outside of the database: destroyed in backups of it too, whenever a process is killed, whoever came first."""

import os
import signal
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.db import make_engine, make_session_factory, unit_of_work
from appliance.errors import KeyDestroyed, VaultTampered
from appliance.models import DataKey
from appliance.vault import MasterKey, Vault, wiping
from appliance.vault.data_keys import HEAD_BYTES, PLACE_BYTES, PLACES, DataKeyFiles

NOW = timedelta(0)


@pytest.fixture
def files(tmp_path):
    return DataKeyFiles(tmp_path / "data", MasterKey.generate())


def place(vault, key_id):
    (page,) = vault.data_keys.folder.glob("*.keys")
    at = HEAD_BYTES + key_id % PLACES * PLACE_BYTES
    return page.read_bytes()[at : at + PLACE_BYTES]


@contextmanager
def killed(settings, vault):
    """Run the block's ``act(session)`` in a process of its own, which SIGKILLs itself where it was told to."""
    steps = []
    yield steps.append
    child = os.fork()
    if not child:
        try:
            factory = make_session_factory(make_engine(settings.database_url))
            for step in steps:
                step(factory, vault)
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def test_keys_come_back_only_to_their_purpose_and_id(files):
    keys = {1: os.urandom(32), PLACES - 1: os.urandom(32), PLACES: os.urandom(32), 5 * PLACES + 7: os.urandom(32)}
    for key_id, secret in keys.items():
        files.put(key_id, f"face:{key_id}", secret)
    assert {key_id: files.get(key_id, f"face:{key_id}") for key_id in keys} == keys
    assert files.get_many([(PLACES, f"face:{PLACES}"), (2, "face:2"), (1, "face:1")]) == [keys[PLACES], None, keys[1]]
    assert files.pages() == [0, 1, 5]
    with pytest.raises(VaultTampered):
        files.get(1, "face:2")
    assert files.wipe([1, 2, 9 * PLACES]) == 1
    with pytest.raises(KeyDestroyed):
        files.get(1, "face:1")
    assert files.get(PLACES - 1, f"face:{PLACES - 1}") == keys[PLACES - 1]


def test_a_page_is_asked_for_once_in_a_while_and_not_remembered_for_ever(tmp_path):
    asked, now = [], [0.0]

    class Counting:
        def wrap(self, plain, bound_to):
            return master.wrap(plain, bound_to)

        def unwrap(self, wrapped, bound_to):
            asked.append(bound_to)
            return master.unwrap(wrapped, bound_to)

    master = MasterKey.generate()
    files = DataKeyFiles(tmp_path, Counting(), lambda: now[0])
    for key_id in range(100):
        files.put(key_id, "x", bytes(32))
    for key_id in range(100):
        files.get(key_id, "x")
    assert len(asked) == 1
    now[0] = 61.0
    files.get(1, "x")
    assert len(asked) == 2
    for page in range(1, 300):
        files.put(page * PLACES, "x", bytes(32))
    assert len(files._kept) <= 256


def test_every_flip_in_a_page_is_found_where_it_matters(files):
    files.put(3, "x", os.urandom(32))
    (path,) = files.folder.glob("*.keys")
    content = path.read_bytes()
    used = [*range(8 + 4 + 2 + 60), *range(HEAD_BYTES + 3 * PLACE_BYTES, HEAD_BYTES + 4 * PLACE_BYTES)]
    for at in used:
        spoilt = bytearray(content)
        spoilt[at] ^= 1
        path.write_bytes(spoilt)
        with pytest.raises(VaultTampered):
            files.get(3, "x")
    path.unlink()
    with pytest.raises(VaultTampered, match="missing"):
        files.get(3, "x")


def test_readers_and_writers_go_on_while_a_page_is_exchanged(files):
    files.put(0, "x", bytes(32))
    stop, wrong = threading.Event(), []

    def work(first):
        number = first
        while not stop.is_set():
            number += 2
            secret = os.urandom(32)
            files.put(number % PLACES, "x", secret)
            if files.get(number % PLACES, "x") != secret or files.get(0, "x") != bytes(32):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=[first]) for first in (1, 2)]
    for thread in threads:
        thread.start()
    counts = [files.rewrap(0) for _ in range(30)]
    while counts[-1] <= 10:  # the threads have written so little yet
        counts.append(files.rewrap(0))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert counts == sorted(counts), "nothing was lost on the way"


def test_two_that_begin_together_have_one_key(session_factory, vault):
    with session_factory() as first, session_factory() as second:
        one = vault.derive(first, "sitting:1", b"")
        found = []
        waiting = threading.Thread(target=lambda: found.append(vault.derive(second, "sitting:1", b"")))
        waiting.start()
        first.commit()
        waiting.join(10)
        assert found == [one]


def test_the_second_makes_its_own_when_the_first_rolls_back(session_factory, vault):
    with session_factory() as first, session_factory() as second:
        one = vault.derive(first, "sitting:1", b"")
        found = []
        waiting = threading.Thread(target=lambda: found.append(vault.derive(second, "sitting:1", b"")))
        waiting.start()
        first.rollback()
        waiting.join(10)
        second.commit()
        assert found
        assert found != [one]
        assert vault.sweep(second, NOW) == 0
        assert vault.derive(second, "sitting:1", b"") == found[0]
        (page,) = vault.data_keys.pages()
        assert len(vault.data_keys.places(page)) == 1, "the sweep overwrote what the first left"


def test_a_destroyed_key_is_overwritten_after_the_commit_and_not_before(session, vault):
    sealed = vault.seal(session, "sitting:1", "part", b"x")
    session.commit()
    before = place(vault, sealed.data_key_id)
    vault.destroy(session, "sitting:1")
    assert place(vault, sealed.data_key_id) == before
    session.rollback()
    assert place(vault, sealed.data_key_id) == before
    with session.begin_nested() as savepoint:
        vault.destroy(session, "sitting:1")
        savepoint.rollback()
    session.commit()
    assert place(vault, sealed.data_key_id) == before, "what a savepoint took back is not destroyed"
    vault.destroy(session, "sitting:1")
    session.commit()
    assert not any(place(vault, sealed.data_key_id))


def test_a_backup_of_the_database_brings_no_key_back(session, vault):
    sealed = vault.seal(session, "sitting:1", "part", b"a face")
    session.commit()
    vault.destroy(session, "sitting:1")
    session.commit()
    row = session.get_one(DataKey, sealed.data_key_id)
    row.destroyed_at = None  # the database of yesterday
    session.commit()
    with pytest.raises(KeyDestroyed):
        vault.open(session, sealed)


def test_a_backup_of_the_keys_brings_none_back_either(session, vault):
    sealed = vault.seal(session, "sitting:1", "part", b"a face")
    session.commit()
    (page,) = vault.data_keys.folder.glob("*.keys")
    backup = page.read_bytes()
    vault.destroy(session, "sitting:1")
    session.commit()
    page.write_bytes(backup)
    with pytest.raises(KeyDestroyed):
        vault.open(session, sealed)
    vault.sweep(session)
    assert not any(place(vault, sealed.data_key_id))


@pytest.mark.parametrize("step", ["row", "file", "flush"])
def test_killed_while_a_key_is_made(settings, session, vault, step, monkeypatch):
    vault.seal(session, "sitting:9", "part", b"x")
    session.commit()

    def make(factory, vault):
        with unit_of_work(factory) as work:
            if step == "row":
                vault.data_keys.put = die
            vault.derive(work, "sitting:1", b"")
            if step == "flush":
                work.flush()
            die()

    with killed(settings, vault) as told:
        told(make)
    assert session.scalar(select(DataKey).where(DataKey.purpose == "sitting:1")) is None
    vault.sweep(session, NOW)
    assert [len(vault.data_keys.places(page)) for page in vault.data_keys.pages()] == [1]
    assert vault.derive(session, "sitting:1", b"")


@pytest.mark.parametrize("step", ["before the commit", "after the commit", "after the wipe"])
def test_killed_while_a_key_is_destroyed(settings, session, vault, step, monkeypatch):
    sealed = vault.seal(session, "sitting:1", "part", b"x")
    session.commit()

    def destroy(factory, vault):
        with unit_of_work(factory) as work:
            if step == "after the commit":
                wiping._destroyed = die
            vault.destroy(work, "sitting:1")
            if step == "before the commit":
                die()
        die()

    with killed(settings, vault) as told:
        told(destroy)
    session.expire_all()
    if step == "before the commit":
        assert vault.open(session, sealed).read() == b"x"
        return
    with pytest.raises(KeyDestroyed):
        vault.open(session, sealed)
    assert any(place(vault, sealed.data_key_id)) == (step == "after the commit")
    vault.sweep(session)
    assert not any(place(vault, sealed.data_key_id))


def test_keys_of_before_are_moved_out_of_the_database(session, vault):
    sealed = vault.seal(session, "sitting:1", "part", b"a film")
    row = session.get_one(DataKey, sealed.data_key_id)
    secret = vault.data_keys.get(row.id, row.purpose)
    row.wrapped = vault.master_key.wrap(secret, b"data-key:sitting:1")  # as it was
    vault.data_keys.wipe([row.id])
    session.commit()
    assert vault.open(session, sealed).read() == b"a film"
    assert vault.adopt(session) == 1
    session.rollback()
    assert vault.open(session, sealed).read() == b"a film"
    assert vault.adopt(session) == 1
    session.commit()
    assert vault.adopt(session) == 0
    assert session.scalar(select(DataKey.wrapped)) is None
    assert Vault(vault.folder, vault.master_key).open(session, sealed).read() == b"a film"
