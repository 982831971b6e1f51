"""What root does after a restore: the places where backups go on belong to the appliance's own user."""

import os
import pwd
from dataclasses import replace

import pytest

from appliance.cli import host_restore
from appliance.settings import load_settings

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def settings(tmp_path):
    made = load_settings({}, data_dir=tmp_path / "data", secret_key="a secret of the tests, long enough")
    target, keys = tmp_path / "medium/kustos", tmp_path / "safe"
    for folder in (target / "base/moment", target / "vault/vault/00", keys / "backup", target / "letters"):
        folder.mkdir(parents=True)
    (target / "base/moment/manifest.json").write_text("{}")
    (keys / "evidence.key").write_text("00")
    return replace(made, backup_target=str(target), backup_keys=str(keys))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_only_what_belongs_to_a_backup_changes_hands(settings, tmp_path):
    host_restore.hand_over(NOBODY, host_restore.own_places(settings))
    changed = {path for path in tmp_path.rglob("*") if path.stat().st_uid == NOBODY.pw_uid}
    target, keys = tmp_path / "medium/kustos", tmp_path / "safe"
    inside = {*(target / "base").rglob("*"), *(target / "vault").rglob("*"), *keys.rglob("*")}
    assert changed == {target, target / "base", target / "vault", keys} | inside


def test_without_places_or_in_places_of_something_else_nothing_is_touched(settings, tmp_path):
    assert host_restore.own_places(replace(settings, backup_target="", backup_keys="")) == {}
    (tmp_path / "safe/evidence.key").unlink()
    assert host_restore.own_places(replace(settings, backup_target="s3://bucket/x")) == {}


def test_what_cannot_be_given_away_is_said(settings, capsys, monkeypatch):
    def refuses(*_arguments, **_options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "chown", refuses)
    stranger = pwd.struct_passwd(("kustos", "x", 4711, 4711, "", "/", "/bin/false"))
    host_restore.hand_over(stranger, host_restore.own_places(settings))
    assert "cannot be given to kustos (Read-only file system)" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_above_that_the_user_does_not_get_through_is_named(settings, capsys, tmp_path):
    closed = tmp_path / "medium"
    closed.chmod(0o700)
    host_restore.hand_over(NOBODY, host_restore.own_places(settings))
    assert (
        f"cannot get at {closed}/kustos, so that backups do not go on: chmod a+x {closed}\n"
        in capsys.readouterr().err
    )
