"""A real media node and a real gateway as processes, and a sitting whose candidate publishes over real WebRTC."""

from itertools import islice

import pytest
import pytest_asyncio

from appliance.db import unit_of_work
from appliance.models import Sitting
from appliance.security.identity import of_user
from appliance.services import sittings
from appliance.vocabulary import ExamMode, FinishedBy, Role, SittingState
from media.clips import drawn
from media.clips.files import write_webm
from media.node.synthetic import Clip
from tests.live import Browser, GatewayProcess, NodeProcess, WorkerProcess
from tests.media.record import Record


@pytest.fixture(scope="session")
def clip():
    return Clip.made(seconds=4.0, width=320, height=240, fps=15)


@pytest_asyncio.fixture
async def node(tmp_path):
    process = NodeProcess(tmp_path)
    await process.start()
    yield process
    process.ends()


@pytest_asyncio.fixture
async def gateway(tmp_path, settings, node):
    process = GatewayProcess(tmp_path, settings, [node.url])
    await process.start()
    yield process
    process.ends()
    print((tmp_path / "gateway.log").read_text()[-6000:])  # noqa: T201 - shown of a failed test only


@pytest.fixture
def worker(tmp_path, settings):
    """``worker("name")`` starts one; all are ended."""
    made = []

    def make_worker(name="worker"):
        made.append(WorkerProcess(tmp_path, settings, name))
        made[-1].spawn()
        return made[-1]

    yield make_worker
    for process in made:
        process.ends()
        print(process.log.read_text()[-4000:])  # noqa: T201


@pytest_asyncio.fixture
async def browser(gateway, settings):
    made = []

    def make_browser():
        made.append(Browser(gateway.url, settings))
        return made[-1]

    yield make_browser
    for one in made:
        await one.end()


@pytest.fixture
def proctor(make, session):
    row = make.user(Role.PROCTOR)
    session.commit()
    return row


@pytest.fixture
def sitting(make, session):
    row = make.sitting(SittingState.WAITING)
    session.commit()
    return row


@pytest.fixture
def auto_sitting(make, session):
    row = make.sitting(SittingState.WAITING, mode=ExamMode.AUTO)
    session.commit()
    return row


@pytest.fixture
def record(session_factory):
    return lambda sitting: Record(session_factory, sitting.id)


@pytest.fixture
def start(session_factory, proctor):
    def press(sitting):
        with unit_of_work(session_factory) as session:
            sittings.start(session, of_user(proctor).actor, session.get_one(Sitting, sitting.id))

    return press


@pytest.fixture
def finish(session_factory, proctor):
    def press(sitting):
        with unit_of_work(session_factory) as session:
            row = session.get_one(Sitting, sitting.id)
            sittings.finish(session, of_user(proctor).actor, row, FinishedBy.PROCTOR)

    return press


@pytest.fixture(scope="session")
def drawn_recording(tmp_path_factory):
    """The drawn webcam's first 13 s with a quiet room's sound: somebody sits there, is away from 5.0 to 11.0 s."""
    path = tmp_path_factory.mktemp("drawn") / "camera-1.webm"
    write_webm(path, islice(drawn.webcam(), 13 * drawn.FPS))
    return path
