"""Sealed files: read by range, and every way of altering one found."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from appliance.errors import KeyDestroyed, VaultTampered
from appliance.models import DataKey, VaultObject
from appliance.vault import MasterKey, StoredKey, Vault
from appliance.vault.data_keys import HEAD_BYTES, PLACE_BYTES, PLACES
from appliance.vault.sealed_file import BLOCK, TAG

HEADER = 40
SEALED_BLOCK = BLOCK + TAG
DATA = os.urandom(3 * BLOCK + 1000)


@pytest.fixture
def sealed(session: Session, vault: Vault) -> VaultObject:
    return vault.seal(session, "sitting:1", "part", DATA)


def file_of(vault: Vault, sealed: VaultObject) -> Path:
    return vault.folder / sealed.path


def read(session: Session, vault: Vault, sealed: VaultObject) -> bytes:
    with vault.open(session, sealed) as reader:
        return reader.read()


def block(content: bytes, index: int) -> bytes:
    start = HEADER + index * SEALED_BLOCK
    return content[start : start + SEALED_BLOCK]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_comes_back_as_it_was(session: Session, vault: Vault, size: int):
    data = os.urandom(size)
    sealed = vault.seal(session, "sitting:1", "part", data)
    assert (sealed.size_bytes, sealed.sha256) == (size, hashlib.sha256(data).hexdigest())
    with vault.open(session, sealed) as reader:
        assert reader.size == size
        assert reader.read() == data
        assert reader.verify() == sealed.sha256


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 0),
        (0, 1),
        (BLOCK - 1, 2),
        (BLOCK, BLOCK),
        (100, 2 * BLOCK),
        (3 * BLOCK, 5000),
        (len(DATA), 10),
        (10**9, 1),
    ],
)
def test_range(session: Session, vault: Vault, sealed: VaultObject, offset: int, length: int):
    with vault.open(session, sealed) as reader:
        assert reader.read(offset, length) == DATA[offset : offset + length]


def test_range_reads_only_the_blocks_it_touches(session: Session, vault: Vault, sealed: VaultObject):
    path = file_of(vault, sealed)
    content = bytearray(path.read_bytes())
    content[HEADER] ^= 1  # block 0 is spoilt, block 2 is not
    path.write_bytes(content)
    with vault.open(session, sealed) as reader:
        assert reader.read(2 * BLOCK, 10) == DATA[2 * BLOCK : 2 * BLOCK + 10]
        with pytest.raises(VaultTampered):
            reader.read(0, 10)


def test_seal_from_a_file_leaves_it_and_no_other_plain_file(session: Session, vault: Vault, tmp_path: Path):
    source = tmp_path / "source.webm"
    source.write_bytes(DATA)
    sealed = vault.seal(session, "sitting:1", "part", source)
    assert read(session, vault, sealed) == DATA
    assert [path.relative_to(vault.folder) for path in vault.folder.glob("**/*") if path.is_file()] == [
        Path(sealed.path)
    ]
    assert DATA[:64] not in file_of(vault, sealed).read_bytes()
    assert file_of(vault, sealed).stat().st_mode & 0o777 == 0o600


ALTERATIONS = {
    "flip in the data": lambda c: c[: HEADER + 5] + bytes([c[HEADER + 5] ^ 1]) + c[HEADER + 6 :],
    "flip in a tag": lambda c: c[: HEADER + BLOCK] + bytes([c[HEADER + BLOCK] ^ 1]) + c[HEADER + BLOCK + 1 :],
    "flip in the last byte": lambda c: c[:-1] + bytes([c[-1] ^ 1]),
    "flip in the file id": lambda c: c[:8] + bytes([c[8] ^ 1]) + c[9:],
    "flip in the nonce prefix": lambda c: c[:24] + bytes([c[24] ^ 1]) + c[25:],
    "flip in the length": lambda c: c[:39] + bytes([c[39] ^ 1]) + c[40:],
    "flip in the magic": lambda c: b"k" + c[1:],
    "blocks swapped": lambda c: c[:HEADER] + block(c, 1) + block(c, 0) + c[HEADER + 2 * SEALED_BLOCK :],
    "block repeated": lambda c: c[:HEADER] + block(c, 0) + block(c, 0) + c[HEADER + 2 * SEALED_BLOCK :],
    "cut by a byte": lambda c: c[:-1],
    "cut by a block": lambda c: c[: HEADER + 3 * SEALED_BLOCK],
    "cut in the header": lambda c: c[:20],
    "emptied": lambda c: b"",
    "appended": lambda c: c + b"x",
    "block appended": lambda c: c + block(c, 0),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_altered_file_is_found(session: Session, vault: Vault, sealed: VaultObject, alteration: str):
    path = file_of(vault, sealed)
    path.write_bytes(ALTERATIONS[alteration](path.read_bytes()))
    with pytest.raises(VaultTampered):
        read(session, vault, sealed)


def test_cut_with_the_row_changed_to_fit_is_found(session: Session, vault: Vault, sealed: VaultObject):
    path = file_of(vault, sealed)
    content = path.read_bytes()[: HEADER + 3 * SEALED_BLOCK]
    path.write_bytes(content[:32] + (3 * BLOCK).to_bytes(8, "big") + content[40:])
    sealed.size_bytes = 3 * BLOCK
    with pytest.raises(VaultTampered):
        read(session, vault, sealed)


def test_missing_file_is_found(session: Session, vault: Vault, sealed: VaultObject):
    file_of(vault, sealed).unlink()
    with pytest.raises(VaultTampered, match="missing"):
        read(session, vault, sealed)


@pytest.mark.parametrize(("purpose", "kind"), [("sitting:1", "part"), ("sitting:1", "photo"), ("sitting:2", "part")])
def test_other_file_in_its_place_is_found(
    session: Session, vault: Vault, sealed: VaultObject, purpose: str, kind: str
):
    other = vault.seal(session, purpose, kind, os.urandom(len(DATA)))
    file_of(vault, sealed).write_bytes(file_of(vault, other).read_bytes())
    with pytest.raises(VaultTampered):
        read(session, vault, sealed)


def test_other_file_that_pretends_to_be_this_one_is_found(session: Session, vault: Vault, sealed: VaultObject):
    path, other = file_of(vault, sealed), file_of(vault, vault.seal(session, "sitting:1", "part", DATA))
    content = other.read_bytes()
    path.write_bytes(content[:8] + bytes.fromhex(path.stem) + content[24:])
    with pytest.raises(VaultTampered):
        read(session, vault, sealed)


def test_block_of_another_file_under_the_same_key_is_found(session: Session, vault: Vault, sealed: VaultObject):
    path, other = file_of(vault, sealed), file_of(vault, vault.seal(session, "sitting:1", "part", DATA))
    content = path.read_bytes()
    path.write_bytes(content[:HEADER] + block(other.read_bytes(), 0) + content[HEADER + SEALED_BLOCK :])
    with pytest.raises(VaultTampered):
        read(session, vault, sealed)


def test_row_that_names_another_file_kind_or_key_is_found(session: Session, vault: Vault, sealed: VaultObject):
    photo = vault.seal(session, "sitting:1", "photo", DATA)
    foreign = vault.seal(session, "sitting:2", "part", DATA)
    for field, value in (("kind", "photo"), ("path", foreign.path), ("data_key_id", foreign.data_key_id)):
        before = getattr(sealed, field)
        setattr(sealed, field, value)
        with pytest.raises(VaultTampered):
            read(session, vault, sealed)
        setattr(sealed, field, before)
    assert read(session, vault, photo) == read(session, vault, sealed) == DATA


def test_key_of_another_purpose_is_found(session: Session, vault: Vault, sealed: VaultObject):
    foreign = session.get_one(DataKey, vault.seal(session, "sitting:2", "part", DATA).data_key_id)
    (page,) = vault.data_keys.folder.glob("*.keys")
    content = bytearray(page.read_bytes())
    one, other = (HEAD_BYTES + key_id % PLACES * PLACE_BYTES for key_id in (sealed.data_key_id, foreign.id))
    content[one : one + PLACE_BYTES] = content[other : other + PLACE_BYTES]
    page.write_bytes(content)
    with pytest.raises(VaultTampered, match="wrapped key"):
        read(session, vault, sealed)


def test_other_master_key_opens_nothing(session: Session, vault: Vault, sealed: VaultObject):
    with pytest.raises(VaultTampered, match="master key"):
        read(session, Vault(vault.folder, MasterKey.generate()), sealed)


def test_same_data_is_never_sealed_alike(session: Session, vault: Vault, sealed: VaultObject):
    again = vault.seal(session, "sitting:1", "part", DATA)
    assert block(file_of(vault, again).read_bytes(), 0) != block(file_of(vault, sealed).read_bytes(), 0)
    assert again.data_key_id == sealed.data_key_id


def test_destroyed_key_erases_for_ever(session: Session, vault: Vault, sealed: VaultObject):
    other = vault.seal(session, "sitting:2", "part", DATA)
    assert vault.destroy(session, "sitting:1")
    session.commit()
    with pytest.raises(KeyDestroyed):
        read(session, vault, sealed)
    with pytest.raises(KeyDestroyed):
        vault.seal(session, "sitting:1", "part", DATA)
    assert read(session, vault, other) == DATA
    assert not vault.destroy(session, "sitting:1")
    assert not vault.destroy(session, "sitting:99")


def test_derived_keys_follow_from_purpose_and_label(session: Session, vault: Vault):
    first = vault.derive(session, "face:1", b"template")
    assert len(first) == 32
    assert vault.derive(session, "face:1", b"template") == first
    assert vault.derive(session, "face:1", b"something else") != first
    assert vault.derive(session, "face:2", b"template") != first
    rows = session.query(DataKey).order_by(DataKey.purpose).all()
    keys = [StoredKey.of(row) for row in rows]
    second = vault.derive(session, "face:2", b"template")
    assert vault.derive_many(keys, b"template") == [first, second]
    with pytest.raises(VaultTampered):
        vault.derive_many([keys[0]._replace(purpose="face:2")], b"template")  # a key is bound to its purpose
    assert vault.destroy(session, "face:1")
    assert vault.derive_many(map(StoredKey.of, rows), b"template") == [None, second]
    with pytest.raises(KeyDestroyed):
        vault.derive(session, "face:1", b"template")


def test_a_replaced_key_erases_and_its_purpose_goes_on(session: Session, vault: Vault, sealed: VaultObject):
    before = vault.derive(session, "sitting:1", b"x")
    assert vault.replace(session, "sitting:1")
    with pytest.raises(KeyDestroyed):
        read(session, vault, sealed)
    assert vault.derive(session, "sitting:1", b"x") != before
    assert read(session, vault, vault.seal(session, "sitting:1", "part", DATA)) == DATA
    assert not vault.replace(session, "sitting:99")


def test_sweep_takes_orphans_and_what_has_no_key(session: Session, vault: Vault, sealed: VaultObject):
    erased = vault.seal(session, "sitting:2", "part", DATA)
    session.commit()
    orphan = vault.seal(session, "sitting:1", "part", DATA)
    orphan_file = file_of(vault, orphan)
    session.rollback()
    (vault.folder / sealed.path).with_suffix(".unfinished").write_bytes(b"killed while writing")
    vault.destroy(session, "sitting:2")
    session.commit()
    assert vault.sweep(session) == 1
    assert orphan_file.exists()
    assert vault.sweep(session, timedelta(0)) == 2
    assert not file_of(vault, erased).exists()
    assert read(session, vault, sealed) == DATA


def test_source_that_grows_while_it_is_sealed_is_refused(session: Session, vault: Vault, tmp_path: Path):
    with pytest.raises(VaultTampered, match="changed while"):
        vault.seal(session, "sitting:1", "part", Path("/dev/zero"))  # says it has 0 bytes, and gives more
    assert [path for path in vault.folder.glob("**/*") if path.is_file()] == []


def test_small_secrets(vault: Vault):
    wrapped = vault.wrap(b"JBSWY3DPEHPK3PXP")
    assert b"JBSWY3DP" not in wrapped
    assert vault.wrap(b"JBSWY3DPEHPK3PXP") != wrapped
    assert vault.unwrap(wrapped) == b"JBSWY3DPEHPK3PXP"
    for bad in (wrapped[:-1], bytes([wrapped[0] ^ 1]) + wrapped[1:], b"", b"x"):
        with pytest.raises(VaultTampered):
            vault.unwrap(bad)


def test_unreadable_offsets_are_refused(session: Session, vault: Vault, sealed: VaultObject):
    with vault.open(session, sealed) as reader, pytest.raises(ValueError, match="offset"):
        reader.read(-1, 5)
