"""The master key in its generations, of whichever kind: what wraps every data key and every small secret.

A wrapped value names its generation: ``\\0KUSTOS\\1`` and the number (4 bytes, big-endian) before what the
generation's key made of it; without that mark it is of generation 1. So while they change both are readable.
"""

import json
import secrets
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.db import to_ms, utcnow
from appliance.errors import ImpossibleStep, SettingInvalid
from appliance.settings import Settings
from appliance.vault import passphrase, tpm
from appliance.vault.files import erase, put, put_new
from appliance.vault.generations import (
    FIRST_FILE,
    RING,
    Generation,
    GenerationState,
    MasterKind,
    implied,
    parse,
    written,
)
from appliance.vault.keys import MasterKey, WrapsKeys, demand_private, unwrappable
from appliance.vault.token import TokenKey, TokenPlace, destroy_key, make_key

MARK: Final = b"\0KUSTOS\1"
_NUMBER: Final = struct.Struct(">I")
MARK_BYTES: Final = len(MARK) + _NUMBER.size


def mark_of(number: int) -> bytes:
    """Return what a value begins with that generation ``number`` wrapped; empty for the first."""
    return b"" if number == 1 else MARK + _NUMBER.pack(number)


def generation_of(wrapped: bytes) -> int:
    """Return the number of the generation that wrapped a value."""
    if not wrapped.startswith(MARK) or len(wrapped) < MARK_BYTES:
        return 1
    return int(_NUMBER.unpack(wrapped[len(MARK) : MARK_BYTES])[0])


@dataclass(frozen=True, slots=True)
class Means:
    """What the kinds need to be opened."""

    ask: passphrase.Ask
    token: TokenPlace
    token_label: str
    tpm: tpm.TpmPlace


