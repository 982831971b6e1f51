import stat
import tomllib

from appliance.settings import load_settings
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
