"""What browsers are told of STUN and TURN, in the words of W3C's RTCIceServer."""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Any

from appliance.settings import Settings

CREDENTIAL_SECONDS = 12 * 3600
"""Longer than any exam with its time given back: a refused TURN refresh would cut the picture."""


def ice_servers(settings: Settings, name: str, now: float | None = None) -> list[dict[str, Any]]:
    """Return the servers of the settings; ``name`` is told to the TURN server for its log."""
    return told(settings.stun_urls, settings.turn_urls, settings.turn_secret, name, now)


def told(
    stun_urls: Sequence[str], turn_urls: Sequence[str], turn_secret: str, name: str, now: float | None = None
) -> list[dict[str, Any]]:
    """Return servers as a browser is told of them.

    Time-limited credentials as coturn's ``use-auth-secret`` checks them (draft-uberti-behave-turn-rest-00).
    """
    servers: list[dict[str, Any]] = []
    if stun_urls:
        servers.append({"urls": list(stun_urls)})
    if turn_urls:
        user = f"{int(time.time() if now is None else now) + CREDENTIAL_SECONDS}:{name}"
        digest = hmac.new(turn_secret.encode(), user.encode(), hashlib.sha1).digest()
        credential = base64.b64encode(digest).decode()
        servers.append({"urls": list(turn_urls), "username": user, "credential": credential})
    return servers
