"""A master key inside of a PKCS#11 token (HSM, smart card, SoftHSM): it wraps there and never leaves it."""

import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import EncryptedDataInvalid, EncryptedDataLenRange, PKCS11Error, UserAlreadyLoggedIn

from appliance.errors import SettingInvalid
from appliance.vault.keys import KEY_BYTES, NONCE_BYTES, TAG_BYTES, demand_private, unwrappable

Result = TypeVar("Result")

_SECRET: Final = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
}


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where the token is: the vendor's module, the token's label, the file with its PIN."""

    module: str
    token: str
    pin_file: str

    def pin(self) -> str:
        """Read the PIN; raise ``SettingInvalid``."""
        if not self.pin_file:
            raise SettingInvalid("pkcs11_pin_file is not set; name the file (mode 0600) that holds the token's PIN.")
        demand_private(Path(self.pin_file))
        return Path(self.pin_file).read_text(encoding="utf-8").strip()


class TokenKey:
    """The key with this label; used by one thread at a time, found anew after a fork or a fault."""

    def __init__(self, place: TokenPlace, label: str) -> None:
        """Open the token and find the key; raise ``SettingInvalid`` with what to look after."""
        self._place, self._label = place, label
        self._process = 0
        self._key: Any = None
        with _LOCK:
            self._find()

    def wrap(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return nonce and AES-256-GCM ciphertext, made in the token."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        how = {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, bound_to)}
        return nonce + bytes(self._ask(lambda key: key.encrypt(plain, **how)))

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return what was wrapped; raise ``VaultTampered`` when it does not open."""
        if len(wrapped) < NONCE_BYTES + TAG_BYTES:
            raise unwrappable()
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        how = {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, bound_to)}
        return bytes(self._ask(lambda key: key.decrypt(sealed, **how)))

    def _ask(self, act: Callable[[Any], Result]) -> Result:
        with _LOCK:
            try:
                if self._process != os.getpid():
                    self._find()
                return act(self._key)
            except (EncryptedDataInvalid, EncryptedDataLenRange) as error:
                raise unwrappable() from error
            except PKCS11Error as error:
                if self._answers():  # SoftHSM calls a wrong tag a general error
                    raise unwrappable() from error
                self._find(fresh=True)  # a token that was taken out, or a session that timed out
            try:
                return act(self._key)
            except PKCS11Error as error:
                raise unwrappable() from error

    def _answers(self) -> bool:
        try:
            return bool(self._key[Attribute.LABEL] == self._label)
        except PKCS11Error:
            return False

    def _find(self, fresh: bool = False) -> None:
        session = _session(self._place, fresh)
        try:
            self._key = session.get_key(object_class=ObjectClass.SECRET_KEY, label=self._label)
        except PKCS11Error as error:
            raise SettingInvalid(f"The token {self._place.token} has no key {self._label} (or several).") from error
        self._process = os.getpid()


def make_key(place: TokenPlace, label: str) -> None:
    """Make a key in the token that cannot be read out; raise ``SettingInvalid`` when the token will not."""
    with _LOCK:
        try:
            _session(place).generate_key(KeyType.AES, KEY_BYTES * 8, label=label, store=True, template=_SECRET)
        except PKCS11Error as error:
            raise SettingInvalid(f"The token {place.token} did not make the key {label}: {_words(error)}") from error


def destroy_key(place: TokenPlace, label: str) -> None:
    """Delete the key in the token, for ever; one that is gone already is no error."""
    with _LOCK:
        for key in _session(place).get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label}):
            key.destroy()


def _session(place: TokenPlace, fresh: bool = False) -> Any:
    """Return this process' one session with the token: logging out of one would log out all. ``SettingInvalid``."""
    if not (place.module and place.token):
        raise SettingInvalid("Set pkcs11_module (the vendor's library) and pkcs11_token (the token's label).")
    process = os.getpid()
    if fresh or (process, place) not in _sessions:
        try:
            _sessions[process, place] = _open(place, process)
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise SettingInvalid(f"The token {place.token} cannot be used: {_words(error)}") from error
    return _sessions[process, place]


def _open(place: TokenPlace, process: int) -> Any:
    library = pkcs11.lib(place.module)
    if _processes.setdefault(place.module, process) != process:
        library.reinitialize()  # what the parent had does not work in its child
        _processes[place.module] = process
    token = library.get_token(token_label=place.token)
    try:
        return token.open(rw=True, user_pin=place.pin())
    except UserAlreadyLoggedIn:
        return token.open(rw=True)


def _words(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


_LOCK: Final = threading.RLock()
_sessions: dict[tuple[int, TokenPlace], Any] = {}
_processes: dict[str, int] = {}
"""Module -> process that initialised it."""
