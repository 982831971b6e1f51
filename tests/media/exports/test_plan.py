"""Which part goes into which film, and from when to when."""

from appliance.vocabulary import Track
from media.exports.plan import Hole, films, holes, pieces


def part(number, start, duration, *, video="vp8", audio="opus", source="node", state="sealed", track="camera"):
    return {
        "id": number, "track": track, "sequence": number, "source": source, "state": state,
        "start_ms": 1000 + start, "duration_ms": duration,
        "video": {"codec": video} if video else None, "audio": {"codec": audio} if audio else None,
    }  # fmt: skip


def placed(*parts):
    manifest = {"zero_ms": 1000, "parts": list(parts)}
    return pieces(manifest, {one["id"]: 100 + one["id"] for one in parts}, Track.CAMERA)


def gap(start, end, cause, track="camera"):
    return {"track": track, "start_ms": 1000 + start, "end_ms": 1000 + end, "cause": cause}


def spans(found):
    return [(piece.part_id, piece.start_ms, piece.end_ms, piece.cut_ms) for piece in found]


def test_parts_stand_where_they_were_recorded():
    assert spans(placed(part(2, 5000, 1000), part(1, 0, 3000))) == [(1, 0, 3000, 0), (2, 5000, 6000, 0)]


def test_of_two_that_overlap_the_earlier_is_cut():
    assert spans(placed(part(1, 0, 3000), part(2, 2800, 1000))) == [(1, 0, 2800, 200), (2, 2800, 3800, 0)]


def test_what_lies_within_another_is_left_out():
    assert spans(placed(part(1, 0, 9000), part(2, 2000, 1000, source="candidate"))) == [(1, 0, 9000, 0)]


def test_lost_and_empty_parts_and_other_tracks_are_no_pieces():
    rest = [part(1, 0, 9, state="lost"), part(2, 0, None), part(3, 0, 9, video=""), part(4, 0, 9, track="screen")]
    assert placed(*rest) == []
    assert films(Track.CAMERA, []) == []


def test_the_same_codecs_are_one_film_with_or_without_sound():
    (film,) = films(Track.CAMERA, placed(part(1, 0, 10), part(2, 20, 10, audio="")))
    assert (film.name, len(film.pieces)) == ("camera.webm", 2)


def test_other_codecs_are_films_of_their_own():
    found = films(
        Track.CAMERA,
        placed(part(1, 0, 10), part(2, 20, 10), part(3, 40, 10, video="h264"), part(4, 60, 10, video="vp9")),
    )
    assert [(film.name, len(film.pieces)) for film in found] == [
        ("camera-1.webm", 2),
        ("camera-2.mp4", 1),
        ("camera-3.webm", 1),
    ]


def test_h264_is_never_joined_for_its_headers_may_differ():
    found = films(Track.CAMERA, placed(part(1, 0, 10, video="h264"), part(2, 20, 10, video="h264")))
    assert [film.name for film in found] == ["camera-1.mp4", "camera-2.mp4"]


def test_holes_have_the_cause_of_the_gap_that_fits_best():
    gaps = [gap(900, 1200, "node_lost"), gap(1200, 4000, "page_closed"), gap(0, 9000, "unknown", "screen")]
    found = holes(placed(part(1, 0, 1000), part(2, 4000, 1000)), gaps, Track.CAMERA, 8000, 1000, 1250)
    assert found == [Hole(1000, 4000, "page_closed"), Hole(5000, 8000, "")]


def test_a_short_hole_counts_only_when_a_gap_knows_of_it():
    two = placed(part(1, 0, 1000), part(2, 1800, 1000))
    assert holes(two, [], Track.CAMERA, 2800, 1000, 1250) == []
    known = [gap(1000, 1800, "node_lost")]
    assert holes(two, known, Track.CAMERA, 2800, 1000, 1250) == [Hole(1000, 1800, "node_lost")]


def test_without_any_part_the_whole_is_one_hole():
    assert holes([], [gap(0, 5000, "node_lost")], Track.CAMERA, 5000, 1000, 1250) == [Hole(0, 5000, "node_lost")]
