"""A worker process for the tests: its one task writes down who runs it, and never ends until it is told to."""

import asyncio
import sys
import time

import psycopg
from procrastinate import Blueprint

from appliance import jobs, logs
from appliance.db import libpq_url
from appliance.settings import load_settings

tasks = Blueprint()
settings = load_settings(
    {}, database_url=sys.argv[1], heartbeat_seconds=float(sys.argv[3]), takeover_seconds=float(sys.argv[4])
)


@tasks.task(name="test.watch", retry=jobs.Retry(), pass_context=True)
async def watch(context, sitting_id):
    name = context.additional_context["name"]
    async with await psycopg.AsyncConnection.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        await connection.execute("INSERT INTO watched (worker, sitting_id) VALUES (%s, %s)", (name, sitting_id))
        while True:
            cursor = await connection.execute("SELECT 1 FROM finished WHERE sitting_id = %s", (sitting_id,))
            if await cursor.fetchone():
                return
            await asyncio.sleep(0.1)


@tasks.task(name="test.seal", queue="default", retry=jobs.Retry(), pass_context=True)
async def seal(context, sitting_id):
    """As real sealing: in a thread, which nobody can cancel."""
    await asyncio.to_thread(_seal, context.additional_context["name"], sitting_id)


def _seal(name, sitting_id):
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        connection.execute("INSERT INTO watched (worker, sitting_id) VALUES (%s, %s)", (name, sitting_id))
        time.sleep(4)
        connection.execute("INSERT INTO finished VALUES (%s)", (sitting_id,))


@tasks.task(name="test.fail", retry=jobs.Retry(attempts=2, pause_seconds=0))
async def fail(secret):
    raise ValueError("no such thing\nDETAIL: somebody's data")


logs.configure()
jobs.run_worker(settings, [tasks], {"name": sys.argv[2]}, sys.argv[5:])
