"""The model files that the customer supplies: there, and of a layout that can be run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.diagnostics.host import Host
from appliance.diagnostics.report import Step, passed, skipped, warning
from appliance.errors import SettingInvalid
from media.biometrics.antispoof import AntiSpoof
from media.biometrics.objects import ObjectFinder


def check_supplied_models(host: Host) -> list[Step]:
    """Load each file that the settings name, as a worker does at its start."""
    settings = host.settings
    named: list[tuple[str, Callable[[Path], Any]]] = [
        (settings.phone_model, ObjectFinder),
        (settings.antispoof_model, AntiSpoof),
    ]
    steps = [_check(path, load) for path, load in named if path]
    return steps or [skipped("models", "no_own_models")]


def _check(path: str, load: Callable[[Path], Any]) -> Step:
    try:
        load(Path(path))
    except SettingInvalid as error:
        return warning("models", "model_unfit", detail=error.message, source=path)
    return passed("models", source=path)
