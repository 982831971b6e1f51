"""UDP ports out of a range, so that a firewall's rule can be written."""

import random
import socket
from collections.abc import Iterator

Range = tuple[int, int]
"""First and last port, both included."""


def tried(ports: Range, step: int = 1) -> Iterator[int]:
    """Yield every ``step``-th port of the range once, beginning anywhere: those at its start are mostly taken."""
    first, last = ports
    count = (last - first) // step + 1
    begin = random.randrange(max(1, count))  # noqa: S311 - not a secret
    for number in range(count):
        yield first + (begin + number) % count * step


def bind(plain: socket.socket, host: str, ports: Range | None) -> None:
    """Bind to a free port of the range, to any without one; raise ``OSError`` when the address or all are taken."""
    if ports is None:
        plain.bind((host, 0))
        return
    failure: OSError | None = None
    for port in tried(ports):
        try:
            plain.bind((host, port))
        except OSError as error:
            failure = error
        else:
            return
    raise OSError(f"no port of {ports[0]}-{ports[1]} can be had at {host}: {failure}")
