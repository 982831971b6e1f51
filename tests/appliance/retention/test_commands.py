"""``kustos retention`` and ``kustos compliance``, and a certificate checked by OpenSSL alone."""

import subprocess
from datetime import timedelta

import pytest

from appliance.db import utcnow
from appliance.vocabulary import SittingState
from tests.appliance.retention.evidence import fill


@pytest.fixture
def person(make, session, collaborators):
    company = make.company(slug="north", profile="eu")
    who = make.candidate(company=company, first_name="Zoe", last_name="Quill", external_id="zq-1")
    ended = utcnow() - timedelta(days=80)
    sitting = make.sitting(
        SittingState.CONCLUDED, candidate=who, exam=make.exam(company=company), created_at=ended, finished_at=ended
    )
    fill(session, collaborators, sitting, ended)
    session.commit()
    return who


def test_run_due_hold_release_erase_verify(kustos, person, tmp_path):
    assert "2 announced, 0 withdrawn, 0 deleted" in kustos("retention", "run")
    shown = kustos("retention", "due", "north")
    assert "90 days" in shown and "the first on" in shown
    placed = kustos("retention", "hold", "north", "candidate", person.id, "--reason", "case 1", "--owner", "Ann")
    assert "Hold 1 is in force" in placed and "Ann: case 1" in kustos("retention", "due", "north")
    words = ("retention", "erase", "north", "zq-1", "--basis", "withdrawn", "--asked-by", "person", "--yes")
    assert "hold" in kustos(*words, status=1)
    kustos("retention", "release", 1, "--reason", "over")
    archive = tmp_path / "person.zip"
    kustos("retention", "export", "north", "zq-1", "--out", archive)
    assert archive.stat().st_size > 1000
    assert "Certificate 1" in kustos(*words)
    assert "no person zq-1" in kustos(*words, status=1)

    out, pem = tmp_path / "certificate.json", tmp_path / "evidence.pem"
    kustos("retention", "certificate", "show", 1, "--out", out)
    pem.write_text(kustos("evidence", "key").split("fingerprint")[0])
    assert "Genuine: erasure certificate 1" in kustos("retention", "certificate", "verify", out, "--key", pem)
    openssl = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in", out]
    verified = subprocess.run([*openssl, "-sigfile", f"{out}.sig"], capture_output=True, text=True, check=False)
    assert "Verified Successfully" in verified.stdout, verified
    out.write_bytes(out.read_bytes().replace(b'"rows":', b'"rows":1', 1))
    assert "was altered" in kustos("retention", "certificate", "verify", out, "--key", pem, status=1)
    assert subprocess.run([*openssl, "-sigfile", f"{out}.sig"], capture_output=True, check=False).returncode != 0


def test_papers(kustos, person, tmp_path):
    assert "# Record of processing activities" in kustos("compliance", "record", "north")
    page = tmp_path / "dpia.html"
    kustos("compliance", "dpia", "north", "--html", "--out", page)
    assert "<h1>Data protection impact assessment" in page.read_text(encoding="utf-8")
    assert "no company nowhere" in kustos("compliance", "record", "nowhere", status=1)
