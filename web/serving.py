"""gunicorn's configuration, besides what `kustos web` says on its command line: one door for figures, one log.

Its processes share a listening socket that the first one opens; each can tell the figures of all of them
(``prometheus_client.multiprocess``), and the health it sees itself.
"""

import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from gunicorn.glogging import Logger
from prometheus_client import multiprocess
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance import journal, logs
from appliance.errors import ApplianceError, SettingInvalid
from appliance.metrics.exporter import Exporter, Health, forget, listen
from appliance.metrics.process import ProcessFigures, family_of
from appliance.monitoring import host
from appliance.monitoring.house import House
from appliance.monitoring.refreshed import Refreshed
from appliance.settings import load_settings

if TYPE_CHECKING:
    from appliance.collaborators import Collaborators

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
REMEMBERED_SECONDS: Final = 1.0
"""Load balancers ask often; the database is asked once a second at most."""

log = structlog.get_logger(__name__)

_door: list[socket.socket] = []
"""Open in gunicorn's first process, and so in those it makes."""


class Journalled(Logger):
    """gunicorn's words, as records where journald listens."""

    def setup(self, cfg: Any) -> None:
        """Hand everything to the root's handler there."""
        super().setup(cfg)
        if journal.is_there():
            logs.configure()
            self.error_log.handlers, self.error_log.propagate = [], True


logger_class = Journalled


def on_starting(server: Any) -> None:
    """Open the door for figures, in gunicorn's first process."""
    try:
        listening = listen(load_settings().metrics_listen)
    except SettingInvalid as error:
        log.error("no figures", problem=error.message)
        return
    if listening is not None:
        _door.append(listening)


def child_exit(server: Any, worker: Any) -> None:
    """Forget what a process had in hand that ended; what it counted stays."""
    if SHARED in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Tidy up, in the first process."""
    for listening in _door:
        forget(listening)
    if SHARED in os.environ:
        shutil.rmtree(os.environ[SHARED], ignore_errors=True)


def tell_figures(collaborators: "Collaborators") -> None:
    """Answer at the door, in each process; nothing where there is none (tests, another server)."""
    house = House(collaborators.settings, collaborators.session_factory)
    asked = Refreshed([*house.groups(), *host.groups(collaborators.settings)])
    process = ProcessFigures(family_of(os.getppid()))
    for listening in _door:
        Exporter(listening, Health(ready=Readiness(collaborators)), [asked], process).start()


class Readiness:
    """Why nobody should be sent here just now."""

    def __init__(self, collaborators: "Collaborators") -> None:
        """Nothing is asked yet."""
        self._factory = collaborators.session_factory
        self._asked_at = float("-inf")
        self._found: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return what is wrong; words of ours alone, no driver's, which may name hosts and users."""
        if time.monotonic() - self._asked_at >= REMEMBERED_SECONDS:
            self._found, self._asked_at = self._ask(), time.monotonic()
        return self._found

    def _ask(self) -> dict[str, str]:
        session = self._factory()
        try:
            session.execute(text("SELECT 1 FROM alembic_version"))
        except (ApplianceError, SQLAlchemyError):
            return {"database": "it does not answer, or has no tables yet"}
        finally:
            session.close()
        return {"database": ""}
