"""Backups in a bucket of a real S3 server (moto, a process of its own), by TLS of the house's own authority."""

import contextlib
import datetime
import ipaddress
import os
import socket
import subprocess
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.collaborators import assemble
from appliance.deploy.backup import catalogue, full, recovery
from appliance.deploy.backup.errors import BackupBroken, BackupFailed
from appliance.deploy.backup.restore import restore
from appliance.deploy.backup.s3 import S3Store
from appliance.deploy.backup.stream import Stream
from appliance.deploy.backup.targets import open_store
from appliance.errors import SettingInvalid
from tests.appliance.deploy.backup.test_backup import opened, sealed
from tests.running import ROOT, wait_for

MOTO = ROOT / ".venv-s3/bin/moto_server"
SECRET = "a-secret-that-nobody-may-read"
TARGET = "s3://kustos-backups/exam.example"


def certificate(folder):
    """A certificate for 127.0.0.1 that only who is told believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "s3 of the house")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    built = built.add_extension(address, False).sign(key, hashes.SHA256())
    (folder / "s3.crt").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "s3.key").write_bytes(private)


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """Address and certificate of the server."""
    if not MOTO.exists():
        pytest.skip("the S3 server of the tests is not installed: run make setup-test")
    folder = tmp_path_factory.mktemp("s3")
    certificate(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["-H", "127.0.0.1", "-p", str(port), "-c", str(folder / "s3.crt"), "-k", str(folder / "s3.key")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(MOTO), *words], stdout=log, stderr=log)
    try:
        wait_for(lambda: reachable(port), 60, "the S3 server")
        yield f"https://127.0.0.1:{port}", folder / "s3.crt"
    finally:
        process.kill()
        process.wait()


def reachable(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def settings(settings, s3, tmp_path):
    secret = tmp_path / "s3.toml"
    secret.write_text(f'key_id = "kustos"\nsecret = "{SECRET}"\n')
    secret.chmod(0o600)
    settings = replace(
        settings,
        backup_s3_endpoint=s3[0],
        backup_s3_ca_file=str(s3[1]),
        backup_s3_credentials_file=str(secret),
    )
    store = S3Store.of(settings, TARGET)
    if not store._client.bucket_exists("kustos-backups"):
        store._client.make_bucket("kustos-backups")
    return settings


@pytest.fixture
def target(request):
    return f"{TARGET}/{request.node.name}"


def test_another_host_reads_what_went_into_the_bucket(own, settings, places, target, elsewhere):
    first = sealed(own, "sitting:1")
    full.create(own, target, places[1])
    following = Stream(own, target, places[1])
    following.follow()
    full.create(own, target, places[1])
    second = sealed(own, "sitting:2", b"sealed just now")
    following.beat()
    following.close()
    store = open_store(settings, target)
    moment = catalogue.choose(store)
    recovery.verify(store, places[1], moment, settings)
    back = restore(elsewhere, store, places[1], moment)
    assert (back.proof.audit_entries, back.missing) == (2, [])
    there = assemble(elsewhere)
    assert [len(opened(there, first)), opened(there, second)] == [200_000, b"sealed just now"]


def test_parts_that_arrived_before_it_broke_off_are_not_sent_again(settings, target, tmp_path, monkeypatch):
    store = open_store(settings, target)
    store._part = 5 << 20
    film = tmp_path / "film"
    film.write_bytes(os.urandom(12 << 20))
    sent = []
    upload = store._client._upload_part

    def breaks(bucket, key, content, headers, number_of_upload, number):
        if number == 3 and len(sent) == 2:
            raise OSError("the line is dead")
        sent.append(number)
        return upload(bucket, key, content, headers, number_of_upload, number)

    monkeypatch.setattr(store._client, "_upload_part", breaks)
    with pytest.raises(BackupFailed, match="the line is dead"):
        store.put_file("vault/film", film)
    assert store.sizes("vault/") == {}  # half a film is none
    sent.append(0)
    store.put_file("vault/film", film)
    assert sent == [1, 2, 0, 3]
    store.fetch("vault/film", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == film.read_bytes()


def test_what_is_not_there_and_what_is_taken_away(settings, target):
    store = open_store(settings, target)
    store.put("a/1", b"one")
    store.put("a/2", b"two")
    assert store.sizes("a/") == {"a/1": 3, "a/2": 3}
    store.remove(["a/1", "a/nowhere"])
    assert store.read("a/2") == b"two"
    with pytest.raises(BackupBroken, match="missing"):
        store.read("a/1")


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(settings, s3, target):
    store = open_store(replace(settings, backup_s3_ca_file=""), target)
    with pytest.raises(BackupFailed, match="cannot be reached") as refused:
        store.put("a", b"x")
    assert SECRET not in str(refused.value)


def test_a_bucket_that_is_not_there_is_named(settings):
    with pytest.raises(BackupFailed, match="NoSuchBucket"):
        open_store(settings, "s3://nobodys-bucket/x").put("a", b"x")


@pytest.mark.parametrize("wrong", ["missing", "open", "rubbish", "unset"])
def test_credentials_that_are_none_are_named_and_never_shown(settings, tmp_path, wrong):
    file = tmp_path / "credentials"
    file.write_text(SECRET if wrong == "rubbish" else f'key_id = "x"\nsecret = "{SECRET}"\n')
    file.chmod(0o644 if wrong == "open" else 0o600)
    path = {"missing": str(tmp_path / "nowhere"), "unset": ""}.get(wrong, str(file))
    with pytest.raises(SettingInvalid) as refused:
        open_store(replace(settings, backup_s3_credentials_file=path), TARGET)
    assert SECRET not in str(refused.value)


def test_an_endpoint_that_others_can_listen_to_is_refused(settings):
    with pytest.raises(SettingInvalid, match="must begin with https"):
        open_store(replace(settings, backup_s3_endpoint="http://s3.example:9000"), TARGET)
