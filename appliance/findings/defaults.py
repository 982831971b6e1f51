"""The detectors' default rules, written down from the detectors: only workers load those themselves."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def default_rules() -> dict[str, dict[str, Any]]:
    """Return detector's name or doubt -> {threshold, min_duration_ms, on}."""
    text = resources.files(__package__).joinpath("defaults.json").read_text(encoding="utf-8")
    rules: dict[str, dict[str, Any]] = json.loads(text)
    return rules
