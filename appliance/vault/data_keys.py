"""Where data keys are kept: outside of the database, so that destroying one destroys it in every backup of that.

A page is a file of 4,096 places of 80 bytes behind a head of 4,096 bytes: place ``id % 4096`` of page ``id // 4096``
is the key's whose row has that id. Head: ``KUSTOSK1``, number of the page (4), length (2) and the page's own key,
wrapped by the master key. Place, zeros where there is no key: Unix second it was made (4), SHA-256 of the purpose
(its first 16), nonce (12), key and tag (48): AES-256-GCM under the page's key, bound to id, second and purpose. So a
master key in a token is asked once for a page, and another generation of it needs but new pages. Writers take turns
by a lock file; readers need none.
"""

import fcntl
import hashlib
import os
import secrets
import struct
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.errors import KeyDestroyed, VaultTampered
from appliance.vault.files import put, put_new
from appliance.vault.keys import KEY_BYTES, NONCE_BYTES, WrapsKeys, unwrappable

PLACES: Final = 4096
PLACE_BYTES: Final = 80
HEAD_BYTES: Final = 4096
MAGIC: Final = b"KUSTOSK1"
_HEAD: Final = struct.Struct(">8sIH")
_SECOND: Final = struct.Struct(">I")
_PURPOSE_BYTES: Final = 16
_SEALED_AT: Final = _SECOND.size + _PURPOSE_BYTES

KEPT_PAGES: Final = 256
"""Keys of pages a process has in memory at once: a million people's keys."""
KEPT_SECONDS: Final = 60.0
"""So long a process goes on without asking for a page's key again."""


class Place(NamedTuple):
    """A place that is taken."""

    key_id: int
    made: int
    """Unix seconds."""


