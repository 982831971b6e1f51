"""``python -m media.node --listen HOST:PORT``: one media node in this process."""

import argparse
import asyncio
import logging
import signal
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from appliance.metrics import exported
from appliance.readiness import announced
from appliance.settings import port_range
from media.node import figures, gst
from media.node.node import Node, Options
from media.node.server import MAIN_PATHS, Connection

log = logging.getLogger("media.node")

LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes; an offer has some 10 kB."""


async def serve_node(
    host: str,
    port: int,
    options: Options | None = None,
    stop: asyncio.Event | None = None,
    metrics_listen: str = "",
) -> None:
    """Serve until ``stop`` is set (or for ever); OSError when the address cannot be listened on."""
    gst.start()
    node = Node(options)

    async def handle(socket: ServerConnection) -> None:
        await Connection(node, socket).serve()

    def check(socket: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path in MAIN_PATHS:
            return None
        return socket.respond(HTTPStatus.NOT_FOUND, "The media node answers at /kurento\n")

    async with serve(
        handle, host, port, process_request=check, max_size=LARGEST_REQUEST, compression=None, close_timeout=1
    ) as server:
        bound = ", ".join(f"{item.getsockname()[0]}:{item.getsockname()[1]}" for item in server.sockets)
        log.info("media node ready at %s", bound)
        with exported(metrics_listen, *figures.of_node(node)):
            async with announced(f"ready at {bound}"):
                await (stop or asyncio.Event()).wait()
    await node.close()


def run(listen: str, options: Options | None = None, metrics_listen: str = "") -> None:
    """Serve ``HOST:PORT`` until SIGTERM or SIGINT. ValueError for another form, OSError when it cannot be bound."""
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdigit():
        raise ValueError(f"'{listen}' is no address to listen on; it looks like 127.0.0.1:8888")

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        await serve_node(host.strip("[]"), int(port), options, stop, metrics_listen)

    asyncio.run(main())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m media.node", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8888", help="HOST:PORT (default %(default)s)")
    parser.add_argument("--collect-after", type=float, default=240.0, help="seconds (default %(default)s)")
    parser.add_argument(
        "--ice-ports",
        metavar="FIRST-LAST",
        help="its ports, UDP and TCP, as 40000-49999 (default: any free one)",
    )
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    level = logging.DEBUG if options.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        run(
            options.listen,
            Options(options.collect_after, ice_ports=port_range(options.ice_ports) if options.ice_ports else None),
        )
    except (OSError, ValueError, gst.GStreamerMissing) as error:
        parser.exit(1, f"The media node cannot start: {error}\n")


if __name__ == "__main__":
    main()
