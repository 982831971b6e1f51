"""This gateway among the others: its heartbeat, and what a look at the tables tells it each second."""

import asyncio
import time
import uuid
from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from appliance.errors import ApplianceError
from appliance.services.nodes import GATEWAY_LOST_AFTER
from media.pipelines import leases
from media.pipelines.leases import Outlook
from media.pipelines.store import Store

BEAT_SECONDS = 1.0
SURE_SECONDS = 2.0
"""So long after a beat nobody can have taken anything from us: well below what makes others think us dead."""

log = structlog.get_logger(__name__)


class Membership:
    """Who we are, and whether what we know of the others can be trusted."""

    def __init__(self, store: Store, address: str) -> None:
        """``address``: host and port; an empty one is nobody's successor."""
        self.id = uuid.uuid4().hex
        self.address = address or self.id
        self.outlook: Outlook | None = None
        self._store = store
        self._beat_at = self._steady_since = 0.0  # monotonic

    @property
    def is_sure(self) -> bool:
        """Whether the heart beat so short ago that nobody can have taken a lease of ours."""
        return time.monotonic() - self._beat_at < SURE_SECONDS

    @property
    def judges(self) -> bool:
        """Whether a heart that stands still can be told from a database that was away: ours beat all the while."""
        return self.is_sure and time.monotonic() - self._steady_since > GATEWAY_LOST_AFTER.total_seconds()

    @property
    def is_alone(self) -> bool:
        """Whether no other gateway is known."""
        return self.outlook is None or not self.outlook.others

    async def enter(self) -> None:
        """Begin to live."""
        before = time.monotonic()
        await self._store.insist(leases.enter, self.id, self.address)
        self._beat_at = self._steady_since = before

    async def leave(self) -> None:
        """Say good-bye; a database that is away hears none."""
        try:
            await self._store.run(leases.leave, self.id)
        except ApplianceError as error:
            log.warning("no good-bye", error=error.message)

    async def look(self) -> Outlook:
        """Beat, and read what is to be known; raise ``DatabaseUnavailable``."""
        before = time.monotonic()  # the beat counts from before it was written
        if not self.is_sure:
            self._steady_since = before
        self.outlook = await self._store.run(_look, self.id, self.address, self.judges)
        self._beat_at = before
        return self.outlook

    async def run(self, on_look: Callable[[Outlook], None]) -> None:
        """Beat for ever."""
        due = time.monotonic()
        while True:
            due = max(due + BEAT_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            try:
                on_look(await self.look())
            except ApplianceError as error:
                log.warning("no heartbeat", error=error.message)
            except Exception:  # without a heart all sittings would be taken from us
                log.exception("look failed")


def _look(session: Session, gateway_id: str, address: str, judges: bool) -> Outlook:
    if not leases.beat(session, gateway_id):
        log.error("was taken for dead", gateway=gateway_id)
        leases.enter(session, gateway_id, address)
    return leases.look(session, gateway_id, judges)
