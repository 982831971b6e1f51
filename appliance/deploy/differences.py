"""What a task of Ansible would change, as lines that people know from ``diff``."""

import difflib
import json
from collections.abc import Iterator
from typing import Any, Final

from appliance.deploy.redaction import Redaction

MOST_LINES: Final = 40
"""Of one task; a whole new file is longer and says nothing more."""


def lines_of(result: dict[str, Any], redaction: Redaction) -> list[str]:
    """Return the lines of a task's result, of all its items; nothing of a task that hides what it does."""
    if "censored" in result or result.get("_ansible_no_log"):
        return []
    found = [redaction.of(line) for one in _differences(result) for line in _lines(one)]
    if len(found) > MOST_LINES:
        return [*found[:MOST_LINES], f"… {len(found) - MOST_LINES} lines more"]
    return found


def _differences(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in (result, *result.get("results", ())):
        given = item.get("diff")
        if item.get("changed") and given and "censored" not in item:
            yield from (one for one in (given if isinstance(given, list) else [given]) if isinstance(one, dict))


def _lines(difference: dict[str, Any]) -> Iterator[str]:
    if "prepared" in difference:
        yield from str(difference["prepared"]).splitlines()
        return
    before, after = (_text(difference.get(side)) for side in ("before", "after"))
    if before == after:
        return
    names = [str(difference.get(f"{side}_header") or "") for side in ("before", "after")]
    sides = before.splitlines(), after.splitlines()
    lines = difflib.unified_diff(*sides, fromfile=names[0], tofile=names[1], n=1, lineterm="")
    yield from (line for line in lines if line not in {"--- ", "+++ "} and not line.startswith("@@"))


def _text(side: Any) -> str:
    if isinstance(side, dict):  # of a file's owner, mode and kind
        return "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in sorted(side.items()))
    return "" if side is None else str(side)
