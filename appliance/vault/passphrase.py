"""A key file that opens with a passphrase, and where the passphrase comes from."""

import base64
import getpass
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import SettingInvalid
from appliance.vault.keys import KEY_BYTES, NONCE_BYTES, MasterKey, demand_private

CREDENTIAL: Final = "kustos-master-passphrase"
"""The name under which systemd hands the passphrase over (LoadCredential=, LoadCredentialEncrypted=)."""

LEAST_CHARACTERS: Final = 12
_BOUND: Final = b"kustos master key"
_COST: Final = {"time_cost": 3, "memory_cost": 64 * 1024, "parallelism": 4}
"""RFC 9106, 4: the second recommended choice (64 MiB); once a process' start."""

Ask = Callable[[], str]


def source(named_file: str, credentials_dir: str) -> Ask:
    """Return what fetches the passphrase: a named file, else systemd's credential, else the terminal."""
    for path in (Path(named_file) if named_file else None, Path(credentials_dir or "/nonexistent") / CREDENTIAL):
        if path is not None and (named_file or path.exists()):
            return lambda: _read(path)
    return _from_terminal


def _read(path: Path) -> str:
    demand_private(path)
    return path.read_text(encoding="utf-8").rstrip("\r\n")


def _from_terminal() -> str:
    if not sys.stdin.isatty():
        raise SettingInvalid(
            "The master key wants its passphrase and there is no terminal: name a file by master_passphrase_file, "
            f"or hand it over as systemd's credential {CREDENTIAL}."
        )
    return getpass.getpass("Passphrase of the master key: ")


def lock(master: MasterKey, passphrase: str) -> bytes:
    """Return the content of a key file (JSON; argon2id, AES-256-GCM); raise ``SettingInvalid`` for a short one."""
    if len(passphrase) < LEAST_CHARACTERS:
        raise SettingInvalid(f"A passphrase of a master key has at least {LEAST_CHARACTERS} characters.")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_stretched(passphrase, salt, _COST)).encrypt(nonce, master.secret, _BOUND)
    parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
    texts = {name: base64.b64encode(value).decode() for name, value in parts.items()}
    return (json.dumps({"kdf": "argon2id", **_COST, **texts}) + "\n").encode()


def unlock(path: Path, passphrase: str) -> MasterKey:
    """Return the key in the file; raise ``SettingInvalid`` for a wrong passphrase or a damaged file."""
    demand_private(path)
    try:
        words: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
        cost = {name: int(words[name]) for name in _COST}
        salt, nonce, sealed = (base64.b64decode(words[name]) for name in ("salt", "nonce", "sealed"))
    except (ValueError, KeyError, TypeError) as error:
        raise SettingInvalid(f"{path}: is not a master key; restore it from your backup") from error
    try:
        return MasterKey(AESGCM(_stretched(passphrase, salt, cost)).decrypt(nonce, sealed, _BOUND))
    except (InvalidTag, ValueError) as error:
        raise SettingInvalid(f"{path}: the passphrase does not open the master key.") from error


def _stretched(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return hash_secret_raw(passphrase.encode(), salt, **cost, hash_len=KEY_BYTES, type=Type.ID)
