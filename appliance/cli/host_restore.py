"""What root does around a restore on an installed host: stop units, use the restored secret, start units."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from appliance.cli.database import command_settings
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.restore import use_secret

TARGET_UNIT: Final = "kustos.target"
TIMER: Final = "kustos-backup.timer"
UNIT_FILE: Final = Path("/etc/systemd/system") / TARGET_UNIT
SETTINGS_FILE: Final = Path("/etc/kustos/kustos.toml")


def is_root_of_installed_host(data: str | None) -> bool:
    """Whether units are here and may be stopped; not for the data folder of `kustos up`."""
    return data is None and os.geteuid() == 0 and UNIT_FILE.exists()


def run_all() -> None:
    """Stop, restore as the appliance's own user with the same words, start. Raises ``BackupFailed``.

    Where the restore fails, units stay stopped: they would begin to fill what is half there.
    """
    click.echo("Stopping the units …")
    _run("systemctl", "stop", "kustos-backup*.timer", TARGET_UNIT, "kustos-*.service")
    done = subprocess.run(  # noqa: S603 - the words this process was given
        ["runuser", "-u", "kustos", "--", sys.executable, "-m", "appliance.cli", *sys.argv[1:]],  # noqa: S607
        env=os.environ | {"KUSTOS_SETTINGS": str(SETTINGS_FILE)},
        cwd="/",
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"Nothing was started again. When it is mended: systemctl start {TARGET_UNIT}")
    use_secret(SETTINGS_FILE, command_settings(None))
    click.echo("Starting the units …")
    _run("systemctl", "start", TARGET_UNIT)
    if Path(f"/etc/systemd/system/timers.target.wants/{TIMER}").exists():
        _run("systemctl", "start", TIMER)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our words
    if done.returncode:
        raise BackupFailed(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
