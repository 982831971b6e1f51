"""Who is here."""

from web.realtime.rooms import Rooms


def test_the_newest_socket_of_a_candidate_has_the_seat():
    rooms = Rooms()
    assert rooms.take_seat(7, "old") is None
    assert rooms.take_seat(7, "new") == "old"
    assert not rooms.give_up_seat(7, "old")
    assert rooms.candidate(7) == "new"
    assert rooms.give_up_seat(7, "new")
    assert rooms.candidate(7) is None


def test_hearers_come_and_go():
    rooms = Rooms()
    rooms.enter("company:1", "a")
    rooms.enter("company:1", "b")
    rooms.enter("sitting:1", "a")
    assert set(rooms.hearers("company:1")) == {"a", "b"}
    assert len(rooms) == 2
    rooms.leave("company:1", "a")
    rooms.leave("company:1", "a")
    assert rooms.hearers("company:1") == ("b",)
    assert rooms.hearers("company:2") == ()
