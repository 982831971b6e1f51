"""Runs of the load against one server process, and what the process used meanwhile."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.bench.media.crowd import spread

ROOT = Path(__file__).absolute().parents[3]
SITTINGS_A_PROCESS = 16
"""One process of load sends for so many: it must not be what is slow."""
SETTLE_SECONDS = 3.0
"""Negotiations and first key frames are over then."""
MB = 2**20


def report(bench: str, **values: object) -> None:
    """Print one JSON line."""
    print(json.dumps({"bench": bench, **values, "loadavg": round(os.getloadavg()[0], 1)}), flush=True)


class Server:
    """A process that is measured."""

    def __init__(self, command: list[str], ready: str, log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + 20
        while not (found := re.search(ready, log.read_text())):
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < until, f"{command} does not get ready"
            time.sleep(0.02)
        self.url = found[1]
        self.log = log
        self.process = psutil.Process(self._process.pid)

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def figures(self) -> dict[str, float]:
        """Memory in MB, threads, open files."""
        memory = self.process.memory_info().rss / MB
        return {"rss_mb": round(memory, 1), "threads": self.process.num_threads(), "files": self.process.num_fds()}

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def server(kind: str) -> Iterator[tuple[Server, Path]]:
    """``node`` or ``naive``, and a folder for its recordings."""
    with tempfile.TemporaryDirectory(prefix="bench-media") as name:
        folder = Path(name)
        if kind == "node":
            command, ready = ["media.node", "--listen", "127.0.0.1:0"], r"ready at (127\.0\.0\.1:\d+)"
        else:
            command, ready = ["tests.bench.media.naive"], r"^(\d+)\n"
        running = Server(command, ready, folder / "log")
        running.url = f"ws://{running.url}/kurento" if kind == "node" else f"127.0.0.1:{running.url}"
        try:
            yield running, folder
        finally:
            running.stop()


class Load:
    """Processes that send for ``sittings`` sittings."""

    def __init__(self, url: str, folder: Path, sittings: int, viewers: bool = False, loss: float = 0.0) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        for first in range(0, sittings, SITTINGS_A_PROCESS):
            count = min(SITTINGS_A_PROCESS, sittings - first)
            command = [sys.executable, "-m", "tests.bench.media.crowd", "--url", url, "--folder", str(folder)]
            command += ["--sittings", str(count), "--first", str(first), "--loss", str(loss)]
            command += ["--viewers"] if viewers else []
            self._processes.append(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )

    def answers(self) -> list[dict[str, Any]]:
        """Wait for the next line of each process."""
        found = []
        for process in self._processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "a process of load died"
            found.append(json.loads(line))
        return found

    def go_on(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


def run(kind: str, sittings: int, viewers: bool, seconds: float, loss: float = 0.0) -> dict[str, Any]:
    """One server, one load: CPU of both, memory, losses, delays."""
    with server(kind) as (running, folder):
        before = running.figures()
        load = Load(running.url, folder, sittings, viewers, loss)
        try:
            ready = load.answers()
            time.sleep(SETTLE_SECONDS)
            load.go_on()
            cpu, begin = running.cpu(), time.monotonic()
            time.sleep(seconds)
            used, lasted = running.cpu() - cpu, time.monotonic() - begin
            after = running.figures()
            load.go_on()
            ends = load.answers()
        finally:
            load.close()
    sent, kept = (sum(end[key] for end in ends) for key in ("pictures_sent", "pictures_recorded"))
    first = [seconds for line in ready for seconds in line["offer_to_first_recorded_frame"]]
    sound = [end["sound_recorded_percent"] for end in ends]
    return {
        "server": kind,
        "sittings": sittings,
        "viewers": 2 * sittings if viewers else 0,
        "cpu_percent_per_sitting": round(100 * used / lasted / sittings, 2),
        "load_cpu_percent_per_sitting": round(100 * sum(end["cpu_s"] for end in ends) / lasted / sittings, 2),
        "load_late_ms": max(end["late_ms"] for end in ends),
        "rss_mb_per_sitting": round((after["rss_mb"] - before["rss_mb"]) / sittings, 2),
        **after,
        "pictures_sent": sent,
        "pictures_recorded": kept,
        "recorded_percent": round(100 * kept / max(1, sent), 3),
        "sound_recorded_percent": round(sum(sound) / len(sound), 2),
        "offer_to_first_recorded_frame": spread(first),
        "view_delay": spread([delay for end in ends for delay in end["view_delays"]]),
    }
