"""The master key's state as the page shows it."""

from datetime import UTC, datetime
from typing import Any


def shown(found: dict[str, Any]) -> dict[str, Any]:
    """Return the overview with times as texts, the same for every reader: they are compared by telephone."""
    generations = [
        one | {"made": _time(one["made_ms"]), "destroyed": _time(one["destroyed_ms"])} for one in found["generations"]
    ]
    return found | {"generations": generations}


def _time(at_ms: int | None) -> str:
    return "—" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
