"""Sittings of synthetic candidates over real WebRTC: how soon recorded, how soon told, at what cost."""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import websockets

from appliance.cli.crowd import Crowd
from appliance.cli.synthetic_candidate import SyntheticCandidate
from media.clips import drawn
from tests.running import RunningAppliance

WINDOW_SECONDS = 2 * drawn.SECONDS + 5
"""Two laps of the clip, so that each of its events happens at least twice in each sitting."""

FIRST_FRAME_BYTES = 1500
"""A recording's header is a few hundred bytes; with its first key frame it is several thousand."""

IDLE_SECONDS = 15
PROCESSES = ("node", "gateway", "worker")


def report(name: str, **values: object) -> None:
    """Print one JSON line."""
    print(json.dumps({"bench": name, **values}), flush=True)


def run(appliance: RunningAppliance, count: int) -> None:
    """Measure with ``count`` sittings at once."""
    asyncio.run(_run(appliance, count))


@dataclass
class Feed:
    """What the proctor's socket was told, and when."""

    opened: list[tuple[int, str, float]] = field(default_factory=list)
    """Sitting, type, ``time.monotonic()`` of arrival."""


async def _run(appliance: RunningAppliance, count: int) -> None:
    crowd = Crowd(appliance.origin, "online", None, str(appliance.data))
    candidates = await asyncio.to_thread(crowd.candidates, count)
    idle = await _idle(appliance)
    async with proctor(appliance) as http, asyncio.TaskGroup() as tasks:
        sitting = [tasks.create_task(candidate.sit()) for candidate in candidates]
        await _until_live(http, candidates)
        feed = Feed()
        listener = tasks.create_task(_listen(http, appliance.origin, feed))
        delays = [await _start(http, appliance, candidate) for candidate in candidates]
        report("start_click_to_first_recorded_frame", sittings=count, **_spread(delays))
        await _measure(appliance, candidates, feed, count, idle)
        for candidate in candidates:
            await _ok(http.post(f"/api/v1/sittings/{candidate.sitting_id}/finish", json={"comment": "bench"}))
        await asyncio.wait(sitting, timeout=60)
        listener.cancel()


def proctor(appliance: RunningAppliance) -> "Proctor":
    """Log in as the demo's proctor."""
    return Proctor(appliance)


class Proctor:
    """A logged-in REST client."""

    def __init__(self, appliance: RunningAppliance) -> None:
        self._appliance = appliance
        self._http = httpx.AsyncClient(base_url=appliance.origin, trust_env=False, timeout=30)

    async def __aenter__(self) -> httpx.AsyncClient:
        http = await self._http.__aenter__()
        page = await http.get("/login")
        account = self._appliance.account("proctor")
        code = await asyncio.to_thread(self._appliance.code, "proctor")
        form = {"email": account["email"], "password": account["password"], "code": code, "next": ""}
        answer = await http.post(
            "/login", data={**form, "csrf_token": _csrf(page.text)}, headers={"Origin": self._appliance.origin}
        )
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        http.headers["X-CSRF-Token"] = _csrf((await http.get("/room")).text)
        http.headers["Origin"] = self._appliance.origin
        return http

    async def __aexit__(self, *exception: object) -> None:
        await self._http.aclose()


def _csrf(page: str) -> str:
    """Return the token in a page's hidden field or data block."""
    for mark in ('name="csrf_token" value="', '"csrf": "'):
        if mark in page:
            return page.split(mark, 1)[1].split('"', 1)[0]
    raise AssertionError("the page has no CSRF token")


async def _ok(request) -> dict:
    answer = await request
    assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text[:300]}"
    return answer.json()


async def _until_live(http: httpx.AsyncClient, candidates: list[SyntheticCandidate]) -> None:
    """Wait until the room shows both tracks of every candidate."""
    async with asyncio.timeout(120):
        while True:
            entries = {entry["id"]: entry for entry in (await _ok(http.get("/api/v1/room")))["sittings"]}
            shown = [entries.get(candidate.sitting_id) for candidate in candidates]
            if all(entry and set(entry["tracks"].values()) == {"live"} for entry in shown):
                return
            await asyncio.sleep(0.5)


