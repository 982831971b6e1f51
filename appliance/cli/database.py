"""How a command reaches the database: of the running appliance, or by starting the embedded server for a moment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from appliance.collaborators import Collaborators, assemble
from appliance.db import unit_of_work
from appliance.errors import SettingInvalid
from appliance.settings import Settings, load_settings
from appliance.standalone.layout import Layout
from appliance.standalone.postgres import EmbeddedPostgres
from appliance.vault import Vault


def command_settings(data: str | None) -> Settings:
    """Return KUSTOS_SETTINGS' settings or those in the data folder; raise ``SettingInvalid`` where there are none."""
    _choose(data)
    return load_settings()


@contextmanager
def command_collaborators(data: str | None, vault: Vault | None = None) -> Iterator[Collaborators]:
    """Yield what services need; the settings are KUSTOS_SETTINGS' or those in the data folder.

    Raises ``SettingInvalid`` where there are none yet.
    """
    layout = _choose(data)
    embedded: EmbeddedPostgres | None = None
    if layout is not None:
        embedded = EmbeddedPostgres(layout.postgres)
        embedded.start()
    try:
        yield assemble(load_settings(), vault)
    finally:
        if embedded is not None:
            embedded.stop()


@contextmanager
def command_session(data: str | None) -> Iterator[Session]:
    """Yield a session in a unit of work."""
    with command_collaborators(data) as collaborators, unit_of_work(collaborators.session_factory) as session:
        yield session


def _choose(data: str | None) -> Layout | None:
    """Make the data folder's settings the ones that count and return its layout; None: KUSTOS_SETTINGS' do."""
    if data is None and "KUSTOS_SETTINGS" in os.environ:
        return None
    layout = Layout(Path(data or ".data").expanduser().resolve())
    if not layout.settings_file.exists():
        raise SettingInvalid(f"There is no appliance in {layout.data}: start `kustos up` first, or name --data.")
    os.environ["KUSTOS_SETTINGS"] = str(layout.settings_file)
    return layout
