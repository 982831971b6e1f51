"""TURN over TLS: libnice speaks TURN over TCP only, so its connections go through a tunnel that adds the TLS."""

import asyncio
import logging
import ssl

log = logging.getLogger(__name__)

BLOCK = 64 * 1024
CONNECT_SECONDS = 10.0
"""To a TURN server behind a slow line; ICE gives up after some 30 s."""


class Tunnels:
    """One listener on the loopback address for each TURN server; all in the event loop.

    The server's certificate is verified against the system's authorities, or those of ``SSL_CERT_FILE``.
    """

    def __init__(self) -> None:
        """Nothing listens yet."""
        self._servers: dict[tuple[str, int], asyncio.Server] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None
        self._opening = asyncio.Lock()

    async def open(self, host: str, port: int) -> int:
        """The local port from which a connection goes to a TURN server."""
        async with self._opening:
            if (host, port) not in self._servers:
                self._context = self._context or ssl.create_default_context()

                def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                    task = asyncio.ensure_future(self._serve(host, port, reader, writer))
                    self._connections.add(task)
                    task.add_done_callback(self._connections.discard)

                self._servers[host, port] = await asyncio.start_server(accept, "127.0.0.1", 0)
            return int(self._servers[host, port].sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End all."""
        for server in self._servers.values():
            server.close()
        for task in tuple(self._connections):
            task.cancel()

    async def _serve(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                far_reader, far_writer = await asyncio.open_connection(host, port, ssl=self._context)
        except (OSError, TimeoutError) as error:  # also a certificate that does not verify
            log.error("TURN server %s:%s cannot be reached over TLS: %s", host, port, error)
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, far_writer))
                both.create_task(_copy(far_reader, writer))
        except* OSError as errors:
            log.info("TURN over TLS to %s:%s ended: %s", host, port, errors.exceptions[0])
        finally:
            far_writer.close()
            writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the source ends; then the target is closed, which ends the other direction too."""
    while block := await source.read(BLOCK):
        target.write(block)
        await target.drain()
    target.close()
