"""Exports and segments: the chain verifies where it was taken to, and over the border of a rotation."""

import gzip
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from appliance import audit
from appliance.audit import checkpoints, export, reading, segments
from appliance.db import utcnow
from appliance.errors import AuditBroken, BadInput
from appliance.evidence.key import EvidenceKey
from appliance.models import AuditEntry, AuditSegment
from tests.appliance.audit_log import fill, tamper, witnesses

INDEPENDENT = Path(__file__).parents[2] / "docs" / "security" / "verify_audit_export.py"


@pytest.fixture
def exported(signed, signer, tmp_path):
    return write(tmp_path / "log.jsonl", export.whole(signed, signer))


def write(path, rows):
    path.write_text("".join(rows), encoding="ascii", newline="\n")
    return path


def independent(path, signer, tmp_path):
    key = tmp_path / "key.pem"
    key.write_bytes(signer.key.public_pem)
    return subprocess.run(
        [sys.executable, "-I", str(INDEPENDENT), str(path), str(key)], capture_output=True, text=True, check=False
    )


def test_an_export_verifies_by_the_key_alone(exported, signer):
    verdict = export.verify_export(exported, signer.key.public_pem)
    assert (verdict.first, verdict.entries, verdict.checkpoints, verdict.covered) == (1, 10, 2, 8)
    assert verdict.key_is_yours
    assert not export.verify_export(exported).key_is_yours


def test_an_export_verifies_without_our_code(exported, signer, tmp_path):
    done = independent(exported, signer, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 entries" in done.stdout


def test_a_compressed_export_verifies(exported, signer, tmp_path):
    packed = tmp_path / "log.jsonl.gz"
    packed.write_bytes(gzip.compress(exported.read_bytes()))
    assert export.verify_export(packed).entries == 10
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(BadInput, match="cannot be read"):
        export.verify_export(packed)


def test_an_export_from_the_middle(signed, signer, tmp_path):
    moment = signed.get(AuditEntry, 7).at
    verdict = export.verify_export(write(tmp_path / "log.jsonl", export.whole(signed, signer, moment)))
    assert (verdict.first, verdict.entries, verdict.covered) == (7, 4, 8)


def test_an_export_since_the_future_is_empty(signed, signer, tmp_path):
    rows = export.whole(signed, signer, utcnow() + timedelta(days=1))
    assert export.verify_export(write(tmp_path / "log.jsonl", rows)).entries == 0


def lines_changed(name):
    def altered(rows):
        rows[4] = rows[4].replace('"sitting.start"', '"sitting.stop"')

    def deleted(rows):
        del rows[4]

    def swapped(rows):
        rows[4], rows[5] = rows[5], rows[4]

    def dated_back(rows):
        rows[4] = rows[4].replace('"at":"2', '"at":"1')

    def cut_off(rows):
        del rows[-3:]

    def cut_off_but_for_the_end(rows):
        del rows[-3:-1]

    def appended(rows):
        rows.append(rows[4])

    def head_altered(rows):
        rows[0] = rows[0].replace('"made_at":"2', '"made_at":"1')

    def checkpoint_removed(rows):
        del rows[[row.startswith('{"signature"') for row in rows].index(True)]

    def not_ascii(rows):
        rows[4] = rows[4].replace("sitting", "sïtting")

    def nonsense(rows):
        rows[4] = "nonsense\n"

    return locals()[name]


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        ("altered", 4),
        ("deleted", 4),
        ("swapped", 4),
        ("dated_back", 4),
        ("cut_off", 9),
        ("cut_off_but_for_the_end", None),
        ("appended", 11),
        ("head_altered", None),
        ("checkpoint_removed", None),
        ("not_ascii", None),
        ("nonsense", 4),
    ],
)
def test_a_changed_export_is_found(exported, signer, tmp_path, change, entry):
    rows = exported.read_text().splitlines(keepends=True)
    lines_changed(change)(rows)
    exported.write_text("".join(rows), newline="\n")
    with pytest.raises(AuditBroken) as caught:
        export.verify_export(exported, signer.key.public_pem)
    assert caught.value.details.get("entry") == entry
    assert independent(exported, signer, tmp_path).returncode == 1


def test_an_export_signed_by_another_is_not_believed(exported, signer):
    other = EvidenceKey(b"\1" * 32)
    with pytest.raises(AuditBroken, match="not by this appliance"):
        export.verify_export(exported, other.public_pem)


def test_what_is_no_export_is_said_so(tmp_path):
    for content in ("", "{}\n", "[1]\n", "x" * 100_000):
        with pytest.raises(BadInput, match="no export"):
            export.verify_export(write(tmp_path / "x", [content]))
    with pytest.raises(BadInput, match="cannot be read"):
        export.verify_export(tmp_path / "nowhere")


