"""The server manager: what a media node tells of itself."""

from dataclasses import dataclass
from typing import Any, Self

from media.kurento.client import KurentoClient
from media.kurento.objects import MediaObject, MediaPipeline

MANAGER_ID = "manager_ServerManager"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """``modules``: name -> types that can be created."""

    version: str
    kind: str
    capabilities: tuple[str, ...]
    modules: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, found: dict[str, Any]) -> Self:
        """From the answer of getInfo."""
        modules = {str(item["name"]): tuple(item["factories"]) for item in found.get("modules", ())}
        return cls(
            str(found.get("version", "")), str(found.get("type", "")), tuple(found.get("capabilities", ())), modules
        )

    def makes(self, kind: str) -> bool:
        """Whether objects of a type can be created."""
        return any(kind in factories for factories in self.modules.values())


class ServerManager(MediaObject):
    """The one object that is always there. Events: ObjectCreated, ObjectDestroyed."""

    kind = "ServerManager"

    def __init__(self, client: KurentoClient) -> None:
        """Of a node."""
        super().__init__(client, MANAGER_ID)

    async def get_info(self) -> ServerInfo:
        """Version and what it can make."""
        return ServerInfo.of(await self.invoke("getInfo"))

    async def get_pipelines(self) -> list[MediaPipeline]:
        """All pipelines of the node, whoever made them."""
        return [MediaPipeline(self.client, str(item)) for item in await self.invoke("getPipelines") or []]

    async def get_sessions(self) -> list[str]:
        """Ids of the sessions that the node keeps, connected or not."""
        return [str(item) for item in await self.invoke("getSessions") or []]

    async def get_cpu_count(self) -> int:
        """Processors that the node may use."""
        return int(await self.invoke("getCpuCount"))

    async def get_used_cpu(self, interval: int = 1000) -> float:
        """Per cent of one processor over the next ``interval`` ms: it answers only after that."""
        return float(await self.invoke("getUsedCpu", interval=interval))

    async def get_used_memory(self) -> int:
        """KiB."""
        return int(await self.invoke("getUsedMemory"))

    async def get_kmd(self, module: str) -> str:
        """The description of a module, JSON; ModuleNotFound."""
        return str(await self.invoke("getKmd", moduleName=module))
