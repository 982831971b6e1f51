"""Headers, proxies and brakes: what holds for every request."""

import pytest

from web import memory
from web.headers import origin_of
from web.memory import RecentlySeen
from web.proxy import TrustedProxy


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/api/v1/nowhere", "/healthz", "/static/js/base/page.js"])
def test_every_answer_carries_the_headers(browser, path):
    headers = browser.get(path, expect_errors=True).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    assert headers["Cache-Control"] != ""


def test_pages_are_not_kept_and_static_files_are_asked_for_again(browser):
    assert browser.get("/login").headers["Cache-Control"] == "no-store"
    kept = browser.get("/static/js/base/page.js").headers
    assert "max-age=0" in kept["Cache-Control"]
    since = {"If-Modified-Since": kept["Last-Modified"]}
    assert browser.get("/static/js/base/page.js", headers=since).status_int == 304


def test_pages_have_nothing_inline(browser):
    page = browser.get("/login").html
    for script in page.find_all("script"):
        assert script.get("src") or script["type"] == "application/json"
    assert not page.find_all("style")
    for tag in page.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"])
def test_static_files_end_at_their_folder(browser, path):
    assert browser.get(path, expect_errors=True).status_int in {400, 404}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://lms.example/a?b", "https://lms.example"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_origin_of(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "<script>", "127.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.2", "203.0.113.9", "203.0.113.9"),
    ],
)
def test_only_our_own_proxy_says_who_the_client_is(peer, forwarded, seen):
    environ = {
        "REMOTE_ADDR": peer,
        "HTTP_X_FORWARDED_FOR": forwarded,
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.url_scheme": "http",
    }
    TrustedProxy(lambda environ, start_response: [], ["10.0.0.2"])(environ, lambda *args: None)
    assert environ["REMOTE_ADDR"] == seen
    assert environ["wsgi.url_scheme"] == ("http" if peer == "192.0.2.1" else "https")


def test_a_flood_does_not_fill_memory(monkeypatch):
    monkeypatch.setattr(memory, "MAX_KEYS", 100)
    seen = RecentlySeen(60)
    for number in range(1000):
        seen.is_new(number)
    assert len(seen._seen) == 100


def test_what_was_seen_is_new_again_later_or_when_forgotten():
    clock = Clock()
    seen = RecentlySeen(600, clock)
    assert [seen.is_new("a"), seen.is_new("a"), seen.is_new("b")] == [True, False, True]
    clock.now += 601
    assert seen.is_new("a")
    seen.forget("a")
    assert seen.is_new("a")
