"""Small pictures of the wall: from camera and screen over node, tap and database to a proctor's socket."""

import cv2
import numpy as np
import pytest
from sqlalchemy import text

from appliance.db import to_ms, utcnow
from appliance.vocabulary import Role, SittingState
from tests.live import until
from tests.media.record import publish_both

pytestmark = pytest.mark.timeout(120)


async def test_a_wall_gets_a_picture_a_second_of_camera_and_screen(
    browser, sitting, clip, record, start, worker, proctor, session_factory
):
    worker()
    page, wall = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await wall.open()
    await wall.say(type="tiles", sitting_ids=[sitting.id])
    for track in (0, 1):
        await until(lambda track=track: len(wall.pictures.get((sitting.id, track), [])) >= 4, 30, "four pictures")
        pictures = wall.pictures[sitting.id, track]
        at = [at_ms for at_ms, _ in pictures]
        assert at == sorted(set(at))
        assert 700 < np.median(np.diff(at)) < 1600
        assert to_ms(utcnow()) - at[-1] < 5000
        image = cv2.imdecode(np.frombuffer(pictures[-1][1], np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (240, 320, 3)
        assert image.std() > 10
    with session_factory() as session:
        told = session.execute(text("SELECT details FROM audit_entry WHERE action = 'media.watch'")).scalars().all()
    assert [row["track"] for row in told] == ["tiles"]
    # nobody looks: no picture of a face stays behind
    await wall.say(type="tiles", sitting_ids=[])

    def kept():
        with session_factory() as session:
            return session.execute(text("SELECT count(*) FROM tile")).scalar_one()

    assert kept() > 0
    await until(lambda: kept() == 0, 20, "the pictures' end")


async def test_only_those_of_ones_own_sittings(browser, make, session, proctor, worker, sitting, clip, start):
    worker()
    colleague = make.user(Role.PROCTOR)
    session.flush()
    taken = make.sitting(SittingState.RUNNING, proctor_id=colleague.id)
    session.commit()
    page, wall = browser().candidate_of(sitting), browser().staff(proctor)
    await page.open()
    await publish_both(page, clip)
    start(sitting)
    await wall.open()
    await wall.say(type="tiles", sitting_ids=[taken.id, sitting.id, 10**9])
    await until(lambda: (sitting.id, 0) in wall.pictures, 30, "a picture of the own sitting")
    assert {number for number, _ in wall.pictures} == {sitting.id}


async def test_a_candidate_gets_no_pictures(browser, sitting):
    page = browser().candidate_of(sitting)
    await page.open()
    await page.say(type="tiles", sitting_ids=[sitting.id])
    assert (await page.hears("error"))["code"] == "not_allowed"
    await page.say(type="tiles", sitting_ids=list(range(61)))
    assert "sitting_ids" in (await page.hears("error", code="bad_input"))["message"]
