from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.errors import SettingInvalid
from appliance.vault import MasterKey


def test_made_once_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "keys" / "master.key"
    first = MasterKey.load_or_create(path)
    assert MasterKey.load_or_create(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_start_together_get_the_same_key(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(MasterKey.load_or_create, [tmp_path / "master.key"] * 8))
    assert len({key.secret for key in keys}) == 1


def test_key_readable_by_others_is_refused_with_the_cure(tmp_path: Path):
    path = tmp_path / "master.key"
    MasterKey.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(SettingInvalid, match="chmod 600"):
        MasterKey.load_or_create(path)


@pytest.mark.parametrize("content", ["", "abc", "00" * 31, "zz" * 32, "\u00e9"])
def test_malformed_key_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "master.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingInvalid, match="backup"):
        MasterKey.load_or_create(path)


def test_key_is_not_shown(tmp_path: Path):
    key = MasterKey.load_or_create(tmp_path / "master.key")
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)
