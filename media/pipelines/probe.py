"""A first look at a media node before it is trusted with sittings: what it is, or in words why it cannot be used."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import MediaUnavailable
from media.kurento import KurentoClient, KurentoError
from media.pipelines.nodes import MANAGER
from media.pipelines.shared_folder import NOT_SEEN, is_shared

NEEDED = frozenset({"WebRtcEndpoint", "RecorderEndpoint", "RtpEndpoint"})
"""Without one of these a sitting cannot be received, recorded or looked into."""
SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node said of itself."""

    version: str
    memory_kb: int


async def probe(url: str) -> Answer:
    """Return what the node says; raise ``MediaUnavailable`` saying what is wrong and what to do."""
    client = KurentoClient(url)
    try:
        async with asyncio.timeout(SECONDS):
            await client.open()
            info = await client.invoke(MANAGER, "getInfo")
            memory = await client.invoke(MANAGER, "getUsedMemory")
    except TimeoutError as error:
        raise MediaUnavailable(
            f"{url} takes the connection but does not answer within {SECONDS:.0f} s: is it a media node's port?"
        ) from error
    except KurentoError as error:
        raise MediaUnavailable(
            f"{error.message} Is the node started, is its port open for this machine, is the path /kurento?"
        ) from error
    finally:
        await client.close(end_session=True)
    modules = info.get("modules", []) if isinstance(info, dict) else []
    missing = NEEDED - {factory for module in modules for factory in module.get("factories", ())}
    if missing:
        raise MediaUnavailable(
            f"{url} cannot make {', '.join(sorted(missing))}: kms-elements is not installed there."
        )
    return Answer(str(info.get("version", "")), int(memory))


async def folder_warning(url: str, folder: Path, who: str) -> str:
    """Return in words that the node writes its recordings elsewhere; nothing when they are seen in ``folder``."""
    client = KurentoClient(url)
    try:
        async with asyncio.timeout(SECONDS):
            await client.open()
            return "" if await is_shared(client, folder, who) else NOT_SEEN.format(folder=folder)
    except (TimeoutError, KurentoError) as error:
        return f"whether its recordings are visible here could not be found out ({type(error).__name__})"
    except OSError as error:
        return f"the folder of recordings {folder} cannot be used from here: {error.strerror}"
    finally:
        await client.close(end_session=True)
