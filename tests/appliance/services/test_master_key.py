"""Rotation of the master key: everything follows, nothing is lost, whoever works meanwhile or kills it."""

import json
import os
import signal
import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import LargeBinary, select

from appliance.audit import Actor
from appliance.cli import main
from appliance.db import Base, make_engine, make_session_factory, unit_of_work
from appliance.errors import ImpossibleStep, KeyDestroyed, VaultTampered
from appliance.evidence import EvidenceKey
from appliance.models import AuditEntry, Company, DataKey, User, VaultObject
from appliance.services import master_key, vault_check
from appliance.services.master_key import House
from appliance.vault import KeyRing, Vault, master_keys, open_master_key
from appliance.vault.data_keys import DataKeyFiles
from appliance.vault.generations import MasterKind
from appliance.vault.row_secrets import keep, read
from appliance.vault.wrapped_columns import OTHER_BYTES, WRAPPED

OFFICER = Actor("cli", "root", "root")


@pytest.fixture
def house(settings, session_factory, vault, monkeypatch):
    monkeypatch.setattr(master_key, "SETTLED_SECONDS", 10.0)
    return House(settings, session_factory, vault)


@pytest.fixture
def filled(make, session, vault, settings):
    """What has to be readable afterwards: ``filled(vault)`` checks it."""
    make.user()
    sealed = vault.seal(session, "sitting:1", "part", b"a film" * 50_000)
    vault.seal(session, "sitting:2", "part", b"erased")
    former = vault.seal(session, "sitting:3", "photo", b"a photo")
    row = session.get_one(DataKey, former.data_key_id)
    row.wrapped = vault.master_key.wrap(vault.data_keys.get(row.id, row.purpose), b"data-key:sitting:3")
    face = vault.derive(session, "face:1", b"template")
    fingerprint = EvidenceKey.load_or_create(settings.evidence_key_file, vault).fingerprint
    session.commit()
    vault.destroy(session, "sitting:2")
    session.commit()
    (company,), (user,) = session.scalars(select(Company)).all(), session.scalars(select(User)).all()
    secrets = read(vault, company, Company.integration_secret), read(vault, user, User.totp_secret)
    files = {path: path.read_bytes() for path in vault.folder.glob("*/*")}
    session.commit()

    def check(vault):
        session.expire_all()
        assert vault.open(session, sealed).read() == b"a film" * 50_000
        assert vault.open(session, former).read() == b"a photo"
        assert vault.derive(session, "face:1", b"template") == face
        assert (read(vault, company, Company.integration_secret), read(vault, user, User.totp_secret)) == secrets
        assert EvidenceKey.load_or_create(settings.evidence_key_file, vault).fingerprint == fingerprint
        assert {path: path.read_bytes() for path in files} == files, "sealed files stay as they are"
        with pytest.raises(KeyDestroyed):
            vault.derive(session, "sitting:2", b"")
        session.commit()

    return check


def audited(session):
    query = select(AuditEntry.action).where(AuditEntry.action.startswith("master_key."))
    found = list(session.scalars(query.order_by(AuditEntry.id)))
    session.commit()
    return found


def test_every_column_of_bytes_is_known_to_the_rotation():
    known = {str(column) for column in (*WRAPPED, *OTHER_BYTES)}
    mapped = {
        f"{mapper.class_.__name__}.{attribute.key}"
        for mapper in Base.registry.mappers
        for attribute in mapper.column_attrs
        if any(isinstance(column.type, LargeBinary) for column in attribute.columns)
    }
    assert mapped == known, "say in appliance/vault/wrapped_columns.py whether the master key wraps it"


def test_everything_follows_and_the_former_key_is_gone(house, filled, settings, session, vault):
    before = (settings.keys / "master.key").read_bytes()
    stolen = [(path, path.read_bytes()) for path in settings.keys.rglob("*.key*")]
    counts = master_key.rotate(house, OFFICER, grace=0)
    assert counts["small secrets"] >= 2
    assert counts["files"] == 1
    assert counts["data keys"] >= 3
    filled(vault)
    filled(Vault(settings.vault, open_master_key(settings)))
    assert not (settings.keys / "master.key").exists()
    assert before.strip() not in b"".join(path.read_bytes() for path in settings.keys.rglob("*") if path.is_file())
    assert stolen
    assert master_key.remaining(house) == {}
    assert audited(session) == ["master_key.rotate", "master_key.destroy_former"]
    assert vault_check.check(house.session_factory, vault).findings == []
    master_key.rotate(house, OFFICER, grace=0)
    filled(vault)
    assert house.ring.current.number == 3


