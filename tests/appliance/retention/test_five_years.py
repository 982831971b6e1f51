"""Five years of a real database and vault: companies, rules changed midway, holds, people who return."""

import json
import random
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from appliance.audit import Actor
from appliance.evidence.key import EvidenceKey
from appliance.models import (
    Candidate,
    ChatMessage,
    DeletionCertificate,
    Disposal,
    FaceTemplate,
    IdentityPhoto,
    Observation,
    Part,
    SystemCheck,
    VaultObject,
)
from appliance.retention import certificate, purge, terms
from appliance.services import holds
from appliance.vocabulary import DataClass, HoldScope, SittingState
from tests.appliance.retention.evidence import fill

START = datetime(2027, 1, 4, 3, tzinfo=UTC)
DAY = timedelta(days=1)
YEARS = 5 * 365
ACTOR = Actor.appliance("test")

SIGN = {
    DataClass.RECORDING: Part,
    DataClass.PHOTO: IdentityPhoto,
    DataClass.CHAT: ChatMessage,
    DataClass.METRICS: Observation,
    DataClass.LOG: SystemCheck,
}
"""A row of each class that is there as long as the class is."""


class World:
    """What is known independently of the code under test: terms, holds, ends, as they change."""

    def __init__(self):
        self.rules = {}  # (company, exam or None, class) -> days
        self.since = defaultdict(lambda: START)  # when a rule, or a hold, last changed for a company
        self.held = set()  # (scope, id)

    def term(self, company, exam, data_class):
        return self.rules.get((company, exam, data_class), self.rules[company, None, data_class])

    def holds(self, sitting):
        return {
            (HoldScope.SITTING, sitting.id),
            (HoldScope.CANDIDATE, sitting.candidate_id),
            (HoldScope.EXAM, sitting.exam_id),
        } & self.held


@pytest.fixture
def world(make, session):
    """Three companies of three profiles, each with two exams, one with rules of its own."""
    world = World()
    world.companies = [make.company(profile=profile) for profile in ("eu", "ru", "none")]
    world.exams = {company.id: [make.exam(company=company) for _ in range(2)] for company in world.companies}
    for company in world.companies:
        for number, data_class in enumerate(DataClass):
            days = 200 + 30 * number
            change(session, world, company, data_class, days, START)
        change(session, world, company, DataClass.RECORDING, 60, START, world.exams[company.id][1].id)
    session.commit()
    return world


def change(session, world, company, data_class, days, now, exam_id=None):
    terms.set_rule(session, ACTOR, company, data_class, days, 14, now, exam_id)
    world.rules[company.id, exam_id, data_class] = days
    world.since[company.id] = now


