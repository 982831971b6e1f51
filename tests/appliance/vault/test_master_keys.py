"""Every kind of master key, in real software: SoftHSM is the token, swtpm the TPM; and the change of generations."""

import io
import os
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import ImpossibleStep, SettingInvalid, VaultTampered
from appliance.settings import load_settings
from appliance.vault import open_master_key
from appliance.vault.files import erase
from appliance.vault.generations import MasterKind

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def token(tmp_path, monkeypatch):
    """Settings of a fresh SoftHSM token."""
    if shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not installed (.ci/packages test)")
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    made = ["softhsm2-util", "--init-token", "--free", "--label", "kustos", "--pin", "123456", "--so-pin", "12345678"]
    subprocess.run(made, check=True, capture_output=True)
    pin = tmp_path / "pin"
    pin.write_text("123456\n")
    pin.chmod(0o600)
    import pkcs11  # noqa: PLC0415 - the library is loaded once a process; it must see this test's token

    pkcs11.lib(MODULE).reinitialize()
    return {"pkcs11_module": MODULE, "pkcs11_token": "kustos", "pkcs11_pin_file": str(pin)}


MODULE = next(
    (path for path in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so") if Path(path).exists()),
    "",
)


@pytest.fixture
def tpm(tmp_path):
    """Settings of a fresh TPM, and its TCTI for tools."""
    if shutil.which("swtpm") is None or shutil.which("tpm2_unseal") is None:
        pytest.skip("swtpm and tpm2-tools are not installed (.ci/packages test)")
    state = tmp_path / "tpm"
    state.mkdir()
    for _ in range(10):  # two neighbouring ports: the tools take the second for control
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            break
    places = [f"--server=type=tcp,port={port}", f"--ctrl=type=tcp,port={port + 1}"]
    command = ["swtpm", "socket", "--tpm2", f"--tpmstate=dir={state}", *places, "--flags=not-need-init,startup-clear"]
    process = subprocess.Popen(command)
    tcti = f"swtpm:host=127.0.0.1,port={port}"
    environment = {**os.environ, "TPM2TOOLS_TCTI": tcti}
    deadline = time.monotonic() + 20
    while subprocess.run(["tpm2_getrandom", "1"], env=environment, capture_output=True).returncode:
        assert time.monotonic() < deadline, "the TPM does not answer"
    yield {"tpm_tcti": tcti}
    process.terminate()
    process.wait()


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return {"master_passphrase_file": str(path)}


@pytest.fixture
def at(tmp_path):
    def settings(kind="", **more):
        return load_settings({}, data_dir=tmp_path / "data", master_key=kind, **more)

    return settings


@pytest.mark.parametrize("kind", list(MasterKind))
def test_wraps_alike_in_every_process_and_after_a_change_of_generation(at, kind, request):
    means = {MasterKind.PKCS11: "token", MasterKind.TPM: "tpm", MasterKind.PASSPHRASE: "passphrase"}.get(kind)
    settings = at(kind.value, **(request.getfixturevalue(means) if means else {}))
    first, other = open_master_key(settings), open_master_key(settings)
    assert first.current.kind is kind
    before = first.wrap(b"a secret", b"this")
    assert b"a secret" not in before
    assert other.unwrap(before, b"this") == b"a secret"
    for wrapped, bound in (
        (before, b"that"),
        (before[:-1], b"this"),
        (before[:-1] + bytes([before[-1] ^ 1]), b"this"),
    ):
        with pytest.raises(VaultTampered):
            first.unwrap(wrapped, bound)

    first.begin()
    after = first.wrap(b"a secret", b"this")
    assert other.unwrap(after, b"this") == b"a secret", "a process that runs follows"
    assert other.unwrap(before, b"this") == b"a secret", "both are readable"
    assert other.wrap(b"", b"")[:12] == after[:12], "and wraps under the new one only"
    with pytest.raises(ImpossibleStep):
        other.begin()

    other.finish()
    for ring in (first, other, open_master_key(settings)):
        assert ring.unwrap(after, b"this") == b"a secret"
        first.wrap(b"", b"")  # it looks before it wraps
        with pytest.raises(VaultTampered):
            ring.unwrap(before, b"this")
    if kind is not MasterKind.PKCS11:
        assert len(list(settings.keys.glob("*.key"))) == 1
    if kind is not MasterKind.FILE:
        kept = b"".join(path.read_bytes() for path in settings.keys.rglob("*") if path.is_file())
        assert b"a secret" not in kept


def test_a_token_keeps_its_key_and_lets_nobody_read_it(at, token):
    import pkcs11  # noqa: PLC0415
    from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415

    ring = open_master_key(at("pkcs11", **token))
    session = pkcs11.lib(MODULE).get_token(token_label="kustos").open()  # logged in by now
    (key,) = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
    assert key.label == ring.current.place["label"]
    with pytest.raises(pkcs11.AttributeSensitive):
        key[Attribute.VALUE]
    ring.begin()
    ring.finish()
    assert [one.label for one in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})] == [
        ring.current.place["label"]
    ]


