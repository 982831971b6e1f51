"""What a socket showed, from when to when: told once, also when somebody else ended it."""

from web.realtime.watching import Views, Watched, Watching


def test_a_view_is_told_from_its_first_picture_to_its_end():
    now = iter([1000, 5000])
    watching = Watching(lambda: next(now))
    views = Views(watching)
    views["a"] = 7
    views.shown("a", "camera")
    views.shown("unknown", "camera")
    assert watching.take() == []
    assert views.pop("a", None) == 7
    assert views.pop("a", None) is None
    assert watching.take() == [Watched(7, "camera", 1000, 5000)]
    assert watching.take() == []


def test_one_that_never_showed_anything_is_not_told():
    watching = Watching(lambda: 1)
    views = Views(watching)
    views["a"] = 7
    del views["a"]
    watching.end_all()
    assert watching.take() == []


def test_the_wall_tells_each_sitting_that_leaves_it():
    times = iter(range(0, 1000, 10))
    watching = Watching(lambda: next(times))
    watching.show_tiles(frozenset({1, 2}))
    watching.show_tiles(frozenset({2, 3}))
    ended = watching.take()
    assert [(one.sitting_id, one.track) for one in ended] == [(1, "tiles")]
    watching.end_all()
    told = watching.take()
    assert sorted(one.sitting_id for one in told) == [2, 3]
    watching.give_back(told)
    assert watching.take() == told
