"""An export that somebody has touched: every way is told by its name, with the file it happened to."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import main
from appliance.evidence import EvidenceKey, Problem, verify
from appliance.evidence.manifest import canonical
from appliance.vault import MasterKey, Vault
from appliance.vocabulary import ExportContent

made: dict[str, bytes] = {}
"""One export for all tests of this file; each has its own copy."""


@pytest.fixture
def archive(request, tmp_path):
    if not made:
        export_archive, judged = (request.getfixturevalue(name) for name in ("export_archive", "judged"))
        made["archive"] = export_archive(judged, ExportContent.CAMERA, ExportContent.SCREEN).read_bytes()
        collaborators = request.getfixturevalue("collaborators")
        key = EvidenceKey.load_or_create(collaborators.settings.evidence_key_file, collaborators.vault)
        made["key"] = key.public_pem
    path = tmp_path / "export.zip"
    path.write_bytes(made["archive"])
    return path


@pytest.fixture
def folder(archive, tmp_path):
    target = tmp_path / "unpacked"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(target)
    return target


@pytest.fixture
def public_key(archive):
    return made["key"]


def other_key(tmp_path):
    folder = tmp_path / "other"
    vault = Vault(folder / "vault", MasterKey.generate())
    return EvidenceKey.load_or_create(folder / "evidence.key", vault)


def problems(path, *more, key=None):
    return {(finding.problem, finding.file) for finding in verify([path, *more], key).findings}


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def run(*arguments):
    return CliRunner().invoke(main, ["evidence", "verify", *map(str, arguments)])


def test_whole_as_archive_as_folder_as_files_and_in_a_folder_of_its_own(archive, folder, public_key, tmp_path):
    assert verify([archive], public_key).is_whole
    assert verify([folder], public_key).is_whole
    assert verify(sorted(folder.iterdir()), public_key).is_whole
    packed = Path(shutil.make_archive(str(tmp_path / "again"), "zip", tmp_path, "unpacked"))
    assert verify([packed], public_key).is_whole, "packed anew, compressed, in a folder"


def test_one_film_beside_its_manifest(folder):
    report = verify([folder / "camera.webm"])
    assert report.is_whole
    assert report.whole == ["camera.webm"]
    assert "screen.webm" in report.not_given
    flip(folder / "camera.webm", 5000)
    assert problems(folder / "camera.webm") == {(Problem.FILE_ALTERED, "camera.webm")}


@pytest.mark.parametrize("name", ["camera.webm", "screen.webm", "chat.csv"])
def test_a_flipped_bit(folder, name):
    flip(folder / name, (folder / name).stat().st_size // 2)
    assert problems(folder) == {(Problem.FILE_ALTERED, name)}


def test_a_flipped_bit_in_the_archive_says_where(archive):
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("camera.webm").header_offset + 2000
    flip(archive, at)
    report = verify([archive])
    assert [(finding.problem, finding.file) for finding in report.findings] == [(Problem.FILE_ALTERED, "camera.webm")]
    assert "between bytes 0 to" in report.findings[0].words


def test_cut_short_and_appended_to(folder):
    content = (folder / "camera.webm").read_bytes()
    (folder / "camera.webm").write_bytes(content[:-7])
    (folder / "screen.webm").write_bytes((folder / "screen.webm").read_bytes() + b"\0")
    assert problems(folder) == {
        (Problem.FILE_CUT_SHORT, "camera.webm"),
        (Problem.FILE_EXTENDED, "screen.webm"),
    }
    assert "7 of" in verify([folder]).findings[0].words


def test_missing_renamed_and_foreign(folder):
    (folder / "screen.webm").unlink()
    (folder / "camera.webm").rename(folder / "webcam.webm")
    (folder / "notes.txt").write_text("mine")
    assert problems(folder) == {
        (Problem.FILE_MISSING, "screen.webm"),
        (Problem.FILE_RENAMED, "webcam.webm"),
        (Problem.FILE_FOREIGN, "notes.txt"),
    }


def test_two_films_exchanged(folder):
    (folder / "camera.webm").rename(folder / "x")
    (folder / "screen.webm").rename(folder / "camera.webm")
    (folder / "x").rename(folder / "screen.webm")
    assert {file for _, file in problems(folder)} == {"camera.webm", "screen.webm"}


def test_an_edited_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["gaps"] = []
    (folder / "manifest.json").write_bytes(canonical(manifest))
    report = verify([folder])
    assert [finding.problem for finding in report.findings] == [Problem.SIGNATURE_WRONG]
    assert report.fingerprint == ""
    assert "nobody vouches" in run(folder).output


def test_a_manifest_signed_anew_with_another_key(folder, public_key, tmp_path):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["gaps"] = []
    forged, forger = canonical(manifest), other_key(tmp_path)
    (folder / "manifest.json").write_bytes(forged)
    (folder / "manifest.sig").write_bytes(forger.sign(forged))
    assert problems(folder) == {(Problem.SIGNATURE_WRONG, "manifest.json")}
    (folder / "public-key.pem").write_bytes(forger.public_pem)
    assert problems(folder) == set(), "without the right key a forger's own cannot be told from it"
    assert "Compare its fingerprint" in run(folder).output
    assert problems(folder, key=public_key) == {(Problem.KEY_DIFFERS, "manifest.sig")}


def test_the_signature_swapped_or_gone(folder, public_key, tmp_path):
    (folder / "manifest.sig").write_bytes(other_key(tmp_path).sign(b"something else"))
    assert problems(folder) == {(Problem.SIGNATURE_WRONG, "manifest.json")}
    assert problems(folder, key=public_key) == {(Problem.SIGNATURE_WRONG, "manifest.json")}
    (folder / "manifest.sig").unlink()
    assert problems(folder, key=public_key) == {(Problem.SIGNATURE_MISSING, "manifest.sig")}


def test_the_enclosed_key_gone_or_spoiled(folder, public_key):
    (folder / "public-key.pem").write_text("no key")
    assert problems(folder) == {(Problem.KEY_DIFFERS, "public-key.pem")}
    (folder / "public-key.pem").unlink()
    assert problems(folder) == {(Problem.KEY_DIFFERS, "public-key.pem")}
    assert problems(folder, key=public_key) == {(Problem.FILE_MISSING, "public-key.pem")}
    assert verify([folder], public_key).key_is_yours, "and all else is told as it is"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"format":"kustos-evidence","version":2}',
                b'{"format":"kustos-evidence","version":1,"files":[{"name":"../x","size":1,"sha256":"","block_bytes":1}]}']
)  # fmt: skip
def test_a_manifest_that_is_none(folder, content):
    (folder / "manifest.json").write_bytes(content)
    assert (Problem.MANIFEST_UNREADABLE, "manifest.json") in problems(folder)
    assert run(folder).exit_code == 1


def test_names_that_lead_out_of_a_folder_are_never_followed(archive, tmp_path):
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("../../escaped.webm", b"out")
        opened.writestr("/etc/cron.d/mine", b"out")
        with pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr("chat.csv", b"another chat")
    before = set(tmp_path.parent.rglob("*"))
    found = problems(archive)
    assert {(Problem.NAME_UNSAFE, name) for name in ("../../escaped.webm", "/etc/cron.d/mine", "chat.csv")} < found
    assert (Problem.FILE_MISSING, "chat.csv") in found, "of two nobody says which is meant"
    assert set(tmp_path.parent.rglob("*")) == before


def test_an_archive_cut_off_is_told_plainly(archive):
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    result = run(archive)
    assert result.exit_code == 1
    assert "cut short or damaged" in result.stderr


def test_the_command_says_all_of_it(archive, public_key, tmp_path):
    key = tmp_path / "key.pem"
    key.write_bytes(public_key)
    result = run(archive, "--public-key", key)
    assert result.exit_code == 0, result.output
    for words in (
        "WHOLE", "fits the public key that you gave", "camera 1: 0:00:00.000 to 0:00:04", "SUPPLIED BY THE CANDIDATE",
        "camera: 0:00:04.000 to 0:00:07.000, node lost", "covered by what the candidate supplied", "accepted by",
        "0:00:02.000 phone: =HYPERLINK(1)", "Exported by Reviewer", "audit log then",
    ):  # fmt: skip
        assert words in result.output, words
    report = json.loads(run(archive, "--json").output)
    assert report["whole"] is True
    assert report["manifest"]["zero_ms"]


def test_what_is_no_export_is_said(tmp_path):
    stray = tmp_path / "holiday.webm"
    stray.write_bytes(b"film")
    result = run(stray)
    assert result.exit_code == 1
    assert "no manifest" in result.output
    assert "there is no such file" in run(tmp_path / "none.zip").stderr
    assert run(stray, "--public-key", stray).exit_code == 1


def test_terminal_commands_in_a_forged_manifest_are_not_passed_on(folder):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["sitting"]["candidate"]["name"] = "\x1b[2Jnobody"
    (folder / "manifest.json").write_bytes(json.dumps(manifest).encode())
    assert "\x1b" not in run(folder).output


def test_openssl_and_sha256sum_are_enough(folder):
    """What readme.txt tells those who have no Kustos."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public-key.pem", "-rawin", "-in", "manifest.json"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run([*check, "-sigfile", "manifest.sig"], cwd=folder, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    sums = subprocess.run(["sha256sum", "-c", "sha256sums.txt"], cwd=folder, capture_output=True, env=environment)
    assert sums.returncode == 0, sums.stderr
