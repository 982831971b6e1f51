"""The continuous part: PostgreSQL's log as it is written, and whatever it speaks of, every few seconds.

``pg_receivewal`` follows the database through a replication slot into ``data_dir/backup/log``; each beat takes what
is there, brings keys and sealed files first, and the log after them: no row is there without its key or file.
"""

import contextlib
import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from appliance.collaborators import Collaborators
from appliance.db import utcnow
from appliance.deploy.backup import catalogue, state
from appliance.deploy.backup.belonging import demand_own_keys
from appliance.deploy.backup.carrier import Carrier
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.postgres import APPLICATION, Server
from appliance.deploy.backup.sealing import BackupKeys, Seals
from appliance.deploy.backup.stores import Store
from appliance.deploy.backup.targets import open_store
from appliance.evidence.key import EvidenceKey

BEAT_SECONDS: Final = 15.0
FILES_SECONDS: Final = 20.0
"""So long a beat waits for sealed files: acts must not be lost because a film is long."""
BEHIND_SECONDS: Final = 10.0
"""So long the receiver may take for what the database has written already."""

log = structlog.get_logger(__name__)


class Receiver:
    """``pg_receivewal``, its slot, and the folder it writes into."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Name the server and the folder; nothing is started."""
        self._server, self.folder = server, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start it; return whether it goes on where it was: False where part of the log is gone for good.

        Raises ``BackupFailed`` where it could never be told how far it came: that is shown to few roles.
        """
        if not self._server.scalar("SELECT pg_has_role('pg_read_all_stats', 'usage')"):
            raise BackupFailed(
                "The database's role may not see how far its log was received: run `kustos install` again, "
                "or GRANT pg_read_all_stats to it."
            )
        slot = self._server.row(
            "SELECT wal_status FROM pg_replication_slots WHERE slot_name = :name", name=APPLICATION
        )
        goes_on = slot is not None and slot[0] != "lost" and self.folder.exists()
        if not goes_on:
            self.forget()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        arguments = ["--directory", str(self.folder), "--slot", APPLICATION, "--no-password"]
        if not goes_on:
            self._server.run("pg_receivewal", "--create-slot", "--if-not-exists", *arguments)
        self._process = self._server.begin("pg_receivewal", "--status-interval=1", *arguments)
        return goes_on

    def is_started(self) -> bool:
        """Whether it was started and not given up since."""
        return self._process is not None

    def demand_running(self) -> None:
        """Raise ``BackupFailed`` where it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise BackupFailed(f"pg_receivewal ended by itself ({self._process.returncode}); its words are above.")

    def caught_up(self, seconds: float = BEHIND_SECONDS) -> bool:
        """Wait until all that is committed now has been received; False where it does not come."""
        wanted = str(self._server.scalar("SELECT pg_current_wal_flush_lsn()"))
        question = (
            "SELECT coalesce(max(write_lsn) >= CAST(:wanted AS pg_lsn), false) FROM pg_stat_replication "
            "WHERE application_name = :name"
        )
        end = time.monotonic() + seconds
        while not self._server.scalar(question, wanted=wanted, name=APPLICATION):
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def segments(self) -> list[str]:
        """Return what was received, in order."""
        return sorted(path.name for path in self.folder.iterdir() if catalogue.is_segment(path.name))

    def size(self) -> int:
        """Return bytes of what was received and is still here."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def forget(self) -> None:
        """Give up the slot and what is here: the database keeps nothing for us, and a full backup is due."""
        self.stop()
        there = "FROM pg_replication_slots WHERE slot_name = :name"
        end = time.monotonic() + BEHIND_SECONDS
        while self._server.scalar(f"SELECT active {there}", name=APPLICATION) and time.monotonic() < end:
            time.sleep(0.1)  # the server has not noticed yet that we are gone
        self._server.scalar(f"SELECT pg_drop_replication_slot(slot_name) {there}", name=APPLICATION)
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End it; it goes on from the same place next time."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        self._process = None


class Stream:
    """Brings the log to one target, beat by beat."""

    def __init__(self, own: Collaborators, target: str, keys: Path) -> None:
        """Look at the target; raise ``BackupFailed``."""
        self._settings, self._target = own.settings, target
        self._store: Store = open_store(own.settings, target)
        self._keys = BackupKeys(own.settings.backup_keys_folder, own.vault.master_key)
        self._signer = EvidenceKey.load_or_create(own.settings.evidence_key_file, own.vault)
        self._keys_place = keys
        self._carrier = Carrier(own.settings, self._store, keys)
        self.receiver = Receiver(Server(own.settings.database_url), own.settings.backup_work / "log")
        self._seals: Seals | None = None
        self._brought: set[str] = set()

    def follow(self) -> None:
        """Receive, if that is not under way; give up what waits where it is too much. Raises ``BackupFailed``.

        Where part of the log is gone, nothing fits what comes now: there is no full backup then to go on from.
        """
        if not self.receiver.is_started():
            if not self.receiver.start():
                state.set_generation(self._settings, None)
        elif self.receiver.size() > self._settings.backup_spool_mb << 20:
            self.receiver.forget()
            state.set_generation(self._settings, None)
            raise BackupFailed("The target was away for too long: what waited was given up, a full backup is due.")
        self.receiver.demand_running()

    def has_full(self) -> bool:
        """Whether there is a full backup in this target that the log goes on from."""
        now = state.generation(self._settings)
        return now is not None and now.target == self._target

    def beat(self) -> int:
        """Bring everything committed until now; return how many sealed files are still on their way.

        Raises ``BackupFailed``: nothing is lost then, the next beat brings it.
        """
        self.follow()
        seals = self._current()
        at = utcnow()
        whole = self.receiver.caught_up()
        taken = self._take()
        demand_own_keys(self._keys_place, self._settings.evidence_key_file, self._signer)
        self._carrier.carry_keys()
        waiting, _ = self._carrier.carry_files(FILES_SECONDS)
        self._carrier.carry_aside(seals)
        for name, content in taken.items():
            self._bring(seals, name, content)
        if not whole:
            raise BackupFailed("The database's log does not come as fast as it is written, or not at all.")
        self._say(seals, at.isoformat(), max(taken, default=""))
        self._prune(seals)
        state.stamp(self._settings, streamed_at=state.seconds(at), files_waiting=waiting)
        return waiting

    def close(self) -> None:
        """Stop receiving; the database keeps what comes until the next start."""
        self.receiver.stop()
        self._carrier.close()

    def _current(self) -> Seals:
        now = state.generation(self._settings)
        if now is None:
            raise BackupFailed("There is no full backup to go on from.")
        if self._seals is None or self._seals.moment != now.moment:
            self._seals = self._keys.of(now.moment)
            there = self._store.sizes(f"wal/{now.moment}/")
            finished = {name.rsplit("/", 1)[1].removesuffix(".sealed") for name in there}
            self._brought = {
                name for name in finished if catalogue.is_segment(name) and not name.endswith(catalogue.PARTIAL)
            }
        return self._seals

    def _take(self) -> dict[str, Path | bytes]:
        """Return the segments to bring: finished ones as they lie there, the unfinished one as it is now."""
        now = state.generation(self._settings)
        first = now.first_segment if now else ""
        taken: dict[str, Path | bytes] = {}
        for name in self.receiver.segments():
            path = self.receiver.folder / name
            if name.removesuffix(catalogue.PARTIAL) < first or name in self._brought:
                continue
            if not name.endswith(catalogue.PARTIAL):
                taken[name] = path
                continue
            with contextlib.suppress(FileNotFoundError):  # it was finished just now: the next beat has it whole
                taken[name] = path.read_bytes()
        return taken

    def _bring(self, seals: Seals, name: str, content: Path | bytes) -> None:
        target = catalogue.segment(seals.moment, name)
        self._store.put(target, seals.seal(target, content if isinstance(content, bytes) else content.read_bytes()))
        if not name.endswith(catalogue.PARTIAL):
            self._brought.add(name)
            self._store.remove([catalogue.segment(seals.moment, name + catalogue.PARTIAL)])

    def _say(self, seals: Seals, at: str, last: str) -> None:
        name = catalogue.segment(seals.moment, catalogue.STREAMED)
        last = last or max(self._brought, default="")
        self._store.put(name, seals.seal(name, json.dumps({"at": at, "segment": last}).encode()))

    def _prune(self, seals: Seals) -> None:
        """Take away finished segments that are in the target, unless a full backup may begin with them."""
        with state.full_backup_lock(self._settings, wait=False) as held:
            now = state.generation(self._settings)
            if not held or now is None or now.moment != seals.moment:
                return
            for name in self.receiver.segments():
                if name in self._brought or name.removesuffix(catalogue.PARTIAL) < now.first_segment:
                    (self.receiver.folder / name).unlink(missing_ok=True)


def run(
    stream: Stream,
    stop: threading.Event,
    *,
    full: Callable[[], object],
    told: Callable[[BackupFailed | None], None],
    pulse: Callable[[], None],
    seconds: float = BEAT_SECONDS,
) -> None:
    """Beat until told to stop, and once more then.

    ``full`` makes a full backup where none is there to go on from; ``told`` is called when it begins to fail (with
    the error) and when it works again (None). Raises ``BackupFailed`` where the receiver is gone for good.
    """
    failing = False
    while True:
        last = stop.wait(seconds)
        pulse()
        try:
            stream.follow()
            if not stream.has_full():
                full()
            stream.beat()
        except BackupFailed as error:
            if not failing:
                told(error)
            failing = True
            stream.receiver.demand_running()
        else:
            if failing:
                told(None)
            failing = False
        if last:
            return
