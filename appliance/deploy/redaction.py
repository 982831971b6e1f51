"""What a log of an installation must never hold: the secrets of the inventory, and what looks like one."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

_SECRET_NAME: Final = re.compile(r"(secret|password|passphrase|passwd|token|_key|access_key|pin)$", re.IGNORECASE)
_NO_SECRET: Final = re.compile(r"^(/|~|\./|file:)")
"""Where a secret lies may be told."""
_IN_ADDRESS: Final = re.compile(r"(://[^:/@\s]+:)[^@/\s]+(?=@)")
_ASSIGNED: Final = re.compile(
    r"""((?:secret|password|passphrase|token)\w*["']?\s*[=:]\s*)["']?[^\s"',;]{6,}["']?""", re.IGNORECASE
)
STARS: Final = "•••"
SHORTEST: Final = 6
"""What is shorter would be found in the middle of ordinary words."""


class Redaction:
    """Takes secrets out of text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets``: values that are known to be some."""
        self._secrets = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)

    @classmethod
    def of_inventory(cls, path: Path) -> "Redaction":
        """Know the values of all variables of an inventory whose names say that they are secret."""
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            return cls()
        return cls(_secret_values(content))

    def of(self, text: str) -> str:
        """Return the text without them."""
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return _ASSIGNED.sub(rf"\g<1>{STARS}", _IN_ADDRESS.sub(rf"\g<1>{STARS}", text))


def _secret_values(content: Any, name: str = "") -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _secret_values(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from _secret_values(value, name)
    elif isinstance(content, str) and _SECRET_NAME.search(name) and not _NO_SECRET.match(content):
        yield content