class DataKeyFiles:
    """The folder of pages."""

    def __init__(self, folder: Path, master: WrapsKeys, clock: Callable[[], float] = time.monotonic) -> None:
        """Use ``folder``, made with the first key; ``clock`` counts the seconds a page's key is remembered."""
        self.folder, self._master, self._clock = folder, master, clock
        self._kept: OrderedDict[bytes, tuple[float, AESGCM]] = OrderedDict()
        self._kept_lock = threading.Lock()

    def put(self, key_id: int, purpose: str, secret: bytes) -> None:
        """Keep a key; it is on the disk when this returns."""
        label = _label(int(time.time()), purpose)
        with self._writing():
            path = self._path(key_id // PLACES)
            if not path.exists():
                self._make_page(key_id // PLACES)
            with path.open("r+b", buffering=0) as file:
                cipher = self._cipher(os.pread(file.fileno(), HEAD_BYTES, 0), key_id // PLACES)
                os.pwrite(file.fileno(), _sealed(cipher, key_id, label, secret), _at(key_id))
                os.fsync(file.fileno())

    def get(self, key_id: int, purpose: str) -> bytes:
        """Return the key; raise ``KeyDestroyed`` or ``VaultTampered``."""
        (secret,) = self.get_many([(key_id, purpose)])
        if secret is None:
            raise KeyDestroyed(purpose=purpose)
        return secret

    def get_many(self, wanted: Iterable[tuple[int, str]]) -> list[bytes | None]:
        """Return the keys in the order asked for, None for places that are empty; raise ``VaultTampered``."""
        asked = list(wanted)
        by_page: dict[int, list[int]] = defaultdict(list)
        for position, (key_id, _) in enumerate(asked):
            by_page[key_id // PLACES].append(position)
        found: list[bytes | None] = [None] * len(asked)
        for page, positions in by_page.items():
            entries = [asked[position] for position in positions]
            for position, secret in zip(positions, self._of_page(page, entries), strict=True):
                found[position] = secret
        return found

    def has(self, key_id: int) -> bool:
        """Say whether a key's place is taken."""
        path = self._path(key_id // PLACES)
        if not path.exists():
            return False
        with path.open("rb", buffering=0) as file:
            return any(os.pread(file.fileno(), PLACE_BYTES, _at(key_id)))

    def wipe(self, key_ids: Iterable[int]) -> int:
        """Overwrite these keys' places, to the disk, and return how many held a key."""
        gone = 0
        with self._writing():
            for key_id in key_ids:
                path = self._path(key_id // PLACES)
                if not path.exists():
                    continue
                with path.open("r+b", buffering=0) as file:
                    if any(os.pread(file.fileno(), PLACE_BYTES, _at(key_id))):
                        os.pwrite(file.fileno(), bytes(PLACE_BYTES), _at(key_id))
                        os.fsync(file.fileno())
                        gone += 1
        return gone

    def pages(self) -> list[int]:
        """Return the numbers of all pages."""
        return sorted(int(path.stem) for path in self.folder.glob("*.keys"))

    def places(self, page: int) -> list[Place]:
        """Return the places of a page that are taken."""
        return [Place(key_id, made) for key_id, made, _ in _taken(page, self._path(page).read_bytes())]

    def head(self, page: int) -> bytes:
        """Return a page's own key as it is wrapped."""
        with self._path(page).open("rb") as file:
            return _wrapped(file.read(HEAD_BYTES), page)

    def rewrap(self, page: int) -> int:
        """Give a page another key of its own under the master key's current generation; return how many keys it has.

        The file of before is overwritten.
        """
        with self._writing():
            content = self._path(page).read_bytes()
            old, secret = self._cipher(content[:HEAD_BYTES], page), secrets.token_bytes(KEY_BYTES)
            fresh, new = bytearray(self._head(page, secret).ljust(len(content), b"\0")), AESGCM(secret)
            taken = _taken(page, content)
            for key_id, _, place in taken:
                plain = _opened(old, key_id, place[:_SEALED_AT], place)
                fresh[_at(key_id) : _at(key_id) + PLACE_BYTES] = _sealed(new, key_id, place[:_SEALED_AT], plain)
            put(self._path(page), bytes(fresh))
        return len(taken)

    def _of_page(self, page: int, entries: list[tuple[int, str]]) -> list[bytes | None]:
        for again in (True, False):
            try:
                return self._read(page, entries)
            except VaultTampered:
                if not again:
                    raise
                # the file was exchanged for another under a new key while it was read
        raise AssertionError

    def _read(self, page: int, entries: list[tuple[int, str]]) -> list[bytes | None]:
        try:
            with self._path(page).open("rb", buffering=0) as file:
                if len(entries) > PLACES // 64:
                    content = file.readall()
                    head, places = content[:HEAD_BYTES], [content[_at(one) :][:PLACE_BYTES] for one, _ in entries]
                else:
                    head = os.pread(file.fileno(), HEAD_BYTES, 0)
                    places = [os.pread(file.fileno(), PLACE_BYTES, _at(one)) for one, _ in entries]
        except FileNotFoundError as error:
            raise VaultTampered(f"The file {page:06}.keys is missing; restore it from your backup.") from error
        cipher = self._cipher(head, page)
        found: list[bytes | None] = []
        for place, (key_id, purpose) in zip(places, entries, strict=True):
            if any(place) and place[_SECOND.size : _SEALED_AT] != _purpose_hash(purpose):
                raise unwrappable()
            found.append(_opened(cipher, key_id, place[:_SEALED_AT], place) if any(place) else None)
        return found

    def _cipher(self, head: bytes, page: int) -> AESGCM:
        wrapped, now = _wrapped(head, page), self._clock()
        with self._kept_lock:
            until, cipher = self._kept.get(wrapped, (0.0, None))
            if cipher is not None and now < until:
                return cipher
        cipher = AESGCM(self._master.unwrap(wrapped, _page_bound(page)))
        with self._kept_lock:
            self._kept[wrapped] = now + KEPT_SECONDS, cipher
            self._kept.move_to_end(wrapped)
            while len(self._kept) > KEPT_PAGES or next(iter(self._kept.values()))[0] <= now:
                self._kept.popitem(last=False)
        return cipher

    def _make_page(self, page: int) -> None:
        put_new(self._path(page), self._head(page, secrets.token_bytes(KEY_BYTES)))

    def _head(self, page: int, secret: bytes) -> bytes:
        wrapped = self._master.wrap(secret, _page_bound(page))
        return (_HEAD.pack(MAGIC, page, len(wrapped)) + wrapped).ljust(HEAD_BYTES, b"\0")

    def _path(self, page: int) -> Path:
        return self.folder / f"{page:06}.keys"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock of all writers, in this process and others."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _at(key_id: int) -> int:
    return HEAD_BYTES + key_id % PLACES * PLACE_BYTES


def _label(made: int, purpose: str) -> bytes:
    return _SECOND.pack(made) + _purpose_hash(purpose)


def _purpose_hash(purpose: str) -> bytes:
    return hashlib.sha256(purpose.encode()).digest()[:_PURPOSE_BYTES]


def _bound(key_id: int, label: bytes) -> bytes:
    return b"data-key:" + key_id.to_bytes(8, "big") + label


def _page_bound(page: int) -> bytes:
    return b"data-key-page:" + page.to_bytes(4, "big")


def _wrapped(head: bytes, page: int) -> bytes:
    magic, number, length = _HEAD.unpack(head[: _HEAD.size]) if len(head) >= _HEAD.size else (b"", 0, 0)
    if (magic, number) != (MAGIC, page):
        raise VaultTampered(f"The file {page:06}.keys was altered; restore it from your backup.")
    return head[_HEAD.size : _HEAD.size + length]


def _sealed(cipher: AESGCM, key_id: int, label: bytes, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return label + nonce + cipher.encrypt(nonce, secret, _bound(key_id, label))


def _opened(cipher: AESGCM, key_id: int, label: bytes, place: bytes) -> bytes:
    nonce, sealed = place[_SEALED_AT : _SEALED_AT + NONCE_BYTES], place[_SEALED_AT + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, sealed, _bound(key_id, label))
    except (InvalidTag, ValueError) as error:
        raise unwrappable() from error


def _taken(page: int, content: bytes) -> list[tuple[int, int, bytes]]:
    """Return id, second and bytes of each place that is taken."""
    empty = bytes(PLACE_BYTES)
    places = (
        (page * PLACES + index, content[at : at + PLACE_BYTES])
        for index, at in enumerate(range(HEAD_BYTES, len(content), PLACE_BYTES))
    )
    return [(key_id, int(_SECOND.unpack(place[:4])[0]), place) for key_id, place in places if place != empty]
