"""Writes the detectors' default rules for the page on findings, and its manual."""

import json
from pathlib import Path
from typing import Any, Final

from appliance.findings.table import GROUPS, REASONS, Finding, is_scored
from appliance.vocabulary import ObservationType
from media.detectors.settings import DEFAULT_RULES, OFF_BY_DEFAULT

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "appliance" / "findings" / "defaults.json"
MANUAL: Final = ROOT / "docs" / "biometrics" / "findings.md"

INTRODUCTION: Final = """\
# What each finding means, and when to doubt it

<!-- Written by `python -m media.detectors.document` from tables; do not edit by hand. -->

For proctors and reviewers; the same stands on the page **Findings** of the appliance. A finding is what a detector
saw, never a verdict: a person confirms or dismisses it. Each finding of the camera or the microphone carries two
pictures, its score, its threshold and the hash of the model that said so. Thresholds and durations below are the
defaults; an exam may have its own, which stand in each finding.
"""


def rules() -> dict[str, dict[str, Any]]:
    """The defaults as the page shows them."""
    return {
        str(name): {
            "threshold": rule.threshold,
            "min_duration_ms": rule.min_duration_ms,
            "on": str(name) not in OFF_BY_DEFAULT,
        }
        for name, rule in DEFAULT_RULES.items()
    }


def rules_text() -> str:
    """The content of ``defaults.json``."""
    return json.dumps(rules(), indent=2, sort_keys=True) + "\n"


def manual_text() -> str:
    """The page of the manual."""
    parts = [INTRODUCTION]
    for group, findings in GROUPS.items():
        parts.append(f"## {group}\n")
        parts += [_section(type_, finding) for type_, finding in findings.items()]
    rows = [f"| {title} | {meaning} |" for title, meaning in REASONS.values()]
    parts.append("\n".join(["| reason | what it means |", "| --- | --- |", *rows, ""]))
    return "\n".join(parts)


def _section(type_: ObservationType, finding: Finding) -> str:
    scored = "" if is_scored(type_) else " **Never scored.**"
    lines = [
        f"### {finding.title} (`{type_.value}`)\n",
        f"{finding.meaning}{scored}\n",
        f"- *How it is found*: {finding.how}",
        *(f"- *Default*: {_rule(name)}" for name in finding.detectors),
        f"- *Typical false alarms*: {' '.join(finding.mistakes)}",
        f"- *What to check*: {finding.check}\n",
    ]
    return "\n".join(lines)


def _rule(name: str) -> str:
    rule = rules()[name]
    off = "" if rule["on"] else "; off unless the exam switches it on"
    return f"`{name}`: score {rule['threshold']:.2f} or more for {rule['min_duration_ms'] / 1000:g} s{off}"


def write() -> None:
    """Write both."""
    RULES.write_text(rules_text(), encoding="utf-8")
    MANUAL.parent.mkdir(parents=True, exist_ok=True)
    MANUAL.write_text(manual_text(), encoding="utf-8")


if __name__ == "__main__":
    write()
