"""Whose a place of backups is: nothing is written into, or taken out of, that of another appliance.

A host that was installed anew often finds the former host's media mounted. What it would bring there on its own, an
empty database and the keys of nobody, would take the place of all that is to be restored.
"""

from pathlib import Path
from typing import Final

from appliance.deploy.backup import catalogue
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.stores import Store, files_below, whole_file, worded
from appliance.evidence.key import EvidenceKey

MARK: Final = ".appliance"
"""File among the keys with the fingerprint of the appliance's evidence key, which stays when others are exchanged."""
WAY_OUT: Final = "`kustos backup restore` puts it onto this host; to begin anew, name an empty folder."


def demand_own_store(store: Store, target: str, signer: EvidenceKey) -> None:
    """Raise ``BackupFailed`` where the newest backup in the target is of another appliance."""
    there = catalogue.moments(store)
    if there and store.read(f"base/{there[-1]}/{catalogue.PUBLIC_KEY}") != signer.public_pem:
        raise BackupFailed(f"{target} holds another appliance's backup ({there[-1]}): {WAY_OUT}")


def demand_own_keys(keys: Path, own_key_file: Path, signer: EvidenceKey) -> None:
    """Raise ``BackupFailed`` where the folder of keys is another appliance's, or has anything else in it.

    An empty one is marked as this appliance's. ``own_key_file``: the evidence key as it lies on this host.
    """
    mark = keys / MARK
    with worded(keys, keys):
        if mark.is_file():
            if mark.read_text(encoding="ascii").strip() == signer.fingerprint:
                return
            raise BackupFailed(f"{keys} holds another appliance's keys: {WAY_OUT}")
        if any(True for _ in files_below(keys)):
            copy = keys / own_key_file.name
            if not copy.is_file() or copy.read_bytes() != own_key_file.read_bytes():
                raise BackupFailed(f"{keys} holds what is no key of this appliance. If it is a backup's: {WAY_OUT}")
    with worded(mark, keys, "written"), whole_file(mark) as file:
        file.write(f"{signer.fingerprint}\n".encode("ascii"))
