"""Writes the support engineers' page of the manual out of the same tables as the page of a check."""

from pathlib import Path
from typing import Final

from appliance.diagnostics.cause import Cause
from appliance.diagnostics.causes import CAUSES, OF_A_SITTING, OF_A_TRIAL, OF_THE_BOX
from appliance.diagnostics.path import PATH, SITTING_STEPS, TRIAL_STEPS

FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "support" / "check-pipeline.md"

INTRODUCTION: Final = """\
# Check Pipeline: why is there no picture?

<!-- Written by `python -m appliance.diagnostics.document` from tables; do not edit by hand. -->

For support engineers. On the page **Support** each present sitting has the button **Check pipeline**; **Check the
appliance** sends a synthetic candidate through every media node. On the server the same is done by

```
kustos check [--sitting N] [--json] [--bundle FILE] [--data FOLDER]
```

which also works when the gateway, a worker, a node or the database is dead. Its exit status is 0 when nothing failed.

- A step is **passed**, **warning** (may become a fault), **failed**, or **skipped** (could not be looked at, or need
  not).
- The steps stand in the order of the path. **Begin with the first that failed**: what lies behind it usually follows
  from it. Where nothing failed, the verdict is the first warning.
- The **bundle** for the ticket is a ZIP: the report, session descriptions, statistics, the browser's own report, a
  picture of the pipeline (`graph.svg`, and `pipeline.dot` with every GStreamer element), the ends of the logs,
  versions. Passwords, tokens and keys are taken out, there are no faces in it. It is sealed with the sitting, and
  whoever takes it away is in the audit log.
- The candidate's browser reports of itself every 11 s, also when no media connection comes about; a check reads the
  last report.

## What stands for which fault

| what is broken | step | named as |
| --- | --- | --- |
"""
PLANTED: Final = (
    ("UDP is blocked", "ice", "udp_blocked"),
    ("the TURN password is wrong", "turn", "turn_password"),
    ("the recordings folder is read-only", "recordings_folder", "recordings_readonly"),
    ("the disk is full", "recordings_folder", "disk_full"),
    ("a worker is stopped", "workers", "worker_stopped"),
    ("the camera is muted", "devices", "camera_muted"),
    ("a clock is off", "clock", "clock_off"),
    ("a node is overloaded", "node", "node_overloaded"),
    ("a viewer's browser lacks the codec", "viewers", "viewer_codec_missing"),
    ("the certificate has expired", "certificate", "certificate_expired"),
)
"""Ten faults that tests plant for real."""


def text() -> str:
    """Return the page."""
    rows = [f"| {fault} | {PATH[step].title} | {CAUSES[cause].text} |" for fault, step, cause in PLANTED]
    box = [key for key in PATH if key not in {*SITTING_STEPS, *TRIAL_STEPS}]
    parts = [
        INTRODUCTION + "\n".join(rows) + "\n",
        "## The steps\n",
        _steps("The appliance", box),
        _steps("The path of a sitting", SITTING_STEPS),
        _steps("The trial with a synthetic candidate, for each node", TRIAL_STEPS),
        "## What was found, and what to do\n",
        _causes("The appliance", OF_THE_BOX),
        _causes("A sitting", OF_A_SITTING),
        _causes("The trial", OF_A_TRIAL),
    ]
    return "\n".join(parts)


def _steps(title: str, keys: list[str] | tuple[str, ...]) -> str:
    rows = [f"| {number} | **{PATH[key].title}** | {PATH[key].meaning} |" for number, key in enumerate(keys, 1)]
    return "\n".join([f"### {title}\n", "| | step | passes when |", "| --- | --- | --- |", *rows, ""])


def _causes(title: str, causes: dict[str, Cause]) -> str:
    rows = [f"| `{key}` | {cause.text} | {cause.remedy or '–'} |" for key, cause in causes.items()]
    return "\n".join([f"### {title}\n", "| key | found | what to do |", "| --- | --- | --- |", *rows, ""])


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
