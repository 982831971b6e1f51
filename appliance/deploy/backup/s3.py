"""Backups in a bucket: of a cloud, or of the house's own MinIO or Ceph. The only door to minio's library.

A large file goes in parts; those that arrived before something broke off are not sent again.
"""

import hashlib
import io
import os
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.datatypes import Part
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from appliance.deploy.backup.errors import BackupBroken, BackupFailed
from appliance.deploy.backup.stores import whole_file
from appliance.errors import SettingInvalid
from appliance.settings import Settings

S3: Final = "s3://"
PART: Final = 64 << 20
"""Bytes of a part of a large file; 10,000 of them are the most there may be (640 GB)."""
AMAZON: Final = "https://s3.amazonaws.com"
MISSING: Final = {"NoSuchKey", "NoSuchObject", "NotFound"}
HERE: Final = {"localhost", "127.0.0.1", "::1"}
SYSTEM: Final = Path("/etc/ssl/certs/ca-certificates.crt")


class S3Store:
    """A bucket and what names in it begin with."""

    def __init__(self, client: Minio, bucket: str, prefix: str, part: int = PART) -> None:
        """Take minio's client; ``part``: bytes of a part."""
        self._client, self._bucket, self._prefix, self._part = client, bucket, prefix, part

    @classmethod
    def of(cls, settings: Settings, target: str) -> Self:
        """Return the store of ``s3://bucket/prefix``; raise ``SettingInvalid``. Nothing is asked yet."""
        bucket, _, prefix = target.removeprefix(S3).strip("/").partition("/")
        if not bucket:
            raise SettingInvalid(f"{target} names no bucket; it looks like s3://bucket/kustos")
        parts = urlsplit(settings.backup_s3_endpoint or AMAZON)
        if not parts.hostname or parts.path.strip("/"):
            raise SettingInvalid(f"backup_s3_endpoint: {parts.geturl()} must look like https://s3.example:9000")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
            raise SettingInvalid(f"backup_s3_endpoint: {parts.geturl()} must begin with https://")
        key_id, secret = _credentials(settings.backup_s3_credentials_file)
        client = Minio(
            parts.netloc,
            access_key=key_id,
            secret_key=secret,
            secure=parts.scheme == "https",
            region=settings.backup_s3_region,
            http_client=_connections(settings.backup_s3_ca_file),
        )
        return cls(client, bucket, f"{prefix}/" if prefix else "")

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        with _worded(name):
            self._client.put_object(self._bucket, self._prefix + name, io.BytesIO(content), len(content))

    def put_file(self, name: str, path: Path) -> None:
        """Write a file of any size; raise ``FileNotFoundError`` where it went meanwhile."""
        with path.open("rb") as file, _worded(name):
            size = os.fstat(file.fileno()).st_size
            key = self._prefix + name
            if size <= self._part:
                self._client.put_object(self._bucket, key, file, size)
                return
            upload, parts = self._upload(key), []
            there = self._arrived(key, upload)
            for number in range(1, -(-size // self._part) + 1):
                content = file.read(self._part)
                tag = hashlib.md5(content, usedforsecurity=False).hexdigest()  # what S3 calls a part's tag
                if there.get(number) != tag:
                    tag = self._client._upload_part(self._bucket, key, content, None, upload, number)
                parts.append(Part(number, tag))
            self._client._complete_multipart_upload(self._bucket, key, upload, parts)

    def fetch(self, name: str, path: Path) -> None:
        """Read an object into a file."""
        with _worded(name), self._object(name) as body, whole_file(path) as file:
            for content in body.stream(1 << 20):
                file.write(content)

    def read(self, name: str) -> bytes:
        """Return an object."""
        with _worded(name), self._object(name) as body:
            return bytes(body.read())

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return names with their bytes."""
        with _worded(prefix):
            found = self._client.list_objects(self._bucket, self._prefix + prefix, recursive=True)
            return {str(one.object_name).removeprefix(self._prefix): int(one.size or 0) for one in found}

    def remove(self, names: Iterable[str]) -> None:
        """Take objects away."""
        with _worded("what is to be removed"):
            for error in self._client.remove_objects(
                self._bucket, [DeleteObject(self._prefix + name) for name in names]
            ):
                raise BackupFailed(f"The S3 did not remove {error.name}: {error.message}")

    @contextmanager
    def _object(self, name: str) -> Iterator[urllib3.BaseHTTPResponse]:
        body = self._client.get_object(self._bucket, self._prefix + name)
        try:
            yield body
        finally:
            body.close()
            body.release_conn()

    # The library's public call begins a large file anew whenever something breaks off; its version is pinned.

    def _upload(self, key: str) -> str:
        """Return the upload of this object that was begun and not ended, or a new one."""
        begun = self._client._list_multipart_uploads(self._bucket, prefix=key)
        for one in begun.uploads:
            if one.object_name == key and one.upload_id:
                return str(one.upload_id)
        return str(self._client._create_multipart_upload(self._bucket, key, {}))

    def _arrived(self, key: str, upload: str) -> dict[int, str]:
        """Return the tags of parts that are there."""
        found: dict[int, str] = {}
        marker = None
        while True:
            page = self._client._list_parts(self._bucket, key, upload, part_number_marker=marker)
            found |= {one.part_number: one.etag.strip('"') for one in page.parts}
            if not page.is_truncated:
                return found
            marker = str(page.next_part_number_marker)


def _connections(ca_file: str) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=10, read=60),
        maxsize=8,
        cert_reqs="CERT_REQUIRED",
        ca_certs=ca_file or (str(SYSTEM) if SYSTEM.exists() else None),
        retries=urllib3.Retry(total=4, backoff_factor=0.5, status_forcelist=[500, 502, 503, 504]),
    )


def _credentials(path: str) -> tuple[str, str]:
    """Return key id and secret of a TOML file; raise ``SettingInvalid``, never with what the file says."""
    wanted = 'a file with two lines, key_id = "…" and secret = "…", that kustos can read'
    if not path:
        raise SettingInvalid(f"backup_s3_credentials_file is not set; it names {wanted}")
    try:
        if Path(path).stat().st_mode & 0o007:
            raise SettingInvalid(f"{path}: others may read this secret; run: chmod o= {path}")
        words = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return str(words["key_id"]), str(words["secret"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
        pass
    raise SettingInvalid(f"{path}: must be {wanted}")


@contextmanager
def _worded(name: str) -> Iterator[None]:
    """Give the library's errors words of ours; a secret is in none of them."""
    try:
        yield
    except FileNotFoundError:
        raise
    except S3Error as error:
        if error.code in MISSING:
            raise BackupBroken(f"{name} is missing from the backup.") from None
        raise BackupFailed(f"The S3 refused {name}: {error.code}, {error.message}") from None
    except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise BackupFailed(f"The S3 cannot be reached or did not do {name}: {error}") from None
