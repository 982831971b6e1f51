"""What a process writes when something breaks."""

import subprocess
import sys

from appliance import logs

BREAK = """
import structlog
from appliance import logs
logs.configure()
def work(password):
    raise ValueError("broken")
try:
    work("correct horse")
except ValueError:
    structlog.get_logger().exception("not done", sitting=7)
"""


def test_a_traceback_shows_no_values_of_variables():
    done = subprocess.run([sys.executable, "-c", BREAK], capture_output=True, text=True, check=True)
    assert "not done" in done.stdout
    assert "in work" in done.stdout
    assert "ValueError: broken" in done.stdout
    values = [line for line in done.stdout.splitlines() if "correct horse" in line]
    assert values in (['    work("correct horse")'], []), "the source line only, never a variable"


def test_words_of_an_error_are_its_first_line():
    assert logs.words(ValueError("one\ntwo")) == "ValueError: one"
    assert logs.words(KeyError()) == "KeyError"


def test_what_has_the_name_of_a_secret_is_blacked_out():
    said = {
        "event": "asked",
        "password": "p",
        "turn_secret": "s",
        "body": {"Authorization": "Bearer x", "list": [{"csrf_token": "c"}], "name": "Ada"},
        "has_secret": True,
        "token": "",
        "key": b"k",
    }
    shown = logs.redact(None, "info", said)
    assert shown["password"] == shown["turn_secret"] == shown["key"] == "[redacted]"
    assert shown["body"] == {"Authorization": "[redacted]", "list": [{"csrf_token": "[redacted]"}], "name": "Ada"}
    assert (shown["event"], shown["has_secret"], shown["token"]) == ("asked", True, "")
