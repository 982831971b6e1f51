"""Checks an export against its manifest, and the manifest against its signature. Needs no database and no server."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.errors import BadInput
from appliance.evidence.bundle import Bundle, opened
from appliance.evidence.key import fingerprint, read_public_key
from appliance.evidence.manifest import (
    BLOCK,
    FORMAT,
    FRAME,
    MANIFEST,
    MAX_MANIFEST,
    PUBLIC_KEY,
    SAFE_NAME,
    SIGNATURE,
    VERSION,
    digest_of,
)


class Problem(StrEnum):
    """What can be wrong with an export."""

    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_UNREADABLE = "manifest_unreadable"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    KEY_DIFFERS = "key_differs"
    FILE_ALTERED = "file_altered"
    FILE_CUT_SHORT = "file_cut_short"
    FILE_EXTENDED = "file_extended"
    FILE_MISSING = "file_missing"
    FILE_RENAMED = "file_renamed"
    FILE_FOREIGN = "file_foreign"
    NAME_UNSAFE = "name_unsafe"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    problem: Problem
    file: str
    words: str


@dataclass(slots=True)
class Report:
    """The outcome of a check."""

    manifest: dict[str, Any] | None = None
    """As it was read, also when its signature is wrong: then nothing in it can be relied on."""
    fingerprint: str = ""
    """Of the key that the signature fits."""
    key_is_yours: bool = False
    """True: it is the key that the caller gave, not merely one that came with the export."""
    whole: list[str] = field(default_factory=list)
    """Files that are as they were made."""
    not_given: list[str] = field(default_factory=list)
    """Files of the export that were not asked about."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.findings

    def add(self, problem: Problem, file: str, words: str) -> None:
        """Note what is wrong."""
        self.findings.append(Finding(problem, file, words))


def verify(paths: list[Path], public_key: bytes | None = None) -> Report:
    """Check an archive, a folder or files; ``public_key`` is the appliance's in PEM, got by another way.

    Raises ``BadInput`` for what is no export at all: no such file, a torn archive, no public key.
    """
    known = None if public_key is None else read_public_key(public_key)
    report = Report()
    with opened(paths) as bundle:
        raw = _read_small(bundle, MANIFEST)
        if raw is None:
            report.add(Problem.MANIFEST_MISSING, MANIFEST, "There is no manifest: nothing can be checked without it.")
            return report
        _check_signature(bundle, raw, known, report)
        try:
            report.manifest = _parse(raw)
        except BadInput as error:
            report.add(Problem.MANIFEST_UNREADABLE, MANIFEST, error.message)
            return report
        _check_files(bundle, report.manifest["files"], report)
    return report


def _read_small(bundle: Bundle, name: str) -> bytes | None:
    if name not in bundle.names():
        return None
    with bundle.open(name) as stream:
        return b"".join(_chunks(stream, MAX_MANIFEST))


def _chunks(stream: Any, at_most: int) -> Iterator[bytes]:
    left = at_most
    while left > 0 and (data := stream.read(min(left, 65536))):
        left -= len(data)
        yield data


def _check_signature(bundle: Bundle, raw: bytes, known: Ed25519PublicKey | None, report: Report) -> None:
    signature = _read_small(bundle, SIGNATURE)
    if signature is None:
        report.add(Problem.SIGNATURE_MISSING, SIGNATURE, "The signature is missing: anybody could have written this.")
        return
    if known is not None and _fits(known, signature, raw):
        report.fingerprint, report.key_is_yours = fingerprint(known), True
        _hold_enclosed_against(bundle, known, report)
        return
    enclosed = _enclosed_key(bundle, report)
    fits = enclosed is not None and _fits(enclosed, signature, raw)
    if enclosed is not None and fits:
        report.fingerprint = fingerprint(enclosed)
        if known is not None:
            words = "The manifest was signed with another key than the one you gave: it is not from that appliance."
            report.add(Problem.KEY_DIFFERS, SIGNATURE, words)
    elif enclosed is not None or known is not None:
        words = "The signature does not fit: the manifest or the signature was changed after the export was made."
        report.add(Problem.SIGNATURE_WRONG, MANIFEST, words)


def _hold_enclosed_against(bundle: Bundle, known: Ed25519PublicKey, report: Report) -> None:
    """Say when the key in the export is not the one that signed it, although the signature fits the one given."""
    pem = _read_small(bundle, PUBLIC_KEY)
    if pem is None:
        if bundle.complete:
            report.add(Problem.FILE_MISSING, PUBLIC_KEY, "The file is missing; the signature fits the key you gave.")
    elif not _is_pem_of(known, pem):
        words = "The public key in the export was altered; the signature fits the key you gave."
        report.add(Problem.KEY_DIFFERS, PUBLIC_KEY, words)


