"""Figures and health at a socket of each process."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
import threading
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.errors import SettingInvalid
from appliance.metrics import Health, exported, exporter, registry
from appliance.metrics.exporter import listen
from appliance.metrics.loop import LoopFigures
from appliance.metrics.process import ProcessFigures
from tests.running import ask_socket, wait_for


@pytest.fixture
def where(tmp_path):
    return tmp_path / "metrics.sock"


def test_it_tells_figures_at_a_file_that_others_on_the_host_may_ask(where):
    with exported(f"unix:{where}", Health()):
        assert stat.S_IMODE(where.stat().st_mode) == 0o666
        answer = ask_socket(where, "/metrics")
        families = {one.name for one in text_string_to_metric_families(answer.text)}
        assert {"kustos_process_cpu_seconds", "kustos_process_resident_memory_bytes"} <= families
        assert all(name.startswith("kustos_") for name in families)
    assert not where.exists()


def test_it_tells_them_at_a_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with exported(f"127.0.0.1:{port}", Health()):
        assert httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).status_code == 200


def test_health_names_what_is_wrong(where):
    found = {"database": ""}
    with exported(f"unix:{where}", Health(ready=lambda: found)):
        assert ask_socket(where, "/health/ready").json() == {"status": "ready", "problems": {}}
        found["database"] = "it does not answer"
        answer = ask_socket(where, "/health/ready")
        assert answer.status_code == 503
        assert answer.json() == {"status": "not_ready", "problems": {"database": "it does not answer"}}
        assert ask_socket(where, "/health/live").status_code == 200
        assert ask_socket(where, "/elsewhere").status_code == 404


def test_nothing_turns_while_nobody_asks(where, monkeypatch):
    """A loop that looked and found nothing to accept would cost each process what the exam needs."""
    turns = []
    monkeypatch.setattr(exporter._Server, "handle_timeout", turns.append)
    with exported(f"unix:{where}", Health()):
        for _ in range(3):
            assert ask_socket(where, "/health/live").status_code == 200
    assert turns == []


def test_what_a_killed_process_left_is_no_hindrance(where):
    left = listen(f"unix:{where}")
    left.close()
    assert where.exists()
    with exported(f"unix:{where}", Health()):
        assert ask_socket(where, "/health/live").status_code == 200


@pytest.mark.parametrize("wrong", ["nowhere", "127.0.0.1:x", "203.0.113.7:80", "unix:/proc/no/metrics.sock"])
def test_what_cannot_be_listened_on_is_said_and_ends_nothing(wrong):
    with pytest.raises(SettingInvalid, match="metrics_listen"):
        listen(wrong)
    with exported(wrong, Health()):
        pass


def test_a_file_of_somebodys_is_not_taken_away(where):
    where.write_text("mine")
    with pytest.raises(SettingInvalid, match="no socket"):
        listen(f"unix:{where}")
    assert where.read_text() == "mine"


def test_silent_askers_leave_room_for_others(where):
    """More than eight that say nothing are turned away; the eight give up after five seconds."""
    with exported(f"unix:{where}", Health()):
        silent = [socket.socket(socket.AF_UNIX) for _ in range(8)]
        for one in silent:
            one.connect(str(where))
        begun = time.monotonic()
        wait_for(lambda: answers(where), 20, "an answer")
        assert time.monotonic() - begun < 15
        for one in silent:
            one.close()


def answers(where):
    try:
        return ask_socket(where, "/health/live").status_code == 200
    except httpx.HTTPError:
        return False


def test_a_loop_that_hangs_is_not_alive(where):
    """The exporter has a thread of its own."""
    loop, hang = asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    figures = LoopFigures(loop)
    with exported(f"unix:{where}", Health(figures.alive), [figures]):
        assert ask_socket(where, "/health/live").status_code == 200
        loop.call_soon_threadsafe(hang.wait)
        answer = ask_socket(where, "/health/live")
        assert (answer.status_code, list(answer.json()["problems"])) == (503, ["event_loop"])
        assert "kustos_event_loop_delay_seconds 3.0" in ask_socket(where, "/metrics").text
        hang.set()
        assert ask_socket(where, "/health/live").status_code == 200
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_several_processes_are_summed_up():
    child = subprocess.Popen([sys.executable, "-c", "input('up')"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout.read(2) == b"up"
        alone = memory(ProcessFigures())
        both = memory(ProcessFigures(lambda: [os.getpid(), child.pid]))
        assert both > alone + 4_000_000
    finally:
        child.communicate(b"\n")


def memory(figures):
    return next(one.samples[0].value for one in figures.collect() if one.name.endswith("resident_memory_bytes"))


def test_labels_that_would_tell_of_people_are_refused():
    with pytest.raises(ValueError, match="people"):
        registry.counter("sneaky_total", "Who did it", ["candidate"])