class KeyRing:
    """All generations of one appliance's master key; processes follow a change of it by looking at its file."""

    def __init__(self, folder: Path, means: Means, first_kind: MasterKind = MasterKind.FILE) -> None:
        """Use the keys in ``folder``; a key of ``first_kind`` is made at the first start."""
        self.folder, self._means = folder, means
        self._lock = threading.RLock()
        self._opened: dict[int, WrapsKeys] = {}
        self._seen: tuple[int, int] | None = None
        self.generations: list[Generation] = []
        if not self._path.exists() and first_kind is not MasterKind.FILE and not (folder / FIRST_FILE).exists():
            self._make_first(first_kind)
        self._look()
        self._key(self.current.number)

    @property
    def _path(self) -> Path:
        return self.folder / RING

    @property
    def current(self) -> Generation:
        """Return the generation that wraps."""
        return next(one for one in self.generations if one.state is GenerationState.CURRENT)

    def refresh(self) -> None:
        """Learn what other processes changed; wrapping and unwrapping do so by themselves."""
        with self._lock:
            self._look()

    @property
    def retiring(self) -> list[Generation]:
        """Return generations under which something may still be wrapped."""
        return [one for one in self.generations if one.state is GenerationState.RETIRING]

    def wrap(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt ``plain`` under the current generation."""
        with self._lock:
            self._look()
            number = self.current.number
            key = self._key(number)
        return mark_of(number) + key.wrap(plain, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return what any living generation wrapped; raise ``VaultTampered``."""
        number = generation_of(wrapped)
        with self._lock:
            if number not in self._opened:
                self._look()
            key = self._key(number)
        return key.unwrap(wrapped[len(mark_of(number)) :], bound_to)

    def begin(self, kind: MasterKind | None = None) -> Generation:
        """Make a new generation, which wraps from now on; the former one only unwraps.

        Raises ``ImpossibleStep`` while a former rotation is not at its end.
        """
        with self._lock:
            self._look()
            if self.retiring:
                raise ImpossibleStep("A rotation of the master key is not finished; finish it first.")
            fresh, key = self._make(1 + max(one.number for one in self.generations), kind or self.current.kind)
            before = [one.retiring() if one is self.current else one for one in self.generations]
            self._opened[fresh.number] = key
            put(self._path, written([*before, fresh]))
            self._look()
            return fresh

    def finish(self) -> list[Generation]:
        """Destroy the retiring generations: what is still wrapped under them can never be read again."""
        with self._lock:
            self._look()
            gone = self.retiring
            for one in gone:
                self._destroy(one)
                self._opened.pop(one.number, None)
            put(self._path, written([one.destroyed() if one in gone else one for one in self.generations]))
            self._look()
            return gone

    def change_passphrase(self, new: str) -> None:
        """Lock the current key file with another passphrase; what is wrapped under it stays as it is."""
        with self._lock:
            self._look()
            key = self._key(self.current.number)
            if self.current.kind is not MasterKind.PASSPHRASE or not isinstance(key, MasterKey):
                raise ImpossibleStep(f"The master key is of kind {self.current.kind.value} and has no passphrase.")
            put(self.folder / self.current.place["file"], passphrase.lock(key, new))

    def _look(self) -> None:
        """Read the ring's file if it is another than the one seen last."""
        try:
            found = self._path.stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            if stamp == self._seen:
                return
            self.generations, self._seen = parse(self._path, self._path.read_bytes()), stamp
        except FileNotFoundError:
            if self._seen is not None:
                raise SettingInvalid(f"{self._path}: is missing; restore it from your backup") from None
            self.generations = implied()
        living = {one.number for one in self.generations if one.state is not GenerationState.DESTROYED}
        self._opened = {number: key for number, key in self._opened.items() if number in living}

    def _key(self, number: int) -> WrapsKeys:
        if number not in self._opened:
            found = next((one for one in self.generations if one.number == number), None)
            if found is None or found.state is GenerationState.DESTROYED:
                raise unwrappable()
            self._opened[number] = self._open(found)
        return self._opened[number]

    def _open(self, generation: Generation) -> WrapsKeys:
        means = self._means
        if generation.kind is MasterKind.PKCS11:
            return TokenKey(means.token, generation.place["label"])
        path = self.folder / generation.place["file"]
        if generation.kind is MasterKind.PASSPHRASE:
            return passphrase.unlock(path, means.ask())
        if generation.kind is MasterKind.TPM:
            demand_private(path)
            return tpm.unseal(means.tpm, json.loads(path.read_text(encoding="ascii")))
        if self._seen is None:
            return MasterKey.load_or_create(path)
        return MasterKey.load(path)

    def _make(self, number: int, kind: MasterKind) -> tuple[Generation, WrapsKeys]:
        """Make the key itself under a name that nothing else has."""
        means, mark = self._means, f"{number}-{secrets.token_hex(4)}"
        place = {"file": f"master-{mark}.key"}
        master: WrapsKeys
        if kind is MasterKind.PKCS11:
            place = {"label": f"{means.token_label}-{mark}"}
            make_key(means.token, place["label"])
            master = TokenKey(means.token, place["label"])
        else:
            master = MasterKey.generate()
            put_new(self.folder / place["file"], _content(kind, master, means))
        return Generation(number, kind, GenerationState.CURRENT, to_ms(utcnow()), place), master

    def _make_first(self, kind: MasterKind) -> None:
        fresh, _ = self._make(1, kind)
        if not put_new(self._path, written([fresh])):  # another process was first
            self._destroy(fresh)

    def _destroy(self, generation: Generation) -> None:
        if generation.kind is MasterKind.PKCS11:
            destroy_key(self._means.token, generation.place["label"])
        else:
            erase(self.folder / generation.place["file"])


def _content(kind: MasterKind, master: MasterKey, means: Means) -> bytes:
    if kind is MasterKind.PASSPHRASE:
        return passphrase.lock(master, means.ask())
    if kind is MasterKind.TPM:
        return (json.dumps(tpm.seal(means.tpm, master)) + "\n").encode()
    return (master.secret.hex() + "\n").encode()


def open_master_key(settings: Settings, ask: passphrase.Ask | None = None, any_kind: bool = False) -> KeyRing:
    """Open the appliance's master key, made at the first start; raise ``SettingInvalid`` with what to do.

    ``ask`` fetches the passphrase otherwise than the settings say. ``any_kind``: also where the setting names another
    kind than the key has, which only the command that changes the kind may overlook.
    """
    means = Means(
        ask or passphrase.source(settings.master_passphrase_file, settings.credentials_dir),
        TokenPlace(settings.pkcs11_module, settings.pkcs11_token, settings.pkcs11_pin_file),
        settings.pkcs11_key,
        tpm.TpmPlace(settings.tpm_tcti, settings.tpm_pcrs),
    )
    wanted = MasterKind(settings.master_key) if settings.master_key else None
    ring = KeyRing(settings.keys, means, wanted or MasterKind.FILE)
    if wanted not in {None, ring.current.kind} and not any_kind:
        raise SettingInvalid(
            f"master_key is {wanted}, but the master key is of kind {ring.current.kind}: "
            f"run `kustos vault move-to {wanted}`, or set master_key = {ring.current.kind}."
        )
    return ring
