"""Connection to one media node: requests, events, pings, reconnection with the old session."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from media.kurento.errors import (
    ConnectionLost,
    InvalidSession,
    KurentoError,
    ProtocolViolation,
    RequestTimeout,
    ServerError,
    SessionLost,
)
from media.kurento.events import Event, from_notification
from media.kurento.rpc import Failure, Notification, Result, Session
from media.kurento.subscriptions import Callback, Subscription

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

EVENT_QUEUE = 4096
"""Events waiting for their callbacks: gathering for 100 endpoints at once makes about 1500."""
PING_PROMISE_MS = 240_000
"""What we tell the server about our pings (Kurento's own clients say the same); we send far more often."""
LARGEST_MESSAGE = 16 * 1024 * 1024
"""A getGstreamerDot of a big pipeline has some MB."""


class Binding(StrEnum):
    """What became of the session."""

    NEW = "new"  # a fresh session
    KEPT = "kept"  # the old session: all its objects and subscriptions live on
    LOST = "lost"  # a fresh session in place of the old one: all its objects are gone
    DOWN = "down"  # no connection just now; the client tries again


Watcher = Callable[[Binding], Awaitable[None] | None]


class KurentoClient:
    """A client of one media node.

    ``async with KurentoClient("ws://127.0.0.1:8888/kurento") as client: ...`` or ``open()`` and ``close()``.
    A dead server is noticed within ``ping_interval + ping_timeout`` seconds (3 by default); requests then fail
    with ConnectionLost at once while the client reconnects. ``session_id`` adopts a session saved by an earlier
    process; ``binding`` tells whether its objects still live.
    """

    def __init__(
        self,
        url: str,
        *,
        session_id: str | None = None,
        request_timeout: float = 10.0,
        ping_interval: float = 1.0,
        ping_timeout: float = 2.0,
        retry_delays: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0),
    ) -> None:
        """Seconds everywhere; the last of ``retry_delays`` repeats for ever."""
        self.url = url
        self.binding = Binding.DOWN
        self._wanted_session = session_id
        self._request_timeout = request_timeout
        self._ping_interval, self._ping_timeout = ping_interval, ping_timeout
        self._retry_delays = retry_delays
        self._rpc = Session()
        self._socket: ClientConnection | None = None
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: asyncio.Queue[Notification] = asyncio.Queue(EVENT_QUEUE)
        self._subscriptions: dict[tuple[str, str], list[Subscription[Any]]] = {}
        self._remote: dict[tuple[str, str], asyncio.Future[str]] = {}
        self._watchers: list[Watcher] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._bound = asyncio.Event()

    # ---- life

    @property
    def session_id(self) -> str | None:
        """The session's id: keep it to adopt the session from another process. None before the first ``open()``."""
        return self._rpc.session_id

    @property
    def connected(self) -> bool:
        """Whether requests can be made just now."""
        return self._bound.is_set()

    async def open(self) -> Binding:
        """Connect once, then keep connected in the background. Raises ConnectionLost if the first try fails."""
        binding = await self._connect()
        self._spawn(self._keep_connected(), "keep")
        self._spawn(self._dispatch(), "dispatch")
        return binding

    async def close(self, end_session: bool = False) -> None:
        """Disconnect. Objects live on for the server's collection time (240 s) unless ``end_session``."""
        if end_session and self.connected:
            with contextlib.suppress(KurentoError):
                await self.request("closeSession")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop(ConnectionLost("The client was closed."))
        self._end_subscriptions()

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; the session and its objects stay."""
        await self.close()

    async def wait_connected(self, seconds: float | None = None) -> Binding:
        """Wait until requests can be made; ConnectionLost after ``seconds``."""
        try:
            await asyncio.wait_for(self._bound.wait(), seconds)
        except TimeoutError as error:
            raise ConnectionLost(f"The media node at {self.url} did not come back within {seconds} s.") from error
        return self.binding

    def watch(self, watcher: Watcher) -> None:
        """Have every later change of ``binding`` told: DOWN, then KEPT (objects live on) or LOST (all gone)."""
        self._watchers.append(watcher)

    # ---- requests

    async def request(self, method: str, params: dict[str, Any] | None = None, seconds: float | None = None) -> Any:
        """Send a request; its ``value`` (None where there is none).

        Raises ConnectionLost, RequestTimeout or the ServerError that the node answered.
        """
        if not self.connected:
            raise ConnectionLost(f"No connection to the media node at {self.url}.")
        result = await self._exchange(method, params, seconds or self._request_timeout)
        return result.get("value")

    async def describe(self, object_id: str) -> dict[str, Any]:
        """``type``, ``qualifiedType`` and ``hierarchy`` of an object; ObjectNotFound when it is gone."""
        return await self._exchange("describe", {"object": object_id}, self._request_timeout)

    async def create(self, kind: str, **constructor: Any) -> str:
        """Make an object; its id."""
        return str(await self.request("create", {"type": kind, "constructorParams": constructor}))

    async def invoke(self, object_id: str, operation: str, **params: Any) -> Any:
        """Call an operation of an object."""
        request: dict[str, Any] = {"object": object_id, "operation": operation}
        if params:
            request["operationParams"] = params
        return await self.request("invoke", request)

    async def release(self, object_id: str) -> None:
        """Destroy an object with all its children; no error when it is gone already."""
        await self.request("release", {"object": object_id})

    async def subscribe(
        self, object_id: str, event: type[E], callback: Callback[E] | None = None, adopt: bool = False
    ) -> Subscription[E]:
        """Have events of one type told. ``adopt`` only listens: the kept session has that subscription already."""
        subscription, key = Subscription(object_id, event, callback), (object_id, event.__name__)
        self._subscriptions.setdefault(key, []).append(subscription)
        if not adopt:
            try:
                await self._subscribe_once(key)
            except BaseException:
                self._forget(subscription)
                raise
        return subscription

    async def _subscribe_once(self, key: tuple[str, str]) -> None:
        """The node sends an event once for each of its subscriptions, without saying for which: have one only."""
        remote = self._remote.get(key)
        if remote is None:
            request = self.request("subscribe", {"object": key[0], "type": key[1]})
            remote = self._remote[key] = asyncio.ensure_future(request)
        try:
            await asyncio.shield(remote)
        except KurentoError:
            self._remote.pop(key, None)
            raise

    async def unsubscribe(self, subscription: Subscription[E]) -> None:
        """End a subscription."""
        key = (subscription.object_id, subscription.event.__name__)
        self._forget(subscription)
        if key not in self._subscriptions and (remote := self._remote.pop(key, None)) is not None:
            await self.request("unsubscribe", {"object": key[0], "subscription": await remote})

    def forget_object(self, object_id: str) -> None:
        """Drop the subscriptions of an object that was released, and of all below it."""
        for key in [key for key in self._subscriptions if key[0] == object_id or key[0].startswith(f"{object_id}/")]:
            self._remote.pop(key, None)
            for subscription in self._subscriptions.pop(key):
                subscription.end()

    # ---- inside

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=f"kurento-{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget(self, subscription: Subscription[Any]) -> None:
        key = (subscription.object_id, subscription.event.__name__)
        if subscription in (listed := self._subscriptions.get(key, [])):
            listed.remove(subscription)
            if not listed:
                del self._subscriptions[key]
        subscription.end()

    def _end_subscriptions(self) -> None:
        for listed in self._subscriptions.values():
            for subscription in listed:
                subscription.end()
        self._subscriptions.clear()
        self._remote.clear()

    async def _exchange(self, method: str, params: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
        socket = self._socket
        if socket is None:
            raise ConnectionLost(f"No connection to the media node at {self.url}.")
        number, text = self._rpc.request(method, params, with_session=method != "connect")
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        try:
            async with asyncio.timeout(seconds):
                await socket.send(text)
                return await future
        except TimeoutError as error:
            raise RequestTimeout(
                f"The media node at {self.url} did not answer {method} within {seconds} s."
            ) from error
        except WebSocketException as error:
            raise ConnectionLost(f"The connection to the media node at {self.url} is lost.") from error
        finally:
            self._pending.pop(number, None)

    async def _connect(self) -> Binding:
        """One try: socket, reader, session."""
        try:
            self._socket = await connect(
                self.url,
                max_size=LARGEST_MESSAGE,
                ping_interval=None,  # our pings ask the node's request handling, not its socket library
                compression=None,
                proxy=None,
                open_timeout=self._ping_interval + self._ping_timeout,
                close_timeout=0.5,
            )
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise ConnectionLost(f"No media node answers at {self.url}: {error}") from error
        except InvalidURI as error:
            raise KurentoError(
                f"{self.url} is no address of a media node; it looks like ws://host:8888/kurento"
            ) from error
        self._spawn(self._read(self._socket), "read")
        try:
            binding = await self._bind()
        except KurentoError as error:
            await self._drop(error)
            raise
        self.binding = binding
        self._bound.set()
        self._spawn(self._ping(self._socket), "ping")
        return binding

    async def _bind(self) -> Binding:
        old = self._rpc.session_id or self._wanted_session
        timeout = self._ping_interval + self._ping_timeout
        if old:
            try:
                answer = await self._exchange("connect", {"sessionId": old}, timeout)
                if answer.get("sessionId") == old:
                    self._rpc.session_id = old
                    return Binding.KEPT
            except InvalidSession:
                pass
        self._rpc.session_id = None
        await self._exchange("connect", None, timeout)
        self._wanted_session = None
        if not old:
            return Binding.NEW
        self._end_subscriptions()
        return Binding.LOST

    async def _keep_connected(self) -> None:
        """Wait for the loss of the connection, tell it, connect again; for ever."""
        while True:
            if self._socket is not None:
                await self._socket.wait_closed()
            await self._drop(ConnectionLost(f"The connection to the media node at {self.url} is lost."))
            await self._tell(Binding.DOWN)
            attempt = 0
            while not self.connected:
                await asyncio.sleep(self._retry_delays[min(attempt, len(self._retry_delays) - 1)])
                attempt += 1
                try:
                    await self._tell(await self._connect())
                except KurentoError as error:
                    log.info("%s", error)

    async def _tell(self, binding: Binding) -> None:
        self.binding = binding
        log.info("media node %s: session %s", self.url, binding)
        for watcher in self._watchers:
            try:
                outcome = watcher(binding)
                if inspect.isawaitable(outcome):
                    await outcome
            except Exception:
                log.exception("watcher of the media node's connection failed")

    async def _drop(self, error: KurentoError) -> None:
        """Fail what waits and close the socket without waiting for a dead peer's good-bye."""
        self._bound.clear()
        socket, self._socket = self._socket, None
        for future in self._pending.values():
            if not future.done():
                future.set_exception(error)
        if socket is not None:
            socket.transport.abort()
            with contextlib.suppress(WebSocketException, OSError):
                await socket.wait_closed()

    async def _ping(self, socket: ClientConnection) -> None:
        while self._socket is socket:
            await asyncio.sleep(self._ping_interval)
            try:
                await self._exchange("ping", {"interval": PING_PROMISE_MS}, self._ping_timeout)
            except ConnectionLost as error:
                log.warning("%s", error)
                socket.transport.abort()
                return
            except ServerError as error:
                log.warning("ping refused: %s", error)

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(WebSocketException):
            async for text in socket:
                try:
                    self._sort(text)
                except ProtocolViolation as error:
                    log.error("%s", error)
        for future in self._pending.values():
            if not future.done() and self._socket is socket:
                future.set_exception(ConnectionLost(f"The connection to the media node at {self.url} is lost."))

    def _sort(self, text: str | bytes) -> None:
        message = self._rpc.receive(text)
        if isinstance(message, Notification):
            if self._events.full():
                log.error("too many events wait: dropped %s of %s", message.type, message.object)
            else:
                self._events.put_nowait(message)
            return
        future = self._pending.get(message.id) if message.id is not None else None
        if future is None or future.done():
            return
        if isinstance(message, Result):
            future.set_result(message.value)
        elif isinstance(message, Failure):
            future.set_exception(message.error)

    async def _dispatch(self) -> None:
        while True:
            message = await self._events.get()
            for subscription in list(self._subscriptions.get((message.object, message.type), ())):
                await subscription.deliver(from_notification(message))


__all__ = ["Binding", "Callback", "KurentoClient", "SessionLost", "Subscription", "Watcher"]
