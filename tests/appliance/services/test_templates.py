"""Enrolled faces: what holds inside a company, and what nobody can read or match any more."""

import json

import numpy as np
import pytest
from sqlalchemy import select, text

from appliance.errors import BadInput, BiometricsOff, KeyDestroyed, VaultTampered
from appliance.models import AuditEntry, Candidate, DataKey, FaceProtection, FaceTemplate
from appliance.services import templates
from appliance.services.template_protection import LENGTH, SIZE, Binding, Protection
from appliance.vocabulary import BiometricsMode, Role

MODEL = "ab" * 32
EXPECTED = (0.07081564636667603, 0.0012895188227982383, -0.004982150436954473)
"""As printed when this was written: templates made then must open for ever."""


def face(seed, spread=0.0, towards=None):
    """A made descriptor: the common part of all faces, and one's own."""
    numbers = np.random.default_rng(seed)
    common = np.random.default_rng(0).normal(size=SIZE) * 0.114
    own = (
        common + numbers.normal(size=SIZE) * 0.05 if towards is None else towards + numbers.normal(size=SIZE) * spread
    )
    return own * (LENGTH / np.linalg.norm(own))


@pytest.fixture
def actor(make):
    return make.actor(make.user(Role.SECURITY_OFFICER))


@pytest.fixture
def enrolled(make, session, vault, actor):
    """``enrolled(descriptor, candidate=…)``: a sitting whose candidate's face is enrolled."""

    def enrol(descriptor, **fields):
        sitting = make.sitting(**fields)
        templates.enrol(session, actor, vault, sitting, descriptor, MODEL)
        return sitting

    return enrol


def everything(session, vault, company_id):
    protection = templates.protection_of(session, vault, company_id)
    loaded = templates.load(session, vault, protection, company_id, MODEL)
    return {candidate: numbers for batch in loaded for _, candidate, numbers in batch}


def test_distances_hold_inside_a_company(make, session, vault, enrolled):
    ada = face(1)
    first = enrolled(ada)
    again = make.sitting(candidate=first.candidate, exam=first.exam)
    later = face(9, 0.03, towards=ada)
    (found,) = templates.compare(session, vault, again, later, MODEL)
    assert found.sitting_id == first.id
    assert found.distance == pytest.approx(float(np.linalg.norm(ada - later)), abs=1e-4)
    assert np.linalg.norm(templates.reference(session, vault, first, MODEL) - ada) < 1e-4
    assert templates.reference(session, vault, again, MODEL) is None
    assert templates.compare(session, vault, again, later, "another network") == []


def test_what_is_stored_opens_only_where_it_belongs(session, vault, enrolled):
    sitting = enrolled(face(1))
    row = session.scalars(select(FaceTemplate)).one()
    assert len(row.content) == 12 + 4 * SIZE + 16
    protection = templates.protection_of(session, vault, row.company_id)
    person = vault.derive(session, templates.person_purpose(sitting.candidate_id), templates.LABEL)
    right = Binding(row.company_id, row.candidate_id, row.id, row.protection_version, row.model_hash)
    assert protection.open(row.content, person, right).shape == (SIZE,)
    for wrong in (
        Binding(row.company_id + 1, row.candidate_id, row.id, row.protection_version, row.model_hash),
        Binding(row.company_id, row.candidate_id + 1, row.id, row.protection_version, row.model_hash),
        Binding(row.company_id, row.candidate_id, row.id + 1, row.protection_version, row.model_hash),
        Binding(row.company_id, row.candidate_id, row.id, row.protection_version, "cd" * 32),
    ):
        with pytest.raises(VaultTampered):
            protection.open(row.content, person, wrong)
    stranger = Protection.of(1, b"x" * 32)
    with pytest.raises(VaultTampered):
        stranger.open(row.content, person, right)  # the person's key alone does not open it
    with pytest.raises(VaultTampered):
        protection.open(row.content, b"y" * 32, right)  # nor the company's


def test_a_destroyed_key_is_the_end_of_a_template(session, vault, enrolled, make, actor):
    sitting = enrolled(face(1))
    kept = bytes(session.scalars(select(FaceTemplate.content)).one())  # a backup
    assert vault.destroy(session, templates.person_purpose(sitting.candidate_id))
    assert everything(session, vault, sitting.company_id) == {}
    with pytest.raises(KeyDestroyed):
        templates.compare(session, vault, sitting, face(1), MODEL)
    with pytest.raises(KeyDestroyed):
        templates.enrol(session, actor, vault, sitting, face(1), MODEL)
    assert session.scalar(select(DataKey.destroyed_at).where(DataKey.purpose == f"face:{sitting.candidate_id}"))
    assert kept


