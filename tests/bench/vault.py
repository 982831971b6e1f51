"""Range reads of the vault against AES-GCM's own rate; CPU time of one core, the file in the page cache."""

import json
import os
import random
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.vault.sealed_file import BLOCK, Label, SealedReader, encrypt
from web.sealed import SealedBody

SIZE = 256 * 1024 * 1024


def main() -> None:
    """Print one line a way of reading."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        plain, sealed = Path(folder) / "plain", Path(folder) / "sealed"
        plain.write_bytes(os.urandom(SIZE))
        key, label = os.urandom(32), Label("sitting:1", "part", os.urandom(16))
        with plain.open("rb") as source, sealed.open("wb") as target:
            rate("seal (with both SHA-256)", SIZE, lambda: encrypt(source, SIZE, target, key, label, os.urandom(8)))
        aes(key)
        with SealedReader(sealed, SIZE, key, label) as reader:
            reader.read()  # the page cache
            for piece in (64 * 1024, 256 * 1024, 1024 * 1024):
                rate(f"sequential, {piece >> 10} KiB a read", SIZE, lambda piece=piece: sequential(reader, piece))
            for piece in (64 * 1024, 256 * 1024, 1024 * 1024):
                rate(f"seeking anywhere, {piece >> 10} KiB a read", SIZE, lambda piece=piece: seeking(reader, piece))
            rate("body of an HTTP range", SIZE, lambda: sum(len(part) for part in SealedBody(reader, 0, SIZE)))
            rate("verify (with SHA-256)", SIZE, reader.verify)
        opens(sealed, key, label)


def sequential(reader, piece):
    for offset in range(0, SIZE, piece):
        reader.read(offset, piece)


def seeking(reader, piece):
    places = random.Random(1)
    for _ in range(SIZE // piece):
        reader.read(places.randrange(SIZE - piece), piece)


def aes(key):
    cipher, nonce = AESGCM(key), os.urandom(12)
    block = cipher.encrypt(nonce, os.urandom(BLOCK), b"")
    target = bytearray(BLOCK)

    def run():
        for _ in range(SIZE // BLOCK):
            cipher.decrypt_into(nonce, block, b"", target)

    rate("AES-256-GCM alone, one block again and again", SIZE, run)


def opens(path, key, label):
    began = time.process_time()
    for _ in range(2000):
        SealedReader(path, SIZE, key, label).close()
    say(what="vault: open a sealed file", microseconds=round((time.process_time() - began) / 2000 * 1e6, 1))


def rate(what, size, act):
    best = min(timed(act) for _ in range(1 if what.startswith("seal ") else 3))
    say(
        what=f"vault: {what}",
        megabytes_per_core_second=round(size / best / 1e6),
        gigabit=round(size * 8 / best / 1e9, 1),
    )


def timed(act):
    began = time.process_time()
    act()
    return time.process_time() - began


def say(**figures):
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
