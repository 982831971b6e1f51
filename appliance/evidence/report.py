"""The outcome of a check in words, for somebody who has never seen the appliance."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from appliance.evidence.verify import Report

MAX_ROWS = 200
"""Of one kind; the manifest itself has them all."""


def as_json(report: Report) -> dict[str, Any]:
    """Return the outcome for programs."""
    return {
        "whole": report.is_whole,
        "fingerprint": report.fingerprint,
        "key_is_yours": report.key_is_yours,
        "files_whole": report.whole,
        "files_not_given": report.not_given,
        "findings": [
            {"problem": finding.problem.value, "file": finding.file, "words": finding.words}
            for finding in report.findings
        ],
        "manifest": report.manifest,
    }


def as_lines(report: Report) -> Iterator[str]:
    """Yield the outcome line by line; a malformed manifest is told as far as it can be read."""
    for line in _lines(report):
        yield _clean(line)


def _lines(report: Report) -> Iterator[str]:
    yield from _verdict(report)
    if report.manifest is None:
        return
    yield ""
    if not report.fingerprint:
        yield "What follows is what the manifest says; nobody vouches for it."
    for section in (_head, _parts, _gaps, _incidents):
        try:
            yield from section(report.manifest)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
            yield "  (this part of the manifest cannot be read)"


def _verdict(report: Report) -> Iterator[str]:
    yield "WHOLE: every file is as it was made." if report.is_whole else "NOT WHOLE:"
    for finding in report.findings:
        yield f"  {finding.file}: {finding.words}"
    for name in report.whole:
        yield f"  {name}: whole"
    for name in report.not_given:
        yield f"  {name}: not given, not checked"
    if report.fingerprint and report.key_is_yours:
        yield "The signature fits the public key that you gave:"
        yield f"  {report.fingerprint}"
    elif report.fingerprint:
        yield "The signature fits the key in the export. Compare its fingerprint with the one that the appliance's"
        yield "security officer tells you (`kustos evidence key`), or give that key with --public-key:"
        yield f"  {report.fingerprint}"


def _head(manifest: dict[str, Any]) -> Iterator[str]:
    sitting, export, appliance = manifest["sitting"], manifest["export"], manifest["appliance"]
    candidate = sitting["candidate"]
    yield f"Sitting {sitting['id']} ({sitting['external_id']}): {sitting['exam']['name']}"
    yield f"  candidate   {candidate['name']} ({candidate['external_id']})"
    yield f"  from        {_time(sitting['started_ms'])}"
    yield f"  to          {_time(sitting['finished_ms'])}"
    conclusion = sitting["conclusion"]
    if conclusion:
        yield f"  conclusion  {conclusion['conclusion']} by {conclusion['by']}, {_time(conclusion['at_ms'])}"
    who = export["requested_by"]
    role = f" ({who['role']})" if who["role"] else ""
    yield f"Exported by {who['name']}{role}, {_time(export['made_ms'])}, from {appliance['url']}"
    yield f"  Kustos {appliance['version']}, export {export['id']}"
    yield f"  audit log then: {manifest['audit']['entries']} entries, head {manifest['audit']['head_hash']}"


def _parts(manifest: dict[str, Any]) -> Iterator[str]:
    zero, parts = manifest["zero_ms"], manifest["parts"]
    yield f"Parts: {len(parts)} (times from the start of the exported films, {_time(zero)})"
    for part in parts[:MAX_ROWS]:
        start = part["start_ms"] - zero
        end = start + (part["duration_ms"] or 0)
        where = f"in {part['file']}" if part["file"] else "in no film"
        yield f"  {part['track']} {part['sequence']}: {_offset(start)} to {_offset(end)}, {part['state']}, {where}"
        if part["source"] == "candidate":
            yield "    SUPPLIED BY THE CANDIDATE: recorded by their own browser while the connection was lost"


def _gaps(manifest: dict[str, Any]) -> Iterator[str]:
    zero, gaps = manifest["zero_ms"], manifest["gaps"]
    yield f"Gaps: {len(gaps)}" if gaps else "Gaps: none"
    for gap in gaps[:MAX_ROWS]:
        detail = f" ({gap['detail']})" if gap["detail"] else ""
        covered = ", covered by what the candidate supplied" if gap["covered_by"] else ""
        start, end = _offset(gap["start_ms"] - zero), _offset(gap["end_ms"] - zero)
        yield f"  {gap['track']}: {start} to {end}, {gap['cause'].replace('_', ' ')}{detail}{covered}"


def _incidents(manifest: dict[str, Any]) -> Iterator[str]:
    incidents = manifest.get("incidents")
    if incidents is None:
        return
    yield f"Incidents: {len(incidents)}" if incidents else "Incidents: none"
    for incident in incidents[:MAX_ROWS]:
        comment = f": {incident['comment']}" if incident["comment"] else ""
        when = _offset(incident["start_ms"] - manifest["zero_ms"])
        yield f"  {when} {incident['type'].replace('_', ' ')}{comment}"


def _time(ms: int | None) -> str:
    if ms is None:
        return "-"
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _offset(ms: int) -> str:
    sign, ms = ("-", -ms) if ms < 0 else ("", ms)
    return f"{sign}{ms // 3_600_000}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _clean(text: str) -> str:
    """Take from a text what could command a terminal: the manifest may be anybody's."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
