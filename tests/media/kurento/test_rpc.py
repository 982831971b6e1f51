"""JSON-RPC with plain values."""

import json

import pytest

from media.kurento.errors import (
    InvalidSession,
    KurentoError,
    ObjectNotFound,
    ProtocolViolation,
    ServerError,
    from_payload,
)
from media.kurento.events import Error, IceCandidateFound, MediaFlowOutStateChanged, Unknown, from_notification
from media.kurento.rpc import Failure, Notification, Result, Session


def test_requests_are_numbered_and_carry_the_session_once_known():
    session = Session()
    first, text = session.request("ping", {"interval": 5})
    assert json.loads(text) == {"jsonrpc": "2.0", "id": first, "method": "ping", "params": {"interval": 5}}
    answer = {"id": first, "jsonrpc": "2.0", "result": {"sessionId": "s1", "value": "pong"}}
    assert session.receive(json.dumps(answer)) == Result(first, answer["result"])
    second, text = session.request("describe", {"object": "x"})
    assert second != first
    assert json.loads(text)["params"] == {"object": "x", "sessionId": "s1"}
    _, text = session.request("connect", with_session=False)
    assert "params" not in json.loads(text)


def test_errors_become_exceptions_by_their_code():
    answer = Session().receive(
        '{"error":{"code":40101,"data":{"type":"MEDIA_OBJECT_NOT_FOUND"},"message":"Object \'nope\' not found"},'
        '"id":341,"jsonrpc":"2.0"}'
    )
    assert isinstance(answer, Failure)
    assert answer.id == 341
    assert isinstance(answer.error, ObjectNotFound)
    assert str(answer.error) == "Object 'nope' not found"
    assert isinstance(from_payload({"code": 40007, "message": "Invalid session"}), InvalidSession)
    unknown = from_payload({"code": 49999, "message": "new"})
    assert type(unknown) is ServerError
    assert unknown.number_given == 49999
    assert isinstance(from_payload("rubbish"), KurentoError)


def test_an_error_written_and_read_is_the_same():
    error = ObjectNotFound("Object 'x' not found")
    assert error.payload() == {
        "code": 40101,
        "data": {"type": "MEDIA_OBJECT_NOT_FOUND"},
        "message": "Object 'x' not found",
    }
    assert type(from_payload(error.payload())) is ObjectNotFound


@pytest.mark.parametrize(
    "text",
    ["", "[]", "5", "{}", '{"method":"onEvent"}', '{"id":1}', b"\xff", '{"method":"onEvent","params":{"value":1}}'],
)
def test_what_is_no_protocol_is_refused(text):
    with pytest.raises(ProtocolViolation):
        Session().receive(text)


def event(kind, **data):
    value = {
        "data": {"source": "a/b", "tags": [], "timestampMillis": "1795319221110", "type": kind, **data},
        "object": "a/b",
        "type": kind,
    }
    message = Session().receive(json.dumps({"jsonrpc": "2.0", "method": "onEvent", "params": {"value": value}}))
    assert isinstance(message, Notification)
    return from_notification(message)


def test_events_are_typed():
    found = event(
        "IceCandidateFound",
        candidate={"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0, "__type__": "IceCandidate"},
    )
    assert isinstance(found, IceCandidateFound)
    assert (found.candidate.sdp_mid, found.candidate.sdp_mline_index) == ("0", 0)
    assert found.timestamp_millis == 1795319221110
    flow = event("MediaFlowOutStateChanged", mediaType="VIDEO", state="FLOWING", padName="default")
    assert isinstance(flow, MediaFlowOutStateChanged)
    assert (flow.media_type, flow.state) == ("VIDEO", "FLOWING")
    broken = event("Error", type="RESOURCE_ERROR_NO_SPACE_LEFT", description="full", errorCode=9)
    assert isinstance(broken, Error)
    assert broken.kind == "RESOURCE_ERROR_NO_SPACE_LEFT"


def test_an_unknown_or_odd_event_is_told_all_the_same():
    strange = event("Strange", value=1)
    assert isinstance(strange, Unknown)
    assert strange.kind == "Strange"
    odd = event("IceCandidateFound", candidate=5)
    assert isinstance(odd, Unknown)