def test_the_appliance_goes_on_meanwhile(house, filled, settings, session_factory):
    """Another process' vault seals, reads and keeps secrets during three rotations; nothing of it is lost."""
    other = Vault(settings.vault, open_master_key(settings))
    stop, kept, wrong = threading.Event(), [], []

    def work():
        while not stop.is_set():
            with unit_of_work(session_factory) as session:
                number = len(kept)
                sealed = other.seal(session, f"sitting:{100 + number}", "part", b"%d" % number)
                slug = Company(slug=f"c{number}", name="", integration_secret=b"")
                keep(session, other, slug, Company.integration_secret, b"%d" % number)
            with unit_of_work(session_factory) as session:
                if other.open(session, sealed).read() != b"%d" % number:
                    wrong.append(number)
            kept.append((sealed.id, slug.id))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(3):
            master_key.rotate(house, OFFICER, grace=0.1)
    finally:
        stop.set()
        worker.join()
    assert not wrong
    assert len(kept) > 3
    fresh = Vault(settings.vault, open_master_key(settings))
    filled(fresh)
    with session_factory() as session:
        for number, (object_id, company_id) in enumerate(kept):
            assert fresh.open(session, session.get_one(VaultObject, object_id)).read() == b"%d" % number
            assert read(fresh, session.get_one(Company, company_id), Company.integration_secret) == b"%d" % number


KILLS = {
    "before the new key counts": (master_keys, "put", 1),
    "before anything is rewrapped": (master_key, "_settle", 1),
    "before the first page": (DataKeyFiles, "rewrap", 1),
    "before the second column": (master_key, "_rewrap_column", 2),
    "before the files": (master_key, "put", 1),
    "before the former is destroyed": (KeyRing, "finish", 1),
    "after the former is destroyed": (KeyRing, "_destroy", 1),
}


@pytest.mark.parametrize("moment", KILLS)
def test_killed_it_goes_on_where_it_was(house, filled, settings, moment):
    place, name, count = KILLS[moment]
    child = os.fork()
    if not child:
        try:
            original, calls = getattr(place, name), []

            def deadly(*arguments, **more):
                calls.append(1)
                if moment.startswith("after"):
                    original(*arguments, **more)
                if len(calls) == count:
                    os.kill(os.getpid(), signal.SIGKILL)
                return original(*arguments, **more)

            factory = make_session_factory(make_engine(settings.database_url))
            own = House(settings, factory, Vault(settings.vault, open_master_key(settings)))
            setattr(place, name, deadly)
            master_key.rotate(own, OFFICER, grace=0)
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    filled(Vault(settings.vault, open_master_key(settings)))
    master_key.rotate(house, OFFICER, grace=0)
    filled(Vault(settings.vault, open_master_key(settings)))
    assert house.ring.retiring == []
    living = [one for one in house.ring.generations if one.destroyed_ms is None]
    assert [one.number for one in living] == [house.ring.current.number]


def test_what_does_not_open_keeps_the_former_key(house, filled, session):
    company = session.scalars(select(Company)).one()
    kept = company.integration_secret
    company.integration_secret = b"spoilt" * 10
    session.commit()
    with pytest.raises(VaultTampered, match=r"Company.integration_secret of row"):
        master_key.rotate(house, OFFICER, grace=0)
    assert len(house.ring.retiring) == 1
    session.expire_all()
    company.integration_secret = kept
    session.commit()
    master_key.rotate(house, OFFICER, grace=0)
    filled(house.vault)


