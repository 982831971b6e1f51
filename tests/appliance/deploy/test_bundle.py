"""A bundle that was touched on its way is not installed; the same inputs give the same bytes."""

import re
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.deploy import bundle, packages
from appliance.deploy.bundle import BundleBroken
from tests.running import ROOT

NOTHING = bundle.SetUp((), ())


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


def packed(folder, target, key, extra=None):
    """What ``create`` does once everything is collected."""
    folder.mkdir()
    (folder / "models").mkdir()
    (folder / "models" / "faces.onnx").write_bytes(b"w" * 100_000)
    (folder / "install.sh").write_text("#!/bin/sh\n")
    (folder / "install.sh").chmod(0o755)
    bundle.seal(folder, key, NOTHING, "debian-12")
    if extra:
        (folder / extra).write_bytes(b"not signed")
    bundle._pack(folder, target)
    return target


def test_the_same_inputs_give_the_same_bytes(tmp_path, key):
    first = packed(tmp_path / "one", tmp_path / "one.tar", key)
    second = packed(tmp_path / "two", tmp_path / "two.tar", key)
    assert first.read_bytes() == second.read_bytes()
    report = bundle.verify(first, key.public_key())
    assert (report.system, report.files) == ("debian-12", 3)


def test_unpacked_it_is_what_was_packed(tmp_path, key):
    file = packed(tmp_path / "one", tmp_path / "one.tar", key)
    bundle.unpack(file, tmp_path / "out", key.public_key())
    assert (tmp_path / "out/models/faces.onnx").read_bytes() == b"w" * 100_000
    assert (tmp_path / "out/install.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_flipped_byte_is_found(tmp_path, key, at):
    file = packed(tmp_path / "one", tmp_path / "one.tar", key)
    content = bytearray(file.read_bytes())
    content[int(len(content) * at)] ^= 1
    file.write_bytes(content)
    with pytest.raises(BundleBroken):
        bundle.unpack(file, tmp_path / "out", key.public_key())
    assert not (tmp_path / "out").exists()


def test_another_key_a_cut_and_a_stowaway_are_found(tmp_path, key):
    file = packed(tmp_path / "one", tmp_path / "one.tar", key)
    with pytest.raises(BundleBroken, match="not signed by this key"):
        bundle.verify(file, Ed25519PrivateKey.generate().public_key())
    stowaway = packed(tmp_path / "two", tmp_path / "two.tar", key, extra="models/evil.onnx")
    with pytest.raises(BundleBroken, match="was not signed"):
        bundle.verify(stowaway, key.public_key())
    file.write_bytes(file.read_bytes()[:50_000])
    with pytest.raises(BundleBroken):
        bundle.verify(file, key.public_key())


def test_a_missing_file_is_found(tmp_path, key):
    packed(tmp_path / "one", tmp_path / "one.tar", key)
    (tmp_path / "one/install.sh").unlink()
    bundle._pack(tmp_path / "one", tmp_path / "less.tar")
    with pytest.raises(BundleBroken, match=r"install\.sh is missing"):
        bundle.verify(tmp_path / "less.tar", key.public_key())


def test_lists_that_differ_are_found(tmp_path, key):
    """Who holds the key might sign two lists that say different things to different readers."""
    packed(tmp_path / "one", tmp_path / "one.tar", key)
    sums = tmp_path / "one" / bundle.SUMS
    sums.write_bytes(sums.read_bytes().replace(b"install.sh", b"instal1.sh"))
    (tmp_path / "one" / "SHA256SUMS.sig").write_bytes(key.sign(sums.read_bytes()))
    bundle._pack(tmp_path / "one", tmp_path / "two.tar")
    with pytest.raises(BundleBroken, match="differ"):
        bundle.verify(tmp_path / "two.tar", key.public_key())


def test_a_path_that_leads_out_is_not_followed(tmp_path, key):
    file = packed(tmp_path / "one", tmp_path / "one.tar", key)
    shutil.rmtree(tmp_path / "one")
    with tarfile.open(file, "a") as tar:
        entry = tarfile.TarInfo("../outside")
        tar.addfile(entry)
    with pytest.raises(BundleBroken):
        bundle.unpack(file, tmp_path / "out", key.public_key())
    assert not (tmp_path / "outside").exists()


NOT_AT_RUN_TIME = {"make", "python3-venv"}
"""What only a checkout needs; the bundle's own installer needs the second as well."""


def test_a_host_is_given_what_a_checkout_needs_to_run():
    """A package that `make run` installs and the roles do not: found by nobody before the first customer."""
    text = (ROOT / ".ci/packages").read_text()
    needed = set(re.search(r"^run=\(([^)]*)\)", text, re.MULTILINE)[1].split()) - NOT_AT_RUN_TIME
    installed = {
        line.strip().removeprefix("- ")
        for file in (ROOT / "ansible/roles").glob("*/defaults/main.yml")
        for line in file.read_text().splitlines()
    }
    assert len(needed) > 10
    assert needed <= installed
    assert needed <= set(packages.WANTED)


def test_packages_are_collected_where_tmp_is_another_file_system(tmp_path, monkeypatch):
    """As in a container, and wherever it is memory; a package that needs no other is one deb and an index."""
    memory = Path("/dev/shm")  # noqa: S108 - stands for a /tmp that is memory
    if memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip(f"{memory} is no file system of its own here")
    monkeypatch.setattr(tempfile, "tempdir", str(memory))
    monkeypatch.setattr(packages, "WANTED", ("fonts-dejavu-core",))
    debs = tmp_path / "bundle/debs"
    assert packages.collect(debs) == len(list(debs.glob("fonts-dejavu-*.deb"))) > 0
    assert list(debs.parent.iterdir()) == [debs]
