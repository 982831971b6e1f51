"""``kustos evidence export`` and ``key`` on an appliance's settings."""

import os

import pytest

from appliance.evidence import verify
from appliance.models import AuditEntry, Export
from appliance.vocabulary import ExportState


@pytest.fixture
def run(run_kustos):
    return lambda *arguments: run_kustos("evidence", *arguments)


def test_export_then_verify_with_the_printed_key(run, judged, session, tmp_path):
    out, key = tmp_path / "evidence.zip", tmp_path / "key.pem"
    result = run("export", "--sitting", judged.id, "--out", out)
    assert result.exit_code == 0, result.output
    printed = run("key")
    key.write_text(printed.stdout)
    assert "fingerprint: " in printed.stderr
    report = verify([out], key.read_bytes())
    assert report.is_whole
    assert report.key_is_yours
    assert report.fingerprint in printed.stderr
    assert run("verify", "--public-key", key, out).exit_code == 0
    session.expire_all()
    rows = session.query(AuditEntry).filter(AuditEntry.action.like("export.%")).order_by(AuditEntry.id).all()
    assert [(row.action, row.actor_kind, row.actor_id) for row in rows] == [
        ("export.request", "cli", str(os.getuid())),
        ("export.make", "appliance", "exporter"),
        ("export.download", "cli", str(os.getuid())),
        ("export.delete", "cli", str(os.getuid())),
    ]
    assert [row.state for row in session.query(Export)] == [ExportState.DELETED]


def test_what_cannot_be_written_is_said_and_nothing_stays(run, judged, session, tmp_path):
    there = tmp_path / "there.zip"
    there.write_bytes(b"")
    assert "exists already" in run("export", "--sitting", judged.id, "--out", there).stderr
    result = run("export", "--sitting", judged.id, "--out", tmp_path / "no" / "folder.zip", "--content", "camera")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert [row.state for row in session.query(Export)] == [ExportState.DELETED]


def test_no_such_sitting(run, judged, tmp_path):
    result = run("export", "--sitting", 999, "--out", tmp_path / "x.zip")
    assert (result.exit_code, "no such sitting" in result.stderr) == (1, True)
