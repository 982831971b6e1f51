"""Manifests of sittings: signed when they are over and whenever something came or went; what differs is named."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from appliance.audit import Actor
from appliance.cli import main
from appliance.db import unit_of_work
from appliance.evidence import EvidenceKey
from appliance.evidence.in_house import verify_sitting
from appliance.evidence.key import read_public_key
from appliance.evidence.sitting_manifest import newest, sign_what_is_left, unsigned
from appliance.models import AuditEntry, Part, Sitting, SittingManifest
from appliance.services.manifest_tasks import sign_waiting
from appliance.vocabulary import PartState, SittingState, Track


@pytest.fixture
def sitting(make, session, vault):
    sitting = make.sitting(SittingState.PROCESSING)
    for sequence in (1, 2):
        add_part(session, vault, sitting, sequence)
    vault.seal(session, f"pictures:{sitting.id}", "photo", b"a photo")
    session.commit()
    return sitting


def add_part(session, vault, sitting, sequence):
    sealed = vault.seal(session, f"sitting:{sitting.id}", "part", b"film %d" % sequence)
    part = Part(sitting_id=sitting.id, track=Track.CAMERA, sequence=sequence, path="", node_url="", media={})
    part.state, part.vault_object_id, part.sha256 = PartState.SEALED, sealed.id, sealed.sha256
    session.add(part)
    session.flush()
    return part


def over(session, sitting):
    session.get_one(Sitting, sitting.id).state = SittingState.IN_REVIEW
    session.commit()


def checked(session, collaborators, sitting, deep=True):
    settings, vault = collaborators.settings, collaborators.vault
    pem = EvidenceKey.load_or_create(settings.evidence_key_file, vault).public_pem
    report = verify_sitting(session, settings.manifests, read_public_key(pem), sitting.id, vault, deep)
    session.rollback()
    return report


def test_signed_once_it_is_over_and_anew_when_something_comes(session, collaborators, sitting, vault):
    assert sign_waiting(collaborators) == 0
    over(session, sitting)
    assert sign_waiting(collaborators) == 1
    assert sign_waiting(collaborators) == 0
    report = checked(session, collaborators, sitting)
    assert (report.findings, report.versions, report.objects, report.unsigned) == ([], 1, 3, 0)

    add_part(session, vault, sitting, 3)  # handed in later
    session.commit()
    report = checked(session, collaborators, sitting)
    assert (report.findings, report.unsigned) == ([], 1)
    assert unsigned(session) == [sitting.id]
    assert sign_waiting(collaborators) == 1
    report = checked(session, collaborators, sitting)
    assert (report.findings, report.versions, report.objects) == ([], 2, 4)
    first, second = session.query(SittingManifest).order_by(SittingManifest.number).all()
    assert json.loads(second.content)["previous"] == first.sha256
    signed = [row.details["number"] for row in session.query(AuditEntry).filter_by(action="manifest.sign")]
    assert signed == [1, 2]


def test_openssl_and_sha256sum_alone_say_the_same(session, collaborators, sitting, tmp_path):
    over(session, sitting)
    sign_waiting(collaborators)
    settings = collaborators.settings
    pem = tmp_path / "key.pem"
    pem.write_bytes(EvidenceKey.load_or_create(settings.evidence_key_file, collaborators.vault).public_pem)
    base = settings.manifests / str(sitting.id) / "0001"
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in", f"{base}.json"]
    subprocess.run([*command, "-sigfile", f"{base}.sig"], check=True, capture_output=True)
    facts = json.loads(base.with_suffix(".json").read_text())
    sums = "".join(f"{one['sealed_sha256']}  {one['file']}\n" for one in facts["objects"])
    subprocess.run(["sha256sum", "-c"], cwd=settings.vault, input=sums.encode(), check=True, capture_output=True)


def test_what_somebody_slipped_in_is_not_signed(session, collaborators, sitting, vault):
    over(session, sitting)
    sealed = vault.seal(session, f"sitting:{sitting.id}", "part", b"x")
    foreign = vault.seal(session, "sitting:99999", "part", b"x")
    sealed.path = foreign.path
    session.commit()
    assert sign_waiting(collaborators) == 0
    assert newest(session, sitting.id) is None


def test_after_an_erasure_what_is_left_is_signed(session, collaborators, sitting, vault):
    over(session, sitting)
    sign_waiting(collaborators)
    vault.destroy(session, f"pictures:{sitting.id}")
    session.commit()
    assert checked(session, collaborators, sitting).findings == [], "a destroyed key is seen as such"
    part = session.query(Part).filter_by(sequence=2).one()
    session.delete(part)
    session.commit()
    assert len(checked(session, collaborators, sitting).findings) == 1
    with unit_of_work(collaborators.session_factory) as work:
        sign_what_is_left(work, vault, collaborators.settings, sitting.id, Actor.appliance("retention"))
    report = checked(session, collaborators, sitting)
    assert (report.findings, report.versions) == ([], 2)


def test_without_the_master_key_by_hashes_alone(session, collaborators, sitting, vault):
    over(session, sitting)
    sign_waiting(collaborators)
    vault.data_keys.wipe(range(1000))
    assert checked(session, collaborators, sitting, deep=False).findings == []
    assert len(checked(session, collaborators, sitting).findings) == 3


def test_by_command(session, collaborators, sitting, monkeypatch, tmp_path):
    settings = collaborators.settings
    lines = {"data_dir": settings.data_dir, "database_url": settings.database_url, "secret_key": settings.secret_key}
    file = tmp_path / "kustos.toml"
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()))
    monkeypatch.setenv("KUSTOS_SETTINGS", str(file))
    over(session, sitting)
    sign_waiting(collaborators)
    session.commit()
    run = CliRunner()
    done = run.invoke(main, ["evidence", "verify", "--sitting", str(sitting.id)])
    assert done.exit_code == 0, done.output
    assert f"sitting {sitting.id}: 3 sealed files" in done.output
    assert done.output.rstrip().endswith("whole.")
    path = sorted(settings.vault.glob("*/*.sealed"))[0]
    path.write_bytes(path.read_bytes()[:-1])
    done = run.invoke(main, ["evidence", "verify", "--sitting", str(sitting.id), "--json"])
    assert done.exit_code == 1
    assert "altered" in json.loads(done.output)[0]["findings"][0]
    assert run.invoke(main, ["evidence", "verify"]).exit_code == 1
    assert run.invoke(main, ["evidence", "verify", "--sitting", "999"]).exit_code == 1
