"""Small pictures: wanted, put, seen once, gone."""

from datetime import timedelta

from appliance.db import utcnow
from appliance.models import Tile
from appliance.services import tiles
from appliance.services.tiles import TilePicture
from appliance.vocabulary import Track

CAMERA = (7, Track.CAMERA)


def picture(taken_at, jpeg=b"one", sitting_id=7):
    return TilePicture(sitting_id, Track.CAMERA, taken_at, jpeg)


def test_a_picture_nobody_wants_is_not_kept(session):
    assert not tiles.put(session, picture(utcnow()))
    assert session.query(Tile).count() == 0


def test_a_wish_holds_for_a_while_and_is_renewed(session):
    now = utcnow()
    tiles.want(session, [CAMERA, (8, Track.SCREEN)], now)
    assert tiles.wanted(session, 7, now) == {Track.CAMERA}
    assert tiles.wanted(session, 7, now + tiles.WANTED_FOR) == frozenset()
    tiles.want(session, [CAMERA], now + tiles.WANTED_FOR)
    assert tiles.wanted(session, 7, now + tiles.WANTED_FOR) == {Track.CAMERA}


def test_each_picture_is_told_once_and_the_newest_only(session):
    now = utcnow()
    tiles.want(session, [CAMERA], now)
    assert tiles.newer(session, {CAMERA: None}) == []
    assert tiles.put(session, picture(now, b"one"))
    later = now + timedelta(seconds=1)
    assert tiles.put(session, picture(later, b"two"))
    assert tiles.newer(session, {CAMERA: None}) == [picture(later, b"two")]
    assert tiles.newer(session, {CAMERA: now}) == [picture(later, b"two")]
    assert tiles.newer(session, {CAMERA: later}) == []
    assert tiles.newer(session, {(9, Track.CAMERA): None}) == []


def test_no_face_stays_when_nobody_looks(session):
    now = utcnow()
    tiles.want(session, [CAMERA], now)
    tiles.put(session, picture(now))
    assert tiles.sweep(session, now) == 0
    assert tiles.sweep(session, now + tiles.WANTED_FOR + timedelta(seconds=1)) == 1
    assert session.query(Tile).count() == 0
