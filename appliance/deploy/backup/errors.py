"""What can go wrong with backups."""

from appliance.errors import ApplianceError


class BackupFailed(ApplianceError):
    """The backup cannot be made or taken back."""


class BackupBroken(ApplianceError):
    """The backup is not as it was made."""


class DrillFailed(ApplianceError):
    """The backup was restored, but not everything in it can be read."""