async def _start(http: httpx.AsyncClient, appliance: RunningAppliance, candidate: SyntheticCandidate) -> float:
    """Press start; return ms until the camera's part holds a frame."""
    folder = appliance.data / "recordings" / str(candidate.sitting_id)
    begin = time.monotonic()
    click = asyncio.create_task(_ok(http.post(f"/api/v1/sittings/{candidate.sitting_id}/start", json={})))
    async with asyncio.timeout(30):
        while not _has_frame(folder):
            await asyncio.sleep(0.002)
    delay = (time.monotonic() - begin) * 1000
    await click
    return delay


def _has_frame(folder: Path) -> bool:
    return any(file.stat().st_size > FIRST_FRAME_BYTES for file in folder.glob("camera-*.webm"))


async def _listen(http: httpx.AsyncClient, origin: str, feed: Feed) -> None:
    live = await _ok(http.post("/api/v1/live-token", json={}))
    address = origin.replace("http", "ws", 1) + live["url"]
    async with websockets.connect(address, origin=websockets.Origin(origin)) as socket:
        await socket.send(json.dumps({"type": "hello", "token": live["token"]}))
        pinging = asyncio.create_task(_ping(socket))
        try:
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "event" and message["kind"] == "observation.opened":
                    seen = message["payload"]["observation"]
                    feed.opened.append((message["sitting_id"], seen["type"], time.monotonic()))
        finally:
            pinging.cancel()


async def _ping(socket) -> None:
    while True:
        await asyncio.sleep(5)
        await socket.send(json.dumps({"type": "ping", "at": time.time() * 1000}))


async def _idle(appliance: RunningAppliance) -> dict[str, float]:
    """Return the shares of a core that the processes use while nothing happens: they ask for jobs, say they live."""
    await asyncio.sleep(5)  # they have just begun
    processes = {name: appliance.processes(name) for name in PROCESSES}
    before, begin = {name: _cpu(group) for name, group in processes.items()}, time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    lasted = time.monotonic() - begin
    shares = {name: (_cpu(group) - before[name]) / lasted for name, group in processes.items()}
    for name, share in shares.items():
        report("cpu_idle", process=name, processes=len(processes[name]), percent_of_a_core=round(100 * share, 2))
    return shares


async def _settled(appliance: RunningAppliance) -> None:
    """Wait for the jobs of the check-in: a document takes seconds to read, once a sitting. Say what they were."""
    begin, waits = time.monotonic(), "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    seconds = 180
    async with asyncio.timeout(seconds):
        while await asyncio.to_thread(appliance.row, f"{waits} AND task_name <> 'media.analyse_live'") != (0,):
            await asyncio.sleep(0.5)
    report("check_in_jobs_done", seconds=round(time.monotonic() - begin, 1))


async def _measure(
    appliance: RunningAppliance,
    candidates: list[SyntheticCandidate],
    feed: Feed,
    count: int,
    idle: dict[str, float],
) -> None:
    """Let the window pass; report what the processes used, all of it and beyond idling, and how late the feed was."""
    await asyncio.sleep(3)  # the analyses start and load their models: not what a running exam costs
    await _settled(appliance)
    processes = {name: appliance.processes(name) for name in PROCESSES}
    before = {name: _cpu(group) for name, group in processes.items()}
    first, begin = len(feed.opened), time.monotonic()
    await asyncio.sleep(WINDOW_SECONDS)
    lasted = time.monotonic() - begin
    for name, group in processes.items():
        used = _cpu(group) - before[name]
        memory = sum(process.memory_info().rss for process in group) / 2**20
        percent = round(100 * used / lasted / count, 2)
        beyond = round(100 * (used / lasted - idle[name]) / count, 2)
        report(
            "cpu_per_sitting",
            process=name,
            sittings=count,
            percent_of_a_core=percent,
            beyond_idle=beyond,
            rss_mb=round(memory),
        )
    origins = {candidate.sitting_id: candidate.clip_origin("camera") for candidate in candidates}
    late: dict[str, list[float]] = {}
    for sitting_id, kind, arrived in feed.opened[first:]:
        for truth in drawn.TRUTH:
            if truth.type == kind and sitting_id in origins:
                late.setdefault(kind, []).append((arrived - origins[sitting_id] - truth.start) % drawn.SECONDS * 1000)
    for truth in drawn.TRUTH:
        report("event_to_feed", type=str(truth.type), sittings=count, **_spread(late.get(truth.type, [])))


def _cpu(group: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in group)


def _spread(values: list[float]) -> dict[str, float | int | None]:
    if not values:
        return {"n": 0, "median_ms": None, "p95_ms": None}
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"n": len(values), "median_ms": round(statistics.median(values)), "p95_ms": round(p95)}
