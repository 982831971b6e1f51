import pytest

from appliance.errors import SettingInvalid
from appliance.settings import load_settings


def test_the_environment_wins_over_the_file(tmp_path):
    file = tmp_path / "kustos.toml"
    file.write_text('login_attempts = 3\nkurento_urls = ["ws://a", "ws://b"]\n')
    settings = load_settings({"KUSTOS_SETTINGS": str(file), "KUSTOS_LOGIN_ATTEMPTS": "9"})
    assert settings.login_attempts == 9
    assert settings.kurento_urls == ("ws://a", "ws://b")


def test_a_wrong_value_names_key_and_place(tmp_path):
    file = tmp_path / "kustos.toml"
    file.write_text('login_attempts = "many"\n')
    with pytest.raises(SettingInvalid, match=f"login_attempts in {file}: 'many'"):
        load_settings({"KUSTOS_SETTINGS": str(file)})
    with pytest.raises(SettingInvalid, match="demo in environment variable KUSTOS_DEMO: 'perhaps'"):
        load_settings({"KUSTOS_DEMO": "perhaps"})


def test_an_unknown_key_is_refused_not_ignored(tmp_path):
    file = tmp_path / "kustos.toml"
    file.write_text("logn_attempts = 3\n")
    with pytest.raises(SettingInvalid, match="unknown setting logn_attempts"):
        load_settings({"KUSTOS_SETTINGS": str(file)})


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(SettingInvalid, match=r"none\.toml: cannot be read"):
        load_settings({"KUSTOS_SETTINGS": str(tmp_path / "none.toml")})
    (tmp_path / "broken.toml").write_text("= 3")
    with pytest.raises(SettingInvalid, match="is not valid TOML"):
        load_settings({"KUSTOS_SETTINGS": str(tmp_path / "broken.toml")})


def test_no_secret_is_shown():
    settings = load_settings({"KUSTOS_SECRET_KEY": "hush-hush", "KUSTOS_TURN_SECRET": "psst"})
    assert "hush-hush" not in repr(settings)
    assert "psst" not in f"{settings}"
