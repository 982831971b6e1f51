from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.collaborators import assemble
from appliance.db import unit_of_work
from appliance.errors import SettingInvalid
from appliance.settings import Settings, load_settings


def test_assembled_from_settings(settings: Settings):
    collaborators = assemble(settings)
    with unit_of_work(collaborators.session_factory) as session:
        assert session.scalar(text("SELECT count(*) FROM sitting")) == 0
    assert collaborators.vault.unwrap(collaborators.vault.wrap(b"x")) == b"x"
    assert settings.master_key_file.exists()


@pytest.mark.parametrize(("name", "value"), [("database_url", ""), ("secret_key", ""), ("secret_key", "short")])
def test_missing_setting_is_named(tmp_path: Path, name: str, value: str):
    given = {"data_dir": tmp_path, "database_url": "postgresql+psycopg:///x", "secret_key": "k" * 40, name: value}
    with pytest.raises(SettingInvalid, match=name):
        assemble(load_settings({}, **given))
