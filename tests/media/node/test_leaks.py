"""Nothing stays behind: sittings come, are recorded and seen, and go, and the node is what it was before."""

import asyncio

from tests.bench.media.crowd import clips
from tests.bench.media.cycles import cycle
from tests.media.node.playing import running, until

WARM_UP, CYCLES, AT_ONCE = 4, 24, 4
THREADS = 4
"""Of pools (asyncio's, GLib's) that grow when they are busier and shrink by themselves."""


async def cycles(client, folder, count):
    numbers = iter(range(count))

    async def work():
        for number in numbers:
            await cycle(client, folder, number)

    await asyncio.gather(*(work() for _worker in range(AT_ONCE)))


async def test_threads_files_and_objects_are_given_back(own_node, tmp_path):
    await asyncio.to_thread(clips)
    client = await running(own_node)
    await cycles(client, tmp_path, WARM_UP)
    descriptors, threads = own_node.descriptors(), own_node.threads()
    await cycles(client, tmp_path, CYCLES)
    await until(lambda: own_node.descriptors() <= descriptors, what="closing of sockets and files")
    await until(lambda: own_node.threads() <= threads + THREADS, what="end of threads")
    assert await client.invoke("manager_ServerManager", "getPipelines") == []
    log = own_node.log.read_text()
    assert not [word for word in ("Traceback", "CRITICAL", "ERROR", "WARNING") if word in log], log
    await client.close()


async def test_first_negotiations_at_once_on_a_fresh_node(own_node, tmp_path):
    """Each found the types of GStreamer unmade, once, and the receiving thread not started."""
    await asyncio.to_thread(clips)
    client = await running(own_node)
    await asyncio.gather(*(cycle(client, tmp_path, number) for number in range(6)))
    assert "Traceback" not in own_node.log.read_text()
    await client.close()
