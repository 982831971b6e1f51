"""Every place outside of the vault's own folders where something wrapped by the master key is kept.

A rotation of the master key rewraps what is listed here and then destroys the former key: what is missing here would
be lost. The test beside it fails for a column of bytes that is in neither list.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import InstrumentedAttribute

from appliance.models import (
    Company,
    DataKey,
    FaceTemplate,
    IdentityProvider,
    KeyChallenge,
    SecurityKey,
    SignOnAttempt,
    SignOnPending,
    SignOnSession,
    Tile,
    User,
)
from appliance.settings import Settings

WRAPPED: Final[tuple[InstrumentedAttribute[Any], ...]] = (
    Company.integration_secret,
    Company.turn_secret,
    IdentityProvider.secret,
    SignOnAttempt.verifier,
    SignOnPending.id_token,
    SignOnSession.id_token,
    User.totp_secret,
)
"""Columns that hold what ``Vault.wrap`` gave."""

OTHER_BYTES: Final[dict[InstrumentedAttribute[Any], str]] = {
    DataKey.wrapped: "a data key from before they had files; a rotation moves it there first",
    FaceTemplate.content: "under the person's and the company's data keys",
    KeyChallenge.challenge: "a random number that the browser is told, for minutes",
    SecurityKey.credential_id: "public",
    SecurityKey.public_key: "public",
    Tile.jpeg: "a small picture of this second, for the wall; never written to the disk (unlogged)",
}
"""Columns of bytes that the master key does not wrap, and why not."""


def wrapped_files(settings: Settings) -> list[Path]:
    """Return the files that hold what ``Vault.wrap`` gave, in hex, where there are any."""
    of_backups = sorted(settings.backup_keys_folder.glob("*.key"))
    return [path for path in (settings.evidence_key_file, settings.audit_key_file, *of_backups) if path.exists()]