def test_a_choice_proves_each_entry_and_is_signed(signed, signer, tmp_path):
    rows = [link for link in reading.links(signed) if link.id % 2]
    path = write(tmp_path / "log.jsonl", export.chosen(signer, rows, {"who": "Анна"}))
    verdict = export.verify_export(path)
    assert (verdict.entries, verdict.filter) == (5, {"who": "Анна"})
    content = path.read_text().splitlines(keepends=True)
    write(path, [*content[:2], *content[3:]])
    with pytest.raises(AuditBroken, match="not the file that was signed"):
        export.verify_export(path)


def test_rotation_keeps_the_chain(signed, signer, tmp_path):
    moment = signed.get(AuditEntry, 7).at
    assert segments.rotate(signed, signer, moment) == 6
    signed.commit()
    checkpoints.write_file(signed, signer.folder)
    assert segments.rotate(signed, signer, moment) == 0
    signed.commit()
    assert [row[0] for row in signed.query(AuditEntry.id).order_by(AuditEntry.id)] == [7, 8, 9, 10]
    fill(signed, 1)
    verdict = audit.verify_all(signed, witnesses(signer))
    assert (verdict.entries, verdict.segments, verdict.checkpoints, verdict.covered) == (11, 1, 3, 10)
    assert audit.verify_chain(signed).entries == 11
    path = write(tmp_path / "log.jsonl", export.whole(signed, signer))
    assert export.verify_export(path).entries == 11
    assert independent(path, signer, tmp_path).returncode == 0


def test_rotation_of_everything_and_in_pieces(signed, signer):
    later = utcnow() + timedelta(days=1)
    assert [segments.rotate(signed, signer, later, at_most=4) for _ in range(4)] == [4, 4, 2, 0]
    signed.commit()
    assert signed.query(AuditEntry).count() == 0
    fill(signed, 2)
    verdict = audit.verify_all(signed, witnesses(signer))
    assert (verdict.entries, verdict.segments) == (12, 3)


def test_an_erased_segment_is_bridged_by_its_signed_statement(signed, signer, tmp_path):
    later = utcnow() + timedelta(days=1)
    segments.rotate(signed, signer, signed.get(AuditEntry, 7).at)
    signed.commit()
    checkpoints.write_file(signed, signer.folder)
    assert segments.erase(signed, signer.vault, later) == [1]
    signed.commit()
    verdict = audit.verify_all(signed, witnesses(signer))
    assert (verdict.entries, verdict.erased) == (10, 6)
    path = write(tmp_path / "log.jsonl", export.whole(signed, signer))
    verdict = export.verify_export(path, signer.key.public_pem)
    assert (verdict.entries, verdict.erased) == (4, 6)
    assert independent(path, signer, tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM audit_segment", "Audit entry 1 is missing"),
        ("UPDATE audit_segment SET vault_object_id = NULL", "missing and was not erased"),
        ("UPDATE audit_segment SET statement = replace(statement, ':6,', ':7,')", "not by this"),
        ("DELETE FROM audit_entry WHERE id = 7", "Audit entry 7 is missing"),
    ],
)  # fmt: skip
def test_tampering_with_a_segment_is_found(signed, signer, statement, words):
    segments.rotate(signed, signer, signed.get(AuditEntry, 7).at)
    signed.commit()
    tamper(signed, statement)
    with pytest.raises(AuditBroken, match=words):
        audit.verify_all(signed, witnesses(signer))


def test_only_what_a_segment_holds_may_leave_the_table(signed, signer):
    segments.rotate(signed, signer, signed.get(AuditEntry, 7).at)
    signed.commit()
    for statement in ("DELETE FROM audit_entry", "DELETE FROM audit_segment", "DELETE FROM audit_checkpoint"):
        with pytest.raises(DBAPIError, match="append-only"):
            signed.execute(text(statement))
        signed.rollback()


def test_a_segment_is_sealed_and_plain_inside(signed, signer):
    segments.rotate(signed, signer, signed.get(AuditEntry, 7).at)
    signed.commit()
    row = signed.query(AuditSegment).one()
    assert json.loads(row.statement)["last"] == 6
    assert list(signer.folder.glob("*.gz")) == []
    (part,) = segments.statements(signed, signer.public_key)
    assert [entry.id for entry in segments.entries(signed, signer.vault, part)] == [1, 2, 3, 4, 5, 6]


def test_the_steps_of_the_paper_are_true(exported, signer, tmp_path):
    """The shell lines of docs/security/verifying.md, run as they stand."""
    paper = (INDEPENDENT.parent / "verifying.md").read_text(encoding="utf-8")
    entry, checkpoint_, *_ = [block.strip("\n") for block in paper.split("```")[1::2]]
    (tmp_path / "audit.pem").write_bytes(signer.key.public_pem)

    def run(script):
        return subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)

    digest = run(entry).stdout.split()[0]
    assert digest == run("line=$(sed -n 2p log.jsonl); echo ${line:9:64}").stdout.strip()
    assert "Signature Verified Successfully" in run(checkpoint_).stdout
