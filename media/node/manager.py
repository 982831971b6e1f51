"""ServerManager: what the node tells of itself."""

import asyncio
import json
import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import ModuleNotFound
from media.node.objects import MANAGER_ID, MediaObject
from media.node.values import Operation, Param, getter, operation

if TYPE_CHECKING:
    from media.node.node import Node

VERSION = "7.3.0"
"""The version of Kurento whose protocol this is: clients look at it."""
MODULES = {
    "core": ["HubPort", "MediaPipeline", "PassThrough"],
    "elements": [
        "AlphaBlending",
        "Composite",
        "Dispatcher",
        "DispatcherOneToMany",
        "Mixer",
        "PlayerEndpoint",
        "RecorderEndpoint",
        "RtpEndpoint",
        "WebRtcEndpoint",
    ],
    "filters": ["GStreamerFilter"],
}


class ServerManager(MediaObject):
    """The one object that is always there."""

    kind = "ServerManager"
    hierarchy = ("MediaObject",)
    events = frozenset({"Error", "ObjectCreated", "ObjectDestroyed"})

    def __init__(self, node: "Node") -> None:
        """Made by the node."""
        super().__init__(node, None, MANAGER_ID)
        self.metadata = ""

    operations: ClassVar[dict[str, Operation]] = {"getMetadata": getter("metadata")}

    @property
    def pipeline(self) -> MediaObject | None:
        """None: it lives in none."""
        return None

    @operation()
    def getInfo(self) -> dict[str, Any]:
        """Version and modules."""
        modules = [
            {
                "__module__": "kurento",
                "__type__": "ModuleInfo",
                "factories": factories,
                "generationTime": "",
                "name": name,
                "version": VERSION,
            }
            for name, factories in MODULES.items()
        ]
        return {
            "__module__": "kurento",
            "__type__": "ServerInfo",
            "capabilities": ["transactions"],
            "modules": modules,
            "type": "KMS",
            "version": VERSION,
        }

    @operation()
    def getPipelines(self) -> list[str]:
        """Ids of all pipelines."""
        return [item.id for item in self.node.roots()]

    @operation()
    def getSessions(self) -> list[str]:
        """Ids of all sessions."""
        return self.node.sessions.ids()

    @operation(Param("moduleName"))
    def getKmd(self, module: str) -> str:
        """The description of a module, as far as clients read it."""
        if module not in MODULES:
            raise ModuleNotFound()
        return json.dumps({"name": module, "version": VERSION, "kurentoVersion": VERSION})

    @operation()
    def getCpuCount(self) -> int:
        """Processors this process may use."""
        return len(os.sched_getaffinity(0))

    @operation(Param("interval", int))
    async def getUsedCpu(self, interval: int) -> float:
        """Per cent of all processors this process may use, over the next ``interval`` ms."""
        before, start = _cpu_seconds(), time.monotonic()
        await asyncio.sleep(max(1, min(interval, 10_000)) / 1000)
        return 100.0 * (_cpu_seconds() - before) / (time.monotonic() - start) / len(os.sched_getaffinity(0))

    @operation()
    def getUsedMemory(self) -> int:
        """KiB in memory now; what ``getrusage`` tells is the peak, which never falls."""
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return resident * resource.getpagesize() // 1024


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
