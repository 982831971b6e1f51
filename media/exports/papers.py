"""The files beside the films: incidents and chat as tables, how to check, and hashes for whom that is enough."""

import csv
import io
from datetime import UTC, datetime
from typing import Any, Final

from appliance.evidence.manifest import MANIFEST, PUBLIC_KEY, SIGNATURE

README: Final = f"""\
EVIDENCE OF A PROCTORED EXAM

{MANIFEST} says what each file is, from when to when, where nothing was recorded and why. {SIGNATURE} signs it with
the appliance's key; {PUBLIC_KEY} is that key's public half. Ask the appliance's security officer for the fingerprint
(`kustos evidence key`): a key that only came with the files proves nothing.

Check with Kustos, on any machine, without the server:
  kustos evidence verify --public-key KEY.pem ARCHIVE.zip
Check without Kustos (OpenSSL 3, coreutils):
  openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {MANIFEST} -sigfile {SIGNATURE}
  openssl pkey -pubin -in {PUBLIC_KEY} -outform DER | sha256sum
  sha256sum -c sha256sums.txt

camera.webm and screen.webm hold the recorded packets unchanged, on one time: a gap in the recording is a gap in time,
at whose beginning a card stands. side-by-side.* was encoded anew for convenient viewing. original-* are the sealed
parts byte by byte; their hashes also stand in the appliance's audit log.

ДОКАЗАТЕЛЬСТВА ЭКЗАМЕНА С ПРОКТОРИНГОМ

{MANIFEST} описывает каждый файл: с какого и по какой момент, где записи нет и почему. {SIGNATURE} - подпись ключом
комплекса, {PUBLIC_KEY} - открытая часть ключа. Отпечаток спросите у администратора безопасности
(`kustos evidence key`): ключ, пришедший вместе с файлами, сам по себе ничего не доказывает.
Команды проверки - выше. camera.webm и screen.webm содержат записанные пакеты без изменений; side-by-side.*
перекодирован для просмотра; original-* - запечатанные части байт в байт.
"""

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula; candidates write the chat."""


def incidents_table(manifest: dict[str, Any]) -> bytes:
    """Return the incidents as CSV, one a row."""
    head = [
        "time_utc",
        "offset_ms",
        "end_offset_ms",
        "type",
        "comment",
        "by",
        "warned_utc",
        "seen_utc",
        "withdrawn_utc",
    ]
    zero = manifest["zero_ms"]
    rows = [
        [
            _utc(row["start_ms"]),
            row["start_ms"] - zero,
            "" if row["end_ms"] is None else row["end_ms"] - zero,
            row["type"],
            row["comment"],
            "exam's rule" if row["created_by"] is None else row["created_by"],
            *(_utc(row[name]) for name in ("sent_ms", "seen_ms", "withdrawn_ms")),
        ]
        for row in manifest["incidents"]
    ]
    return _table(head, rows)


def chat_table(messages: list[dict[str, Any]], zero_ms: int) -> bytes:
    """Return the chat as CSV, one message a row."""
    rows = [
        [_utc(row["at_ms"]), row["at_ms"] - zero_ms, row["author"], row["name"], row["kind"], row["text"]]
        for row in messages
    ]
    return _table(["time_utc", "offset_ms", "author", "name", "kind", "text"], rows)


def sums(entries: list[dict[str, Any]]) -> bytes:
    """Return what ``sha256sum -c`` reads."""
    return "".join(f"{entry['sha256']}  {entry['name']}\n" for entry in entries).encode()


def _table(head: list[str], rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")  # without the mark Excel takes it for a legacy code page


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_DANGEROUS) else cell


def _utc(ms: int | None) -> str:
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
