import socket
import subprocess
from contextlib import contextmanager

import pytest

from appliance.errors import HostNotReady
from appliance.standalone.layout import Layout, Ports
from appliance.standalone.preflight import check_host


def free_ports() -> Ports:
    sockets = [socket.socket() for _ in range(5)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return Ports(*numbers)


@contextmanager
def mounted(folder, options):
    """Mount an empty file system over a folder; skip where that is not allowed."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode != 0:
        pytest.skip("mounting a file system is not allowed here (needs root)")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def layout(tmp_path) -> Layout:
    made = Layout(tmp_path / "data")
    made.make()
    return made


def test_a_fit_host_has_no_problem(layout):
    check_host(layout, free_ports())


def test_a_port_in_use_is_named(layout):
    ports = free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.http))
        taken.listen()
        with pytest.raises(HostNotReady) as caught:
            check_host(layout, ports)
    assert caught.value.message == (
        f"Port {ports.http} (http) is already in use: stop what uses it, or choose another with --port."
    )


def test_a_port_that_is_none_is_named(layout):
    with pytest.raises(HostNotReady, match=r"Port 70001 \(web\) is no port"):
        check_host(layout, Ports(**{**vars(free_ports()), "web": 70001}))


def test_a_full_disk_is_named(layout):
    small = layout.data / "small"
    small.mkdir()
    with mounted(small, "size=64k"):
        (small / "fill").write_bytes(b"\0" * 60 * 1024)
        with pytest.raises(HostNotReady, match=f"The disk of {small} is full"):
            check_host(Layout(small), free_ports())


def test_a_data_folder_that_is_a_file_is_named(tmp_path):
    occupied = tmp_path / "data"
    occupied.write_text("")
    with pytest.raises(HostNotReady, match="cannot be made"):
        Layout(occupied / "deeper").make()


def test_a_missing_right_is_named(tmp_path):
    """Through a read-only mount, because modes do not stop root."""
    with mounted(tmp_path, "ro"), pytest.raises(HostNotReady, match=f"Nothing can be written to {tmp_path}"):
        check_host(Layout(tmp_path), free_ports())


def test_several_problems_are_named_at_once(layout):
    ports = free_ports()
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", ports.http))
        two.bind(("127.0.0.1", ports.node))
        one.listen()
        two.listen()
        with pytest.raises(HostNotReady) as caught:
            check_host(layout, ports)
    assert len(caught.value.message.splitlines()) == 2
