"""Why there is no way through the network, out of what browsers and nodes say."""

from dataclasses import replace
from datetime import timedelta
from xml.dom.minidom import parseString

import pytest

from appliance.db import utcnow
from appliance.models import LiveMedia
from appliance.vocabulary import SittingState, Track
from media.checks import browser, drawing, network
from media.checks.bundle import cleaned
from media.checks.facts import BrowserSaid, SittingFacts, TrackFacts
from media.checks.probe import Sample, TrackProbe

LOCAL = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=candidate:1 1 UDP 2015363327 10.77.0.1 40332 typ host\r\n"
TURN = "turn:10.77.0.1:3478?transport=udp"


def pair(state, responses=0, local_type="host", requests=8):
    ends = {"local": "10.77.0.2:51000", "remote": "10.77.0.1:40332", "local_type": local_type, "remote_type": "host"}
    return {**ends, "protocol": "udp", "state": state, "requests": requests, "responses": responses}


def facts(said=None, age=20.0, **fields):
    live = LiveMedia(
        sitting_id=1, track=Track.CAMERA, node_url="ws://n", session_id="s", pipeline_id="p", endpoint_id="e"
    )
    live.created_at = utcnow() - timedelta(seconds=age)
    track = TrackFacts(Track.CAMERA, live)
    empty = {"id": 1, "started_at": None, "seen_s": 1.0, "clock_offset_ms": 0, "checked_in": {}, "job": None}
    values = {"state": SittingState.RUNNING, "browser": said, "tracks": {Track.CAMERA: track}, **empty, **fields}
    return SittingFacts(**values), track


def said(values=None, pairs=None, errors=(), failed=None):
    camera = {"iceState": "checking", "localTypes": "host", **(values or {})}
    every = {"camera": camera, "page": {"joined": True}}
    tried = {"camera": pairs or []}
    if failed is not None:
        every["camera_failed"], tried["camera_failed"] = camera, failed
    return BrowserSaid(2.0, every, tried, list(errors))


def connecting(state="CONNECTING"):
    return TrackProbe(exists=True, ice_state=state, local=LOCAL)


def ice(told, probe=None, age=20.0):
    known, track = facts(told, age)
    [step] = network.check_ice(known, track, probe or connecting())
    return step


ERROR = {"code": 401, "url": TURN, "text": "Unauthorized"}
SILENT = {"code": 701, "url": TURN, "text": "TURN allocate request timed out."}


@pytest.mark.parametrize(
    ("told", "probe", "age", "state", "cause"),
    [
        (said(pairs=[pair("in-progress")]), None, 20, "failed", "udp_blocked"),
        (said(pairs=[pair("failed")]), connecting("FAILED"), 3, "failed", "udp_blocked"),
        (said(pairs=[pair("waiting", requests=0)], failed=[pair("failed")]), None, 1, "failed", "udp_blocked"),
        (said(pairs=[pair("in-progress")], errors=[SILENT]), None, 20, "failed", "udp_blocked"),
        (said(pairs=[pair("in-progress")], errors=[ERROR]), None, 20, "failed", "turn_password"),
        (None, None, 20, "failed", "udp_blocked"),
        (None, None, 2, "warning", "just_begun"),
        (said(values={"localTypes": ""}), None, 20, "failed", "no_local_address"),
        (said(pairs=[pair("in-progress", responses=3)]), connecting("FAILED"), 20, "failed", "ice_failed"),
        (said(pairs=[pair("succeeded", responses=9)]), connecting("READY"), 20, "passed", ""),
        (
            said(pairs=[pair("succeeded", responses=9)], errors=[ERROR]),
            connecting("READY"),
            20,
            "warning",
            "turn_password",
        ),
    ],
)
def test_ice(told, probe, age, state, cause):
    step = ice(told, probe, age)
    assert (step.state.value, step.cause) == (state, cause)


