"""A report in somebody's language: with words for the page, as plain text for a ticket."""

from collections.abc import Callable
from typing import Any

from appliance.db import from_ms
from appliance.diagnostics.causes import CAUSES
from appliance.diagnostics.figures import FIGURES, shown
from appliance.diagnostics.path import PATH
from appliance.diagnostics.report import Figure, Report, Step, StepState

Translate = Callable[[str], str]

MARKS = {StepState.PASSED: "ok  ", StepState.WARNING: "WARN", StepState.FAILED: "FAIL", StepState.SKIPPED: "--  "}
WIDTH = 110


def plain(text: str) -> str:
    """Return the text as it is: English."""
    return text


def worded(step: Step, translate: Translate = plain) -> dict[str, Any]:
    """Return the step as JSON with its words: title, meaning, cause, remedy and named figures."""
    title, meaning = PATH[step.key]
    cause = CAUSES.get(step.cause)
    return {
        **step.to_json(),
        "title": translate(title),
        "meaning": translate(meaning),
        "cause_text": translate(cause.text) if cause else "",
        "remedy": translate(cause.remedy) if cause and cause.remedy else "",
        "shown": [[translate(FIGURES[name]), shown(name, value)] for name, value in _in_order(step)],
    }


def _in_order(step: Step) -> list[tuple[str, Figure]]:
    """Return the figures in the order of the table: the database's JSON has an order of its own."""
    return [(name, step.figures[name]) for name in FIGURES if name in step.figures]


def line(step: Step, translate: Translate = plain) -> str:
    """Return the step in one line."""
    figures = ", ".join(f"{translate(FIGURES[name])} {shown(name, value)}" for name, value in _in_order(step))
    scope = f" [{step.scope}]" if step.scope else ""
    took = f"{step.took_ms:>6} ms"
    return f"{MARKS[step.state]} {took}  {translate(PATH[step.key].title)}{scope}{': ' if figures else ''}{figures}"


def explanation(step: Step, translate: Translate = plain) -> list[str]:
    """Return what to say below the step's line; nothing below one that passed."""
    cause = CAUSES.get(step.cause)
    if cause is None or step.state is StepState.PASSED:
        return []
    lines = [translate(cause.text)]
    if step.state is not StepState.SKIPPED and cause.remedy:
        lines.append("-> " + translate(cause.remedy))
    if step.detail:
        lines.append(f"({step.detail})")
    return lines


def as_text(report: Report, translate: Translate = plain) -> str:
    """Return the whole report for a ticket."""
    what = translate("The appliance") if report.sitting_id is None else f"{translate('Sitting')} {report.sitting_id}"
    lines = [f"Kustos {report.version} · {what} · {from_ms(report.at_ms):%Y-%m-%d %H:%M:%S} UTC", ""]
    for step in report.steps:
        lines.append(line(step, translate))
        lines += [f"                {text}" for text in explanation(step, translate)]
    lines += ["", *conclusion(report, translate)]
    return "\n".join(lines) + "\n"


def conclusion(report: Report, translate: Translate = plain) -> list[str]:
    """Return the verdict in words."""
    found = report.verdict
    if found is None:
        return [translate("All is well.")]
    heading = translate("Failed") if found.state is StepState.FAILED else translate("Warning")
    scope = f" [{found.scope}]" if found.scope else ""
    return [f"{heading}: {translate(PATH[found.key].title)}{scope}", *explanation(found, translate)]
