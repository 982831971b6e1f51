"""Ways of tampering, each drawn at random: rows by the database's owner, files by root. None knows a key."""

# ruff: noqa: S608, E501 - the statements are the tests' own, and read better in one line

import json
import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from appliance.audit.canonical import chain_hash
from appliance.audit.chain import GENESIS
from appliance.models import AuditEntry
from appliance.vault.data_keys import HEAD_BYTES, PLACE_BYTES
from appliance.vault.sealed_file import BLOCK, TAG

HEADER = 40
SEALED_BLOCK = BLOCK + TAG


class Tampering:
    """Draws what to do; keeps the files as they were."""

    def __init__(self, random, house):
        self.random, self.house, self.session = random, house, house.session
        self.kept: dict[Path, bytes | None] = {}

    def row(self, table: str, where: str = "true") -> int:
        """Return the id of a row."""
        ids = self.session.execute(text(f"SELECT id FROM {table} WHERE {where} ORDER BY id")).scalars().all()
        return self.random.choice(ids)

    def two(self, table: str, where: str = "true") -> list[int]:
        """Return the ids of two rows."""
        ids = self.session.execute(text(f"SELECT id FROM {table} WHERE {where} ORDER BY id")).scalars().all()
        return self.random.sample(ids, 2)

    def run(self, statement: str, **values) -> None:
        """Change rows, at least one."""
        assert self.session.execute(text(statement), values).rowcount > 0, statement

    def keep(self, path: Path) -> bytes:
        """Return the file's bytes, which are put back afterwards."""
        self.kept.setdefault(path, path.read_bytes() if path.exists() else None)
        return self.kept[path] or b""

    def restore(self) -> None:
        """Put all files back."""
        for path, content in self.kept.items():
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
        self.kept.clear()

    def file(self, folder: Path, pattern: str) -> Path:
        """Return a file."""
        return self.random.choice(sorted(path for path in folder.glob(pattern) if path.is_file()))


def flip(t: Tampering, path: Path, first: int = 0, last: int | None = None) -> None:
    content = bytearray(t.keep(path))
    at = t.random.randrange(first, len(content) if last is None else last)
    content[at] ^= 1 << t.random.randrange(8)
    path.write_bytes(content)


def damage(t: Tampering, path: Path, other: Path) -> str:
    """Do one of the things that can be done to any file; ``other``: one of its kind from elsewhere."""
    content = t.keep(path)
    what = t.random.choice(["flip", "truncate", "delete", "append", "exchange"])
    if what == "flip":
        flip(t, path)
    elif what == "truncate":
        path.write_bytes(content[: t.random.randrange(len(content))])
    elif what == "delete":
        path.unlink()
    elif what == "append":
        path.write_bytes(content + os.urandom(t.random.randrange(1, 100)))
    else:
        path.write_bytes(other.read_bytes())
    return what


# the audit log


def entry_altered(t):
    column = t.random.choice(["actor_name", "action", "result", "subject_id", "address"])
    t.run(f"UPDATE audit_entry SET {column} = {column} || 'x' WHERE id = :id", id=t.row("audit_entry"))


def entry_details(t):
    t.run("""UPDATE audit_entry SET details = details || '{"x": 1}' WHERE id = :id""", id=t.row("audit_entry"))


def entry_dated_back(t):
    seconds = t.random.randrange(1, 10**7)
    t.run(
        "UPDATE audit_entry SET at = at - make_interval(secs => :s) WHERE id = :id",
        s=seconds,
        id=t.row("audit_entry"),
    )


def entry_deleted(t):
    t.run("DELETE FROM audit_entry WHERE id = :id", id=t.row("audit_entry"))


def entries_reordered(t):
    one, other = t.two("audit_entry")
    for before, after in ((one, -1), (other, one), (-1, other)):
        t.run("UPDATE audit_entry SET id = :after WHERE id = :before", before=before, after=after)


def log_cut_off(t):
    last = t.row("audit_entry", "id > 1") - 1
    t.run("DELETE FROM audit_entry WHERE id > :last", last=last)
    if t.random.random() < 0.7:  # and the head made to fit
        t.run(
            "UPDATE audit_head SET entries = :last, hash = (SELECT hash FROM audit_entry WHERE id = :last)", last=last
        )


def log_rewritten(t):
    """With the chain computed anew, as one who knows its recipe can."""
    t.random.choice([entry_altered, entry_details, entry_dated_back])(t)
    t.session.expire_all()
    names = [c.name for c in AuditEntry.__table__.columns if c.name not in {"hash", "previous_hash"}]
    previous = GENESIS
    for row in t.session.query(AuditEntry).order_by(AuditEntry.id).all():
        digest = chain_hash(previous, {name: getattr(row, name) for name in names})
        change = "UPDATE audit_entry SET previous_hash = :p, hash = :h WHERE id = :id"
        t.run(change, p=previous, h=digest, id=row.id)
        previous = digest
    t.run("UPDATE audit_head SET hash = :h", h=previous)


def checkpoint_removed(t):
    t.run("DELETE FROM audit_checkpoint")


def head_altered(t):
    t.run("UPDATE audit_head SET entries = entries + :n", n=t.random.choice([-2, -1, 1, 2]))