def test_revoked_and_enrolled_anew_under_another_key(session, vault, enrolled, actor):
    sitting = enrolled(face(1))
    before = session.scalars(select(FaceTemplate)).one()
    backup, key = bytes(before.content), vault.derive(session, f"face:{sitting.candidate_id}", templates.LABEL)
    candidate = session.get_one(Candidate, sitting.candidate_id)
    assert templates.revoke(session, actor, vault, candidate, "asked for") == 1
    assert (before.content, before.revoked_reason) == (None, "asked for")
    assert templates.compare(session, vault, sitting, face(1), MODEL) == []
    fresh = templates.enrol(session, actor, vault, sitting, face(1), MODEL)
    assert fresh.id != before.id
    assert vault.derive(session, f"face:{sitting.candidate_id}", templates.LABEL) != key
    new_key = vault.derive(session, f"face:{sitting.candidate_id}", templates.LABEL)
    protection = templates.protection_of(session, vault, sitting.company_id)
    bound = Binding(before.company_id, before.candidate_id, before.id, before.protection_version, MODEL)
    with pytest.raises(VaultTampered):
        protection.open(backup, new_key, bound)


def test_renewing_changes_all_and_keeps_distances(make, session, vault, enrolled, actor):
    sittings = [enrolled(face(number)) for number in range(1, 5)]
    company = sittings[0].company_id
    before = everything(session, vault, company)
    old = templates.protection_of(session, vault, company)
    assert templates.renew(session, actor, vault, company) == 4
    session.expire_all()
    after = everything(session, vault, company)
    assert before.keys() == after.keys()
    for one in before:
        assert np.linalg.norm(before[one] - after[one]) > 0.5
        for other in before:
            apart = np.linalg.norm(before[one] - before[other])
            assert np.linalg.norm(after[one] - after[other]) == pytest.approx(apart, abs=1e-4)
    assert [row.version for row in session.scalars(select(FaceProtection).order_by(FaceProtection.id))] == [1, 2]
    with pytest.raises(KeyDestroyed):
        vault.derive(session, templates.company_purpose(company, 1), templates.LABEL)
    assert templates.protection_of(session, vault, company).secret != old.secret
    (found,) = templates.compare(session, vault, sittings[0], face(1), MODEL)
    assert found.distance < 1e-3


def test_a_retake_replaces_and_at_most_three_are_kept(make, session, vault, enrolled, actor):
    first = enrolled(face(1))
    templates.enrol(session, actor, vault, first, face(1), MODEL)
    for _ in range(4):
        again = make.sitting(candidate=first.candidate, exam=first.exam)
        templates.enrol(session, actor, vault, again, face(1), MODEL)
    in_use = session.scalars(select(FaceTemplate).where(FaceTemplate.revoked_at.is_(None))).all()
    assert len(in_use) == templates.KEPT
    gone = session.scalars(select(FaceTemplate).where(FaceTemplate.revoked_at.is_not(None))).all()
    assert all(row.content is None for row in gone)


@pytest.mark.parametrize("mode", [BiometricsMode.NONE, BiometricsMode.ON_DEVICE])
def test_no_template_is_made_where_the_exam_forbids_it(make, session, vault, actor, mode):
    sitting = make.sitting(exam=make.exam(biometrics=mode))
    for act in (templates.compare, templates.reference):
        arguments = [session, vault, sitting] + ([face(1)] if act is templates.compare else [])
        with pytest.raises(BiometricsOff):
            act(*arguments, MODEL)
    with pytest.raises(BiometricsOff):
        templates.enrol(session, actor, vault, sitting, face(1), MODEL)
    assert session.scalars(select(FaceTemplate)).all() == []
    assert session.scalars(select(DataKey)).all() == []


def test_audited_and_never_a_number_of_the_face(session, vault, enrolled, actor):
    sitting = enrolled(face(1))
    templates.renew(session, actor, vault, sitting.company_id)
    templates.revoke(session, actor, vault, session.get_one(Candidate, sitting.candidate_id), "asked for")
    session.commit()
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == ["face.enrol", "face.renew", "face.revoke"]
    for entry in entries:
        assert len(json.dumps(entry.details)) < 300
    for table in ("audit_entry", "live_event"):
        rows = session.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t")).scalars()  # noqa: S608 - ours
        assert not any(row.count("0.") > 20 for row in rows)


@pytest.mark.parametrize("wrong", [np.zeros(SIZE), np.full(SIZE, np.nan), np.ones(12)])
def test_what_is_no_descriptor_is_refused(make, session, vault, actor, wrong):
    with pytest.raises(BadInput):
        templates.enrol(session, actor, vault, make.sitting(), wrong, MODEL)


def test_the_rotation_follows_from_the_secret_alone():
    one, two = Protection.of(1, b"a" * 32), Protection.of(1, b"b" * 32)
    assert np.allclose(one.rotation @ one.rotation.T, np.eye(SIZE), atol=1e-12)
    assert one.rotation[0, :3] == pytest.approx(EXPECTED, abs=1e-9)
    assert abs(float(np.trace(one.rotation.T @ two.rotation))) < 6  # 128 for the same, about 1 for strangers
