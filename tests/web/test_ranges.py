import pytest

from web.ranges import Span, Unsatisfiable, asked_span

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-999", Span(0, 1000)),
        ("bytes=0-5000", Span(0, 1000)),
        ("bytes=999-", Span(999, 1000)),
        ("bytes=-1", Span(999, 1000)),
        ("bytes=-5000", Span(0, 1000)),
        ("BYTES= 1-2 ", Span(1, 3)),
        # not valid or not served: the whole
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=2-1", None),
        ("bytes=a-b", None),
        ("bytes=1-2,4-5", None),
        ("bytes=١-٢", None),
        ("lines=1-2", None),
        ("bytes=" + "9" * 400 + "-", None),
    ],
)
def test_what_is_asked_for(header, span):
    assert asked_span(header, SIZE) == span


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-1001", "bytes=-0"])
def test_what_lies_behind_the_end(header):
    with pytest.raises(Unsatisfiable):
        asked_span(header, SIZE)


def test_a_file_without_bytes():
    with pytest.raises(Unsatisfiable):
        asked_span("bytes=0-", 0)
