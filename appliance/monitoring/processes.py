"""The processes of this host, asked at their sockets."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

SOCKETS: Final = Path("/run/kustos")
"""Where systemd gives each unit a folder of its own."""
SECONDS: Final = 8.0
"""A loop that hangs is told after 3 s."""


@dataclass(frozen=True, slots=True)
class Process:
    """What one said of itself."""

    name: str
    """Its unit, or its program of `kustos up`."""
    alive: bool
    ready: bool
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Say whether it can do its work."""
        return self.alive and self.ready

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"name": self.name, "alive": self.alive, "ready": self.ready, "problems": self.problems}


def ask_all(folder: Path = SOCKETS) -> list[Process]:
    """Ask every process whose socket lies in ``folder``, or in a folder in it; by name."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_ask, sorted(_sockets(folder))))


def _sockets(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.glob("*/metrics.sock"):
        yield path.parent.name, path
    for path in folder.glob("*.sock"):
        yield path.stem, path


def _ask(named: tuple[str, Path]) -> Process:
    name, path = named
    transport = httpx.HTTPTransport(uds=str(path))
    try:
        with httpx.Client(transport=transport, base_url="http://process", timeout=SECONDS) as client:
            alive, ready = (client.get(f"/health/{word}") for word in ("live", "ready"))
            problems = {**alive.json()["problems"], **ready.json()["problems"]}
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return Process(name, alive=False, ready=False, problems={"process": f"does not answer ({error})"})
    return Process(name, alive.is_success, ready.is_success, problems)
