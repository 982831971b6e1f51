"""Does a node write where this machine reads? It is let begin a recording of nothing, and the file is looked for."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Final

from media.kurento import KurentoClient, KurentoError, MediaPipeline, RecorderEndpoint

SECONDS: Final = 3.0
"""A recorder opens its file when it is told to record; a shared file system may show it a second later."""
LOOK_SECONDS: Final = 0.1
NOT_SEEN: Final = (
    "this node's recordings are not visible here: mount the same folder at the same path on both machines, writable"
    " for the node ({folder})"
)


async def is_shared(client: KurentoClient, folder: Path, who: str) -> bool:
    """Return whether a file that the node makes in ``folder`` appears there; it is deleted again.

    ``who`` asks is part of the file's name: the same one each time, so that a node that writes elsewhere is left
    with one empty file. Raises ``KurentoError``, and ``OSError`` when the folder is not to be used from here.
    """
    path = folder / f".probe-{who}.webm"
    await asyncio.to_thread(_clear, path)
    pipeline = await MediaPipeline.create(client)
    try:
        recorder = await RecorderEndpoint.create(pipeline, path.as_uri())
        await recorder.record()
        return await _appears(path)
    finally:
        with contextlib.suppress(KurentoError):
            await pipeline.release()
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _clear(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


async def _appears(path: Path) -> bool:
    deadline = time.monotonic() + SECONDS
    while not await asyncio.to_thread(path.exists):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True
