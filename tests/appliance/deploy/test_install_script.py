"""install.sh looks at the whole bundle before it runs anything of it, by the host's own tools."""

import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.deploy import bundle
from tests.running import ROOT

KEY = Ed25519PrivateKey.generate()
TOOLS = "sh dirname basename cmp cut find head sed sort uniq sha256sum openssl cat"
WENT_ON = 42
"""What the first program after the verification ends with here."""


def public(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def unpacked(tmp_path):
    folder = tmp_path / "bundle"
    (folder / "wheels").mkdir(parents=True)
    (folder / "debs").mkdir()
    (folder / "debs" / "a+b_1%3a2~x_all.deb").write_bytes(b"a package")
    (folder / "debs" / "Packages").write_text("")
    shutil.copy(ROOT / "ansible/install.sh", folder)
    bundle.seal(folder, KEY, bundle.SetUp((), ()), "debian-12")
    (tmp_path / "key.pub").write_bytes(public(KEY))
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS.split():
        (tools / name).symlink_to(shutil.which(name))
    for name, script in {"id": "echo 0", "python3": f"[ $1 = -c ] || exit {WENT_ON}"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    return folder


def install(unpacked, *arguments):
    words = [str(argument) for argument in arguments]
    return subprocess.run(
        ["/bin/sh", str(unpacked / "install.sh"), *words, "-i", "inventory.yml"],
        capture_output=True,
        text=True,
        env={"PATH": str(unpacked.parent / "tools")},
        check=False,
    )


def test_a_whole_bundle_is_gone_on_with(unpacked):
    done = install(unpacked, "--key", unpacked.parent / "key.pub")
    assert (done.returncode, done.stderr) == (WENT_ON, "")
    (unpacked.parent / "key.pub").rename(unpacked.parent / "release.pem.pub")
    assert install(unpacked).returncode == WENT_ON  # found beside the folder


def flip(folder):
    file = folder / "debs/a+b_1%3a2~x_all.deb"
    file.write_bytes(file.read_bytes().replace(b"package", b"virus!!"))


def sign_by_another(folder):
    bundle.seal(folder, Ed25519PrivateKey.generate(), bundle.SetUp((), ()), "debian-12")


def change_list(folder):
    (folder / "SHA256SUMS").write_text((folder / "SHA256SUMS").read_text().replace("a", "b", 1))


WRONG = {
    "a changed file": (flip, "not as they were signed"),
    "a missing file": (lambda folder: (folder / "debs/Packages").unlink(), "not as they were signed"),
    "a stowaway": (lambda folder: (folder / "wheels/kustos-9-py3-none-any.whl").write_text(""), "kustos-9"),
    "a link that stows away": (lambda folder: (folder / "wheels/evil.whl").symlink_to("/etc/passwd"), "evil.whl"),
    "another's signature": (sign_by_another, "was not signed by"),
    "a changed list": (change_list, "was not signed by"),
    "no signature": (lambda folder: (folder / "SHA256SUMS.sig").unlink(), "was not signed by"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found_before_anything_runs(unpacked, what):
    do, said = WRONG[what]
    do(unpacked)
    done = install(unpacked, f"--key={unpacked.parent / 'key.pub'}")
    assert done.returncode == 1
    assert said in done.stderr


def test_without_a_key_it_asks_for_one(unpacked):
    done = install(unpacked)
    assert done.returncode == 1
    assert "Give --key release.pem.pub" in done.stderr


def test_a_missing_openssl_is_not_taken_from_what_it_has_to_verify(unpacked):
    (unpacked.parent / "tools/openssl").unlink()
    done = install(unpacked, "--key", unpacked.parent / "key.pub")
    assert done.returncode == 1
    assert "from the distribution's own medium" in done.stderr


def test_unverified_is_said_aloud(unpacked):
    flip(unpacked)
    done = install(unpacked, "--unverified")
    assert done.returncode == WENT_ON
    assert "not verified, as you wished" in done.stderr


def test_plain_tools_verify_it_as_the_papers_say(unpacked):
    """The two lines of docs/operating/install.md, on a host without Kustos."""
    paper = (ROOT / "docs/operating/install.md").read_text()
    lines = [line for line in paper.splitlines() if line.startswith(("openssl pkeyutl", "sha256sum --check"))]
    assert len(lines) == 2
    (unpacked.parent / "release.pem.pub").write_bytes(public(KEY))

    def run():
        shell = ["bash", "-ec", "\n".join(lines)]
        return subprocess.run(shell, cwd=unpacked, capture_output=True, text=True, check=False)

    assert run().returncode == 0
    assert "Verified Successfully" in run().stdout
    flip(unpacked)
    assert run().returncode != 0
