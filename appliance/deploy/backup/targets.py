"""What a word of settings or command line names as the place of backups."""

from pathlib import Path

from appliance.deploy.backup.s3 import S3, S3Store
from appliance.deploy.backup.stores import FolderStore, Store
from appliance.settings import Settings


def open_store(settings: Settings, target: str) -> Store:
    """Return a folder, or a bucket for ``s3://bucket/prefix``; raise ``SettingInvalid``. Nothing is asked yet."""
    return S3Store.of(settings, target) if is_s3(target) else FolderStore(folder_of(target))


def is_s3(target: str) -> bool:
    """Whether it is a bucket."""
    return target.startswith(S3)


def folder_of(target: str) -> Path:
    """Return the folder it names."""
    return Path(target).expanduser().resolve()
