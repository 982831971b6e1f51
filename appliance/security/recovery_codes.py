"""Codes on paper for who has lost the second factor: 80 random bits each, so a plain hash is enough."""

import base64
import re
import secrets
from typing import Final

from appliance.security.cookies import token_hash

COUNT: Final = 10
_GROUPS: Final = 4
_SHAPE: Final = re.compile(r"[A-Z2-7]{16}")


def new_codes(count: int = COUNT) -> list[str]:
    """Return codes like ``ABCD-EFGH-IJKL-MN23``: 16 characters of base32."""
    texts = (base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(count))
    return ["-".join(text[start : start + 4] for start in range(0, 4 * _GROUPS, 4)) for text in texts]


def code_hash(typed: str) -> str | None:
    """Return what is kept of a code, however it was typed; None for what has not a code's shape."""
    code = re.sub(r"[\s-]", "", typed).upper()
    return token_hash(code) if _SHAPE.fullmatch(code) else None
