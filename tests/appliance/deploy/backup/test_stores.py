"""Media that come from another host have that one's numbers of users: who may not read them is told what to do."""

import os
import pwd
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.deploy.backup.errors import BackupBroken, BackupFailed
from appliance.deploy.backup.stores import FolderStore, copy_private, files_below

NOBODY = pwd.getpwnam("nobody")
FORMER = 4711
"""Number of the user of the host that made the backup."""


@contextmanager
def nobody():
    """Act as somebody who owns nothing."""
    os.seteuid(NOBODY.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def medium():
    if os.geteuid() != 0:
        pytest.skip("only root gives files to other numbers: run the tests as root")
    with tempfile.TemporaryDirectory(prefix="kustos-test-medium-") as name:
        folder = Path(name) / "disk/kustos"
        FolderStore(folder).put("base/20261122T150000.000000Z/manifest.json", b"{}")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, FORMER, FORMER)
        Path(name).chmod(0o755)
        folder.parent.chmod(0o755)
        yield folder


@pytest.mark.parametrize("ask", ["sizes", "read", "fetch", "put"])
def test_who_may_not_read_a_medium_is_told_what_to_do(medium, ask, tmp_path):
    store = FolderStore(medium)
    name = "base/20261122T150000.000000Z/manifest.json"
    call = {
        "sizes": lambda: store.sizes("base/"),
        "read": lambda: store.read(name),
        "fetch": lambda: store.fetch(name, tmp_path / "x"),
        "put": lambda: store.put("base/other", b""),
    }[ask]
    with (
        nobody(),
        pytest.raises(BackupFailed, match=f"Permission denied.*chown --recursive nobody: {medium}$") as said,
    ):
        call()
    assert "chmod" not in said.value.message  # the folders above it are open


def test_a_folder_above_it_that_is_closed_is_named(medium):
    medium.parent.chmod(0o700)
    with nobody(), pytest.raises(BackupFailed, match=f"chmod a.x {medium.parent}; chown"):
        FolderStore(medium).sizes("base/")


def test_files_that_may_not_be_read_are_not_taken_for_none(medium):
    with nobody(), pytest.raises(PermissionError):
        list(files_below(medium))
    assert list(files_below(medium / "nowhere")) == []


def test_a_disk_that_is_full_is_not_taken_for_a_medium_that_cannot_be_read(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BackupFailed, match="file/copy cannot be written"):
        copy_private(source, tmp_path / "file/copy")
    with pytest.raises(BackupFailed, match=f"{tmp_path} cannot be read"):
        copy_private(tmp_path, tmp_path / "copy")


def test_what_is_not_there_is_missing(tmp_path):
    store = FolderStore(tmp_path / "nowhere")
    assert store.sizes("base/") == {}
    with pytest.raises(BackupBroken, match="missing"):
        store.read("base/x")
