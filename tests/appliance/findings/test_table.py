"""The table of findings is whole, in step with the detectors, and translated."""

from appliance.findings.table import FINDINGS, GROUPS, REASONS
from appliance.vocabulary import BROWSER_TYPES, ObservationType
from media.detectors import document
from media.detectors.phone import BOOKS, PHONE
from media.detectors.scene import Doubt
from media.detectors.settings import DEFAULT_RULES, OF_PICTURES
from media.detectors.sounds import sound_detectors
from web.i18n import translations

BY_DETECTORS = {detector.type for detector in (*OF_PICTURES, *sound_detectors())}


def test_every_type_that_a_detector_or_browser_gives_is_explained():
    assert (BY_DETECTORS | BROWSER_TYPES | {ObservationType.UNDETERMINED}) - FINDINGS.keys() == set()
    assert set(Doubt) - REASONS.keys() == set()


def test_every_detector_stands_with_its_finding():
    named = {name for finding in FINDINGS.values() for name in finding.detectors}
    assert named == {str(name) for name in DEFAULT_RULES}
    for detector in (*OF_PICTURES, *sound_detectors()):
        assert detector.name in FINDINGS[detector.type].detectors
    assert (FINDINGS[ObservationType.PHONE].detectors, FINDINGS[ObservationType.BOOKS].detectors) == (
        (PHONE,),
        (BOOKS,),
    )


def test_the_written_defaults_and_the_manual_are_in_step():
    hint = "run python -m media.detectors.document"
    assert document.RULES.read_text(encoding="utf-8") == document.rules_text(), hint
    assert document.MANUAL.read_text(encoding="utf-8") == document.manual_text(), hint


def test_all_of_it_is_translated():
    say = translations("ru").gettext
    words = [*GROUPS, *(text for row in REASONS.values() for text in row)]
    for finding in FINDINGS.values():
        words += [finding.title, finding.meaning, finding.how, finding.check, *finding.mistakes]
    assert [text for text in words if say(text) == text] == []
