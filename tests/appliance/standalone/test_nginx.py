import http.client
import shutil
import subprocess

import pytest

from appliance.standalone import nginx
from appliance.standalone.certificate import ensure_certificate, lan_address
from appliance.standalone.layout import Layout, Ports
from tests.running import free_port_block, wait_for


def test_nginx_accepts_the_configuration(tmp_path):
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    layout = Layout(tmp_path)
    layout.make()
    certificate, key = ensure_certificate(layout.keys)
    main = nginx.write_configuration(layout, Ports.from_public(18080), certificate, key)
    done = subprocess.run([program, "-t", "-e", "stderr", "-c", str(main)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_machine_that_floods_is_told_to_wait(tmp_path):
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    layout, port = Layout(tmp_path), free_port_block()
    layout.make()
    tmp_path.chmod(0o755)
    main = nginx.write_configuration(layout, Ports.from_public(port), *ensure_certificate(layout.keys))
    running = subprocess.Popen([program, "-e", "stderr", "-c", str(main)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _answer(port, "/static/x")[0] == 502, 20, "nginx")  # nobody is behind it
        answers = [_answer(port, "/login") for _ in range(130)]
        assert [status for status, _ in answers[:100]] == [502] * 100, "a staff room cannot log in at once"
        refused = [retry for status, retry in answers if status == 429]
        assert refused
        assert set(refused) == {"5"}
        assert _answer(port, "/static/x")[0] == 502
    finally:
        running.terminate()
        running.wait(10)


def _answer(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Retry-After")
    except OSError:
        return None, None
    finally:
        connection.close()


def test_the_certificate_is_kept_while_it_fits(tmp_path):
    first, _ = ensure_certificate(tmp_path)
    before = first.read_bytes()
    ensure_certificate(tmp_path)
    assert first.read_bytes() == before


def test_the_certificate_is_made_anew_for_another_address(tmp_path, monkeypatch):
    first, _ = ensure_certificate(tmp_path)
    before = first.read_bytes()
    monkeypatch.setattr("appliance.standalone.certificate.lan_address", lambda: "192.0.2.77")
    ensure_certificate(tmp_path)
    assert first.read_bytes() != before
    assert lan_address() != "192.0.2.77"
