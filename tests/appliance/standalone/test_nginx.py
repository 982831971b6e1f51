import shutil
import subprocess

import pytest

from appliance.standalone import nginx
from appliance.standalone.certificate import ensure_certificate, lan_address
from appliance.standalone.layout import Layout, Ports


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