# rows of evidence


def part_dated_back(t):
    column = t.random.choice(["started_at", "ended_at"])
    seconds = t.random.randrange(1, 10**6)
    t.run(
        f"UPDATE part SET {column} = {column} - make_interval(secs => :s) WHERE id = :id", s=seconds, id=t.row("part")
    )


def part_altered(t):
    change = t.random.choice(
        ["duration_ms = duration_ms + 1", "sha256 = reverse(sha256)", "end_cause = 'x'", "state = 'lost'"]
    )
    t.run(f"UPDATE part SET {change} WHERE id = :id", id=t.row("part"))


def parts_reordered(t):
    one, other = t.two("part")
    field = t.random.choice(["vault_object_id", "started_at"])
    change = f"UPDATE part SET {field} = (SELECT {field} FROM part WHERE id = :b) WHERE id = :a"
    t.run(change, a=one, b=other)


def part_of_another_sitting(t):
    part = t.row("part")
    t.run(
        "UPDATE part SET sitting_id = (SELECT id FROM sitting WHERE id <> sitting_id ORDER BY id LIMIT 1), sequence = 77"
        " WHERE id = :id",
        id=part,
    )


def part_deleted(t):
    t.run("DELETE FROM part WHERE id = :id", id=t.row("part"))


def part_repeated(t):
    columns = (
        "track, source, state, path, node_url, started_at, ended_at, end_cause, duration_ms, size_bytes, sha256,"
        " vault_object_id, media"
    )
    t.run(
        f"INSERT INTO part (sitting_id, sequence, {columns}) SELECT sitting_id, 99, {columns} FROM part WHERE id = :id",
        id=t.row("part"),
    )


def gap_altered(t):
    change = t.random.choice(
        ["started_at = started_at - interval '1 second'", "ended_at = NULL", "detail = 'x'", "track = 'camera'"]
    )
    t.run(f"UPDATE gap SET {change} WHERE id = :id", id=t.row("gap"))


def gap_deleted(t):
    t.run("DELETE FROM gap WHERE id = :id", id=t.row("gap"))


def object_altered(t):
    change = t.random.choice(
        [
            "size_bytes = size_bytes - 1",
            "sha256 = reverse(sha256)",
            "sealed_sha256 = reverse(sealed_sha256)",
            "kind = 'other'",
            "created_at = created_at - interval '1 day'",
        ]
    )
    t.run(f"UPDATE vault_object SET {change} WHERE id = :id", id=t.row("vault_object"))


def objects_exchanged(t):
    one, other = t.two("vault_object")
    fields = t.random.choice(["path", "data_key_id, path", "path, sha256, sealed_sha256, size_bytes"])
    change = f"UPDATE vault_object SET ({fields}) = (SELECT {fields} FROM vault_object WHERE id = :b) WHERE id = :a"
    t.run(change if "," in fields else change.replace(f"({fields})", fields, 1), a=one, b=other)


def object_deleted(t):
    t.run("DELETE FROM vault_object WHERE id = :id", id=t.row("vault_object"))


def object_repeated(t):
    columns = "data_key_id, kind, path, size_bytes, sha256, sealed_sha256, created_at, manifest_id"
    t.run(
        f"INSERT INTO vault_object ({columns}) SELECT {columns} FROM vault_object WHERE id = :id",
        id=t.row("vault_object"),
    )


def key_row_altered(t):
    change = t.random.choice(["purpose = purpose || '0'", "destroyed_at = now()", "id = id + 500"])
    t.run(f"UPDATE data_key SET {change} WHERE id = :id", id=t.row("data_key"))


# manifests


def manifest_altered(t):
    row = t.row("sitting_manifest")
    content = t.session.execute(text("SELECT content FROM sitting_manifest WHERE id = :id"), {"id": row}).scalar()
    at = t.random.randrange(len(content))
    change = content[:at] + chr((ord(content[at]) + 1) % 128 or 1) + content[at + 1 :]
    t.run("UPDATE sitting_manifest SET content = :c WHERE id = :id", c=change, id=row)


def manifest_forged(t):
    """Consistent in all but the signature: rows, file and hash say that a part was never there."""
    row = t.row("sitting_manifest")
    facts = json.loads(
        t.session.execute(text("SELECT content FROM sitting_manifest WHERE id = :id"), {"id": row}).scalar()
    )
    part = facts["parts"].pop(t.random.randrange(len(facts["parts"])))
    t.run("DELETE FROM part WHERE id = :id", id=part["id"])
    content = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    t.run("UPDATE sitting_manifest SET content = :c WHERE id = :id", c=content, id=row)
    path = t.house.settings.manifests / str(facts["sitting"]) / f"{facts['number']:04}.json"
    t.keep(path)
    path.write_text(content)


def manifest_dated_back(t):
    t.run(
        "UPDATE sitting_manifest SET made_at = made_at - interval '1 hour' WHERE id = :id",
        id=t.row("sitting_manifest"),
    )


def manifest_signature(t):
    t.run("UPDATE sitting_manifest SET signature = reverse(signature) WHERE id = :id", id=t.row("sitting_manifest"))


