"""testinfra on a machine of ours: its words for units, users, files and ports, spoken by nsenter."""

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from tests.install.machine import Machine


class _Nsenter(BaseBackend):
    NAME = "nsenter"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.name)
        self._machine = machine

    def run(self, command: str, *args: str, **kwargs: object) -> CommandResult:
        words = self.quote(command, *args)
        done = self._machine.call("sh", "-c", words)
        return self.result(done.returncode, self.encode(words), done.stdout.encode(), done.stderr.encode())


def seen(machine: Machine) -> Host:
    """Return the host as testinfra sees it."""
    return Host(_Nsenter(machine))
