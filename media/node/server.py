"""The WebSocket of the node: connections, and the methods of the protocol."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from media.kurento.errors import (
    InternalError,
    InvalidSession,
    MalformedTransaction,
    MethodNotFound,
    ServerError,
)
from media.node.factories import prepare
from media.node.node import Node
from media.node.objects import MANAGER_ID
from media.node.requests import Request, Unreadable, failure, read, result
from media.node.sessions import Session

log = logging.getLogger(__name__)

IN_FLIGHT = 256
"""Requests of one connection worked on at once; more wait in the socket. A gateway starts some 20 per sitting."""
OUTGOING = 8192
"""Messages a connection may owe its client: a client that does not read for so long is cut off."""
MAIN_PATHS = ("/kurento", "/kurento/")


class Connection:
    """One WebSocket."""

    def __init__(self, node: Node, socket: ServerConnection) -> None:
        """Made for every socket."""
        self.node, self.socket = node, socket
        self.session: Session | None = None
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue(OUTGOING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    async def serve(self) -> None:
        """Until the socket closes."""
        writer = asyncio.create_task(self._write())
        try:
            async for text in self.socket:
                await self._slots.acquire()
                self._accept(text)
        except ConnectionClosed:
            pass
        finally:
            self.node.sessions.unbind(self)
            writer.cancel()

    def notify(self, message: dict[str, Any]) -> None:
        """Send soon; cut off a client that does not read."""
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            log.error("a client does not read its events: cut off")
            self.socket.transport.abort()

    async def _write(self) -> None:
        try:
            while True:
                await self.socket.send(json.dumps(await self._outgoing.get()))
        except ConnectionClosed:
            pass

    def _accept(self, text: str | bytes) -> None:
        try:
            request = read(text)
        except Unreadable:
            self._slots.release()
            self.socket.transport.abort()
            return
        except ServerError as error:
            self._slots.release()
            self.notify(failure(None, error))
            return
        task = asyncio.create_task(self._handle(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, request: Request) -> None:
        try:
            self.notify(result(request.id, await self.execute(request)))
        except ServerError as error:
            self.notify(failure(request.id, error))
        except Exception as error:
            log.exception("%s failed", request.method)
            self.notify(failure(request.id, InternalError(f"Unexpected error while processing method: {error}")))
        finally:
            self._slots.release()

    # ---- sessions

    def bind(self, session: Session) -> Session:
        """Make a session's events come here."""
        session.link = self
        self.session = session
        return session

    def own_session(self, request: Request) -> Session:
        """The session that a request belongs to; made if there is none yet."""
        wanted = request.session_id
        if wanted is None and self.session is not None:
            return self.session
        return self.bind(self.node.sessions.obtain(wanted))

    # ---- methods

    async def execute(self, request: Request) -> Any:
        """Do what a request says; its result."""
        method = METHODS.get(request.method)
        if method is None:
            raise MethodNotFound("Method not found.")
        return await method(self, request)

    async def ping(self, request: Request) -> Any:
        """Alive."""
        session = request.session_id or (self.session.id if self.session else None)
        return {"value": "pong"} | ({"sessionId": session} if session else {})

    async def connect(self, request: Request) -> Any:
        """A new session, or an old one over this connection."""
        if request.params is None:
            session = self.bind(self.node.sessions.obtain())
        else:
            wanted = request.session_id or (self.session.id if self.session else "")
            known = self.node.sessions.get(wanted)
            if known is None or known.link is self:
                raise InvalidSession("Invalid session")
            session = self.bind(known)
        return {"serverId": self.node.id, "sessionId": session.id}

    async def keep_alive(self, request: Request) -> Any:
        """The session is still wanted."""
        session = self.node.sessions.get(request.text("sessionId"))
        if session is None:
            raise InvalidSession("Invalid session")
        self.node.sessions.obtain(session.id)
        return {"sessionId": session.id}

    async def close_session(self, request: Request) -> Any:
        """End a session and what only it held."""
        session = self.node.sessions.get(request.session_id or "") if request.session_id else self.session
        if session is not None:
            if session is self.session:
                self.session = None
            await self.node.end_session(session)

    async def create(self, request: Request) -> Any:
        """Make an object."""
        kind, params = request.text("type"), request.fields().get("constructorParams")
        session = self.own_session(request)
        root = params.get("mediaPipeline", params.get("hub")) if isinstance(params, dict) else None
        async with self.node.lock(root):
            factory, values = prepare(self.node, kind, params)
            item = await self.node.run(factory.make, self.node, *values)
            self.node.add(item, session)
        return {"sessionId": session.id, "value": item.id}

    async def invoke(self, request: Request) -> Any:
        """Call an operation."""
        object_id, fields = request.text("object"), request.fields()
        session = self.own_session(request)
        if object_id == MANAGER_ID:
            value = await self._invoke(object_id, fields)
        else:
            self.node.find(object_id)
            async with self.node.lock(object_id):
                value = await self._invoke(object_id, fields)
        return {"sessionId": session.id, "value": value}

    async def _invoke(self, object_id: str, fields: dict[str, Any]) -> Any:
        return await self.node.find(object_id).invoke(str(fields.get("operation")), fields.get("operationParams"))

    async def subscribe(self, request: Request) -> Any:
        """Have events told."""
        object_id, event = request.text("object"), request.text("type")
        session = self.own_session(request)
        self.node.find(object_id).check_event(event)
        return {"sessionId": session.id, "value": self.node.sessions.subscribe(session, object_id, event)}

    async def unsubscribe(self, request: Request) -> Any:
        """No more of them."""
        session = self.own_session(request)
        session.subscriptions.pop(request.text("subscription"), None)
        return {"sessionId": session.id}

    async def ref(self, request: Request) -> Any:
        """Hold an object."""
        object_id = request.text("object")
        session = self.own_session(request)
        self.node.find(object_id)
        if object_id != MANAGER_ID:
            session.objects.add(object_id)
        return {"sessionId": session.id}

    async def unref(self, request: Request) -> Any:
        """Let go of an object."""
        object_id = request.text("object")
        session = self.own_session(request)
        async with self.node.lock(object_id):
            await self.node.unref(session, object_id)
        return {"sessionId": session.id}

    async def release(self, request: Request) -> Any:
        """Destroy an object."""
        object_id = request.text("object")
        session = self.own_session(request)
        async with self.node.lock(object_id):
            try:
                item = self.node.find(object_id)
            except ServerError:
                return {"sessionId": session.id}
            await self.node.release(item)
        return {"sessionId": session.id}

    async def describe(self, request: Request) -> Any:
        """Type and ancestors of an object."""
        object_id = request.text("object")
        session = self.own_session(request)
        return {**self.node.find(object_id).describe(), "sessionId": session.id}

    async def transaction(self, request: Request) -> Any:
        """Several requests in order, of which later ones name results of earlier ones as ``newref:N``."""
        operations = request.fields().get("operations")
        session = self.own_session(request)
        answers: list[dict[str, Any]] = []
        for index, item in enumerate(operations if isinstance(operations, list) else ()):
            number = item.get("id") if isinstance(item, dict) else None
            if number != index:
                raise MalformedTransaction(f"Id of request '{index}' should be '{index}'")
            params = _substitute(item.get("params") or {}, answers)
            step = Request(index, str(item.get("method")), {**params, "sessionId": session.id})
            try:
                answers.append(result(index, await self.execute(step)))
            except ServerError as error:
                answers.append(failure(index, error))
                break
        return {"sessionId": session.id, "value": answers}


def _substitute(value: Any, answers: list[dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _substitute(item, answers) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, answers) for item in value]
    if not isinstance(value, str) or not value.startswith("newref:"):
        return value
    index = value.removeprefix("newref:")
    if not re.fullmatch(r"\d+", index):
        raise MalformedTransaction(f"Invalid index of newref '{index}'")
    if int(index) >= len(answers):
        raise MalformedTransaction(f"Result not found on request {index}")
    return answers[int(index)]["result"].get("value")


METHODS: dict[str, Callable[[Connection, Request], Awaitable[Any]]] = {
    "ping": Connection.ping,
    "connect": Connection.connect,
    "keepAlive": Connection.keep_alive,
    "closeSession": Connection.close_session,
    "create": Connection.create,
    "invoke": Connection.invoke,
    "subscribe": Connection.subscribe,
    "unsubscribe": Connection.unsubscribe,
    "ref": Connection.ref,
    "unref": Connection.unref,
    "release": Connection.release,
    "describe": Connection.describe,
    "transaction": Connection.transaction,
}
