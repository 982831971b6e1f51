"""What the key ring's file says: the generations of the master key, one of them current. Nothing in it is secret."""

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from appliance.db import to_ms, utcnow
from appliance.errors import SettingInvalid

RING: Final = "master.json"
FIRST_FILE: Final = "master.key"


class MasterKind(StrEnum):
    """How a master key is kept."""

    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 - a word
    TPM = "tpm"
    PKCS11 = "pkcs11"


class GenerationState(StrEnum):
    """Where a generation is in its life."""

    CURRENT = "current"
    RETIRING = "retiring"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Generation:
    """One master key."""

    number: int
    kind: MasterKind
    state: GenerationState
    made_ms: int | None
    """None: from before generations were counted."""
    place: dict[str, str] = field(default_factory=dict)
    """``file`` below the folder of keys, or the ``label`` in the token."""
    destroyed_ms: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the file's entry."""
        words = {"number": self.number, "kind": self.kind.value, "state": self.state.value, "place": self.place}
        return {**words, "made_ms": self.made_ms, "destroyed_ms": self.destroyed_ms}

    def retiring(self) -> "Generation":
        """Return it as one that only unwraps."""
        return replace(self, state=GenerationState.RETIRING)

    def destroyed(self) -> "Generation":
        """Return it as one that is no more."""
        return replace(self, state=GenerationState.DESTROYED, destroyed_ms=to_ms(utcnow()))


def implied() -> list[Generation]:
    """Return what a folder without a ring's file has: one key file."""
    return [Generation(1, MasterKind.FILE, GenerationState.CURRENT, None, {"file": FIRST_FILE})]


def parse(path: Path, content: bytes) -> list[Generation]:
    """Read the ring's file; raise ``SettingInvalid`` when it is damaged or has not one current generation."""
    try:
        found = [
            Generation(
                int(entry["number"]),
                MasterKind(entry["kind"]),
                GenerationState(entry["state"]),
                entry["made_ms"],
                {str(name): str(value) for name, value in entry["place"].items()},
                entry["destroyed_ms"],
            )
            for entry in json.loads(content)["generations"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingInvalid(f"{path}: is damaged; restore it from your backup") from error
    if [one.state for one in found].count(GenerationState.CURRENT) != 1:
        raise SettingInvalid(f"{path}: names not one current master key; restore it from your backup")
    return found


def written(generations: list[Generation]) -> bytes:
    """Return the content of the ring's file."""
    return (json.dumps({"generations": [one.as_json() for one in generations]}, indent=1) + "\n").encode()