def test_a_secret_under_another_row_is_found_and_an_older_one_is_bound_by_a_rotation(house, make, session, vault):
    one, other = make.user(), make.user()
    secret = read(vault, one, User.totp_secret)
    session.commit()
    assert vault_check.check(house.session_factory, vault).is_whole
    one.totp_secret, other.totp_secret = other.totp_secret, one.totp_secret
    session.commit()
    for row in (one, other):
        with pytest.raises(VaultTampered):
            read(vault, row, User.totp_secret)
    findings = vault_check.check(house.session_factory, vault).findings
    assert [f"User.totp_secret of row [{row.id}]" in words for row, words in zip((one, other), findings, strict=True)]
    one.totp_secret, other.totp_secret = vault.wrap(secret), None  # as all were wrapped once
    session.commit()
    report = vault_check.check(house.session_factory, vault)
    assert (report.is_whole, report.unbound) == (True, 1)
    assert read(vault, one, User.totp_secret) == secret
    master_key.rotate(house, OFFICER, grace=0)
    session.expire_all()
    assert vault_check.check(house.session_factory, house.vault).unbound == 0
    assert house.vault.unwrap(one.totp_secret, f"user.totp_secret:{one.id}") == secret


def test_two_rotations_do_not_run_together(house, session_factory):
    with master_key._alone(session_factory), pytest.raises(ImpossibleStep, match="somebody else"):
        master_key.rotate(house, OFFICER, grace=0)


def test_waits_for_transactions_that_may_hold_something_of_the_old_key(house, session_factory):
    """A transaction that wrapped before the change and commits after it must not lose what it wrapped."""
    with session_factory() as open_one:
        late = Company(slug="late", name="", integration_secret=b"")
        keep(open_one, house.vault, late, Company.integration_secret, b"late")
        open_one.flush()
        worker = threading.Thread(target=master_key.rotate, args=[house, OFFICER], kwargs={"grace": 0})
        worker.start()
        worker.join(0.7)
        assert worker.is_alive()
        open_one.commit()
        worker.join(20)
        assert not worker.is_alive()
        company = open_one.scalars(select(Company).execution_options(populate_existing=True)).one()
        assert read(house.vault, company, Company.integration_secret) == b"late"


def test_the_check_names_what_is_wrong(house, filled, session, vault):
    assert vault_check.check(house.session_factory, vault).findings == []
    film = session.scalars(select(VaultObject).where(VaultObject.kind == "part").order_by(VaultObject.id)).first()
    path = vault.folder / film.path
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    (company,) = session.scalars(select(Company)).all()
    company.integration_secret = b"spoilt" * 10
    vault.data_keys.wipe([session.scalars(select(DataKey.id).where(DataKey.purpose == "face:1")).one()])
    session.commit()
    os.utime(vault.folder / "aa" if (vault.folder / "aa").exists() else path.parent)
    stray = path.with_name("00.sealed")
    stray.write_bytes(b"x")
    os.utime(stray, (0, 0))
    findings = vault_check.check(house.session_factory, vault).findings
    assert len(findings) == 4
    for words in (f"object {film.id}", "Company.integration_secret", "key of face:1", "00.sealed: no row"):
        assert any(words in finding for finding in findings), findings
    assert vault.sweep(session, timedelta(0)) == 2  # the stray, and the file whose key was destroyed


def test_by_command(house, filled, settings, session, monkeypatch, tmp_path):
    lines = {"data_dir": settings.data_dir, "database_url": settings.database_url, "secret_key": settings.secret_key}
    file, phrase = tmp_path / "kustos.toml", tmp_path / "phrase"
    phrase.write_text("correct horse battery staple")
    phrase.chmod(0o600)
    lines["master_passphrase_file"] = phrase
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()))
    monkeypatch.setenv("KUSTOS_SETTINGS", str(file))
    run = CliRunner()

    def told(*arguments, **more):
        done = run.invoke(main, ["vault", *arguments], **more)
        assert done.exit_code == 0, done.output
        return done.output

    assert "generation 1: file, current" in told("status")
    assert "everything opens" in told("verify")
    assert "master_key = passphrase" in told("move-to", "passphrase")
    assert "generation 2: passphrase, current" in told("status")
    told("change-passphrase", input="another one that is long\nanother one that is long\n")
    refused = run.invoke(main, ["vault", "status"])
    assert refused.exit_code == 1
    assert "does not open the master key" in refused.output
    phrase.write_text("another one that is long")
    told("rotate")
    found = json.loads(told("status", "--json"))
    assert (found["current"], found["kind"], found["rotating"]) == (3, MasterKind.PASSPHRASE, False)
    assert json.loads(told("verify", "--json"))["findings"] == []
    assert audited(session) == [
        "master_key.rotate",
        "master_key.destroy_former",
        "master_key.change_passphrase",
        "master_key.rotate",
        "master_key.destroy_former",
    ]
