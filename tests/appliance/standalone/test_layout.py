import stat
import tomllib

from appliance.settings import load_settings
from appliance.standalone import nginx, supervision
from appliance.standalone.layout import Layout, Ports


def test_the_settings_file_is_read_back_and_private(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    layout.write_settings("postgresql+psycopg://postgres@/kustos?host=/tmp/x", Ports.from_public(9000), demo=True)
    settings = load_settings({"KUSTOS_SETTINGS": str(layout.settings_file)})
    assert settings.public_url == "http://localhost:9000"
    assert settings.kurento_urls == ("ws://127.0.0.1:10003/kurento",)
    assert settings.demo is True
    assert settings.data_dir == tmp_path
    assert stat.S_IMODE(layout.settings_file.stat().st_mode) == 0o600


def test_the_secret_survives_a_second_start(tmp_path):
    layout = Layout(tmp_path)
    layout.make()
    seen = set()
    for _ in range(2):
        layout.write_settings("postgresql://x", Ports.from_public(9000), demo=False)
        seen.add(tomllib.loads(layout.settings_file.read_text())["secret_key"])
    assert len(seen) == 1
    assert len(seen.pop()) >= 48


def test_more_of_each_get_ports_of_their_own(tmp_path):
    ports = Ports.from_public(9000, gateways=2, nodes=3)
    assert (ports.gateways, ports.nodes) == ((10002, 10010), (10003, 10030, 10031))
    assert len({port for _, port in ports.named}) == 8
    layout = Layout(tmp_path)
    layout.make()
    layout.write_settings("postgresql://x", ports, demo=False)
    settings = load_settings({"KUSTOS_SETTINGS": str(layout.settings_file)})
    assert len(settings.kurento_urls) == 3
    assert "server 127.0.0.1:10010" in nginx.write_configuration(layout, ports, tmp_path, tmp_path).read_text()
    commands = [" ".join(program.arguments) for program in supervision.programs(ports)]
    assert "gateway --listen 127.0.0.1:10010" in commands
    assert "node run --listen 127.0.0.1:10031" in commands
