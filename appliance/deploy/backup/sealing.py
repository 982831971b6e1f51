"""Under which keys the database's part of a backup lies: one for each full backup and the log after it.

``keys/backup/MOMENT.key`` is 32 random bytes wrapped by the master key. A key is destroyed when its backup has come
of age, so that nothing that left the house is readable for longer, even where it cannot be deleted. Objects are
sealed files of the vault's format; purpose and kind are the backup's moment and the object's name, so that none can
stand in another's place.
"""

import io
import secrets
import zlib
from pathlib import Path
from typing import Final

from appliance.deploy.backup.errors import BackupBroken
from appliance.errors import VaultTampered
from appliance.vault.files import erase, put_new
from appliance.vault.keys import KEY_BYTES, WrapsKeys
from appliance.vault.sealed_file import PREFIX_BYTES, Label, SealedReader, encrypt, head_of
from appliance.vault.store import SMALL_SECRET

_HEAD: Final = b"kustos backup key 1\n"
LEVEL: Final = 1
"""Of compression: a log's segment that is hardly begun is 16 MB of zeros."""


class BackupKeys:
    """The folder of keys."""

    def __init__(self, folder: Path, master: WrapsKeys) -> None:
        """Use ``folder``; keys in it are wrapped by ``master``, as ``Vault.wrap`` does."""
        self.folder, self._master = folder, master

    def make(self, moment: str) -> "Seals":
        """Make the key of a backup that begins."""
        wrapped = self._master.wrap(_HEAD + secrets.token_bytes(KEY_BYTES), SMALL_SECRET)
        put_new(self._path(moment), (wrapped.hex() + "\n").encode())
        return self.of(moment)

    def of(self, moment: str) -> "Seals":
        """Return what seals and opens objects of a backup; raise ``BackupBroken`` where its key is not here."""
        try:
            plain = self._master.unwrap(bytes.fromhex(self._path(moment).read_text(encoding="ascii")), SMALL_SECRET)
        except FileNotFoundError:
            message = (
                f"The key of the backup {moment} is not among the keys: it was destroyed, or the keys are older."
            )
            raise BackupBroken(message) from None
        except (ValueError, VaultTampered):
            plain = b""
        if not plain.startswith(_HEAD):
            raise BackupBroken(f"The key of the backup {moment} is not of this appliance, or was altered.")
        return Seals(moment, plain.removeprefix(_HEAD))

    def moments(self) -> list[str]:
        """Return the backups there are keys of."""
        return sorted(path.stem for path in self.folder.glob("*.key"))

    def destroy(self, moment: str) -> None:
        """Overwrite a backup's key: nothing opens its objects any more, wherever there are copies."""
        erase(self._path(moment))

    def _path(self, moment: str) -> Path:
        return self.folder / f"{moment}.key"


class Seals:
    """Seals and opens the objects of one backup."""

    def __init__(self, moment: str, key: bytes) -> None:
        """Take the moment and its key."""
        self.moment, self._key = moment, key

    def seal(self, name: str, plain: bytes) -> bytes:
        """Return the sealed form, compressed."""
        packed = zlib.compress(plain, LEVEL)
        target = io.BytesIO()
        label = self._label(name, secrets.token_bytes(16))
        encrypt(io.BytesIO(packed), len(packed), target, self._key, label, secrets.token_bytes(PREFIX_BYTES))
        return target.getvalue()

    def open(self, name: str, path: Path) -> bytes:
        """Return what was sealed into the file at ``path``; raise ``BackupBroken``."""
        try:
            file_id, size = head_of(path)
            with SealedReader(path, size, self._key, self._label(name, file_id)) as reader:
                return zlib.decompress(reader.read())
        except (VaultTampered, zlib.error) as error:
            raise BackupBroken(f"{name} in the backup is not as it was made.") from error

    def _label(self, name: str, file_id: bytes) -> Label:
        return Label(f"backup:{self.moment}", name, file_id)