def test_a_token_serves_threads_and_forked_processes(at, token):
    ring = open_master_key(at("pkcs11", **token))
    wrapped = ring.wrap(b"a secret", b"")
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(ring.unwrap(wrapped, b"") for _ in range(20))) for _ in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"a secret"] * 80
    child = os.fork()
    if not child:
        os._exit(0 if ring.unwrap(wrapped, b"") == b"a secret" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert ring.unwrap(wrapped, b"") == b"a secret"


def test_a_tpm_opens_only_as_the_machine_was_started_then(at, tpm):
    settings = at("tpm", **tpm)
    wrapped = open_master_key(settings).wrap(b"a secret", b"")
    assert open_master_key(settings).unwrap(wrapped, b"") == b"a secret"
    change = ["tpm2_pcrextend", f"7:sha256={'ab' * 32}"]
    subprocess.run(change, env={**os.environ, "TPM2TOOLS_TCTI": tpm["tpm_tcti"]}, check=True)
    with pytest.raises(SettingInvalid, match="TPM refused"):
        open_master_key(settings)


def test_a_passphrase_comes_from_systemd_and_can_be_changed(at, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    kept = credentials / "kustos-master-passphrase"
    kept.write_text(PASSPHRASE)
    kept.chmod(0o400)
    settings = load_settings(
        {"CREDENTIALS_DIRECTORY": str(credentials)}, data_dir=tmp_path / "data", master_key="passphrase"
    )
    ring = open_master_key(settings)
    wrapped = ring.wrap(b"a secret", b"")
    (file,) = settings.keys.glob("*.key")
    assert ring._opened[1].secret.hex().encode() not in file.read_bytes()
    ring.change_passphrase("another one that is long")
    assert ring.unwrap(wrapped, b"") == b"a secret"
    with pytest.raises(SettingInvalid, match="does not open"):
        open_master_key(settings)
    kept.chmod(0o600)
    kept.write_text("another one that is long")
    assert open_master_key(settings).unwrap(wrapped, b"") == b"a secret"
    with pytest.raises(SettingInvalid, match="12 characters"):
        ring.change_passphrase("short")


def test_without_a_terminal_the_missing_passphrase_is_named(at, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SettingInvalid, match="master_passphrase_file"):
        open_master_key(at("passphrase"))


def test_moves_between_kinds_and_the_setting_must_follow(at, passphrase):
    ring = open_master_key(at())
    before = ring.wrap(b"a secret", b"")
    with pytest.raises(SettingInvalid, match="move-to passphrase"):
        open_master_key(at("passphrase", **passphrase))
    moving = open_master_key(at("passphrase", **passphrase), any_kind=True)
    moving.begin(MasterKind.PASSPHRASE)
    assert moving.unwrap(before, b"") == b"a secret"
    moving.finish()
    assert open_master_key(at("passphrase", **passphrase)).current.number == 2
    with pytest.raises(SettingInvalid, match="move-to file"):
        open_master_key(at("file", **passphrase))


def test_a_lost_ring_or_key_is_named_and_never_made_anew(at):
    settings = at()
    ring = open_master_key(settings)
    ring.begin()
    ring.finish()
    (file,) = settings.keys.glob("*.key")
    kept = file.read_bytes()
    erase(file)
    with pytest.raises(SettingInvalid, match="missing; restore it"):
        open_master_key(settings)
    file.write_bytes(kept)
    file.chmod(0o600)
    open_master_key(settings)
    (settings.keys / "master.json").write_text("{}")
    with pytest.raises(SettingInvalid, match="damaged"):
        open_master_key(settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pkcs11_token": "nobody"}, "cannot be used"),
        ({"pkcs11_module": "/nonexistent.so"}, "cannot be used"),
        ({"pkcs11_module": ""}, "Set pkcs11_module"),
        ({"pkcs11_pin_file": ""}, "pkcs11_pin_file is not set"),
    ],
)
def test_a_token_that_cannot_be_used_says_what_to_do(at, token, change, words):
    settings = at("pkcs11", **token)
    with pytest.raises(SettingInvalid, match=words):
        open_master_key(replace(settings, **change))


def test_an_overwritten_file_leaves_nothing_of_itself(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"a secret")
    os.link(path, tmp_path / "same")
    erase(path)
    assert not path.exists()
    assert (tmp_path / "same").read_bytes() == bytes(8)
    erase(path)  # again is no error