def test_five_years_in_a_second(make, session, collaborators, world):
    """Two sittings, one held for two years, in a real database and vault: somebody looks every two months."""
    company, clock = world.companies[2], time.process_time()
    free, held = (
        make.sitting(
            SittingState.CONCLUDED, exam=world.exams[company.id][0], candidate=make.candidate(company=company),
            created_at=START, finished_at=START,
        )
        for _ in range(2)
    )  # fmt: skip
    for sitting in (free, held):
        fill(session, collaborators, sitting, START)
    hold = holds.place(
        session, ACTOR, company.id, holds.Subject(HoldScope.SITTING, held.id), "a dispute", "Ann", START
    )
    session.commit()
    gone, certificates = defaultdict(dict), []
    for day in range(0, YEARS + 1, 60):
        if day == 720:
            holds.release(session, ACTOR, hold, "settled", START + day * DAY)
            session.commit()
        certificates += purge.run(collaborators, START + day * DAY).certificates
        for data_class, model in SIGN.items():
            there = set(session.scalars(select(model.sitting_id)))
            for sitting in (free, held):
                if sitting.id not in there:
                    gone[sitting.id].setdefault(data_class, day)
        session.commit()
    # announced at the first look that is less than 14 days before the end, deleted at the next one
    announced = {one: -(-(world.rules[company.id, None, one] - 14) // 60) * 60 for one in SIGN}
    assert gone[free.id] == {one: day + 60 for one, day in announced.items()}
    assert gone[held.id] == dict.fromkeys(SIGN, 780)
    session.expire_all()
    assert [sitting.candidate.name for sitting in (free, held)] == [
        f"erased-{one.candidate_id}" for one in (free, held)
    ]
    assert not list(collaborators.vault.folder.rglob("*.sealed"))
    key = EvidenceKey.load_or_create(collaborators.settings.evidence_key_file, collaborators.vault)
    for row in map(partial(session.get_one, DeletionCertificate), certificates):
        assert certificate.verify(row.content.encode(), certificate.signature_bytes(row), key.public_pem).is_genuine
    assert time.process_time() - clock < 4, "five years are about a second of CPU"


def test_nothing_early_nothing_late(make, session, collaborators, world):
    chance = random.Random(7)
    sat, left = [], {}  # sittings; (class, sitting id) still there
    people = {company.id: [make.candidate(company=company) for _ in range(2)] for company in world.companies}
    holds_in_force, deleted, last_run, now = [], Counter(), START, START
    session.commit()
    while now < START + YEARS * DAY:
        now += chance.choice((9, 17, 23, 40)) * DAY
        if len(sat) < 18 and chance.random() < 0.7:
            company = chance.choice(world.companies)
            sitting = make.sitting(
                SittingState.CONCLUDED,
                exam=chance.choice(world.exams[company.id]),
                candidate=chance.choice(people[company.id]),
                created_at=now - DAY,
                finished_at=now,
            )
            if sitting.candidate.erased_at is None:
                fill(session, collaborators, sitting, now)
                sat.append(sitting)
                left |= {(data_class, sitting.id): sitting for data_class in SIGN}
            else:
                session.rollback()
        if chance.random() < 0.1:
            company = chance.choice(world.companies)
            change(session, world, company, chance.choice(list(DataClass)), chance.choice((190, 250, 330)), now)
        if sat and chance.random() < 0.08:
            one, scope = chance.choice(sat), chance.choice(list(HoldScope))
            number = {"sitting": one.id, "candidate": one.candidate_id, "exam": one.exam_id}[scope.value]
            subject = holds.Subject(scope, number)
            holds_in_force.append(holds.place(session, ACTOR, one.company_id, subject, "a dispute", "Ann", now))
            world.held.add((scope, number))
        if holds_in_force and chance.random() < 0.15:
            row = holds_in_force.pop(0)
            holds.release(session, ACTOR, row, "settled", now)
            if not any((each.scope, each.subject_id) == (row.scope, row.subject_id) for each in holds_in_force):
                world.held.discard((row.scope, row.subject_id))
            world.since[row.company_id] = now
        session.commit()
        files_before = len(list(collaborators.vault.folder.rglob("*.sealed")))

        outcome = purge.run(collaborators, now)

        session.expire_all()
        gone = check(session, world, left, now, last_run)
        assert Counter(data_class for data_class, _ in gone) == Counter(
            {key: count for key, count in outcome.deleted.items() if key in SIGN}
        )
        files_gone = files_before - len(list(collaborators.vault.folder.rglob("*.sealed")))
        check_certificates(session, outcome, files_gone)
        deleted += outcome.deleted
        last_run = now
    assert all(deleted[data_class] >= 3 for data_class in DataClass), deleted
    assert session.scalar(select(func.count()).select_from(Disposal).where(Disposal.certificate_id.is_(None))) <= 40
    sealed = {row.path for row in session.scalars(select(VaultObject))}
    on_disk = {
        str(path.relative_to(collaborators.vault.folder)) for path in collaborators.vault.folder.rglob("*.sealed")
    }
    assert on_disk == sealed


def check(session, world, left, now, last_run):
    """Hold what is there against what should be; return and forget what went."""
    there = {
        data_class: set(session.scalars(select(model.sitting_id).distinct())) for data_class, model in SIGN.items()
    }
    gone = []
    for (data_class, number), sitting in list(left.items()):
        due = sitting.finished_at + world.term(sitting.company_id, sitting.exam_id, data_class) * DAY
        if number in there[data_class]:
            # every condition held at the last run for so long as an announcement takes: it should have gone then
            latest = max(due, world.since[sitting.company_id] + 14 * DAY) + 14 * DAY + 40 * DAY
            assert world.holds(sitting) or last_run <= latest, (data_class, number, due, now)
            continue
        assert now >= due, f"{data_class} of sitting {number} went {due - now} early"
        assert not world.holds(sitting), f"{data_class} of sitting {number} was on hold"
        gone.append((data_class, number))
        del left[data_class, number]
    return gone


def check_certificates(session, outcome, files_gone):
    """Every deletion stands in exactly one certificate, with counts that are those of the disk."""
    rows = [session.get_one(DeletionCertificate, number) for number in outcome.certificates]
    items = [item for row in rows for item in json.loads(row.content)["items"]]
    assert Counter(item["data_class"] for item in items) == {key.value: n for key, n in outcome.deleted.items()}
    assert sum(row.files for row in rows) == files_gone
    for item in items:
        assert item["deleted_ms"] >= item["announced_ms"] >= item["warned_ms"] + 14 * 86_400_000
        assert item["announced_ms"] >= item["ended_ms"] + item["term_days"] * 86_400_000


def test_people_last(make, session, collaborators, world):
    """Templates and names are kept for the person's last sitting, and end with its terms."""
    company = world.companies[2]
    who = make.candidate(company=company)
    for day in (0, 100):
        sitting = make.sitting(
            SittingState.CONCLUDED,
            exam=world.exams[company.id][0],
            candidate=who,
            created_at=START,
            finished_at=START + day * DAY,
        )
        fill(session, collaborators, sitting, START + day * DAY)
    session.commit()
    template, person = (world.rules[company.id, None, one] for one in (DataClass.TEMPLATE, DataClass.PERSON))
    for day in range(0, 700, 10):
        purge.run(collaborators, START + day * DAY)
        session.expire_all()
        in_use = session.scalar(select(func.count()).where(FaceTemplate.revoked_at.is_(None)))
        assert (in_use > 0) == (day < 100 + template) or day - 100 - template < 10
        row = session.get_one(Candidate, who.id)
        assert (row.erased_at is None) == (day < 100 + person) or day - 100 - person < 10
    assert (in_use, row.email, row.name) == (0, "", f"erased-{who.id}")


def test_a_run_that_was_killed_is_taken_up(make, session, collaborators, world, monkeypatch):
    company = world.companies[0]
    for _ in range(3):
        sitting = make.sitting(SittingState.CONCLUDED, exam=world.exams[company.id][0], created_at=START)
        sitting.finished_at = START
        fill(session, collaborators, sitting, START)
    session.commit()
    later = START + 400 * DAY
    purge.run(collaborators, later - 20 * DAY)

    class Killed(BaseException):
        pass

    def die(*_args):
        raise Killed

    for place, name in ((purge, "remove_files"), (purge.certificate, "_certify")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, die)
            with pytest.raises(Killed):
                purge.run(collaborators, later)
    calls = iter(range(100))
    with pytest.raises(Killed):
        purge.run(collaborators, later, pause_point=lambda: die() if next(calls) == 2 else None)
    outcome = purge.run(collaborators, later)
    session.expire_all()
    done = select(Disposal).where(Disposal.deleted_at.is_not(None))
    rows = session.scalars(done).all()
    assert rows and all(row.files == [] and row.certificate_id for row in rows)
    assert outcome.certificates
    certified = [json.loads(text)["items"] for text in session.scalars(select(DeletionCertificate.content))]
    assert sum(len(items) for items in certified) == len(rows)


def test_two_runs_at_once_are_one(make, session, collaborators, world):
    sitting = make.sitting(SittingState.CONCLUDED, created_at=START, finished_at=START)
    fill(session, collaborators, sitting, START)
    session.commit()
    inner = []
    outcome = purge.run(
        collaborators, START + 3000 * DAY, pause_point=lambda: inner.append(purge.run(collaborators, START))
    )
    assert outcome.announced > 0 and all(one == purge.Outcome() for one in inner)
