"""What root does around a restore on an installed host: stop units, read media of other hosts, start units."""

import ctypes
import os
import pwd
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import click

from appliance.cli.database import command_settings
from appliance.deploy.backup import catalogue
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.restore import use_secret
from appliance.deploy.backup.targets import folder_of, is_s3
from appliance.settings import Settings

USER: Final = "kustos"
TARGET_UNIT: Final = "kustos.target"
TIMER: Final = "kustos-backup.timer"
UNIT_FILE: Final = Path("/etc/systemd/system") / TARGET_UNIT
SETTINGS_FILE: Final = Path("/etc/kustos/kustos.toml")
LOOK_ONLY: Final = "KUSTOS_RESTORE_LOOKS_ONLY"
"""Set in the environment of the process that only says whether a restore may begin."""
_READS_ALL: Final = "dac_read_search"
_AMBIENT, _CLEAR_ALL = 47, 4
"""``PR_CAP_AMBIENT`` and ``PR_CAP_AMBIENT_CLEAR_ALL`` of linux/prctl.h."""


def is_root_of_installed_host(data: str | None) -> bool:
    """Whether units are here and may be stopped; not for the data folder of `kustos up`."""
    return data is None and os.geteuid() == 0 and UNIT_FILE.exists()


def looks_only() -> bool:
    """Whether this process only says whether a restore may begin."""
    return LOOK_ONLY in os.environ


def run_all() -> None:
    """Look, stop, restore as the appliance's own user with the same words, start; exit with 1 where the look refuses.

    Where the restore itself fails, units stay stopped: they would begin to fill what is half there. Raises
    ``BackupFailed``.
    """
    if _as_own_user(*sys.argv[1:], look=True):
        sys.exit(1)  # said already; nothing was stopped
    begun = time.monotonic()
    click.echo("Stopping the units …")
    _run("systemctl", "stop", "kustos-backup*.timer", TARGET_UNIT, "kustos-*.service")
    if _as_own_user(*sys.argv[1:], "--yes"):
        raise BackupFailed(f"Nothing was started again. When it is mended: systemctl start {TARGET_UNIT}")
    settings = command_settings(None)
    use_secret(SETTINGS_FILE, settings)
    hand_over(pwd.getpwnam(USER), own_places(settings))
    click.echo("Starting the units …")
    _run("systemctl", "start", TARGET_UNIT)
    if Path(f"/etc/systemd/system/timers.target.wants/{TIMER}").exists():
        _run("systemctl", "start", TIMER)
    click.echo(f"The appliance is up again after {time.monotonic() - begun:.0f} s.")


def keep_rights_to_itself() -> None:
    """Have programs that this process starts not inherit what root lent it: to read the media, whoever owns them."""
    ctypes.CDLL(None, use_errno=True).prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0)


def own_places(settings: Settings) -> dict[Path, list[Path]]:
    """Return the places where this host's backups go on, and the folders of backups in them; not those of others."""
    target, keys = settings.backup_target, settings.backup_keys
    found = {}
    if target and not is_s3(target):
        found[folder_of(target)] = [folder_of(target) / name for name in catalogue.FOLDERS]
    if keys and (folder_of(keys) / settings.evidence_key_file.name).is_file():
        found[folder_of(keys)] = [folder_of(keys)]
    there = {place: [folder for folder in folders if folder.is_dir()] for place, folders in found.items()}
    return {place: folders for place, folders in there.items() if folders}


def hand_over(user: pwd.struct_passwd, places: dict[Path, list[Path]]) -> None:
    """Give places to the appliance's own user: what came from another host may have that one's numbers.

    What it cannot be given, or get at, is said, and left to people.
    """
    for place, folders in places.items():
        try:
            for path in (place, *folders, *(path for folder in folders for path in folder.rglob("*"))):
                known = path.lstat()
                if (known.st_uid, known.st_gid) != (user.pw_uid, user.pw_gid):
                    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        except OSError as error:
            said = f"{place} cannot be given to {user.pw_name} ({error.strerror}): backups do not go on there."
            click.echo(said, err=True)
        for folder in place.parents:
            known = folder.stat()
            if not known.st_mode & stat.S_IXOTH and known.st_uid != user.pw_uid and known.st_gid != user.pw_gid:
                said = f"{user.pw_name} cannot get at {place}, so that backups do not go on: chmod a+x {folder}"
                click.echo(said, err=True)


def _as_own_user(*words: str, look: bool = False) -> int:
    """Run `kustos` with the words and return its status; it may read a medium that has its former host's owners."""
    lent = [f"--inh-caps=+{_READS_ALL}", f"--ambient-caps=+{_READS_ALL}"]
    as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", *lent, "--"]
    done = subprocess.run(  # noqa: S603 - the words this process was given
        [*as_user, sys.executable, "-m", "appliance.cli", *words],
        env=os.environ | {"KUSTOS_SETTINGS": str(SETTINGS_FILE)} | ({LOOK_ONLY: "1"} if look else {}),
        cwd="/",
        check=False,
    )
    return done.returncode


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our words
    if done.returncode:
        raise BackupFailed(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
