"""Every step, cause and figure that code names has words, a remedy, a page in the manual, and a translation."""

import re
from pathlib import Path

import pytest

from appliance.diagnostics import document
from appliance.diagnostics.causes import CAUSES
from appliance.diagnostics.figures import FIGURES, shown
from appliance.diagnostics.path import PATH
from appliance.diagnostics.report import Report, Step, failed, passed, skipped, verdict, warning
from appliance.diagnostics.wording import as_text, worded
from web.i18n import translations

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    *(ROOT / "appliance" / "diagnostics").glob("*.py"),
    *(ROOT / "media" / "checks").glob("*.py"),
    ROOT / "web" / "presenters" / "checks.py",
]
SAID = re.compile(r'(?:failed|warning|skipped)\(\s*(?:"(\w+)"|key), "(\w+)"')


def test_every_step_and_cause_in_the_code_is_in_the_tables():
    code = "\n".join(path.read_text() for path in SOURCES)
    found = SAID.findall(code)
    assert len(found) > 60
    assert {step for step, _ in found if step} <= set(PATH)
    assert {cause for _, cause in found} <= set(CAUSES)


def test_every_cause_in_the_table_is_found_by_some_check():
    code = "\n".join(path.read_text() for path in SOURCES if path.name not in {"causes.py", "document.py"})
    assert [cause for cause in CAUSES if f'"{cause}"' not in code] == []


def test_a_fault_has_a_remedy():
    notes = {
        "no_certificate",
        "no_turn",
        "not_looked_at",
        "not_started",
        "browser_unknown",
        "nobody_watches",
        "no_forecast",
        "no_own_models",
    }
    assert {key for key, cause in CAUSES.items() if not cause.remedy} == notes


def test_the_manual_is_written_from_the_tables():
    assert document.FILE.read_text(encoding="utf-8") == document.text(), (
        "run python -m appliance.diagnostics.document"
    )


@pytest.mark.parametrize("language", ["ru"])
def test_all_words_are_translated(language):
    translate = translations(language).gettext
    words = [*FIGURES.values(), *(text for cause in CAUSES.values() for text in cause if text)]
    words += [text for step in PATH.values() for text in step]
    names = {"ICE", "DTLS"}
    assert [text for text in words if translate(text) == text and text not in names] == []


def test_the_first_failure_is_the_verdict_and_without_one_the_first_warning():
    steps = [
        passed("database"),
        warning("disk", "disk_low"),
        failed("workers", "worker_stopped"),
        failed("tap", "tap_missing"),
    ]
    assert verdict(steps) is steps[2]
    assert verdict(steps[:2]) is steps[1]
    assert verdict([steps[0], skipped("turn", "no_turn")]) is None


def test_a_step_survives_its_json_and_is_worded():
    step = failed("flow", "no_flow", "camera", "silence", video_kbps=0.0, frames_sent=None)
    assert Step.from_json(step.to_json()) == step
    said = worded(step)
    assert (said["title"], said["shown"]) == (
        "Pictures arrive",
        [["Pictures received", "0 kbit/s"], ["Frames sent", "–"]],
    )


def test_as_text():
    report = Report(
        7, 1_700_000_000_000, "1.0", [passed("database", version="17"), failed("flow", "no_flow", "camera")]
    )
    text = as_text(report)
    assert "Sitting 7 · 2023-11-14 22:13:20 UTC" in text
    assert "FAIL" in text and "Failed: Pictures arrive [camera]" in text
    assert as_text(Report(None, 0, "1.0", [passed("database")])).endswith("All is well.\n")


def test_figures_have_their_units():
    assert [
        shown("free_mb", 12),
        shown("lost_percent", 0.25),
        shown("pairs_tried", []),
        shown("synchronised", False),
    ] == ["12 MB", "0.2 %", "–", "✗"]
