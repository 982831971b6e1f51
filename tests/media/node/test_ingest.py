"""One thread receives for all: nobody may hold it up."""

import asyncio
import contextlib
import threading
import time

import pytest

from media.node.ingest import Waiting
from tests.bench.media.crowd import Crowd, Node, clips
from tests.bench.media.stream import Publisher
from tests.media.node.playing import running


class Uninvited(Publisher):
    """Sends what was not agreed on."""

    def __init__(self, *arguments, direction):
        super().__init__(*arguments)
        self._direction = direction

    def offer(self) -> str:
        return super().offer().replace("a=sendonly", f"a={self._direction}")


@pytest.mark.parametrize("direction", ["inactive", "recvonly"])
async def test_media_that_was_not_agreed_on_holds_nobody_up(own_node, tmp_path, direction):
    await asyncio.to_thread(clips)
    client = await running(own_node)
    server = Node(client)
    crowd = Crowd(server, tmp_path)
    await crowd.sit(0)
    opened = asyncio.Event()
    hostile = Uninvited(crowd.clips["camera"], ("audio", "video"), opened.set, direction=direction)
    handle = await server.publish(hostile, 1, "camera", tmp_path / "none.webm")
    crowd.published[1, "camera"] = (hostile, handle, tmp_path / "0-camera.webm")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(opened.wait(), 5)
    await asyncio.sleep(3)
    del crowd.published[1, "camera"]
    hostile.wire.close()
    await crowd.publish(2, "screen")
    outcome = await crowd.stop()
    assert opened.is_set()
    assert outcome["pictures_recorded"] == outcome["pictures_sent"] > 20
    await server.pipelines[1].release()
    await crowd.close()
    assert "Traceback" not in own_node.log.read_text()
    await client.close()


@pytest.mark.parametrize(("held", "does"), [(True, "wait"), (False, "nap"), (False, "compute")])
def test_only_a_thread_that_waits_for_one_thing_is_held(held, does):
    """A node that the machine does not let run, or that was stopped for a while, must cut nobody off."""
    begun, over, numbers = threading.Event(), threading.Event(), []

    def work():
        numbers.append(threading.get_native_id())
        begun.set()
        if does == "wait":
            over.wait()
        while not over.is_set():
            if does == "nap":
                time.sleep(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    time.sleep(0.1)
    waiting = Waiting(numbers[0])
    waiting.still()
    time.sleep(0.3)
    assert waiting.still() is held
    over.set()
    thread.join()
