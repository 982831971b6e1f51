"""Sittings change hands: who may not watch one any more does not, and the desks are known before events are shown."""

from collections.abc import Callable, Iterable
from typing import Any

from appliance.errors import ErrorCode
from appliance.security.identity import Identity
from appliance.security.permission_map import Permission
from appliance.security.scopes import WHOLE, scope_of
from media.pipelines.store import Store
from web.realtime.connection import Connection
from web.realtime.desks import Desks, look_up, sitting_of
from web.realtime.messages import ViewEnded
from web.realtime.rooms import Rooms


class Handovers:
    """Keeps desks and views in step with claims and assignments."""

    def __init__(
        self,
        store: Store,
        rooms: Rooms[Connection],
        desks: Desks,
        unview: Callable[[Connection, int, str], None],
    ) -> None:
        """``unview(connection, sitting_id, name)`` ends the media of a view and must not block."""
        self._store, self._rooms, self._desks, self._unview = store, rooms, desks, unview

    async def know(self, payloads: Iterable[dict[str, Any]]) -> None:
        """Look up the desks of sittings that events are about, where they are not known."""
        found = {number for payload in payloads if (number := sitting_of(payload)) is not None}
        unknown = self._desks.unknown(found)
        if unknown:
            for sitting_id, desk in await self._store.insist(look_up, unknown):
                self._desks.learn(sitting_id, desk)

    async def sitting_changed(self, topic: str, sitting_id: int, payload: dict[str, Any]) -> None:
        """Perhaps a colleague took it over."""
        self._desks.claimed(sitting_id, payload.get("proctor_id"))
        if self._rooms.hearers(topic):
            await self.know([{"sitting_id": sitting_id}])
            self._end_views_of_others(topic, sitting_id)

    async def assignments_changed(self, topic: str) -> None:
        """Know nothing any more; end what is watched and may not be now."""
        self._desks.forget()
        hearers = self._rooms.hearers(topic)
        watched = {number for one in hearers for number in [*one.views.values(), *one.tiles]}
        await self.know({"sitting_id": number} for number in watched)
        for sitting_id in watched:
            self._end_views_of_others(topic, sitting_id)

    def _end_views_of_others(self, topic: str, sitting_id: int) -> None:
        for connection in self._rooms.hearers(topic):
            if connection.identity is None or self._may_watch(connection.identity, sitting_id):
                continue
            connection.tiles -= {sitting_id}
            for name in [name for name, watched in connection.views.items() if watched == sitting_id]:
                del connection.views[name]
                connection.post(ViewEnded(name, ErrorCode.NOT_ALLOWED))
                self._unview(connection, sitting_id, name)

    def _may_watch(self, identity: Identity, sitting_id: int) -> bool:
        reach = scope_of(identity, Permission.MEDIA_WATCH)
        return identity.sitting_id is not None or reach in WHOLE or self._desks.of(sitting_id).is_for(identity.id)
