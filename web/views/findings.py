"""What each finding means, and when to doubt it."""

from typing import Any

from appliance.findings.defaults import default_rules
from appliance.findings.table import GROUPS, REASONS, Finding, is_scored
from appliance.vocabulary import ObservationType
from web.contexts import Nothing
from web.services import Request


def page(context: Nothing, request: Request) -> dict[str, Any]:
    """Show the page, in the reader's language."""
    say = request.translate
    return {
        "groups": [
            {"title": say(title), "findings": [_shown(request, type_, finding) for type_, finding in group.items()]}
            for title, group in GROUPS.items()
        ],
        "reasons": [{"title": say(title), "meaning": say(meaning)} for title, meaning in REASONS.values()],
    }


def _shown(request: Request, type_: ObservationType, finding: Finding) -> dict[str, Any]:
    say = request.translate
    return {
        "type": type_.value,
        "title": say(finding.title),
        "meaning": say(finding.meaning),
        "how": say(finding.how),
        "mistakes": [say(mistake) for mistake in finding.mistakes],
        "check": say(finding.check),
        "scored": is_scored(type_),
        "rules": [{"name": name, **default_rules()[name]} for name in finding.detectors],
    }
