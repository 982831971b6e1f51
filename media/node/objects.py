"""Media objects as the protocol sees them: ids, names, tags, operations, events."""

import time
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from media.kurento.errors import EventNotSupported, MalformedTransaction, TagNotFound
from media.node.values import Operation, Param, operation, properties

if TYPE_CHECKING:
    from media.node.node import Node

MANAGER_ID = "manager_ServerManager"


class MediaObject:
    """What has an id. Lives in the event loop; only its GStreamer parts live elsewhere."""

    kind: ClassVar[str] = "MediaObject"
    hierarchy: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[frozenset[str]] = frozenset({"Error"})
    operations: ClassVar[dict[str, Operation]] = {}

    def __init__(self, node: "Node", parent: "MediaObject | None", object_id: str | None = None) -> None:
        """Register below ``parent``."""
        self.node, self.parent = node, parent
        own = f"{uuid.uuid4()}_kurento.{self.kind}"
        self.id: str = object_id or (f"{parent.id}/{own}" if parent is not None else own)
        self.name: str = self.id
        self.tags: dict[str, str] = {}
        self.send_tags_in_events = False
        self.creation_time = int(time.time())
        self.children: list[MediaObject] = []
        self.released = False
        if parent is not None:
            parent.children.append(self)

    def __init_subclass__(cls) -> None:
        """Operations are inherited, and every class adds its own Operation attributes under their names."""
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Operation)}
        cls.operations = {**cls.__mro__[1].operations, **own, **vars(cls).get("operations", {})}  # type: ignore[attr-defined]

    # ---- protocol

    async def invoke(self, name: str, params: Any) -> Any:
        """Call an operation."""
        found = self.operations.get(name)
        if found is None:
            count = len(params) if isinstance(params, dict) else 0
            raise MalformedTransaction(f"Method '{name}' with {count} parameters not found")
        value = found.handler(self, *found.arguments(params))
        return await value if hasattr(value, "__await__") else value

    def describe(self) -> dict[str, Any]:
        """The answer to ``describe``."""
        ancestors = [f"kurento.{name}" for name in self.hierarchy]
        return {"hierarchy": ancestors, "qualifiedType": f"kurento.{self.kind}", "type": self.kind}

    def check_event(self, event: str) -> None:
        """EventNotSupported unless this object tells such events."""
        if event not in self.events:
            raise EventNotSupported(f"Event '{event}' not supported")

    def tell(self, event: str, with_type: bool = True, **data: Any) -> None:
        """Tell an event to who subscribed. In the event loop only."""
        tags = [self._tag(key, value) for key, value in self.tags.items()] if self.send_tags_in_events else []
        data |= {"source": self.id, "tags": tags, "timestampMillis": str(time.time_ns() // 1_000_000)}
        if with_type:
            data.setdefault("type", event)
        self.node.sessions.tell(self.id, event, data)

    def fail(self, kind: str, description: str, code: int = 0) -> None:
        """Tell an Error."""
        self.tell("Error", type=kind, description=description, errorCode=code)

    async def close(self) -> None:
        """Let go of everything outside Python. Called once, children first."""

    @property
    def pipeline(self) -> "MediaObject | None":
        """The pipeline that it lives in (itself, if it is one)."""
        return self.parent.pipeline if self.parent is not None else None

    # ---- operations

    operations = {
        **properties(name=str, send_tags_in_events=bool),
    }

    @operation()
    def getId(self) -> str:
        """Its id."""
        return self.id

    @operation()
    def getParent(self) -> str | None:
        """Id of the object that it lives in."""
        return self.parent.id if self.parent is not None else None

    @operation()
    def getMediaPipeline(self) -> str | None:
        """Id of its pipeline."""
        pipeline = self.pipeline
        return pipeline.id if pipeline is not None else None

    @operation()
    def getChildren(self) -> list[str]:
        """Ids of what lives in it."""
        return [child.id for child in self.children]

    @operation()
    def getCreationTime(self) -> int:
        """Seconds since 1970."""
        return self.creation_time

    @operation()
    def getTags(self) -> list[dict[str, str]]:
        """All tags."""
        return [self._tag(key, value) for key, value in self.tags.items()]

    @operation(Param("key"))
    def getTag(self, key: str) -> str:
        """A tag's value."""
        if key not in self.tags:
            raise TagNotFound()
        return self.tags[key]

    @operation(Param("key"), Param("value"))
    def addTag(self, key: str, value: str) -> None:
        """Set a tag."""
        self.tags[key] = value

    @operation(Param("key"))
    def removeTag(self, key: str) -> None:
        """Remove a tag."""
        self.tags.pop(key, None)

    @staticmethod
    def _tag(key: str, value: str) -> dict[str, str]:
        return {"__module__": "kurento", "__type__": "Tag", "key": key, "value": value}


# __init_subclass__ does not run for the root itself
MediaObject.operations = {
    **MediaObject.operations,
    **{name: value for name, value in vars(MediaObject).items() if isinstance(value, Operation)},
}