def test_the_missing_rule_of_the_firewall_is_said():
    step = ice(said(pairs=[pair("failed")], errors=[SILENT]))
    assert step.figures["firewall_rule"] == [
        "UDP 10.77.0.2 ↔ 10.77.0.1 (port 40332 now, 1024-65535)",
        f"10.77.0.2 → {TURN}",
    ]
    assert step.figures["pairs_tried"] == ["udp host 10.77.0.2:51000 → host 10.77.0.1:40332: failed, 0 of 8 answered"]


def test_dtls_that_does_not_come_about():
    known, track = facts(said(values={"dtlsState": "connecting"}))
    [step] = network.check_dtls(known, track, connecting("READY"))
    assert (step.state.value, step.cause) == ("failed", "dtls_failed")


@pytest.mark.parametrize(
    ("lost", "jitter", "cause"),
    [(0, 0.01, ""), (20, 0.01, "loss_noticeable"), (80, 0.01, "loss_high"), (0, 0.2, "jitter_high")],
)
def test_loss_and_jitter(lost, jitter, cause):
    video = {"packetsReceived": 1000, "packetsLost": lost, "jitter": jitter, "bytesReceived": 1}
    probe = replace(connecting("READY"), after=Sample(1.0, video, {}, None))
    known, track = facts()
    [step] = network.check_loss(known, track, probe)
    assert step.cause == cause


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        ({"camera": "live", "screen": "live", "microphone": "live"}, ""),
        ({"camera": "muted", "screen": "live", "microphone": "live"}, "camera_muted"),
        ({"camera": "disabled", "screen": "live", "microphone": "live"}, "camera_muted"),
        ({"camera": "ended", "screen": "live", "microphone": "live"}, "camera_ended"),
        ({"camera": "live", "screen": "ended", "microphone": "live"}, "screen_ended"),
        ({"camera": "live", "screen": "live", "microphone": "muted"}, "microphone_muted"),
        ({"camera": "none", "joined": False}, "not_joined"),
    ],
)
def test_devices(page, cause):
    known, _ = facts(BrowserSaid(2.0, {"page": page}, {}, []))
    [step] = browser.check_devices(known)
    assert step.cause == cause


def test_a_slow_computer_and_a_report_that_is_old():
    values = {"page": {"camera": "live"}, "camera": {"video.qualityLimitationReason": "cpu"}}
    known, _ = facts(BrowserSaid(2.0, values, {}, []))
    assert browser.check_devices(known)[0].cause == "browser_overloaded"
    old, _ = facts(BrowserSaid(60.0, values, {}, []))
    assert browser.check_browser(old)[0].cause == "browser_silent"
    assert browser.check_devices(old)[0].cause == "browser_unknown"


def test_no_secret_stays_in_a_bundle():
    text = (
        "a=ice-pwd:abcdef\nAuthorization: Basic xyz\ntoken=eyJhbGciOi.eyJzdWIi.c2ln password: 'hunter2'\nour secret"
    )
    assert cleaned(text, ["our secret"]) == (
        "a=ice-pwd:[hidden]\nAuthorization: [hidden]\ntoken=[hidden] password: [hidden]\n[hidden]"
    )


def test_the_picture_shows_where_it_is_broken():
    known, track = facts(said(pairs=[pair("failed")]))
    screen = TrackFacts(Track.SCREEN, track.live)
    steps = network.check_ice(known, track, connecting())
    drawn = drawing.draw(known, [(track, connecting()), (screen, connecting())], steps)
    picture = parseString(drawn)  # noqa: S318 - our own
    titles = [text.firstChild.data for text in picture.getElementsByTagName("text") if text.firstChild]
    assert [titles.count(title) for title in ("WebRtcEndpoint", "RecorderEndpoint", "Worker (RtpEndpoint)")] == [
        2,
        2,
        1,
    ]
    broken = [path for path in picture.getElementsByTagName("path") if path.getAttribute("stroke") == "#b42318"]
    assert len(broken) == 1
    assert broken[0].getAttribute("stroke-dasharray")
