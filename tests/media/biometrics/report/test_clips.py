"""Findings held against labels."""

from media.biometrics.report.clips import Finding, judge


def event(type_, start, end, **more):
    return {"type": type_, "start": start, "end": end, **more}


def test_a_label_is_found_once_and_what_belongs_to_none_is_false():
    tallies = {}
    events = [
        event("no_user_in_frame", 10, 14),
        event("no_user_in_frame", 20, 21.5),  # too short to be asked for
        event("avert_eyes", 30, 36),
        event("none", 40, 45),
    ]
    findings = [
        Finding("no_user_in_frame", "", 10.6, 14.2),
        Finding("avert_eyes", "", 41.0, 44.0),
        Finding("undetermined", "too_dark", 50.0, 52.0),
    ]
    false = judge(events, findings, tallies)
    assert [finding.start for finding in false] == [41.0]  # a doubt is never false
    absent = tallies["no_user_in_frame"].figures()
    assert (absent["recall"]["hits"], absent["recall"]["n"], absent["shorter_than_2_s"]) == (1, 1, 1)
    assert absent["onset_error"]["value"] == 0.6
    gaze = tallies["avert_eyes"].figures()
    assert gaze["recall"]["value"] == 0
    assert gaze["precision"]["value"] == 0


def test_names_of_truth_files_and_what_is_also_accepted():
    tallies = {}
    events = [
        event("too_dark", 0, 4),
        event("frozen_picture", 10, 14),
        event("camera_no_picture", 20, 24, also_accepted=["no_user_in_frame"]),
        event("voice_detected", 30, 34),
    ]
    findings = [
        Finding("undetermined", "too_dark", 0.2, 4),
        Finding("camera_no_picture", "frozen", 10.3, 14),
        Finding("no_user_in_frame", "", 20.2, 24),
        Finding("talk", "", 30.5, 33),
    ]
    assert judge(events, findings, tallies) == []
    assert all(tally.found == 1 for tally in tallies.values())


def test_a_finding_of_another_type_or_place_is_false():
    tallies = {}
    events = [event("no_user_in_frame", 10, 14)]
    findings = [Finding("extra_user_in_frame", "", 10, 14), Finding("no_user_in_frame", "", 16, 20)]
    assert judge(events, findings, tallies) == findings
    assert tallies["no_user_in_frame"].figures()["recall"]["value"] == 0