def manifest_deleted(t):
    """Also the last one with its files, as if it had never been."""
    row = t.row(
        "sitting_manifest",
        "number = (SELECT max(number) FROM sitting_manifest o WHERE o.sitting_id = sitting_manifest.sitting_id)",
    )
    found = t.session.execute(
        text("SELECT sitting_id, number FROM sitting_manifest WHERE id = :id"), {"id": row}
    ).one()
    t.run("DELETE FROM sitting_manifest WHERE id = :id", id=row)
    for suffix in ("json", "sig") if t.random.random() < 0.7 else ():
        path = t.house.settings.manifests / str(found.sitting_id) / f"{found.number:04}.{suffix}"
        t.keep(path)
        path.unlink()


def manifests_reordered(t):
    one, other = t.two("sitting_manifest")
    fields = "content, signature, sha256, made_at"
    t.run(
        f"UPDATE sitting_manifest SET ({fields}) = (SELECT {fields} FROM sitting_manifest WHERE id = :b) WHERE id = :a",
        a=one,
        b=other,
    )


def manifest_file(t):
    path = t.file(t.house.settings.manifests, "*/*")
    others = [one for one in t.house.settings.manifests.glob(f"*/*{path.suffix}") if one != path]
    damage(t, path, t.random.choice(sorted(others)))


# sealed files, keys, exports


def sealed_file(t):
    path = t.file(t.house.vault.folder, "*/*.sealed")
    damage(t, path, t.random.choice(sorted(set(t.house.vault.folder.glob("*/*.sealed")) - {path})))


def blocks_swapped(t):
    paths = [
        path
        for path in t.house.vault.folder.glob("*/*.sealed")
        if path.stat().st_size > HEADER + 2 * SEALED_BLOCK - 1
    ]
    path = t.random.choice(sorted(paths))
    content = t.keep(path)
    first, second = (
        content[HEADER : HEADER + SEALED_BLOCK],
        content[HEADER + SEALED_BLOCK : HEADER + 2 * SEALED_BLOCK],
    )
    path.write_bytes(content[:HEADER] + second + first + content[HEADER + 2 * SEALED_BLOCK :])


def file_of_another_sitting(t):
    """Under this one's name and with its id in the head."""
    path = t.file(t.house.vault.folder, "*/*.sealed")
    other = t.random.choice(sorted(set(t.house.vault.folder.glob("*/*.sealed")) - {path}))
    t.keep(path)
    content = other.read_bytes()
    path.write_bytes(content[:8] + bytes.fromhex(path.stem) + content[24:])


def key_file(t):
    path = t.file(t.house.vault.data_keys.folder, "*.keys")
    content = t.keep(path)
    used = [at for at in range(HEAD_BYTES, len(content), PLACE_BYTES) if any(content[at : at + PLACE_BYTES])]
    what = t.random.choice(["flip", "swap", "wipe", "delete"])
    at, other = t.random.sample(used, 2)
    if what == "flip":
        flip(t, path, at, at + PLACE_BYTES)
    elif what == "swap":
        spoilt = bytearray(content)
        spoilt[at : at + PLACE_BYTES] = content[other : other + PLACE_BYTES]
        path.write_bytes(spoilt)
    elif what == "wipe":
        path.write_bytes(content[:at] + bytes(PLACE_BYTES) + content[at + PLACE_BYTES :])
    else:
        path.unlink()


def export_file(t):
    path = t.file(t.house.export, "*")
    damage(t, path, t.random.choice(sorted(set(t.house.export.glob("*")) - {path})))


def export_added_to(t):
    path = t.house.export / f"more-{t.random.randrange(10**6)}.webm"
    t.keep(path)
    path.write_bytes(b"x")


def export_manifest(t):
    path = t.house.export / "manifest.json"
    facts = json.loads(t.keep(path))
    entry = t.random.choice(facts["files"])
    if t.random.random() < 0.5:
        facts["files"].remove(entry)
        t.keep(t.house.export / entry["name"])
        (t.house.export / entry["name"]).unlink()
    else:
        entry["size"] += 1
    path.write_text(json.dumps(facts, sort_keys=True, separators=(",", ":")))


ALTERATIONS: dict[str, list[Callable[[Tampering], None]]] = {
    "audit": [
        entry_altered,
        entry_details,
        entry_dated_back,
        entry_deleted,
        entries_reordered,
        log_cut_off,
        log_rewritten,
        checkpoint_removed,
        head_altered,
    ],
    "evidence": [
        part_dated_back,
        part_altered,
        parts_reordered,
        part_of_another_sitting,
        part_deleted,
        part_repeated,
        gap_altered,
        gap_deleted,
        object_altered,
        objects_exchanged,
        object_deleted,
        object_repeated,
        key_row_altered,
        manifest_altered,
        manifest_forged,
        manifest_dated_back,
        manifest_signature,
        manifest_deleted,
        manifests_reordered,
        manifest_file,
        sealed_file,
        blocks_swapped,
        file_of_another_sitting,
        key_file,
    ],
    "export": [export_file, export_added_to, export_manifest],
}
"""By the verifier that is asked first."""