def _is_pem_of(key: Ed25519PublicKey, pem: bytes) -> bool:
    """Compare to the byte, but for the ends of lines."""
    return pem.replace(b"\r\n", b"\n") == key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _enclosed_key(bundle: Bundle, report: Report) -> Ed25519PublicKey | None:
    pem = _read_small(bundle, PUBLIC_KEY)
    try:
        if pem is not None:
            key = read_public_key(pem)
            if _is_pem_of(key, pem):
                return key
            raise BadInput("There is more in the file than the key.")
        words = "The public key is missing; give the appliance's with --public-key."
    except BadInput:
        words = "The public key was altered; give the appliance's with --public-key."
    report.add(Problem.KEY_DIFFERS, PUBLIC_KEY, words)
    return None


def _fits(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _parse(raw: bytes) -> dict[str, Any]:
    """Read a manifest; one that nobody vouches for must not be able to break the check."""
    try:
        manifest = json.loads(raw)
        if manifest["format"] != FORMAT:
            raise BadInput("manifest.json is no manifest of an export.")
        if manifest["version"] != VERSION:
            raise BadInput(f"The export has version {manifest['version']}: a newer program is needed.")
        for entry in manifest["files"]:
            if not (SAFE_NAME.fullmatch(entry["name"]) and isinstance(entry["size"], int) and entry["size"] >= 0):
                raise BadInput("manifest.json names a file in a way that no export does.")
            if entry["block_bytes"] != BLOCK or not all(isinstance(text, str) for text in entry["blocks"]):
                raise BadInput("manifest.json has hashes of another kind.")
            entry["sha256"] = str(entry["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput("manifest.json is damaged and cannot be read.") from error
    return dict(manifest)


def _check_files(bundle: Bundle, entries: list[dict[str, Any]], report: Report) -> None:
    present = set(bundle.names())
    foreign = present - set(FRAME) - {entry["name"] for entry in entries}
    for name in bundle.odd_names():
        words = "No file of an export has such a name, or it stands there twice; it was not looked at."
        report.add(Problem.NAME_UNSAFE, name, words)
    for entry in entries:
        if entry["name"] in present:
            _check_file(bundle, entry, report)
            continue
        renamed = next((name for name in sorted(foreign) if _is_same(bundle, name, entry)), None)
        if renamed is not None:
            foreign.discard(renamed)
            words = f"This is {entry['name']} under another name; it is whole. Name it {entry['name']} again."
            report.add(Problem.FILE_RENAMED, renamed, words)
        elif bundle.complete:
            report.add(Problem.FILE_MISSING, entry["name"], "The file is missing.")
        else:
            report.not_given.append(entry["name"])
    for name in sorted(foreign):
        report.add(Problem.FILE_FOREIGN, name, "This file does not belong to the export; nobody vouches for it.")


def _is_same(bundle: Bundle, name: str, entry: dict[str, Any]) -> bool:
    if bundle.size(name) != entry["size"]:
        return False
    with bundle.open(name) as stream:
        return bool(digest_of(stream, entry["size"]).entry(name)["sha256"] == entry["sha256"])


def _check_file(bundle: Bundle, entry: dict[str, Any], report: Report) -> None:
    name, size, says = entry["name"], entry["size"], bundle.size(entry["name"])
    with bundle.open(name) as stream:
        found = digest_of(stream, size).entry(name)
    if found["sha256"] == entry["sha256"] and says == size:
        report.whole.append(name)
        return
    if says < size:
        words = f"The file is cut short: {size - says:,} of {size:,} bytes are missing."
        report.add(Problem.FILE_CUT_SHORT, name, words)
        return
    if says > size:
        report.add(Problem.FILE_EXTENDED, name, f"Something was appended: {says - size:,} bytes too many.")
        return
    report.add(Problem.FILE_ALTERED, name, f"The file was altered {_where(entry, found)}.")


def _where(entry: dict[str, Any], found: dict[str, Any]) -> str:
    """Say in which blocks; where reading ended early, in the block that could not be read."""
    pairs = enumerate(entry["blocks"])
    wrong = [index for index, text in pairs if index >= len(found["blocks"]) or found["blocks"][index] != text]
    if not wrong:
        return "somewhere"
    spans = [f"{index * BLOCK:,} to {min(entry['size'], (index + 1) * BLOCK):,}" for index in wrong[:5]]
    more = f" and {len(wrong) - 5} more places" if len(wrong) > 5 else ""
    return f"between bytes {', '.join(spans)}{more} of {entry['size']:,}"
